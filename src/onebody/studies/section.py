"""A section of a study: the runs that it asks for, and what it makes of them.

The grid is a section, the proportion sweep is another. A new one is a file with a config, a
function that plans runs and one that sums them up, and a line in ``SECTIONS`` (see
`onebody.studies.sections`); its key then stands under ``study:`` in a recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from onebody.config import Config
from onebody.studies.arms import single_task, with_seed, with_steps
from onebody.studies.known import Known
from onebody.studies.runs import Plan, Run
from onebody.tasks import Task
from onebody.training import Recipe

Verdict = Literal["holds here", "does not hold here", "not settled", "not computed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One division of the rows.

    Attributes:
        name: what is held out; empty where the recipe's own split is the only one.
        apply: changes a recipe so that it is trained and tested on this fold.
    """

    name: str
    apply: Callable[[Recipe], Recipe]


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One cell of the grid.

    Attributes:
        name: of its runs: sharing, balancing and depth, joined by dots.
        sharing, balancing, depth: names of the cell's parts.
        recipe: of the joint network, but for seed and fold.
    """

    name: str
    sharing: str
    balancing: str
    depth: str
    recipe: Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyContext:
    """What every section is given.

    Attributes:
        recipe: of the study, as the grid changes it.
        folder: of the runs.
        folds: in turn tested.
        seeds: of weights and order.
        tasks: all tasks, by name.
        twins: tasks of each single-task twin, by the twin's name.
        named: the configuration that was named on validation; until then (while costs are
            estimated) the one with the most parameters.
        plain: the named configuration's balancing and depth under hard sharing.
        budgets: by ``TWIN.DEPTH``, the budget (``epochs`` or ``steps``) that was the better one on
            validation for twins of equal depth.
        known: what was found out about recipes.
    """

    recipe: Recipe
    folder: Path
    folds: tuple[Fold, ...]
    seeds: tuple[int, ...]
    tasks: Mapping[str, Task]
    twins: Mapping[str, tuple[str, ...]]
    named: Configuration
    plain: Configuration
    known: Known
    budgets: Mapping[str, str] = field(default_factory=dict)

    def plans(self, arm: str, recipe: Recipe | Callable[[Fold], Recipe]) -> list[Plan]:
        """Plan an arm's runs: every seed on every fold.

        Args:
            arm: a name that no other arm of the study has; letters, digits, ``.``, ``-``, ``_``.
            recipe: but for fold and seed; or a function that makes each fold's, where more than
                the tested rows depends on the fold.
        """
        made: list[Plan] = []
        for seed in self.seeds:
            for fold in self.folds:
                own = fold.apply(recipe) if isinstance(recipe, Recipe) else recipe(fold)
                name = ".".join([arm, *([fold.name] if fold.name else []), f"seed{seed}"])
                made.append(
                    Plan(
                        arm=arm,
                        fold=fold.name,
                        seed=seed,
                        folder=self.folder / name,
                        recipe=with_seed(own, seed),
                    )
                )
        return made

    def twin(self, arm: str, task: str, joint: Callable[[Fold], Recipe]) -> list[Plan]:
        """Plan the twins of a joint network: equal encoder, and the budget that was the better one.

        Args:
            arm: as in `plans`.
            task: name of the twin (see ``twins``).
            joint: each fold's joint recipe; its network's sharing and balancing do not matter.
        """
        budget = self.budgets.get(f"{task}.{self.named.depth}", "steps")
        return self.plans(arm, lambda fold: self.single(task, joint(fold), budget))

    def single(self, task: str, joint: Recipe, budget: str) -> Recipe:
        """Return the recipe of a single-task twin with one of the two budgets.

        Args:
            task: name of the twin.
            joint: with its fold's rows.
            budget: ``epochs`` or ``steps`` of the joint network.
        """
        own = single_task(joint, self.twins[task])
        if budget == "steps" and own.schedule.steps is None:
            own = with_steps(own, self.known.preview(joint).steps)
        return own


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of text.

    Attributes:
        title: its heading.
        columns, rows: cells.
        notes: what must be read with it, a sentence each.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line, or group of points, of a plot.

    Attributes:
        label: in the legend.
        x: places (numbers) or categories (texts).
        y: values.
        low, high: ends of the intervals; None where there is none.
    """

    label: str
    x: tuple[float | str, ...]
    y: tuple[float, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """What a plot shows.

    Attributes:
        name: of its file.
        title, x, y: its heading and axes.
        series: what is drawn.
        kind: ``lines``, ``points`` (with the label beside each), or ``bars`` (lying, by category).
    """

    name: str
    title: str
    x: str
    y: str
    series: tuple[Series, ...]
    kind: Literal["lines", "points", "bars"] = "lines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A statement of others, held against this study.

    Attributes:
        name: short.
        sentence: what was found here, with its figures and its interval.
        verdict: whether the statement holds here.
        value: the figure that decides; None where it cannot be computed.
        interval: of the figure; None where there is none.
    """

    name: str
    sentence: str
    verdict: Verdict
    value: float | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionResult:
    """What a section found.

    Attributes:
        title: its heading.
        tables, findings, plots: in the order in which they are shown.
        figures: what is kept as JSON beside them.
    """

    title: str
    tables: tuple[Table, ...] = ()
    findings: tuple[Finding, ...] = ()
    plots: tuple[Plot, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One kind of section.

    Attributes:
        config: of what stands under its key.
        plans: from the context and the config to its runs. It is asked twice: for the estimate, and
            when the named configuration is known.
        summarize: from the context, the config and its finished, measured runs to what was found.
        summary: one line about it.
    """

    config: type[Config]
    plans: Callable[[StudyContext, Any], Sequence[Plan]]
    summarize: Callable[[StudyContext, Any, Sequence[Run]], SectionResult]
    summary: str


SECTIONS: dict[str, Section] = {}
"""Sections by their key under ``study:``; filled in `onebody.studies.sections`."""
