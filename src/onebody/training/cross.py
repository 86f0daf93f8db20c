"""A run's network on another dataset, whose classes correspond to some of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from onebody.config import Config, lookup, nearest, read_config
from onebody.data import ClassColumn, InputSpec, SampleTable, Source
from onebody.evaluation import (
    PLAIN,
    LeakageError,
    ViewsConfig,
    check_apart,
    evaluate,
    judged,
    split_several,
)
from onebody.inference import load
from onebody.labels import LabelSpace
from onebody.metrics import Results
from onebody.tasks import Task
from onebody.tasks.classes import ClassTask
from onebody.tasks.classification import ClassificationTask, check_places
from onebody.tasks.consistency import ConsistencyTask
from onebody.tasks.joint import JointTask
from onebody.tasks.tree import TreeTask
from onebody.tasks.which import WhichTask
from onebody.training.known import known_rows
from onebody.training.recipe import Recipe
from onebody.training.sources import judged_columns, read_tables
from onebody.types import Bools

Places = dict[str, str | None]

SHOWN = ("top1", "mean_class", "task_accuracy")
"""Metrics of class tasks that mean the same over some of the classes as over all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossFigures:
    """What a network reached on another dataset.

    Attributes:
        figures: by task and metric; predictions may be any class of the network.
        restricted: of class tasks: predictions are the likeliest of the corresponding classes;
            routers have none, for their classes are the tasks.
        classes: by class task, the network's classes that the other dataset has.
        rows: measured rows by task.
        left_out: by class task, rows of classes without a place, by their class.
    """

    figures: Mapping[str, Mapping[str, float]]
    restricted: Mapping[str, Mapping[str, float]]
    classes: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, int]
    left_out: Mapping[str, Mapping[str, int]]


def measure_cross(
    run: Path,
    other: Recipe,
    part: str = "test",
    *,
    clips: int = 1,
    views: ViewsConfig = PLAIN,
    device: str = "cpu",
) -> CrossFigures:
    """Measure a run's network on the rows of another recipe.

    Its tasks are found there by their names. The other recipe's ``places`` say which class of a
    column is which class of the network; without them, classes of equal name correspond. Rows of a
    class without a place are left out, and counted. Its ``judged_on`` holds as in its own test: of
    a task that is judged on unseen people, rows of people in its training part do not count
    (``all``: every row does, for the network has met nobody of them).

    Args:
        run: folder of a finished run.
        other: data, tasks and split to test on; the rest of it means nothing here.
        part: ``train``, ``validation``, ``test`` or ``all`` of its rows.
        clips: clips joined per sample.
        views: looks at each clip, and how answers are joined.
        device: where the network runs.

    Raises:
        LeakageError: if the network knows some of the rows.
        ValueError: if no class or no row corresponds, or a place is no class of the network.
    """
    saved = load(run, device=device).saved
    tables = read_tables(other)
    tasks = {name: _moved(task, other, tables) for name, task in saved.network.tasks.items()}
    chosen = _chosen(other, tables, tasks, part)
    sources: list[Source] = []
    for data, table in zip(other.data, chosen, strict=True):
        spec = read_config(InputSpec, {**saved.input.model_dump(), **data.input}, "'data.input'")
        targets = tuple(task.target_spec(table) for task in tasks.values())
        if len(table):
            sources.append(Source(table=table, spec=spec, targets=targets))
    try:
        check_apart(known_rows(run), [source.table for source in sources])
    except LeakageError as error:
        raise LeakageError(
            f"{run} has learned from rows that would be tested. {error} Test on rows that it does "
            "not know: another --split, or another dataset."
        ) from None
    results = evaluate(saved.network, sources, clips=clips, views=views, device=device)
    if not results:
        raise ValueError(
            f"{run}: no {part} row of the other recipe is labeled for one of its tasks "
            f"({', '.join(tasks)}). State 'tasks' of the same names there, with 'places'."
        )
    return _figures(saved.network.tasks, tasks, chosen, results)


def _chosen(
    other: Recipe, tables: Sequence[SampleTable], tasks: Mapping[str, Task], part: str
) -> list[SampleTable]:
    """Return the tables' rows of one part of the split, with the labels that are judged there."""
    if part == "all":
        return list(tables)
    chosen: list[SampleTable] = []
    divided = split_several(tables, other.split, other.evaluation.split_seed)
    for whole, own in zip(tables, divided, strict=True):
        table = judged(whole, own, judged_columns(other, whole, tasks))
        parts = {"train": own.train, "validation": own.validation, "test": own.test}
        chosen.append(table.select(lookup(parts, part, "split")))
    return chosen


