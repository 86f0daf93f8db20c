"""Bootstrap intervals over whatever was drawn independently: subjects, not their frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from onebody.metrics.base import Metric, Results
from onebody.types import Array, Doubles, Ints

MIN_GROUPS = 6
"""Below six subjects (or groups) a bootstrap interval is far too narrow: none is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An interval, or why there is none.

    Attributes:
        bounds: (low, high); None where nothing honest can be said.
        reason: why there is none; empty where there is one.
    """

    bounds: tuple[float, float] | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A paired difference, first minus second.

    Attributes:
        mean: average over subjects of the average over seeds.
        interval: bootstrap interval of the mean.
        subjects: how many subjects were compared.
        seeds: how many seeds each subject has at least.
    """

    mean: float
    interval: Interval
    subjects: int
    seeds: int


def bootstrap(
    results: Results,
    metric: Metric,
    groups: Array,
    *,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Make a percentile bootstrap interval by drawing whole groups with replacement.

    Args:
        results: predictions beside the truth.
        metric: what to measure.
        groups: group of each row of the table (``table.subject``); entries find theirs by their
            row, so all entries of a group stay together.
        draws: number of resampled sets.
        seed: of the draws.
        level: coverage in (0, 1).

    Returns:
        The interval; none below six groups, or where the metric cannot be measured on a draw.

    Raises:
        ValueError: if an entry's row has no group.
    """
    members = _members(results.row, groups)
    if len(members) < MIN_GROUPS:
        return Interval(bounds=None, reason=_too_few("group", len(members)))
    chosen = np.random.default_rng(seed).integers(0, len(members), (draws, len(members)))
    if metric.values is not None:
        values = _means_of_drawn(metric.values(results), members, chosen)
    else:
        drawn = (np.concatenate([members[i] for i in row]) for row in chosen)
        values = np.array([metric.function(results.select(entries)) for entries in drawn])
    lost = int(np.isnan(values).sum())
    if lost:
        reason = f"{metric.name} cannot be measured in {lost} of {draws} resampled sets"
        return Interval(bounds=None, reason=reason)
    return Interval(bounds=_percentiles(values, level))


def paired_difference(
    first: Mapping[tuple[str, int], float],
    second: Mapping[tuple[str, int], float],
    *,
    draws: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
) -> Difference:
    """Compare two systems, subject by subject and seed by seed: first minus second.

    A draw takes subjects with replacement, and for each drawn subject its seeds with replacement:
    the interval then covers both who is tested and how training was seeded.

    Args:
        first: figure by (subject, seed).
        second: the same pairs.
        draws: number of resampled sets.
        seed: of the draws.
        level: coverage in (0, 1).

    Returns:
        The mean difference and its interval; no interval below six subjects.

    Raises:
        ValueError: if the pairs differ, there are none, or a figure is not finite; names it.
    """
    by_subject = _differences(first, second)
    values = list(by_subject.values())
    mean = float(np.mean([v.mean() for v in values]))
    seeds = min(len(v) for v in values)
    if len(values) < MIN_GROUPS:
        interval = Interval(bounds=None, reason=_too_few("subject", len(values)))
    else:
        rng = np.random.default_rng(seed)
        interval = Interval(bounds=_percentiles(_nested_means(values, draws, rng), level))
    return Difference(mean=mean, interval=interval, subjects=len(values), seeds=seeds)


def _means_of_drawn(values: Array, members: Sequence[Ints], chosen: Ints) -> Doubles:
    """Return the mean of each draw of groups, from sums and counts of each group."""
    known = ~np.isnan(values)
    total = np.array([np.where(known[m], values[m], 0.0).sum() for m in members])
    count = np.array([known[m].sum() for m in members])[chosen].sum(1)
    return np.where(count > 0, total[chosen].sum(1) / np.maximum(count, 1), np.nan)


def _nested_means(values: Sequence[Doubles], draws: int, rng: np.random.Generator) -> Doubles:
    """Return ``[draws]`` means over drawn subjects of the means over their drawn seeds."""
    size = np.array([len(v) for v in values])
    padded = np.zeros((len(values), size.max()))
    for i, v in enumerate(values):
        padded[i, : len(v)] = v
    means = np.empty(draws)
    for draw in range(draws):
        subject = rng.integers(0, len(values), len(values))
        # Subjects may have different numbers of seeds: draw as many as each has.
        position = rng.random((len(values), padded.shape[1])) * size[subject][:, None]
        drawn = padded[subject[:, None], position.astype(np.int64)]
        counted = np.arange(padded.shape[1])[None] < size[subject][:, None]
        means[draw] = np.mean((drawn * counted).sum(1) / size[subject])
    return means


def _differences(
    first: Mapping[tuple[str, int], float], second: Mapping[tuple[str, int], float]
) -> dict[str, Doubles]:
    """Return by subject the differences of its seeds."""
    alone = sorted(first.keys() ^ second.keys())
    if alone or not first:
        found = f"subject {alone[0][0]!r}, seed {alone[0][1]} in one only" if alone else "none"
        raise ValueError(f"Paired figures need the same (subject, seed) pairs; found {found}.")
    by_subject: dict[str, list[float]] = {}
    for key in sorted(first):
        difference = first[key] - second[key]
        if not np.isfinite(difference):
            raise ValueError(
                f"Subject {key[0]!r}, seed {key[1]}: expected two finite figures, found "
                f"{first[key]} and {second[key]}. Leave the subject out of both, and say so."
            )
        by_subject.setdefault(key[0], []).append(difference)
    return {subject: np.array(values) for subject, values in by_subject.items()}


def _members(rows: Ints, groups: Array) -> list[Ints]:
    """Return the entries of each group."""
    if len(rows) and int(rows.max()) >= len(groups):
        raise ValueError(
            f"An entry belongs to row {int(rows.max())}, but groups are given for {len(groups)} "
            "rows. Give one group per row of the evaluated table."
        )
    names, index = np.unique(groups[rows], return_inverse=True)
    unknown = np.flatnonzero(names == "") if names.dtype.kind == "U" else np.array([], np.int64)
    if len(unknown):
        row = int(rows[np.flatnonzero(index == unknown[0])[0]])
        raise ValueError(f"Row {row} has no group (empty): name one for every evaluated row.")
    return [np.flatnonzero(index == i) for i in range(len(names))]


def _too_few(what: str, found: int) -> str:
    """Say why there is no interval."""
    return f"{found} {what}{'' if found == 1 else 's'}: an interval needs at least {MIN_GROUPS}"


def _percentiles(values: Doubles, level: float) -> tuple[float, float]:
    """Return the middle part that holds ``level`` of the values."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
