"""Figures of merit of class probabilities.

Ties are broken towards the lower class index everywhere, so a figure never depends on the order in
which a sort leaves equal scores. Every function returns NaN for no entries, and refuses scores that
are not finite: a diverged network has no accuracy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch

from onebody.metrics.base import Results
from onebody.types import Doubles, Ints


def top_k(results: Results, k: int = 1) -> float:
    """Measure the share of entries whose class is among the ``k`` best scored.

    Returns:
        Fraction in [0, 1].
    """
    found = hits(results, k)
    return float(np.mean(found)) if len(found) else float("nan")


def hits(results: Results, k: int = 1) -> Doubles:
    """Return ``[M]`` 1 where the class is among the ``k`` best scored, else 0."""
    scores, target = _checked(results)
    own = scores[np.arange(len(target)), target][:, None]
    earlier = np.arange(scores.shape[1])[None] < target[:, None]
    better = (scores > own) | ((scores == own) & earlier)  # [M, C] classes ranked before the true
    return (better.sum(1) < k).astype(np.float64)


def predicted_classes(results: Results) -> Ints:
    """Return ``[M]`` best scored class of each entry (the lower index of equals)."""
    scores, _ = _checked(results)
    return np.argmax(scores, axis=1).astype(np.int64)


def confusion_matrix(results: Results) -> Ints:
    """Count entries ``[C, C]`` by true class (rows) and predicted class (columns)."""
    from torchmetrics.functional.classification import multiclass_confusion_matrix

    scores, target = _checked(results)
    classes = scores.shape[1]
    if not len(target):
        return np.zeros((classes, classes), np.int64)
    counts = multiclass_confusion_matrix(*_as_tensors(results), num_classes=classes)
    return np.asarray(counts.numpy(), np.int64)


def mean_class_accuracy(results: Results) -> float:
    """Average the accuracy of the classes that occur in the truth.

    A class without entries has no accuracy and does not count, predicted or not. (mmaction2 counts
    a class that is predicted but never true as 0.)

    Returns:
        Fraction in [0, 1].
    """
    values = per_class(results, "recall")
    occurring = values[np.bincount(results.target, minlength=len(values)) > 0]
    return float(np.mean(occurring)) if len(occurring) else float("nan")


def precision(results: Results) -> float:
    """Average the precision of the classes that occur or are predicted (0 if never predicted)."""
    return _macro(results, "precision")


def recall(results: Results) -> float:
    """Average the recall of the classes that occur or are predicted (0 if never true)."""
    return _macro(results, "recall")


def macro_f1(results: Results) -> float:
    """Average the F1 score of the classes that occur or are predicted."""
    return _macro(results, "f1")


def auroc(results: Results) -> float:
    """Average the area under the ROC curve, one class against the rest.

    A class that no entry or every entry has is no question and is left out.

    Returns:
        Fraction in [0, 1]; NaN if no class is left.
    """
    from torchmetrics.functional.classification import binary_auroc

    scores, target = _checked(results)
    counts = np.bincount(target, minlength=scores.shape[1])
    areas = [
        # Ranks are what counts: rank them here, since torchmetrics takes scores for logits (and
        # squeezes them through a sigmoid) as soon as one of them exceeds 1 by rounding.
        float(binary_auroc(torch.from_numpy(ranks(scores[:, c])), torch.from_numpy(target == c)))
        for c in np.flatnonzero((counts > 0) & (counts < len(target)))
    ]
    return float(np.mean(areas)) if areas else float("nan")


def task_accuracy(results: Results, offsets: Sequence[int]) -> float:
    """Measure how often the best scored class belongs to the right task, in a union of tasks.

    Args:
        results: class probabilities over the joined classes of all tasks.
        offsets: index of each task's first class, ascending from 0.

    Returns:
        Fraction in [0, 1].
    """
    found = task_hits(results, offsets)
    return float(np.mean(found)) if len(found) else float("nan")


def task_hits(results: Results, offsets: Sequence[int]) -> Doubles:
    """Return ``[M]`` 1 where the best scored class belongs to the right task, else 0."""
    chosen = np.searchsorted(offsets, predicted_classes(results), side="right")
    true = np.searchsorted(offsets, results.target, side="right")
    return (chosen == true).astype(np.float64)


def given_task_hits(results: Results, sizes: Sequence[int]) -> Doubles:
    """Return what a joint answer is worth to whoever knows the task.

    Args:
        results: class probabilities over the joined classes of all tasks, then, perhaps, one for
            entries of none of the tasks.
        sizes: number of classes of each task.

    Returns:
        ``[M]`` 1 where the class is the best scored one of its own task, else 0; NaN for entries of
        none of the tasks.
    """
    scores, target = _checked(results)
    ends = np.cumsum(sizes)
    owner = np.searchsorted(ends, np.arange(scores.shape[1]), side="right")  # [C]
    own = owner[None] == owner[target][:, None]  # [M, C]
    chosen = np.argmax(np.where(own, scores, -np.inf), axis=1)
    return np.where(target < ends[-1], (chosen == target).astype(np.float64), np.nan)


def task_gap(results: Results, sizes: Sequence[int]) -> Doubles:
    """Return ``[M]`` 1 where only not knowing the task makes the answer wrong, else 0.

    NaN for entries of none of the tasks. See `given_task_hits`.
    """
    return given_task_hits(results, sizes) - hits(results)


def expected_calibration_error(results: Results, bins: int = 15) -> float:
    """Measure how far the probability of the best class is from its accuracy, on average.

    Entries are gathered in bins of equal width by the probability of their best class.

    Source: Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.

    Returns:
        Fraction in [0, 1].
    """
    from torchmetrics.functional.classification import multiclass_calibration_error

    scores, target = _checked(results)
    if not len(target):
        return float("nan")
    # torchmetrics takes scores for logits as soon as one of them exceeds 1 by rounding.
    given = torch.from_numpy(np.clip(scores, 0.0, 1.0)), torch.from_numpy(target)
    return float(multiclass_calibration_error(*given, num_classes=scores.shape[1], n_bins=bins))


def per_class(results: Results, what: Literal["precision", "recall", "f1"]) -> Doubles:
    """Return ``[C]`` the figure of each class; NaN where it neither occurs nor is predicted."""
    from torchmetrics.functional import classification

    scores, _ = _checked(results)
    classes = scores.shape[1]
    if not len(results):
        return np.full(classes, np.nan)
    functions = {
        "precision": classification.multiclass_precision,
        "recall": classification.multiclass_recall,
        "f1": classification.multiclass_f1_score,
    }
    values = functions[what](*_as_tensors(results), num_classes=classes, average="none")
    counts = confusion_matrix(results)
    seen = counts.sum(0) + counts.sum(1) > 0
    return np.where(seen, values.double().numpy(), np.nan)


def _macro(results: Results, what: Literal["precision", "recall", "f1"]) -> float:
    """Average over the classes that occur or are predicted."""
    values = per_class(results, what)
    values = values[~np.isnan(values)]
    return float(np.mean(values)) if len(values) else float("nan")


def ranks(scores: Doubles) -> Doubles:
    """Map scores to [0, 1] keeping their order and their ties."""
    _, order = np.unique(scores, return_inverse=True)
    return order.astype(np.float64) / max(int(order.max()), 1)


def _as_tensors(results: Results) -> tuple[torch.Tensor, torch.Tensor]:
    """Return predicted and true classes ``[M]`` for torchmetrics."""
    target = np.asarray(results.target, np.int64)
    return torch.from_numpy(predicted_classes(results)), torch.from_numpy(target)


def _checked(results: Results) -> tuple[Doubles, Ints]:
    """Return scores ``[M, C]`` and classes ``[M]``.

    Raises:
        ValueError: if the shapes do not fit, a score is not finite or a class does not exist.
    """
    scores = np.asarray(results.prediction, np.float64)
    target = np.asarray(results.target, np.int64)
    if scores.ndim != 2 or target.shape != scores.shape[:1]:
        raise ValueError(
            f"Class metrics expect scores [M, C] and classes [M]; found {scores.shape} and "
            f"{target.shape}."
        )
    bad = np.flatnonzero(~np.isfinite(scores).all(1))
    if len(bad):
        raise ValueError(
            f"The prediction for row {results.row[bad[0]]} is not finite ({len(bad)} of "
            f"{len(scores)} entries): the network has diverged or its input is damaged."
        )
    out = np.flatnonzero((target < 0) | (target >= scores.shape[1]))
    if len(out):
        raise ValueError(
            f"Row {results.row[out[0]]} has class {target[out[0]]}, expected 0 to "
            f"{scores.shape[1] - 1}."
        )
    return scores, target
