"""Turn packed UMAFall arrays into trials for the dataset kind ``umafall``.

    python benchmarks/umafall.py PACKED_FOLDER OUT_FOLDER
    onebody train wearables-umafall data.0.dataset.folder=OUT_FOLDER

The packed form is ``umafall.npz``: by trial subject, kind, activity, number and gender; rows
``seg`` of trial, position, type, start and length into ``xyz`` (int16; times ``scale[type]``: g,
deg/s, uT) and ``t_ms``. Nothing is resampled here: OUT_FOLDER holds the samples at their own times,
and the reader makes of them what it makes of the official files.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from onebody.datasets.umafall import GENDERS, make_streams
from onebody.datasets.wearable_packed import save_trials
from onebody.datasets.wearable_trial import Faults, Trial


def packed_trials(folder: Path) -> Iterator[Trial]:
    """Read the packed trials one at a time."""
    with np.load(folder / "umafall.npz", allow_pickle=False) as arrays:
        packed = {name: arrays[name] for name in arrays.files}
    faults = Faults()
    for i, subject in enumerate(packed["trial_subject"].tolist()):
        activity = str(packed["activity_names"][packed["trial_activity"][i]])
        kind = str(packed["trial_kind"][i])
        # some people did a movement twice under one number: the place in the file tells them apart
        name = f"{i:03}_Subject_{subject:02}_{kind}_{activity}_{packed['trial_no'][i]}"
        parts = []
        for _, position, quantity, start, length in packed["seg"][
            packed["seg"][:, 0] == i
        ].tolist():
            rows = slice(start, start + length)
            readings = packed["xyz"][rows] * packed["scale"][quantity]
            times_ms = packed["t_ms"][rows].astype(np.float64)
            parts.append((str(packed["pos_names"][position]), quantity, times_ms, readings))
        yield Trial(
            name=name,
            subject=str(subject),
            labels={
                "activity": activity,
                "kind": kind,
                "gender": GENDERS[str(packed["gender"][i])],
            },
            streams=make_streams(parts, faults, name),
        )
    if faults.places:
        warnings.warn(f"umafall: samples left out: {faults}.", stacklevel=2)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    count = save_trials(Path(sys.argv[2]), packed_trials(Path(sys.argv[1])))
    print(f"{count} trials")
