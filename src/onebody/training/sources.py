"""From a recipe to its rows: tables, tasks, splits, and what of them is trained on and tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from onebody.config import Config, build, lookup
from onebody.data import InputSpec, SampleTable, Source
from onebody.data.flow import with_flow
from onebody.data.sources import MediaError, frame_span, probe
from onebody.data.targets import class_labels, is_served, labeled_rows
from onebody.datasets import DATASETS
from onebody.evaluation import People, judged, marked, only_media, split_several
from onebody.tasks import Task, WhichConfig, build_tasks, resolve_tasks
from onebody.tasks.classification import ClassificationTask
from onebody.training.derive import with_classes
from onebody.training.keep import keep_few
from onebody.training.recipe import DataConfig, Recipe
from onebody.training.thin import thinned_out
from onebody.training.unknown import hold_out
from onebody.types import Bools


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """A recipe's rows, divided.

    Attributes:
        resolved: the tasks' configs, with classes and skeletons filled in from the data.
        tasks: by name.
        splits: by split (``train``, ``validation``, ``test``); a split may have none.
        rows: labeled rows by split, and ``unlabeled``: rows without a label of the recipe's tasks;
            ``unknown``: test rows of held-out classes, if the recipe has any.
    """

    resolved: dict[str, Config]
    tasks: dict[str, Task]
    splits: dict[str, list[Source]]
    rows: dict[str, int]


def build_sources(recipe: Recipe) -> Sources:
    """Read a recipe's tables and divide their rows; no network is made.

    Raises:
        ValueError: if data, tasks and split do not fit together; says how.
    """
    tables = read_tables(recipe)
    known = hold_out(tables, recipe.unknown, _router_columns(recipe))
    resolved = resolve_tasks(recipe.tasks, known)
    tasks = build_tasks(resolved)
    splits, rows = _divide(recipe, tables, known, tasks)
    _check_nothing(tasks, splits["train"])
    return Sources(resolved=resolved, tasks=tasks, splits=splits, rows=rows)


def read_tables(recipe: Recipe) -> list[SampleTable]:
    """Read a recipe's tables, each with the columns that are used of it.

    Raises:
        ValueError: if a dataset cannot be read, or has no such column.
    """
    return [_read_table(part, recipe.input_of(place)) for place, part in enumerate(recipe.data)]


def _read_table(part: DataConfig, spec: InputSpec) -> SampleTable:
    """Read one source's table, with what of its media is made for a network."""
    table = with_flow(build(DATASETS, part.dataset, "dataset"), spec)
    table = _renamed(table, part.rename)
    for name, config in part.derive.items():
        table = with_classes(table, name, config)
    where = f"column of table {table.name!r}, 'data.labels':"
    used = {name: lookup(table.columns, name, where) for name in part.labels}
    for name in part.media:
        lookup(table.media, name, f"medium of table {table.name!r}, 'data.media':")
    table = only_media(table, part.media) if part.media else table
    return replace(table, columns=used) if part.labels else table


def _renamed(table: SampleTable, names: Mapping[str, str]) -> SampleTable:
    """Call some columns otherwise."""
    for name in names:
        lookup(table.columns, name, f"column of table {table.name!r}, 'data.rename':")
    new = [names.get(name, name) for name in table.columns]
    twice = sorted({name for name in new if new.count(name) > 1})
    if twice:
        raise ValueError(
            f"Table {table.name!r} would have two columns {twice[0]!r} ('data.rename'). Give the "
            "other one another name."
        )
    return replace(table, columns=dict(zip(new, table.columns.values(), strict=True)))