def _moved(task: Task, other: Recipe, tables: Sequence[SampleTable]) -> Task:
    """Return a task that reads the other recipe's column; of unknown tasks, one that reads none."""
    if isinstance(task, JointTask):
        return task
    if isinstance(task, ConsistencyTask):  # of labels that the other set does not relate
        return replace(task, column="")
    if isinstance(task, TreeTask):  # tested on its leaves
        task = replace(task, class_column="")
    config: Config | None = other.tasks.get(task.name)
    if config is None:  # a router without a column is read off the tasks' own labels
        unread = replace(task, column="")
        return replace(unread, places=None) if isinstance(unread, WhichTask) else unread
    column = getattr(config, "column", "") or ("" if isinstance(task, WhichTask) else task.name)
    if not isinstance(task, (ClassificationTask, WhichTask, TreeTask)):
        return replace(task, column=column)
    spaces = [c.space for t in tables if isinstance(c := t.columns.get(column), ClassColumn)]
    return replace(
        task, column=column, places=_places(task, getattr(config, "places", None), spaces)
    )


def _places(
    task: ClassTask, stated: Mapping[str, str | None] | None, spaces: Sequence[LabelSpace]
) -> Places:
    """Give each class of a column its class of the network, or None."""
    for place in (stated or {}).values():
        if place is not None and place not in task.classes:
            raise ValueError(
                f"Task {task.name!r}: 'places' names {place!r}, which is no class of the network. "
                f"{nearest(place, task.classes)}"
            )
    if spaces:
        check_places(task.name, spaces, stated)
    names = dict.fromkeys(name for space in spaces for name in space.classes)
    given = {name: name for name in task.classes} if stated is None else stated
    places = {name: given.get(name) for name in names}
    if names and not any(places.values()):
        raise ValueError(
            f"Task {task.name!r}: no class corresponds. There: {', '.join(names)}; the network's: "
            f"{', '.join(task.classes)}. State 'places'."
        )
    return places


def _figures(
    own: Mapping[str, Task],
    tasks: Mapping[str, Task],
    tables: Sequence[SampleTable],
    results: Mapping[str, Results],
) -> CrossFigures:
    """Measure the answers, over all classes and over those that correspond."""
    figures: dict[str, dict[str, float]] = {}
    restricted: dict[str, dict[str, float]] = {}
    classes: dict[str, tuple[str, ...]] = {}
    for name, found in results.items():
        task = own[name]
        shown = SHOWN if isinstance(task, ClassTask) else tuple(task.metrics)
        metrics = {m: task.metrics[m].function for m in shown if m in task.metrics}
        figures[name] = {m: function(found) for m, function in metrics.items()}
        if not isinstance(task, ClassTask):
            continue
        allowed = _corresponding(tasks[name], tasks)
        classes[name] = tuple(np.array(task.classes)[allowed].tolist())
        if not isinstance(task, WhichTask):
            part = _restrict(found, allowed)
            restricted[name] = {m: function(part) for m, function in metrics.items()}
    return CrossFigures(
        figures=figures,
        restricted=restricted,
        classes=classes,
        rows={name: len(np.unique(found.row)) for name, found in results.items()},
        left_out={name: out for name, task in tasks.items() if (out := _left_out(task, tables))},
    )


def _corresponding(task: Task, tasks: Mapping[str, Task]) -> Bools:
    """Return ``[C]``: which classes of a class task the other dataset has."""
    if isinstance(task, JointTask):
        parts = [_corresponding(tasks[name], tasks) for name in task.of]
        extra = np.zeros(len(task.space) - sum(len(part) for part in parts), np.bool_)
        return np.concatenate([*parts, extra])
    assert isinstance(task, (ClassificationTask, WhichTask, TreeTask))
    if isinstance(task, WhichTask) and not task.column:
        known = [bool(_corresponding(tasks[name], tasks).any()) for name in task.of]
        return np.array(known + [False] * (len(task.space) - len(known)))
    present = set((task.places or {}).values()) if task.column else set()
    return np.array([name in present for name in task.classes])


def _restrict(results: Results, allowed: Bools) -> Results:
    """Take probability from classes that are not allowed, and share it out to the others."""
    kept = np.where(allowed, results.prediction, 0.0)
    total = kept.sum(axis=1, keepdims=True)
    even = allowed / max(int(allowed.sum()), 1)
    safe = np.where(total > 0, total, 1.0)
    return replace(results, prediction=np.where(total > 0, kept / safe, even))


def _left_out(task: Task, tables: Sequence[SampleTable]) -> dict[str, int]:
    """Count the rows of classes without a place."""
    counts: Counter[str] = Counter()
    places: Places = getattr(task, "places", None) or {}
    for table in tables if places else ():
        column = table.columns.get(task.column)
        if isinstance(column, ClassColumn):
            names = [column.space.classes[i] for i in column.values[column.values >= 0].tolist()]
            counts.update(name for name in names if places.get(name) is None)
    return dict(counts)
