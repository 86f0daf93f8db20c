"""PCKh: the share of joints that lie nearer than a part of the head's size, as MPII measures it.

The size of a head is 0.6 of the diagonal of its annotated box; pelvis and thorax are not counted;
every other annotated joint is, hidden ones too, each with equal weight. Results carry the size as
the length ``head``; entries without one are left out.

Source: Andriluka, Pishchulin, Gehler, Schiele, "2D Human Pose Estimation: New Benchmark and State
of the Art Analysis", CVPR 2014, and its evaluation toolkit. Distances at the threshold itself:
wrong for PCKh, as mmpose has it (the toolkit and HRNet: right); right for the area under the curve,
as the toolkit has it, since its first threshold is 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onebody.metrics import pose
from onebody.metrics.base import Results
from onebody.types import Array, Bools, Doubles

HEAD_SHARE = 0.6
"""Size of a head as a part of its box's diagonal."""

AUC_INTERVALS = 50
"""Steps of the curve: thresholds ``limit * i / 50``, i = 0 to 50; up to 0.5: 0, 0.01, .. 0.5."""


def head_size(boxes: Array) -> Doubles:
    """Return the size of heads from their boxes.

    Args:
        boxes: ``[..., 4]`` x0, y0, x1, y1 in pixels; which corner is which does not matter.

    Returns:
        ``[...]`` pixels; NaN where a box has no extent or is unknown.
    """
    corners = np.asarray(boxes, np.float64)
    size = HEAD_SHARE * np.hypot(
        corners[..., 2] - corners[..., 0], corners[..., 3] - corners[..., 1]
    )
    return np.where(size > 0, size, np.nan)


def pckh(results: Results, threshold: float = 0.5, left_out: Sequence[int] = ()) -> float:
    """Measure PCKh: the share of joints whose distance is below a part of the head's size.

    Args:
        results: joints ``[M, J, 2]`` with the length ``head``.
        threshold: part of the head's size.
        left_out: joints that do not count (MPII: pelvis and thorax, 6 and 7).
    """
    return float(pose.average(correct(results, threshold, left_out)))


def pckh_per_joint(
    results: Results, threshold: float = 0.5, left_out: Sequence[int] = ()
) -> Doubles:
    """Measure PCKh of each joint: ``[J]``, NaN for joints that are never annotated or left out."""
    return pose.average(correct(results, threshold, left_out), axis=0)


def pckh_auc(results: Results, limit: float = 0.5, left_out: Sequence[int] = ()) -> float:
    """Measure the area under the PCKh curve from 0 to a threshold; 1 if all is exact.

    The trapezoids between thresholds ``limit * i / 50`` are summed, i = 0 to 50.

    Args:
        results: as of `pckh`.
        limit: the last threshold, in sizes of the head.
        left_out: as of `pckh`.
    """
    return float(pose.average(auc_values(results, limit, left_out)))


def correct(results: Results, threshold: float, left_out: Sequence[int] = ()) -> Doubles:
    """Return ``[M, J]`` 1 for joints nearer than the threshold, 0 for others, NaN for uncounted."""
    return _counted(pose.correct(results, threshold, "head"), left_out)


def auc_values(results: Results, limit: float, left_out: Sequence[int] = ()) -> Doubles:
    """Return ``[M, J]`` what each joint adds to the area under the curve; NaN for uncounted."""
    error = pose.scaled_distances(results, "head")
    area = np.zeros_like(error)
    passed = _passed(error, 0.0)
    for i in range(1, AUC_INTERVALS + 1):
        before, passed = passed, _passed(error, limit * i / AUC_INTERVALS)
        area += (before.astype(np.float64) + passed) / 2
    return _counted(np.where(np.isnan(error), np.nan, area / AUC_INTERVALS), left_out)


def _passed(error: Doubles, threshold: float) -> Bools:
    """Say which distances are at most the threshold (NaN: not)."""
    return np.asarray(error <= threshold)


def _counted(values: Doubles, left_out: Sequence[int]) -> Doubles:
    """Blank the joints that do not count."""
    values[:, list(left_out)] = np.nan
    return values
