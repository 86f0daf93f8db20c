"""Which recordings of one person serve for learning, and which are left for the test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from onebody.config import nearest
from onebody.data import SampleTable, Source
from onebody.data.sources import MediaError, frame_span, probe
from onebody.data.targets import labeled_rows
from onebody.evaluation import LeakageError, check_apart
from onebody.evaluation.leakage import medium_rows
from onebody.types import Bools, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What was recorded of a person in one go: rows of one group, or of one medium.

    Attributes:
        source: number of the source that they are in.
        rows: of its table.
        seconds: how long it is; what windows share counts once.
        label: class of its first labeled row; -1 where the task has no classes.
    """

    source: int
    rows: Ints
    seconds: float
    label: int


def person_trials(sources: Sequence[Source], subject: str, task: str) -> list[Trial]:
    """Return a person's trials that carry a label of a task, those of every class in turn.

    First comes the first trial of every class, then every class's second, so that a few minutes
    hold as many classes as they can. Within that, trials come in the order of the table.

    Args:
        sources: in which the person is looked for.
        subject: their name.
        task: the labels that are meant.

    Raises:
        ValueError: if there is no such trial, or nobody knows how long one is.
    """
    found: list[Trial] = []
    for number, source in enumerate(sources):
        own = (source.table.subject == subject) & labels_of(source, task)
        names = np.array([_trial_name(source, row) for row in range(len(source.table))])
        for name in dict.fromkeys(names[own].tolist()):
            rows = np.flatnonzero(own & (names == name))
            seconds = trial_seconds(source.table, rows)
            label = _label(source, int(rows[0]), task)
            found.append(Trial(source=number, rows=rows, seconds=seconds, label=label))
    if not found:
        raise ValueError(f"Subject {subject!r} has no row with a label for {task!r}.")
    turns: dict[int, int] = {}
    order: list[tuple[int, int]] = []
    for place, trial in enumerate(found):
        turns[trial.label] = turns.get(trial.label, -1) + 1
        order.append((turns[trial.label], place))
    return [found[place] for _, place in sorted(order)]


def take_minutes(trials: Sequence[Trial], minutes: float) -> list[Trial]:
    """Return the first whole trials that last as many minutes together, the last one included.

    Raises:
        ValueError: if there are not so many minutes, or none would be left for the test.
    """
    taken: list[Trial] = []
    for trial in trials:
        if sum(t.seconds for t in taken) >= 60 * minutes:
            break
        taken.append(trial)
    total = sum(trial.seconds for trial in trials) / 60
    given = sum(trial.seconds for trial in taken) / 60
    if given < minutes - 1e-9:
        raise ValueError(
            f"{minutes:g} minutes are asked for, but this person's {len(trials)} trials last "
            f"{total:.2f} together. Ask for fewer; some must be left for the test."
        )
    if len(taken) == len(trials):
        raise ValueError(
            f"{minutes:g} minutes take all {len(trials)} trials of this person ({total:.2f} "
            "minutes), and none is left for the test. Ask for fewer."
        )
    return taken


def of_trials(sources: Sequence[Source], trials: Sequence[Trial]) -> list[Source]:
    """Return the sources with the rows of some trials alone; sources without any are left out."""
    left: list[Source] = []
    for number, source in enumerate(sources):
        rows = [trial.rows for trial in trials if trial.source == number]
        if rows:
            left.append(replace(source, table=source.table.select(np.sort(np.concatenate(rows)))))
    return left


def check_unknown(
    known: Sequence[SampleTable], tested: Sequence[Source], subject: str, run: str
) -> None:
    """Refuse a person whom a network knows, or who is not among the rows that it may be tested on.

    Args:
        known: what it was trained and chosen by.
        tested: rows of its test.
        subject: the person.
        run: its folder, for the message.

    Raises:
        LeakageError: if it knows them.
        ValueError: if there is no such person.
    """
    held_out = f"split.test={{subject: ['{subject}']}}"
    if any((table.subject == subject).any() for table in known):
        raise LeakageError(
            f"{run} has learned from subject {subject!r} (training, validation, or a network that "
            f"it learned from). Train one without them: {held_out}."
        )
    people = {str(s) for source in tested for s in source.table.subject.tolist()} - {""}
    if subject not in people:
        raise ValueError(
            f"{run}: subject {subject!r} is not among its tested people. {nearest(subject, people)}"
            f" To leave somebody out, train with {held_out}."
        )


