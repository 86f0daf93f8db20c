"""Metrics of one level of a tree of classes, from probabilities of its leaves.

The probability of a class is the sum over its leaves. Entries whose label lies above the level (a
class alone, where leaves are measured) cannot be measured on it and do not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from onebody.metrics.base import Metric, Results
from onebody.types import Array, Bools, Doubles


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A level of a tree.

    Attributes:
        places: for each node, leaves first, its class of this level; -1 where it lies above.
        leaves: number of leaves.
    """

    places: tuple[int, ...]
    leaves: int

    @property
    def size(self) -> int:
        """Number of the level's classes."""
        return 1 + max(self.places)

    def measured(self, results: Results) -> Bools:
        """Return ``[M]``: entries whose label says which class of this level it is."""
        return np.asarray(np.array(self.places)[np.asarray(results.target, np.int64)] >= 0)

    def of(self, results: Results) -> Results:
        """Return the measured entries, with classes of this level.

        Args:
            results: leaf probabilities ``[M, leaves]`` and nodes ``[M]``.
        """
        places = np.array(self.places)
        kept = results.select(self.measured(results))
        return replace(
            kept,
            prediction=self.sums(kept.prediction),
            target=places[np.asarray(kept.target, np.int64)],
        )

    def sums(self, prediction: Array) -> Doubles:
        """Sum leaf probabilities ``[M, leaves]`` over the level's classes ``[M, size]``."""
        places = np.array(self.places[: self.leaves])
        belongs = (places[:, None] == np.arange(self.size)[None]).astype(np.float64)
        return np.asarray(prediction.astype(np.float64) @ belongs)


@dataclass(frozen=True, slots=True, kw_only=True)
class _On:
    """A function of results, applied on a level; values of entries not measured there are NaN."""

    level: Level
    metric: Metric

    def figure(self, results: Results) -> float:
        return self.metric.function(self.level.of(results))

    def values(self, results: Results) -> Array:
        assert self.metric.values is not None
        out = np.full(len(results), np.nan)
        out[self.level.measured(results)] = self.metric.values(self.level.of(results))
        return out


def on_level(
    metrics: Mapping[str, Metric], level: Level, prefix: str = "", what: str = ""
) -> dict[str, Metric]:
    """Return metrics that measure one level.

    Args:
        metrics: of plain classes.
        level: which.
        prefix: put before their names.
        what: put before their summaries.
    """
    made = {}
    for name, metric in metrics.items():
        own = _On(level=level, metric=metric)
        made[prefix + name] = replace(
            metric,
            name=prefix + name,
            function=own.figure,
            values=own.values if metric.values is not None else None,
            summary=what + metric.summary,
        )
    return made


def outside(results: Results, level: Level) -> Doubles:
    """Return ``[M]`` 1 where the best leaf lies outside the best class of a level, else 0."""
    best = np.array(level.places[: level.leaves])[results.prediction.argmax(1)]
    return (best != level.sums(results.prediction).argmax(1)).astype(np.float64)


def path_hits(results: Results, levels: Sequence[Level]) -> Doubles:
    """Return ``[M]`` 1 where going down from the best class reaches the right leaf, else 0.

    Args:
        results: leaf probabilities and nodes.
        levels: from the topmost classes to the leaves.

    Returns:
        NaN for entries whose label is no leaf.
    """
    left = results.prediction.astype(np.float64)
    for level in levels:
        best = level.sums(left).argmax(1)
        inside = np.array(level.places[: level.leaves])[None] == best[:, None]
        left = np.where(inside, left, 0.0)
    right = (left.argmax(1) == results.target).astype(np.float64)
    return np.where(results.target < results.prediction.shape[1], right, np.nan)


def pair_contradictions(results: Results, owner: Sequence[int], classes: int) -> Doubles:
    """Return ``[M]`` 1 where two heads contradict each other, else 0.

    Args:
        results: probabilities ``[M, L * K]`` of every pair of a leaf and a class, leaf by leaf.
        owner: ``[L]`` the class that each leaf belongs to.
        classes: K.
    """
    pairs = results.prediction.astype(np.float64).reshape(len(results), len(owner), classes)
    leaf, own = pairs.sum(2).argmax(1), pairs.sum(1).argmax(1)  # each head's own best
    return (np.array(owner)[leaf] != own).astype(np.float64)
