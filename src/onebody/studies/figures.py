"""Test figures of many runs, by test subject and seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from onebody.metrics import BySubject
from onebody.studies.measure import EVERYONE
from onebody.studies.runs import Run


def figures_of(
    runs: Sequence[Run], arm: str, task: str, metric: str
) -> dict[tuple[str, int], float]:
    """Return an arm's figures by (test subject, seed).

    A subject that several folds test is one subject, whose figure is the mean over the folds: its
    figures are no independent draws. Rows without a subject are one subject a fold.

    Raises:
        ValueError: if nothing could be measured.
    """
    found: dict[tuple[str, int], list[float]] = {}
    for run in runs:
        if run.arm != arm:
            continue
        for subject, values in run.measured.figures.get(task, {}).items():
            value = values[metric]
            name = run.fold if run.fold and subject == EVERYONE else subject
            if value is not None:
                found.setdefault((name, run.seed), []).append(value)
    if not found:
        raise ValueError(
            f"{task!r}: {metric} could not be measured on any test subject of {arm!r}."
        )
    return {key: float(np.mean(values)) for key, values in found.items()}


def mean_of(figures: BySubject) -> float:
    """Average over subjects and seeds."""
    return float(np.mean(list(figures.values())))


def spread_of(figures: BySubject) -> float | None:
    """Return the standard deviation over seeds of the mean over subjects; None with one seed."""
    seeds = sorted({seed for _, seed in figures})
    if len(seeds) < 2:
        return None
    means = [np.mean([v for (_, own), v in figures.items() if own == seed]) for seed in seeds]
    return float(np.std(means, ddof=1))


def by_subject(figures: BySubject) -> Mapping[str, float]:
    """Average each subject's figures over its seeds."""
    names = sorted({name for name, _ in figures})
    return {n: float(np.mean([v for (s, _), v in figures.items() if s == n])) for n in names}
