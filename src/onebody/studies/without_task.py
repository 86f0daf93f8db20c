"""A network that is not told which task a clip is of, held against the named one, which is.

It is the named configuration with one answer over all class tasks: one softmax (``union``), or a
router (``routed``). The same network also answers with the task given, so that the gap between the
two is measured on the same rows. With ``unknown`` it is trained once more without some classes,
whose clips are then of none of the tasks. With ``across`` it is trained on one source and its
router asked about all rows of the others, so that it cannot have learned the recorder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import numpy as np
from pydantic import Field

from onebody.config import Config
from onebody.studies.arms import with_seed
from onebody.studies.runs import Plan
from onebody.studies.section import StudyContext
from onebody.training import Recipe, read_tables
from onebody.types import PLACES

Way: TypeAlias = Literal["routed", "union"]

ANSWER, ROUTER = "answer", "which"
"""Names of the added tasks: the answer over all tasks, and the router that it may need."""


class WithoutTaskConfig(Config):
    """Which networks do without the task.

    Attributes:
        ways: ``routed``, ``union``.
        unknown: by column, classes that a further training is left without; empty: none.
        across: whether to train on each source alone, too, and to test on all rows of the others.
    """

    ways: tuple[Way, ...] = Field(("routed", "union"), min_length=1)
    unknown: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    across: bool = False


def without_task_plans(context: StudyContext, config: WithoutTaskConfig) -> list[Plan]:
    """Plan the networks, and the named one, whose runs the grid has already made."""
    named = context.named
    plans = context.plans(named.name, named.recipe)
    for way in config.ways:
        own = answering(context, way)
        plans += context.plans(arm_of(way), own)
        if config.unknown:
            less = Recipe.model_validate({**dict(own), "unknown": dict(config.unknown)})
            plans += context.plans(arm_of(way, "unknown"), less)
        if config.across:
            plans += _across(context, way, own)
    return plans


def answering(context: StudyContext, way: Way) -> Recipe:
    """Return the named recipe with an answer over all of its class tasks.

    Raises:
        ValueError: if it has fewer than two, or a task has one of the names that are added.
    """
    recipe = context.named.recipe
    parts = class_tasks(context)
    for name in (ANSWER, ROUTER):
        if name in recipe.tasks:
            raise ValueError(f"'study.without_task' adds a task {name!r}; rename the recipe's.")
    added: dict[str, object] = {ANSWER: {"kind": "union", "of": parts}}
    if way == "routed":
        added = {
            ROUTER: {"kind": "which", "of": parts},
            ANSWER: {"kind": "routed", "router": ROUTER, "of": parts},
        }
    return Recipe.model_validate({**dict(recipe), "tasks": {**recipe.tasks, **added}})


def class_tasks(context: StudyContext) -> tuple[str, ...]:
    """Return the tasks that are told apart.

    Raises:
        ValueError: if there are fewer than two.
    """
    found = tuple(
        name
        for tasks in context.twins.values()
        for name in tasks
        if context.tasks[name].form not in PLACES
    )
    if len(found) < 2:
        raise ValueError(
            "'study.without_task' needs two tasks of one class per clip that have twins; found "
            f"{', '.join(found) or 'none'}."
        )
    return found


def arm_of(way: str, kind: str = "") -> str:
    """Name an arm."""
    return ".".join(["without", way, *([kind] if kind else [])])


def _across(context: StudyContext, way: Way, recipe: Recipe) -> list[Plan]:
    """Plan the trainings on one source that are tested on the others' people.

    Raises:
        ValueError: if there is one source only, a row's person is not known, or a person of one
            source is called like one of another.
    """
    tables = read_tables(recipe)
    if len(tables) < 2 or any((table.subject == "").any() for table in tables):
        raise ValueError(
            "'study.without_task': 'across' needs two sources or more, all of whose rows name "
            f"their subject; found {len(tables)} source(s)."
        )
    plans: list[Plan] = []
    for table in tables:
        people = np.unique(np.concatenate([t.subject for t in tables if t is not table]))
        alike = np.intersect1d(table.subject, people).tolist()
        if alike:
            raise ValueError(
                f"'study.without_task': 'across' tests all people of the other sources, but "
                f"{alike[0]!r} is also a subject of {table.name!r}. Give the sources' subjects "
                "names of their own (subject_prefix)."
            )
        split = {
            **recipe.split.model_dump(),
            "test": {"subject": tuple(people.tolist())},
            "test_share": 0.0,
            "own_split": False,
        }
        own = Recipe.model_validate({**dict(recipe), "split": split})
        arm = arm_of(way, f"from-{table.name}")
        for seed in context.seeds:
            folder = context.folder / f"{arm}.seed{seed}"
            plans.append(
                Plan(arm=arm, fold="", seed=seed, folder=folder, recipe=with_seed(own, seed))
            )
    return plans
