"""Turn packed Penn Action labels into a prepared folder for the dataset kind ``penn-action``.

    python benchmarks/penn_action.py PACKED_FOLDER OUT_FOLDER

The packed form is ``penn_action_labels.npz``: vid (its number as text), action (an index into
action_names), pose (the view), is_train, nf frames and hw (height, width) of every video, and, one
video after the other, xy ``[sum nf, 13, 2]`` (places that count from 1), visible ``[sum nf, 13]``
and bbox ``[sum nf, 4]``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from onebody.datasets.penn_action import prepare
from onebody.datasets.penn_action_labels import Video, to_box, to_joints


def packed_videos(folder: Path) -> Iterator[Video]:
    """Read the packed videos one at a time."""
    with np.load(folder / "penn_action_labels.npz", allow_pickle=False) as arrays:
        packed = {name: arrays[name] for name in arrays.files}
    frames = np.r_[0, np.cumsum(packed["nf"])]
    for i, name in enumerate(packed["vid"].tolist()):
        xy, seen, boxes = (
            packed[k][frames[i] : frames[i + 1]].astype(np.float64)
            for k in ("xy", "visible", "bbox")
        )
        size = (int(packed["hw"][i, 0]), int(packed["hw"][i, 1]))
        joints = to_joints(xy, seen, size)
        box, odd = to_box(boxes, joints, size)
        yield Video(
            name=name,
            action=str(packed["action_names"][packed["action"][i]]),
            view=str(packed["pose"][i]),
            split="train" if packed["is_train"][i] else "test",
            joints=joints,
            size=size,
            box=box,
            odd=odd,
        )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    table = prepare(packed_videos(Path(sys.argv[1])), Path(sys.argv[2]))
    print(f"{len(table)} videos of {len(set(table.columns['action'].values.tolist()))} actions")
