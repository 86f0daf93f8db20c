"""The learning curve: few labeled clips per class of one task, of each task in turn.

The other tasks keep all of their labels. At every number of labels the named configuration and the
single-task twin are trained on the same clips, several times over: each *draw* takes other clips,
another seed and the next fold, and both networks of a draw share all three, so that gains are
paired. Twins, and the joint network with pseudo-labels, make as many steps as the joint network of
their draw: with few clips an epoch is a few steps, and as many epochs would leave twins untrained.
With all labels a twin has the budget that was the better one on validation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pydantic import Field, model_validator

from onebody.config import Config, nearest
from onebody.data import ClassColumn
from onebody.studies.arms import with_seed, with_steps
from onebody.studies.runs import Plan
from onebody.studies.section import Fold, StudyContext
from onebody.training import Recipe, read_tables
from onebody.training.keep import KeepConfig
from onebody.training.pseudo import PseudoConfig
from onebody.types import PLACES

JOINT, SINGLE, TAUGHT = "joint", "single", "pseudo"
"""Kinds of networks: the last is the joint one with pseudo-labels of single-task teachers."""

ALL = 0
"""Stands for all labels among the numbers of labels."""


class LabelsConfig(Config):
    """Which learning curves are drawn.

    Attributes:
        tasks: class tasks whose labels become few, each in turn; empty: every one with a twin.
        per_class: numbers of labeled clips per class, ascending; all labels come after them.
        draws: trainings at every number.
        pseudo: add the joint network with pseudo-labels, whose teachers are the section's own
            single-task networks of the same draw: of the task with few labels the one that was
            trained on those, of the other curves' tasks those with all labels.
    """

    tasks: tuple[str, ...] = ()
    per_class: tuple[int, ...] = Field((1, 2, 4, 8), min_length=1)
    draws: int = Field(10, ge=2)
    pseudo: bool = False

    @model_validator(mode="after")
    def _possible(self) -> LabelsConfig:
        if list(self.per_class) != sorted(set(self.per_class)) or self.per_class[0] < 1:
            raise ValueError(
                f"state 'per_class' ascending, from 1, each once, found {self.per_class}"
            )
        return self

    @property
    def counts(self) -> tuple[int, ...]:
        """Numbers of labels, all of them last."""
        return (*self.per_class, ALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One network of the curve.

    Attributes:
        kind: of network.
        task: whose labels are few.
        count: labeled clips per class.
    """

    kind: str
    task: str
    count: int

    @property
    def arm(self) -> str:
        """Name of its runs; the joint network with all labels is the same for every task."""
        if self.count == ALL and self.kind != SINGLE:
            return f"labels.{self.kind}.all"
        return f"labels.{self.kind}-{self.task}.{count_name(self.count)}"


def label_plans(context: StudyContext, config: LabelsConfig) -> list[Plan]:
    """Plan every network at every number of labels, draw by draw."""
    found: dict[str, Plan] = {}
    for draw in range(config.draws):
        for place in places(context, config):
            plan = _plan(context, config, place, draw)
            found.setdefault(plan.folder.name, plan)
    return list(found.values())


def places(context: StudyContext, config: LabelsConfig) -> Iterator[Place]:
    """Yield all networks of the curves."""
    for task in tasks_of(context, config):
        for count in config.counts:
            for kind in kinds_of(config):
                yield Place(kind=kind, task=task, count=count)


def kinds_of(config: LabelsConfig) -> tuple[str, ...]:
    """Return the kinds of networks."""
    return (JOINT, SINGLE, TAUGHT) if config.pseudo else (JOINT, SINGLE)


def tasks_of(context: StudyContext, config: LabelsConfig) -> tuple[str, ...]:
    """Return the tasks whose labels become few.

    Raises:
        ValueError: if one is no class task with a twin, or shares its column with another task.
    """
    compared = [task for tasks in context.twins.values() for task in tasks]
    classed = [task for task in compared if context.tasks[task].form not in PLACES]
    for task in config.tasks:
        if task not in classed:
            raise ValueError(f"'study.labels' names {task!r}. {nearest(task, classed)}")
    chosen = config.tasks or tuple(classed)
    if not chosen:
        raise ValueError("'study.labels' needs a task of one class per clip that has a twin.")
    for task in chosen:
        column = context.tasks[task].column
        shared = [n for n, t in context.tasks.items() if n != task and t.column == column]
        if shared:
            raise ValueError(
                f"'study.labels': tasks {task!r} and {shared[0]!r} read one column, {column!r}, "
                "whose labels cannot become few for one of them alone."
            )
    return chosen


def count_name(count: int) -> str:
    """Say how many labels there are."""
    return "all" if count == ALL else str(count)


def _plan(context: StudyContext, config: LabelsConfig, place: Place, draw: int) -> Plan:
    """Plan one network of one draw."""
    fold = context.folds[draw % len(context.folds)]
    seed = context.seeds[0] + draw
    return Plan(
        arm=place.arm,
        fold=fold.name,
        seed=seed,
        folder=context.folder / f"{place.arm}.draw{draw}",
        recipe=with_seed(_recipe(context, config, place, draw, fold), seed),
    )


def _recipe(
    context: StudyContext, config: LabelsConfig, place: Place, draw: int, fold: Fold
) -> Recipe:
    """Return the recipe of one network of one draw, but for the seed."""
    few = _keeping(context, place, draw)
    if place.kind == SINGLE:
        twin = next(name for name, tasks in context.twins.items() if place.task in tasks)
        budget = context.budgets.get(f"{twin}.{context.named.depth}", "steps")
        joint = few(fold.apply(context.plain.recipe))
        return context.single(twin, joint, budget if place.count == ALL else "steps")
    own = few(fold.apply(context.named.recipe))
    if place.kind == JOINT:
        return own
    teachers = [
        PseudoConfig(
            task=task,
            teacher=context.folder / f"{_teacher(place, task).arm}.draw{draw}",
        )
        for task in tasks_of(context, config)
    ]
    if own.schedule.steps is None:  # rows that get a label make its epochs longer
        own = with_steps(own, context.known.preview(own).steps)
    return Recipe.model_validate({**dict(own), "pseudo": tuple(teachers)})


def _teacher(place: Place, task: str) -> Place:
    """Return the single-task network that teaches a task: with few labels only its own."""
    return Place(kind=SINGLE, task=task, count=place.count if task == place.task else ALL)


def _keeping(context: StudyContext, place: Place, draw: int) -> Callable[[Recipe], Recipe]:
    """Return what leaves a recipe few labels of the place's task."""
    column = context.tasks[place.task].column

    def change(recipe: Recipe) -> Recipe:
        if place.count == ALL:
            return recipe
        keep = KeepConfig(column=column, per_class=place.count, draw=draw)
        data = [
            part.model_copy(update={"keep": keep}) if has else part
            for part, has in zip(recipe.data, _labeled(recipe, column), strict=True)
        ]
        return Recipe.model_validate({**dict(recipe), "data": tuple(data)})

    return change


def _labeled(recipe: Recipe, column: str) -> Sequence[bool]:
    """Return for each source whether its table has a class column."""
    tables = read_tables(recipe)
    return [isinstance(table.columns.get(column), ClassColumn) for table in tables]
