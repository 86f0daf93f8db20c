"""Figures of merit of joint positions, in any number of coordinates.

Everything is made of one array: the distance of every annotated joint, NaN elsewhere. A mean is
taken over all annotated joints of all frames (not over frames of means), so a frame with few
annotated joints counts for few.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onebody.metrics.base import Results
from onebody.types import Array, Bools, Doubles

AUC_STEPS = 20
"""Thresholds of an area under the PCK curve: limit * i / 20, i = 1 to 20."""


def distances(results: Results, root: Sequence[int] = ()) -> Doubles:
    """Measure the Euclidean distance of every annotated joint from where it should be.

    Args:
        results: joints ``[M, J, D]``.
        root: the joint (or the joints whose middle) to subtract from both poses first; none: as
            they are. Frames in which it is not annotated cannot be measured and become NaN.

    Returns:
        ``[M, J]`` in the unit of the joints; NaN where not annotated.

    Raises:
        ValueError: if the prediction of an annotated joint is not finite.
    """
    prediction, target, mask = joints_of(results)
    if root:
        # A root without annotation is NaN in the target and so blanks its frame.
        prediction = prediction - prediction[:, list(root)].mean(1, keepdims=True)
        target = target - target[:, list(root)].mean(1, keepdims=True)
        mask = mask & ~np.isnan(target).any(2)
    return np.where(mask, np.linalg.norm(prediction - target, axis=2), np.nan)


def mean_error(results: Results, root: Sequence[int] = ()) -> float:
    """Average the distances: mean error in px (2D), or MPJPE in mm where a root is given (3D).

    The root counts as a joint like any other, with distance 0, as is usual for MPJPE.
    """
    return float(average(distances(results, root)))


def mean_error_per_joint(results: Results, root: Sequence[int] = ()) -> Doubles:
    """Average the distances of each joint: ``[J]``, NaN for joints that are never annotated."""
    return average(distances(results, root), axis=0)


def relative_error(results: Results, scale: str = "crop") -> float:
    """Average the distances as shares of a named length of their frame."""
    return float(average(scaled_distances(results, scale)))


def pck(results: Results, threshold: float, scale: str = "", root: Sequence[int] = ()) -> float:
    """Measure the percentage (as a fraction) of correct keypoints: distance < threshold.

    Strictly less, as mmpose has it (HRNet and the MPII script have <=).

    Args:
        results: joints ``[M, J, D]``.
        threshold: share of the length named by ``scale``, or a distance where there is none.
        scale: which length of `Results.scale`. Frames in which it is unknown are left out.
        root: as of `distances`.
    """
    return float(average(correct(results, threshold, scale, root)))


def pck_per_joint(
    results: Results, threshold: float, scale: str = "", root: Sequence[int] = ()
) -> Doubles:
    """Measure PCK of each joint: ``[J]``, NaN for joints that are never annotated."""
    return average(correct(results, threshold, scale, root), axis=0)


def pck_auc(results: Results, limit: float, scale: str = "", root: Sequence[int] = ()) -> float:
    """Average PCK over thresholds up to a limit: the area under its curve, 1 if all is exact.

    The thresholds are ``limit * i / 20`` with i = 1 to 20. (mmpose takes i = 0 to 19, under which a
    perfect prediction scores 0.95.)
    """
    return float(average(auc_values(results, limit, scale, root)))


def auc_values(
    results: Results, limit: float, scale: str = "", root: Sequence[int] = ()
) -> Doubles:
    """Return ``[M, J]`` which share of `pck_auc`'s thresholds a joint meets; NaN if unknown."""
    error = scaled_distances(results, scale, root)
    steps = limit * np.arange(1, AUC_STEPS + 1) / AUC_STEPS
    passed = sum(error < step for step in steps)
    return np.where(np.isnan(error), np.nan, passed / AUC_STEPS)


def lengths(results: Results, scale: str) -> Doubles:
    """Return ``[M]`` a named length of each frame; NaN where it is unknown or 0.

    Raises:
        ValueError: if the results have no such length.
    """
    if scale not in results.scale:
        raise ValueError(
            f"These results have no length {scale!r} to divide errors by. Known: "
            f"{', '.join(results.scale) or 'none'}."
        )
    values = np.asarray(results.scale[scale], np.float64)
    return np.where(values > 0, values, np.nan)


def joints_of(results: Results) -> tuple[Doubles, Doubles, Bools]:
    """Return predicted and true joints ``[M, J, D]`` (NaN where not annotated) and the mask.

    Raises:
        ValueError: if the shapes do not fit, or an annotated joint is not finite.
    """
    prediction = np.asarray(results.prediction, np.float64)
    target = np.asarray(results.target, np.float64)
    if prediction.ndim != 3 or target.shape != prediction.shape:
        raise ValueError(
            f"Pose metrics expect joints [M, J, D] twice; found {prediction.shape} and "
            f"{target.shape}."
        )
    shape = target.shape[:2]
    mask = np.ones(shape, np.bool_) if results.mask is None else np.asarray(results.mask, np.bool_)
    for what, values in (("prediction", prediction), ("truth", target)):
        bad = np.flatnonzero((mask & ~np.isfinite(values).all(2)).any(1))
        if len(bad):
            raise ValueError(
                f"The {what} for row {results.row[bad[0]]} has annotated joints that are not "
                f"finite ({len(bad)} of {len(target)} frames)."
            )
    known = mask[..., None]
    return np.where(known, prediction, np.nan), np.where(known, target, np.nan), mask


def scaled_distances(results: Results, scale: str = "", root: Sequence[int] = ()) -> Doubles:
    """Return distances ``[M, J]``, divided by a length where one is named."""
    error = distances(results, root)
    return error / lengths(results, scale)[:, None] if scale else error


def correct(results: Results, threshold: float, scale: str, root: Sequence[int] = ()) -> Doubles:
    """Return ``[M, J]`` 1 for correct keypoints (see `pck`), 0 for wrong, NaN for unknown."""
    error = scaled_distances(results, scale, root)
    return np.where(np.isnan(error), np.nan, error < threshold)


def average(values: Array, axis: int | None = None) -> Doubles:
    """Average what is not NaN, without a warning where nothing is left (NaN)."""
    known = ~np.isnan(values)
    count = known.sum(axis)
    total = np.where(known, values, 0.0).sum(axis)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))
