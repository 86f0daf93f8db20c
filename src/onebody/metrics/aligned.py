"""PA-MPJPE: joint error after the best similarity transform of each frame (Procrustes)."""

from __future__ import annotations

import numpy as np

from onebody.metrics.base import Results
from onebody.metrics.pose import average, joints_of
from onebody.types import Bools, Doubles

MIN_JOINTS = 3
"""With fewer annotated joints a similarity transform fits any pose exactly: nothing is measured."""


def align(prediction: Doubles, target: Doubles, mask: Bools) -> Doubles:
    """Move, turn and scale each predicted pose onto its target (least squares, annotated joints).

    Reflections are not allowed. Where a prediction has collapsed to a point, no scale is better
    than another and it is put at the target's center.

    Args:
        prediction: ``[M, J, D]``.
        target: ``[M, J, D]``; values of joints outside the mask are not read.
        mask: ``[M, J]`` annotated joints.

    Returns:
        ``[M, J, D]`` the moved prediction.

    Source: Umeyama, Least-squares estimation of transformation parameters between two point
    patterns, 1991; what is usual as protocol 2 of Human3.6M.
    """
    weight = mask[..., None].astype(np.float64)
    count = np.maximum(weight.sum(1, keepdims=True), 1.0)
    target = np.where(mask[..., None], target, 0.0)
    known = np.where(mask[..., None], prediction, 0.0)
    center_p, center_t = known.sum(1, keepdims=True) / count, target.sum(1, keepdims=True) / count
    p, t = (known - center_p) * weight, (target - center_t) * weight
    u, singular, vt = np.linalg.svd(np.swapaxes(p, 1, 2) @ t)  # [M, D, D], [M, D], [M, D, D]
    sign = np.ones_like(singular)
    sign[:, -1] = np.where(np.linalg.det(u) * np.linalg.det(vt) < 0, -1.0, 1.0)
    rotation = (u * sign[:, None]) @ vt  # poses are rows: p @ rotation is nearest to t
    spread = (p**2).sum((1, 2))
    scale = np.where(spread > 0, (singular * sign).sum(1) / np.where(spread > 0, spread, 1.0), 0.0)
    return scale[:, None, None] * (prediction - center_p) @ rotation + center_t


def aligned_distances(results: Results) -> Doubles:
    """Measure the distance of each annotated joint after alignment.

    Returns:
        ``[M, J]``; NaN where not annotated, and for whole frames that cannot say anything: fewer
        than three annotated joints, or all of them at one point.
    """
    prediction, target, mask = joints_of(results)
    if not len(target):
        return np.full(mask.shape, np.nan)
    moved = align(prediction, target, mask)
    error = np.where(mask, np.linalg.norm(moved - target, axis=2), np.nan)
    enough = mask.sum(1) >= MIN_JOINTS
    highest = np.where(mask[..., None], target, -np.inf).max(1)
    lowest = np.where(mask[..., None], target, np.inf).min(1)
    extended = (highest > lowest).any(1)
    return np.where((enough & extended)[:, None], error, np.nan)


def pa_mpjpe(results: Results) -> float:
    """Average the error after alignment over annotated joints of frames that can be aligned."""
    return float(average(aligned_distances(results)))


def pa_mpjpe_per_joint(results: Results) -> Doubles:
    """Average the error after alignment of each joint: ``[J]``, NaN where never measured."""
    return average(aligned_distances(results), axis=0)