def _divide(
    recipe: Recipe,
    tables: list[SampleTable],
    known: list[SampleTable],
    tasks: Mapping[str, Task],
) -> tuple[dict[str, list[Source]], dict[str, int]]:
    """Split every table into sources, and count their labeled rows.

    A source without a label of these tasks in a split has no part in that split; a recipe that
    is left with some of its tasks may well have such sources. Only where there are teachers do
    training rows stay that have no label: they may get one. The split is that of the whole tables;
    what is taught and tested are the known ones, which lack the held-out classes.
    """
    sources: dict[str, list[Source]] = {"train": [], "validation": [], "test": []}
    rows = dict.fromkeys([*sources, "unlabeled"], 0)
    counts = dict.fromkeys(recipe.judged_on, (0, 0))
    seed = recipe.evaluation.split_seed
    splits = split_several(tables, recipe.split, seed)
    for place, (table, divided) in enumerate(zip(tables, splits, strict=True)):
        trains = divided.train
        trains = trains & ~thinned_out(table, recipe.data[place].thin, trains, seed)
        parts = {"train": trains, "validation": divided.validation, "test": divided.test}
        table = known[place]
        unknown = marked(table)
        table = _hide(recipe, place, table, trains)
        if (few := recipe.data[place].keep) is not None:
            table = keep_few(table, few, trains, seed)
        whole, table = table, judged(table, divided, judged_columns(recipe, table, tasks))
        for name in recipe.judged_on:
            both = (labeled_rows(t, tasks[name].target_spec(t)) for t in (whole, table))
            before, left = (int((found & parts["test"]).sum()) for found in both)
            counts[name] = (counts[name][0] + before, counts[name][1] + left)
        targets = [task.target_spec(table) for task in tasks.values()]
        labeled = np.any([labeled_rows(table, target) for target in targets], axis=0)
        rows["unlabeled"] += int((~labeled & ~unknown).sum())
        for name, kept in sources.items():
            chosen = labeled & parts[name] & ~unknown
            rows[name] += int(chosen.sum())
            if name == "train" and recipe.pseudo:
                chosen |= trains & ~unknown & _with_medium(recipe, place, table)
            if name == "test" and recipe.unknown:
                rows["unknown"] = rows.get("unknown", 0) + int((unknown & parts[name]).sum())
                chosen |= unknown & parts[name]
            if chosen.any():
                kept.append(_source(recipe, place, table.select(chosen), tasks, name))
    _check_judged(recipe, counts)
    if not sources["train"]:
        raise ValueError(f"No training row carries a label for {', '.join(tasks)}.")
    return sources, rows


def _check_judged(recipe: Recipe, counts: Mapping[str, tuple[int, int]]) -> None:
    """Refuse a task of whose labeled test rows (first) none is left to judge it on (second)."""
    for name, (before, left) in counts.items():
        if before and not left:
            people = recipe.judged_on[name]
            remedy = "'split.seen_share'" if people == "seen" else "'split.test', by subject"
            raise ValueError(
                f"'judged_on': task {name!r} is judged on {people} people, of whom the test has "
                f"none ({before} rows of others). Hold some out ({remedy}), or judge it otherwise."
            )


def judged_columns(
    recipe: Recipe, table: SampleTable, tasks: Mapping[str, Task]
) -> dict[str, People]:
    """Return by column the people that its task is judged on.

    Raises:
        ValueError: if a task has no column of its own, or shares it with one that is judged on
            others.
    """
    found: dict[str, People | None] = {}
    for name, task in tasks.items():
        target = task.target_spec(table)
        people = recipe.judged_on.get(name)
        if target.form == "box" and not target.skeleton and people:
            raise ValueError(
                f"'judged_on': task {name!r} reads the table's boxes, which are no label column. "
                "Leave it out."
            )
        if target.form not in ("class", "joints", "box"):
            if people:
                raise ValueError(
                    f"'judged_on': task {name!r} is made of other tasks' labels. Name those tasks."
                )
            continue
        for column in target.columns:
            if found.setdefault(column, people) != people:
                raise ValueError(
                    f"'judged_on': several tasks read column {column!r}, of which {name!r} is "
                    "judged on other people. Judge them on the same."
                )
    return {column: people for column, people in found.items() if people}


def _with_medium(recipe: Recipe, place: int, table: SampleTable) -> Bools:
    """Return ``[N]``: rows of one source that the network can look at."""
    there = np.zeros(len(table), np.bool_)
    for medium in recipe.input_of(place).media:
        if medium.modality in table.media:
            there |= table.media[medium.modality] != ""
    return there


def _check_nothing(tasks: Mapping[str, Task], sources: Sequence[Source]) -> None:
    """Refuse a class for nothing that neither pauses nor labels teach.

    Raises:
        ValueError: names the task.
    """
    for name, task in tasks.items():
        known = isinstance(task, ClassificationTask) and task.nothing
        if known and not any(_teaches_nothing(source, name) for source in sources):
            raise ValueError(
                f"Task {name!r}: no training row is labeled {known!r}, and there are no "
                "pauses to teach it. Set 'splice' of the data with a 'pause', such as {share: 0.8, "
                "pause: [2, 24]}, or leave 'nothing' out."
            )


