"""Intervals of any figure that is made of several tasks' means over subjects and seeds.

`onebody.metrics.intervals` compares two systems on one task. A relative gain over several tasks, or
a difference of such gains, needs the same drawn subjects in all of its parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from onebody.metrics.intervals import MIN_GROUPS, Interval
from onebody.types import Doubles

BySubject = Mapping[tuple[str, int], float]
"""A figure by (subject, seed)."""

MOST_LOST = 0.01
"""Share of the draws in which some mean may have no subject."""


class Resampler:
    """Draws subjects with replacement, and within each of them its seeds.

    Every mean that is asked of one resampler is taken over the same draws; the first of them is
    the sample itself, so that a figure and its interval come from one computation.

    Attributes:
        subjects, seeds: what is drawn from.
        weights: ``[1 + draws, subjects, seeds]``: how much each counts; the first draw is even.
    """

    def __init__(
        self, keys: Iterable[tuple[str, int]], *, draws: int = 4000, seed: int = 0
    ) -> None:
        """Draw.

        Args:
            keys: every (subject, seed) that any figure has.
            draws: number of resampled sets.
            seed: of the draws.

        Raises:
            ValueError: if there are none.
        """
        pairs = sorted(set(keys))
        if not pairs:
            raise ValueError("There is no subject to draw.")
        self.subjects = {name: i for i, name in enumerate(sorted({s for s, _ in pairs}))}
        self.seeds = {number: i for i, number in enumerate(sorted({n for _, n in pairs}))}
        people, runs = len(self.subjects), len(self.seeds)
        rng = np.random.default_rng(seed)
        self.weights = np.zeros((draws + 1, people, runs))
        self.weights[0] = 1.0 / runs
        number = np.repeat(np.arange(1, draws + 1), people)
        chosen = rng.integers(0, people, draws * people)
        for _ in range(runs):
            np.add.at(
                self.weights, (number, chosen, rng.integers(0, runs, len(chosen))), 1.0 / runs
            )

    def mean(self, figures: BySubject) -> Doubles:
        """Return ``[1 + draws]`` means; NaN where a draw has none of these subjects."""
        values = np.zeros((len(self.subjects), len(self.seeds)))
        known = np.zeros_like(values)
        for (subject, seed), value in figures.items():
            place = self.subjects[subject], self.seeds[seed]
            values[place], known[place] = value, 1.0
        weights = self.weights.reshape(len(self.weights), -1)
        total = weights @ known.ravel()
        with np.errstate(invalid="ignore"):
            return np.where(total > 0, weights @ values.ravel() / total, np.nan)

    def interval(self, drawn: Doubles, level: float = 0.95) -> Interval:
        """Return the percentile interval of a figure that was computed on every draw.

        Args:
            drawn: ``[1 + draws]``, made of what `mean` returned; the first is no draw.
            level: coverage in (0, 1).

        Returns:
            The interval; none below six subjects, or where too many draws have no value.
        """
        if len(self.subjects) < MIN_GROUPS:
            count = len(self.subjects)
            found = f"{count} subject{'' if count == 1 else 's'}"
            return Interval(bounds=None, reason=f"{found}: an interval needs at least {MIN_GROUPS}")
        kept = drawn[1:][np.isfinite(drawn[1:])]
        lost = len(drawn) - 1 - len(kept)
        if lost > MOST_LOST * (len(drawn) - 1):
            reason = f"{lost} of {len(drawn) - 1} resampled sets lack the subjects of a task"
            return Interval(bounds=None, reason=reason)
        low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
        return Interval(bounds=(float(low), float(high)))
