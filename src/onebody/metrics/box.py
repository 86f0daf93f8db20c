"""Figures of merit of boxes: how much the found box and the true one have in common."""

from __future__ import annotations

import numpy as np

from onebody.metrics.base import Results
from onebody.types import Array, Doubles


def overlaps(results: Results) -> Doubles:
    """Return the intersection over union of each found box and the true one.

    Args:
        results: boxes ``[M, 4]`` x0, y0, x1, y1 in source pixels.

    Returns:
        ``[M]`` in [0, 1]; 0 for a found box without area.

    Raises:
        ValueError: if the shapes do not fit, a box is not finite, or a true box has no area.
    """
    found, true = (np.asarray(x, np.float64) for x in (results.prediction, results.target))
    if found.ndim != 2 or found.shape[1] != 4 or true.shape != found.shape:
        raise ValueError(
            f"Metrics of boxes expect boxes [M, 4] twice; found {found.shape} and {true.shape}."
        )
    for what, values, wrong in (
        ("found", found, ~np.isfinite(found).all(axis=1)),
        ("true", true, ~(true[:, 2:] > true[:, :2]).all(axis=1)),  # NaN is not larger either
    ):
        if wrong.any():
            entry = int(np.flatnonzero(wrong)[0])
            raise ValueError(
                f"The {what} box of row {results.row[entry]} should be finite and have an area, "
                f"found {values[entry].tolist()} ({int(np.sum(wrong))} of {len(found)} entries)."
            )
    low = np.maximum(found[:, :2], true[:, :2])
    high = np.minimum(found[:, 2:], true[:, 2:])
    common = _area(low, high)
    both = _area(found[:, :2], found[:, 2:]) + _area(true[:, :2], true[:, 2:])
    return np.asarray(common / (both - common), np.float64)


def overlap_above(results: Results, threshold: float) -> Array:
    """Return ``[M]`` 1.0 where the intersection over union is above a threshold, else 0.0."""
    return (overlaps(results) > threshold).astype(np.float64)


def _area(low: Doubles, high: Doubles) -> Doubles:
    """Return ``[M]`` the areas of boxes from corner to corner; 0 where these are exchanged."""
    return np.asarray((high - low).clip(min=0).prod(axis=1))
