"""Turn packed MSR Action3D arrays into a prepared folder for the dataset kind ``msr-action3d``.

    python benchmarks/msr_action3d.py PACKED_FOLDER OUT_FOLDER

The packed form is ``msr_action3d.npz``: action from 0, subject, trial, nf frames and in_cvpr12 of
every recording, and skel ``[sum nf, 20, 3]`` (metres, y up, layout ``kinect-20``), one after the
other.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from onebody.datasets.msr_action3d import Recording, prepare


def packed_recordings(folder: Path) -> Iterator[Recording]:
    """Read the packed recordings one at a time."""
    with np.load(folder / "msr_action3d.npz", allow_pickle=False) as arrays:
        packed = {name: arrays[name] for name in arrays.files}
    frames = np.r_[0, np.cumsum(packed["nf"])]
    for i in range(len(packed["action"])):
        yield Recording(
            action=int(packed["action"][i]) + 1,
            subject=int(packed["subject"][i]),
            trial=int(packed["trial"][i]),
            skeleton_m=packed["skel"][frames[i] : frames[i + 1]],
            in_cvpr12=bool(packed["in_cvpr12"][i]),
        )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    table = prepare(packed_recordings(Path(sys.argv[1])), Path(sys.argv[2]))
    print(f"{len(table)} recordings of subjects {', '.join(sorted(set(table.subject)))}")
