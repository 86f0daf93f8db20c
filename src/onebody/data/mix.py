"""Which rows of which source make which step: a pure function of (seed, epoch, step).

Nothing is counted along the way, so any step of any epoch can be asked for at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from onebody.types import Ints

_SOURCES = 2**32 - 1
"""In place of a source's number, for the order in which sources are drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deck:
    """The rows of one source, shuffled without replacement, again and again.

    Attributes:
        groups: rows by group; groups take turns, each goes through its own rows. One group: every
            row comes once per pass.
        seed: of the shuffles.
        number: the source's own, so that equal tables are not shuffled alike.
    """

    groups: tuple[Ints, ...]
    seed: int
    number: int

    def draw(self, position: int, count: int) -> tuple[Ints, Ints]:
        """Return the rows at positions ``position .. position + count - 1``.

        Returns:
            ``[count]`` rows, and the pass that each belongs to: a number that differs between two
            draws of one row, whichever group they come from.
        """
        turns = np.arange(position, position + count)
        groups, places = turns % len(self.groups), turns // len(self.groups)
        rows, passes = np.empty(count, np.int64), np.empty(count, np.int64)
        for i, (group, place) in enumerate(zip(groups.tolist(), places.tolist(), strict=True)):
            members = self.groups[group]
            number, entry = divmod(place, len(members))
            order = _shuffled(self.seed, self.number, group, number, len(members))
            rows[i] = members[order[entry]]
            passes[i] = number * len(self.groups) + group
        return rows, passes


@lru_cache(maxsize=32)
def _shuffled(seed: int, number: int, group: int, round_number: int, size: int) -> Ints:
    """Return the order of one pass."""
    generator = np.random.default_rng([seed, number, group, round_number, size])
    return generator.permutation(size).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One source's rows of one step.

    Attributes:
        source: number of the source.
        rows: ``[B]``.
        passes: ``[B]`` see `Deck.draw`.
    """

    source: int
    rows: Ints
    passes: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """How sources make steps.

    ``every``: each step has a batch of every source; an epoch is one pass of the source that needs
    most steps, and the others come round more than once. ``one``: each step has a batch of one
    source, drawn so that each epoch holds every source in proportion to its share.

    Attributes:
        decks: by source.
        batch_sizes: rows of a step, by source.
        shares: by source, above 0 (``one`` only).
        mode: see above.
        steps: steps of an epoch.
        seed: of the drawing of sources.
    """

    decks: tuple[Deck, ...]
    batch_sizes: tuple[int, ...]
    shares: tuple[float, ...]
    mode: Literal["every", "one"]
    steps: int
    seed: int

    def __post_init__(self) -> None:
        if self.mode == "one":
            self._counts()

    def step(self, epoch: int, step: int) -> list[Part]:
        """Return the parts of a step, their order rotating from step to step."""
        if self.mode == "one":
            source, turn = self._drawn(epoch, step)
            return [self._part(source, turn)]
        turn = epoch * self.steps + step
        count = len(self.decks)
        return [self._part((turn + i) % count, turn) for i in range(count)]

    def _part(self, source: int, turn: int) -> Part:
        """Return the rows of a source's batch number ``turn`` since the beginning of training."""
        size = self.batch_sizes[source]
        rows, passes = self.decks[source].draw(turn * size, size)
        return Part(source=source, rows=rows, passes=passes)

    def _counts(self) -> Ints:
        """Return how many steps of every epoch each source gets (largest remainders)."""
        exact = np.array(self.shares) / sum(self.shares) * self.steps
        counts = np.floor(exact).astype(np.int64)
        order = np.argsort(counts - exact, kind="stable")
        counts[order[: self.steps - int(counts.sum())]] += 1
        if (counts == 0).any():
            raise ValueError(
                f"Source {int(np.argmin(counts))} would never be drawn in an epoch of {self.steps} "
                f"steps with shares {list(self.shares)}. Raise its weight, the temperature or the "
                "number of steps."
            )
        return counts

    def _drawn(self, epoch: int, step: int) -> tuple[int, int]:
        """Return the source of a step and how many batches it gave before."""
        counts = self._counts()
        order = np.repeat(np.arange(len(counts)), counts)
        order = order[_shuffled(self.seed, _SOURCES, 0, epoch, self.steps)]
        source = int(order[step])
        return source, epoch * int(counts[source]) + int((order[:step] == source).sum())


def steps_per_epoch(
    sizes: Sequence[int], batch_sizes: Sequence[int], mode: Literal["every", "one"]
) -> int:
    """Return the steps of an epoch.

    Either every source goes at least once through its rows (``every``), or an epoch has as many
    rows as there are (``one``).

    Args:
        sizes: rows, by source.
        batch_sizes: rows of a step, by source.
        mode: see `Mix`.
    """
    needed = [-(-size // batch) for size, batch in zip(sizes, batch_sizes, strict=True)]
    return max(needed) if mode == "every" else sum(needed)
