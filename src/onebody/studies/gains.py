"""Gains over single-task twins, of every configuration on the same drawn subjects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from onebody.metrics import BySubject, Interval, Resampler
from onebody.types import Doubles

ByTask = Mapping[str, BySubject]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A configuration of the grid, as findings see it.

    Attributes:
        name: of its runs.
        sharing, balancing: kinds.
        depth: name.
        score: on validation.
    """

    name: str
    sharing: str
    balancing: str
    depth: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GridFigures:
    """Test figures of a finished grid: the first headline metric of every compared task.

    Attributes:
        cells: of the grid.
        depths: names, from shallow to deep.
        sizes: of twins; the first is what findings are judged by.
        joint: by configuration and task.
        twins: by (depth, size) and task.
        higher: by task, whether more is better.
    """

    cells: tuple[Cell, ...]
    depths: tuple[str, ...]
    sizes: tuple[str, ...]
    joint: Mapping[str, ByTask]
    twins: Mapping[tuple[str, str], ByTask]
    higher: Mapping[str, bool]


class Gains:
    """Means and gains on every draw of subjects and seeds.

    The first entry of each array is the figure itself (see `Resampler`).
    """

    def __init__(self, figures: GridFigures, *, draws: int = 4000) -> None:
        self.figures = figures
        every = [*figures.joint.values(), *figures.twins.values()]
        keys = [key for tasks in every for values in tasks.values() for key in values]
        self.resampler = Resampler(keys, draws=draws)

    def delta(self, name: str, depth: str, size: str) -> Doubles:
        """Return a configuration's Delta_MTL over the twins of a depth and size: a share."""
        joint, twins = self.figures.joint[name], self.figures.twins[depth, size]
        return np.mean([self._gain(task, joint[task], twins[task]) for task in twins], axis=0)

    def own_delta(self, cell: Cell) -> Doubles:
        """Return its Delta_MTL over the twins of its own depth and the first size."""
        return self.delta(cell.name, cell.depth, self.figures.sizes[0])

    def mean_delta(self, cells: Iterable[Cell]) -> Doubles:
        """Average the Delta_MTL of several configurations."""
        return np.mean([self.own_delta(cell) for cell in cells], axis=0)

    def beats(self, name: str, depth: str, size: str) -> Doubles:
        """Return 1 where a configuration is better than the twins on every task, else 0."""
        joint, twins = self.figures.joint[name], self.figures.twins[depth, size]
        gains = [self._gain(task, joint[task], twins[task]) for task in twins]
        return np.all(np.array(gains) > 0, axis=0).astype(np.float64)

    def interval(self, drawn: Doubles) -> Interval:
        """Return the interval of a figure that was made of these."""
        return self.resampler.interval(drawn)

    def _gain(self, task: str, joint: BySubject, single: BySubject) -> Doubles:
        """Return the relative gain on one task; NaN where the single figure is 0."""
        together, alone = self.resampler.mean(joint), self.resampler.mean(single)
        scale = np.where(alone == 0, np.nan, np.abs(alone))
        gain = (together - alone) / scale
        return gain if self.figures.higher[task] else -gain
