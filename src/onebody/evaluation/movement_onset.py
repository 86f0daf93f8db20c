"""When somebody begins to move in a clip, where their joints are known.

A clip begins before what it shows does: people are recorded at rest first. Whoever counts a delay
from the clip's beginning counts that rest too.
"""

from __future__ import annotations

import math
from typing import cast

import numpy as np

from onebody.data import Source
from onebody.data.reading import has_joints, read_joints
from onebody.data.series import read_series
from onebody.data.sources import frame_span
from onebody.data.table import JointsColumn
from onebody.types import Bools, Floats

STARTED = 0.1
"""Share of the farthest that any joint gets from its first place, from which on somebody moves."""


def movement_onset(source: Source, row: int, fps: float) -> float:
    """Return how long after the beginning of a row somebody begins to move, in s.

    Args:
        source: whose targets name a column of joints; a 3D one is taken before a 2D one, in which
            what moves towards the camera rests. Where none does, the skeletons that it reads.
        row: of its table.
        fps: frames per second of the row's medium.

    Returns:
        The time of the first frame with a joint farther than `STARTED` of the way from where it
        first was; NaN where joints are not known.

    Raises:
        ValueError: if the joints of the row cannot be read.
    """
    table = source.table
    known = [t for t in source.targets if t.form == "joints" and has_joints(table, row, t)]
    if not known and source.spec.reads_skeletons:
        values = read_series(table, row, source.spec.modality).values
        return onset_frame(values, np.asarray(np.isfinite(values).all(axis=2))) / fps
    if not known:
        return math.nan
    target = max(known, key=lambda t: cast(JointsColumn, table.columns[t.column]).unit == "mm")
    medium, rate = str(table.media[source.spec.modality][row]), table.rate(source.spec.modality)
    start, end = float(table.start_s[row]), float(table.end_s[row])
    first, stop = frame_span(medium, start, end, fps=float(rate[row]))  # as it is read
    joints, seen = read_joints(table, row, target, stop - first)
    return onset_frame(joints[..., :-1], seen) / fps


def onset_frame(places: Floats, known: Bools) -> float:
    """Return the first frame in which a joint has left its first place.

    Args:
        places: ``[T, J, D]``, any unit.
        known: ``[T, J]``; a joint that is not known in the first frame is never looked at.

    Returns:
        Frames from the first; NaN where no joint is known to move.
    """
    away = np.linalg.norm(places - places[:1], axis=2)  # [T, J]
    farthest = np.where(known & known[:1], away, 0.0).max(axis=1)  # [T]
    if not farthest.max(initial=0.0) > 0:
        return math.nan
    return float(np.argmax(farthest > STARTED * farthest.max()))
