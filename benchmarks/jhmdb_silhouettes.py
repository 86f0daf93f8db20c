"""Turn packed JHMDB body masks into a prepared folder of silhouettes.

    python benchmarks/jhmdb_silhouettes.py PACKED_FILE OUT_FOLDER
    onebody data show RECIPE data.0.dataset.folder=OUT_FOLDER   (dataset kind: prepared)

The packed file (npz) holds masks of 160 x 120 pixels, one bit a pixel, clip after clip: ``bits``
``[frames, 2400]``, of each clip ``nf`` frames, ``action`` and ``name``, ``action_names``, ``hw``.
Each clip is cropped to the square around everything that the body covers in it, with a margin, so
that a small network sees the body and not the room.

A clip's name begins with the video that it was cut from. That video is the clip's group, whatever
the action: one film serves several. The official splits divide films between their parts (not the
clips of one film and action), so they cannot be run with these groups.

Source: Jhuang, Gall, Zuffi, Schmid, Black, "Towards Understanding Action Recognition", ICCV 2013.
The masks are drawn by annotators: figures on them compare with no figures on pictures.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from onebody.data import ClassColumn, SampleTable, make_table
from onebody.data.store import load_table, save_table
from onebody.datasets.hmdb_lists import source_video
from onebody.datasets.prepared import store_arrays
from onebody.labels import symmetric
from onebody.types import Bools, Frames

FPS = 30.0
SIZE = 112
MARGIN = 1.1
"""Side of the square as a multiple of the body's larger extent."""


def body_square(masks: Bools, size: int) -> Frames:
    """Crop masks to the square around the body and resize it.

    Args:
        masks: ``[T, H, W]``; the body is in some of them.
        size: side of the result in pixels.

    Returns:
        ``[T, size, size, 1]`` of 0 and 255; outside the picture there is no body.
    """
    rows, columns = np.where(masks.any(axis=0))
    side = MARGIN * max(np.ptp(rows) + 1, np.ptp(columns) + 1)
    x0 = (columns.min() + columns.max() + 1 - side) / 2
    y0 = (rows.min() + rows.max() + 1 - side) / 2
    scale = side / size
    # The affine map leads from pixel centers of the result to those of the source.
    affine = (scale, 0.0, x0, 0.0, scale, y0)
    smooth = [
        Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)).transform(
            (size, size), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR
        )
        for mask in masks
    ]
    return np.where(np.stack([np.asarray(image) for image in smooth]) > 127, 255, 0).astype(
        np.uint8
    )[..., None]


def prepare(packed: Path, folder: Path, size: int = SIZE) -> SampleTable:
    """Write the silhouettes and their table; a clip in which no mask shows a body is refused."""
    folder.mkdir(parents=True, exist_ok=True)
    with np.load(packed, allow_pickle=False) as arrays:
        loaded = {name: arrays[name] for name in arrays.files}
    height, width = (int(v) for v in loaded["hw"])
    ends = np.cumsum(loaded["nf"])
    classes = tuple(str(name) for name in loaded["action_names"])
    names = [str(name) for name in loaded["name"]]
    clips = []
    for name, count, end in zip(names, loaded["nf"], ends, strict=True):
        bits = np.unpackbits(loaded["bits"][end - count : end], axis=1)
        masks = bits[:, : height * width].reshape(-1, height, width).astype(np.bool_)
        if not masks.any():
            raise ValueError(f"{packed}: {name}: expected a body in some frame, found none.")
        clips.append(body_square(masks, size))
    videos = [source_video(n, classes[a]) for n, a in zip(names, loaded["action"], strict=True)]
    table = make_table(
        "jhmdb-silhouettes",
        {"silhouette": store_arrays(folder / "silhouette.npy", clips)},
        columns={
            "action": ClassColumn(
                values=loaded["action"].astype(np.int64), space=symmetric("jhmdb", classes)
            )
        },
        fps=np.full(len(names), FPS),
        group=videos,
        source=videos,
        row_names=names,
    )
    save_table(table, folder)
    return load_table(folder)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    made = prepare(Path(sys.argv[1]), Path(sys.argv[2]))
    print(f"{len(made)} clips of {len(set(made.group.tolist()))} videos")
