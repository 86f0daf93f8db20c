"""Several answers to one question made one: class probabilities of clips, views or outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np

from onebody.metrics import Results
from onebody.types import Array

Fusion: TypeAlias = Literal["average", "product"]

_FLOOR = float(np.finfo(np.float32).smallest_subnormal)
"""What a probability of 0 counts as in a product: an answer may be sure, but has no veto."""


def fuse_probabilities(parts: Sequence[Array], fusion: Fusion = "average") -> Array:
    """Join class probabilities of several answers.

    Source: the SPNet paper (Luvizon et al., TPAMI 2020) averages over clips, its authors' code
    multiplies.

    Args:
        parts: ``[M, C]`` each; at least one.
        fusion: ``average``, or ``product`` (normalized again; summed as logarithms, so that no
            number of answers underflows).

    Returns:
        ``[M, C]`` probabilities, float64.
    """
    if fusion == "average":
        return mean_of(parts)
    return _normalized(np.sum([_logarithms(part) for part in parts], axis=0))


def mean_of(parts: Sequence[Array]) -> Array:
    """Return the mean of arrays of equal shape, float64."""
    return np.asarray(sum(part.astype(np.float64) for part in parts) / len(parts))


def fuse_clips(results: Results, fusion: Fusion = "average") -> Results:
    """Join the class probabilities of each row's clips.

    Args:
        results: class probabilities, any number of entries per row.
        fusion: as of `fuse_probabilities`.

    Returns:
        One entry per row, rows ascending.

    Raises:
        ValueError: if the clips of a row have different labels.
    """
    rows, first, index, count = np.unique(
        results.row, return_index=True, return_inverse=True, return_counts=True
    )
    target = results.target[first]
    other = np.flatnonzero(target[index] != results.target)
    if len(other):
        raise ValueError(f"The clips of row {results.row[other[0]]} have different labels.")
    product = fusion == "product"
    total = np.zeros((len(rows), *results.prediction.shape[1:]))
    np.add.at(total, index, _logarithms(results.prediction) if product else results.prediction)
    joined = _normalized(total) if product else total / count[:, None]
    return Results(prediction=joined, target=target, row=rows)


def fuse_outputs(outputs: Sequence[Results], fusion: Fusion) -> Results:
    """Join the class probabilities that several outputs of one task give to the same entries."""
    joined = fuse_probabilities([output.prediction for output in outputs], fusion)
    return replace(outputs[0], prediction=joined)


def _logarithms(probabilities: Array) -> Array:
    """Return finite logarithms, float64."""
    return np.asarray(np.log(np.maximum(probabilities.astype(np.float64), _FLOOR)))


def _normalized(logarithms: Array) -> Array:
    """Turn sums of logarithms ``[M, C]`` into probabilities."""
    if not logarithms.size:
        return logarithms
    shifted = np.exp(logarithms - logarithms.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
