"""`Calibration`: what a network's class probabilities are worth, learned from validation rows.

Sources: Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017
(temperature); Hendrycks, Gimpel, "A Baseline for Detecting Misclassified and Out-of-Distribution
Examples in Neural Networks", ICLR 2017 (the greatest probability as the score of a known input).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from onebody.config import Config
from onebody.types import Array, Bools, Floats

Score = Literal["probability", "margin"]
"""How sure an answer is: the greatest probability of a known class, or its lead over the next."""


class Calibration(Config):
    """What validation rows say of one class task.

    Attributes:
        temperature: logits (or log-probabilities) are divided by it before the softmax.
        score: what ``threshold`` is compared with.
        threshold: answers over several tasks: a clip whose score is lower is none of these; None:
            every clip gets an answer.
        keep: share of known validation clips that the threshold was asked to keep.
        rows: validation rows that it was learned from.
        ece_before, ece_after: expected calibration error on these rows, a fraction.
    """

    temperature: float = Field(gt=0.0)
    score: Score = "probability"
    threshold: float | None = None
    keep: float | None = None
    rows: int = 0
    ece_before: float | None = None
    ece_after: float | None = None


def log_probabilities(probabilities: Array) -> npt.NDArray[np.float64]:
    """Return logarithms; what is 0 in 32 bits is taken for the least number that is not."""
    return np.log(np.maximum(np.asarray(probabilities, np.float64), np.finfo(np.float32).tiny))


def tempered(probabilities: Array, temperature: float) -> Floats:
    """Return what class probabilities ``[.., C]`` are if their logits are divided by something."""
    scaled = log_probabilities(probabilities) / temperature
    scaled = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return (scaled / scaled.sum(axis=-1, keepdims=True)).astype(np.float32)


def known_scores(probabilities: Array, score: Score, *, none: bool = False) -> Floats:
    """Return how sure an answer is that it knows what it sees.

    Args:
        probabilities: ``[.., C]``.
        score: which.
        none: whether the last class is "none of these", which is no known class.

    Returns:
        ``[..]`` in [0, 1]; NaN where a probability is.
    """
    known = probabilities[..., :-1] if none else probabilities
    ranked = np.sort(np.asarray(known, np.float64), axis=-1)
    found = ranked[..., -1] if score == "probability" else ranked[..., -1] - ranked[..., -2]
    return np.asarray(found, np.float32)


def rejected(
    probabilities: Array, score: Score, threshold: float | None, *, none: bool = False
) -> Bools:
    """Return ``[..]`` whether the answer is "none of these".

    It is where that class is the likeliest, or where the score is under the threshold. Unknown
    probabilities (NaN) are not rejected.

    Args:
        probabilities: ``[.., C]``, calibrated.
        score: what the threshold is compared with.
        threshold: None rejects nothing by its score.
        none: whether the last class is "none of these".
    """
    told = probabilities[..., -1] > probabilities[..., :-1].max(axis=-1) if none else False
    if threshold is None:
        return np.broadcast_to(np.asarray(told), probabilities.shape[:-1])
    # Compared in the precision that the threshold was taken in: it is the score of some clip.
    limit = np.float32(threshold)
    return np.asarray((known_scores(probabilities, score, none=none) < limit) | told)
