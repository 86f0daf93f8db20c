"""Figures of merit of a score that shall be high for known clips and low for all others.

A function of ``scores [M]`` and ``known [M]`` (bool) returns NaN where one side is empty.
"""

from __future__ import annotations

import numpy as np

from onebody.metrics.classification import ranks
from onebody.types import Bools, Doubles


def known_auroc(scores: Doubles, known: Bools) -> float:
    """Return how often a known clip scores higher than another one: area under the ROC curve."""
    import torch
    from torchmetrics.functional.classification import binary_auroc

    if known.all() or not known.any():
        return float("nan")
    return float(binary_auroc(torch.from_numpy(ranks(scores)), torch.from_numpy(known)))


def false_positive_rate(scores: Doubles, known: Bools, keep: float = 0.95) -> float:
    """Return which share of other clips passes a threshold that keeps a share of the known ones.

    With 0.95 it is the figure that papers call FPR@95TPR (lower is better).
    """
    if known.all() or not known.any():
        return float("nan")
    return float(np.mean(scores[~known] >= keeping_threshold(scores[known], keep)))


def keeping_threshold(scores: Doubles, keep: float) -> float:
    """Return the highest threshold that at least a share of the scores reaches.

    Args:
        scores: ``[M]`` of known clips, one or more.
        keep: share in (0, 1] that shall not be rejected (``score >= threshold`` is kept).
    """
    lost = int(np.floor((1.0 - keep) * len(scores) + 1e-9))  # 0.1 * 10 is a little less than 1
    return float(np.sort(scores)[min(lost, len(scores) - 1)])
