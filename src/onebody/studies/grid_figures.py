"""A finished grid in figures: what findings read, and every configuration beside its twins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from onebody.metrics import (
    BySubject,
    Difference,
    Metric,
    holm,
    paired_difference,
    sign_flip_test,
)
from onebody.studies.choice import Choice
from onebody.studies.delta import headlines
from onebody.studies.figures import by_subject, figures_of
from onebody.studies.gains import Cell, GridFigures
from onebody.studies.grid import Grid
from onebody.studies.runs import Run
from onebody.studies.section import StudyContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A configuration beside the twin of one task.

    Attributes:
        cell, task, size: what is compared; the twin is of the cell's depth.
        metric: the task's first headline.
        joint, single: mean over subjects and seeds.
        difference: joint minus single, paired.
        p: of the sign-flip test over subjects, seeds averaged inside; as it is.
        corrected: after Holm over all exploratory comparisons; None for the named configuration,
            whose comparison was planned.
    """

    cell: str
    task: str
    size: str
    metric: Metric
    joint: float
    single: float
    difference: Difference
    p: float
    corrected: float | None = None


class FinishedGrid:
    """The measured runs of a grid, looked up by what they are of."""

    def __init__(
        self, context: StudyContext, grid: Grid, choice: Choice, runs: Sequence[Run]
    ) -> None:
        self.context, self.grid, self.choice = context, grid, choice
        self.runs: dict[str, list[Run]] = {}
        for run in runs:
            self.runs.setdefault(run.arm, []).append(run)
        self.headlines = {name: headlines(task) for name, task in context.tasks.items()}
        self.twin_of = {task: twin for twin, tasks in context.twins.items() for task in tasks}

    def twin_arm(self, twin: str, depth: str, size: str) -> str:
        """Return the arm of a twin with its better budget."""
        key = f"{twin}.{depth}.{size}"
        return f"twin.{key}.{self.choice.budgets[key]}"

    def of(self, arm: str, task: str, metric: str) -> dict[tuple[str, int], float]:
        """Return an arm's figures by (subject, seed)."""
        return figures_of(self.runs[arm], arm, task, metric)

    @cached_property
    def figures(self) -> GridFigures:
        """What findings read."""
        config = self.grid.config
        first = {task: self.headlines[task][0] for task in self.twin_of}
        return GridFigures(
            cells=tuple(
                Cell(
                    name=cell.name,
                    sharing=_kind(cell.recipe.network, "sharing"),
                    balancing=_kind(cell.recipe, "balancer"),
                    depth=cell.depth,
                    score=self.choice.scores[cell.name],
                )
                for cell in self.grid.cells
            ),
            depths=self.grid.depths,
            sizes=config.twins.sizes,
            joint={
                cell.name: {t: self.of(cell.name, t, m.name) for t, m in first.items()}
                for cell in self.grid.cells
            },
            twins={
                (depth, size): {
                    task: self.of(self.twin_arm(self.twin_of[task], depth, size), task, metric.name)
                    for task, metric in first.items()
                }
                for depth in self.grid.depths
                for size in config.twins.sizes
            },
            higher={task: metric.higher_is_better for task, metric in first.items()},
        )

    @cached_property
    def compared(self) -> tuple[Compared, ...]:
        """Every configuration beside every twin, the named one first."""
        found = [
            self._compare(cell.name, cell.depth, size, task)
            for cell in sorted(self.grid.cells, key=lambda cell: cell.name != self.choice.named)
            for size in self.grid.config.twins.sizes
            for task in self.twin_of
        ]
        explored = {_key(line): line.p for line in found if line.cell != self.choice.named}
        corrected = holm(explored)
        return tuple(replace(line, corrected=corrected.get(_key(line))) for line in found)

    def _compare(self, cell: str, depth: str, size: str, task: str) -> Compared:
        """Compare one figure."""
        joint = self.figures.joint[cell][task]
        single = self.figures.twins[depth, size][task]
        together, alone = by_subject(joint), by_subject(single)
        return Compared(
            cell=cell,
            task=task,
            size=size,
            metric=self.headlines[task][0],
            joint=_mean(joint),
            single=_mean(single),
            difference=paired_difference(joint, single),
            p=sign_flip_test([together[name] - alone[name] for name in together]),
        )

    def costs(self, arms: Sequence[str]) -> tuple[int, int, float]:
        """Return parameters, MACs and mean seconds of a run, of several networks together."""
        runs = [self.runs[arm] for arm in arms]
        return (
            sum(own[0].summary.parameters for own in runs),
            sum(own[0].summary.macs for own in runs),
            float(sum(np.mean([run.summary.seconds for run in own]) for own in runs)),
        )

    def kept(self) -> dict[str, object]:
        """Return all figures as plain values: by arm, task, metric and subject, one per seed."""
        kept: dict[str, object] = {}
        for arm, runs in self.runs.items():
            tasks: dict[str, object] = {}
            for task in runs[0].measured.figures:
                tasks[task] = {
                    metric.name: _by_seed(self.of(arm, task, metric.name))
                    for metric in self.headlines[task]
                }
            kept[arm] = tasks
        return kept


def _kind(part: object, key: str) -> str:
    """Return the kind of a part's part."""
    return str(getattr(getattr(part, key), "kind", ""))


def _key(line: Compared) -> str:
    """Name a comparison."""
    return f"{line.cell} {line.size} {line.task}"


def _mean(figures: BySubject) -> float:
    """Average over subjects of the averages over seeds, as differences are."""
    return float(np.mean(list(by_subject(figures).values())))


def _by_seed(figures: Mapping[tuple[str, int], float]) -> dict[str, list[float]]:
    """Return figures by subject, rounded, in the order of the seeds."""
    kept: dict[str, list[float]] = {}
    for (subject, _), value in sorted(figures.items()):
        kept.setdefault(subject, []).append(value)
    return kept