def _teaches_nothing(source: Source, name: str) -> bool:
    """Return whether a source has pauses, or rows that are labeled with a task's nothing."""
    if source.splice is not None and source.splice.pause[1]:
        return True
    target = next(target for target in source.targets if target.task == name)
    if not is_served(source.table, target):
        return False
    labels = class_labels(source.table, np.arange(len(source.table)), target)
    return bool((labels == target.nothing).any())


def _router_columns(recipe: Recipe) -> list[str]:
    """Return the columns that say which task a row belongs to."""
    return [t.column for t in recipe.tasks.values() if isinstance(t, WhichConfig) and t.column]


def _hide(recipe: Recipe, place: int, table: SampleTable, trains: Bools) -> SampleTable:
    """Hide the training labels that the recipe says; which ones depends on the split's seed."""
    hidden = recipe.data[place].hide
    if hidden is None:
        return table
    candidates = np.any([table.labeled(column) for column in hidden.columns], axis=0) & trains
    order = np.random.default_rng(recipe.evaluation.split_seed).permutation(len(table))
    chosen = order[candidates[order]][: round(hidden.share * int(candidates.sum()))]
    rows = np.zeros(len(table), np.bool_)
    rows[chosen] = True
    for column in hidden.columns:
        table = table.hide(column, rows)
    return table


def _source(
    recipe: Recipe, place: int, table: SampleTable, tasks: Mapping[str, Task], part: str
) -> Source:
    """Make the source of one table's rows in one split."""
    data, trains = recipe.data[place], part == "train"
    return Source(
        table=table,
        spec=recipe.input_of(place),
        targets=tuple(task.target_spec(table) for task in tasks.values()),
        augment=recipe.augment if trains else None,
        batch_size=data.batch_size if trains else recipe.evaluation.batch_size,
        weight=data.weight if trains else 1.0,
        balance=data.balance if trains else (),
        splice=data.splice if trains else None,
    )


def clip_seconds(sources: Sequence[Source], sample: int = 64) -> float | None:
    """Return the median length of what a network learns from, in seconds.

    A network that samples uniformly judges long videos by windows of this length.

    Args:
        sources: of the training.
        sample: most rows of each source that are looked at, spread over it.

    Returns:
        None where no medium has a clock.
    """
    lengths = [length for length, _ in _clocks(sources, sample)]
    return float(np.median(lengths)) if lengths else None


def frames_per_second(sources: Sequence[Source], sample: int = 64) -> float | None:
    """Return the median rate at which a network that samples densely is shown frames.

    A stream is brought to this rate.

    Args:
        sources: of the training.
        sample: as of `clip_seconds`.

    Returns:
        None where no medium has a clock, or frames are spread over clips of any length.
    """
    dense = [source for source in sources if source.spec.sampling == "dense"]
    rates = [rate for source in dense for _, rate in _clocks([source], sample)]
    return float(np.median(rates)) if rates else None


def _clocks(sources: Sequence[Source], sample: int) -> list[tuple[float, float]]:
    """Return the seconds of some rows, and how many frames of them are shown per second."""
    found = []
    for source in sources:
        table = source.table
        media = table.media[source.spec.modality]
        for row in np.unique(np.linspace(0, len(table) - 1, sample).astype(int)):
            span = (table.start_s, table.end_s, table.rate(source.spec.modality))
            clock = _clock(str(media[row]), *(float(column[row]) for column in span))
            if clock is not None:
                found.append((clock[0], clock[1] / source.spec.stride))
    return found


def _clock(medium: str, start_s: float, end_s: float, fps: float) -> tuple[float, float] | None:
    """Return seconds and frame rate of one row's span; None where they cannot be known."""
    if not medium:
        return None
    try:
        rate = fps if np.isfinite(fps) else probe(medium).fps
        first, stop = frame_span(medium, start_s, end_s, fps=fps)
    except MediaError:
        return None  # a broken row is reported, or stops the training, when it is read
    return ((stop - first) / rate, rate) if np.isfinite(rate) and rate > 0 else None