def check_trials_apart(taken: Sequence[Source], tested: Sequence[Source]) -> None:
    """Refuse trials that share a group or overlap with a tested one.

    Raises:
        LeakageError: names both.
    """
    check_apart([s.table for s in taken], [s.table for s in tested])


def labels_of(source: Source, task: str) -> Bools:
    """Return ``[N]``: which rows carry a label of a task, or of one that it is made of."""
    targets = {target.task: target for target in source.targets}
    parts = [targets[name] for name in (targets[task].made_of or (task,))]
    return np.asarray(np.any([labeled_rows(source.table, part) for part in parts], axis=0))


def trial_seconds(table: SampleTable, rows: Ints) -> float:
    """Return how long rows of one trial last together; spans that overlap count once.

    What several cameras saw or several sensors felt (the column ``position`` says which is which)
    happened at once: the longest counts. A row's media may run at rates of their own, of which the
    table states one: the shortest medium counts, so that minutes are never fewer than they are
    called.

    Raises:
        ValueError: if nobody knows; names the row and the remedy.
    """
    lengths = [
        float(
            np.max(  # NaN if one of them is
                [
                    _medium_seconds(table, o, sources[o].tolist(), table.rate(modality)[o].tolist())
                    for o in _places(table, rows)
                ]
            )
        )
        for modality, sources in table.media.items()
        if (sources[rows] != "").all()
    ]
    known = [seconds for seconds in lengths if math.isfinite(seconds)]
    if not known:
        raise ValueError(
            f"{table.row_names[rows[0]]}: nobody knows how long this is. State 'fps' in the "
            "dataset, so that minutes can be counted."
        )
    return min(known)


def _places(table: SampleTable, rows: Ints) -> list[Ints]:
    """Divide rows of one trial by camera and by place on the body."""
    where = getattr(table.columns.get("position"), "values", None)
    keys = [(str(table.camera[row]), -1 if where is None else int(where[row])) for row in rows]
    return [rows[np.array([own == key for own in keys], np.bool_)] for key in dict.fromkeys(keys)]


def _medium_seconds(
    table: SampleTable, rows: Ints, sources: Sequence[str], rates: Sequence[float]
) -> float:
    """Return how long some rows of one medium last; NaN where there is no clock."""
    spans: dict[str, list[tuple[float, float]]] = {}
    for row, source, fps in zip(rows.tolist(), sources, rates, strict=True):
        try:
            rate = fps if math.isfinite(fps) else float(probe(source).fps)
            first, stop = frame_span(
                source, float(table.start_s[row]), float(table.end_s[row]), fps=fps
            )
        except MediaError:
            return math.nan
        if not (math.isfinite(rate) and rate > 0):
            return math.nan
        file, part = medium_rows(source)
        begin = float(part.partition(":")[0] or 0) if part else 0.0
        spans.setdefault(file, []).append(((begin + first) / rate, (begin + stop) / rate))
    return sum(_union(own) for own in spans.values())


def _union(spans: Sequence[tuple[float, float]]) -> float:
    """Return how much time some spans cover."""
    total, end = 0.0, -math.inf
    for start, stop in sorted(spans):
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total


def _trial_name(source: Source, row: int) -> str:
    """Return what rows of one trial have in common: their group, else their medium."""
    group = str(source.table.group[row])
    media = (str(source.table.media[medium.modality][row]) for medium in source.spec.media)
    return f"group {group}" if group else next(filter(None, media), "")


def _label(source: Source, row: int, task: str) -> int:
    """Return a row's class, numbered through the tasks that this one is made of."""
    targets = {target.task: target for target in source.targets}
    for number, name in enumerate(targets[task].made_of or (task,)):
        values = getattr(source.table.columns.get(targets[name].column), "values", None)
        if values is not None and values[row] >= 0:
            return number * 100_000 + int(values[row])
    return -1
