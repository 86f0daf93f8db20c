"""Turn packed UTD-MHAD arrays into a prepared folder for the recipe ``utd-mhad``.

    python benchmarks/utd_mhad.py PACKED_FOLDER OUT_FOLDER [--silhouettes]
    onebody train utd-mhad data.0.dataset.folder=OUT_FOLDER

The packed form holds the official recordings in two files: ``skeleton_inertial.npz`` (action from
0, subject, trial, nf frames and ni sensor rows per recording, skel, imu, crop, zmed_mm; arrays one
after the other) and ``depth_crop112_h264.zip`` (``a{A}_s{S}_t{T}.mp4``, grey depth, 112 x 112).
With ``--silhouettes`` every clip gets the medium ``silhouette`` as well: white on the body.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from onebody.data.sources import probe, read_frames
from onebody.datasets.silhouettes import add_silhouettes
from onebody.datasets.utd_mhad import Clip, prepare


def packed_clips(folder: Path) -> Iterator[Clip]:
    """Read the packed recordings one at a time."""
    with np.load(folder / "skeleton_inertial.npz", allow_pickle=False) as arrays:
        packed = {name: arrays[name] for name in arrays.files}
    frames = np.r_[0, np.cumsum(packed["nf"])]
    sensor = np.r_[0, np.cumsum(packed["ni"])]
    for i in range(len(packed["action"])):
        ids = int(packed["action"][i]) + 1, int(packed["subject"][i]), int(packed["trial"][i])
        source = f"{folder / 'depth_crop112_h264.zip'}!a{ids[0]}_s{ids[1]}_t{ids[2]}.mp4"
        yield Clip(
            action=ids[0],
            subject=ids[1],
            trial=ids[2],
            depth=read_frames(source, np.arange(probe(source).num_frames), channels=1)[..., 0],
            square=tuple(float(v) for v in packed["crop"][i]),  # type: ignore[arg-type]
            depth_ref_mm=float(packed["zmed_mm"][i]),
            skeleton_m=packed["skel"][frames[i] : frames[i + 1]],
            inertial=packed["imu"][sensor[i] : sensor[i + 1]],
        )


if __name__ == "__main__":
    folders = [argument for argument in sys.argv[1:] if argument != "--silhouettes"]
    if len(folders) != 2:
        sys.exit(__doc__)
    table = prepare(packed_clips(Path(folders[0])), Path(folders[1]))
    if "--silhouettes" in sys.argv:
        table = add_silhouettes(table, Path(folders[1]))
    print(f"{len(table)} recordings of subjects {', '.join(sorted(set(table.subject)))}")
