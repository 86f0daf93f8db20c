"""On whom each task is judged: people seen in training, or people it never saw.

Who wears a sensor can only be known of people that a network has met; what they do should be known
of anyone. One split serves both: unseen people, and held-out recordings of those in training. A
task's labels then count on the one kind of test rows alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from onebody.data import SampleTable, Source
from onebody.data.targets import class_labels
from onebody.evaluation.leakage import Split
from onebody.tasks import ClassTask, Task
from onebody.tasks.consistency import ConsistencyTask
from onebody.types import Bools

People = Literal["seen", "unseen"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProtocol:
    """What a class task's figures are to be held against.

    Attributes:
        majority: share of the measured rows that are of their most frequent class: what a constant
            answer would reach.
        rows: measured rows.
        people: subjects among them; 0 where they are not known.
        seen: how many of these subjects training has rows of.
    """

    majority: float
    rows: int
    people: int
    seen: int

    def __str__(self) -> str:
        text = f"majority {100 * self.majority:.1f} %"
        if not self.people:
            return text
        who = {0: "not in training", self.people: "of training, other recordings"}
        return f"{text}; {self.people} people {who.get(self.seen, f'({self.seen} in training)')}"


def with_seen(table: SampleTable, made: Split, share: float, seed: tuple[int, ...]) -> Split:
    """Move a share of every training person's groups to the test, and as many to validation.

    Args:
        table: the rows.
        made: a split; where it validates nothing, nothing is added to validation.
        share: of the groups of a person; rounded, but at least one, and one is left. People with
            too few groups to give any stay whole.
        seed: of the draw; each person is drawn for apart.

    Raises:
        ValueError: if a training row names no subject.
    """
    _require_subjects(table, made.train)
    train, validation, test = made.train.copy(), made.validation.copy(), made.test.copy()
    receivers = [test, validation] if made.validation.any() else [test]
    for person in np.unique(table.subject[made.train]).tolist():
        rows = np.flatnonzero(made.train & (table.subject == person))
        own = table.group[rows]
        names = np.where(own == "", np.char.add("\x00", rows.astype(np.str_)), own)
        groups = np.unique(names)
        count = min(max(1, round(share * len(groups))), (len(groups) - 1) // len(receivers))
        number = int.from_bytes(person.encode(), "big")
        order = np.random.default_rng((*seed, number)).permutation(len(groups))
        for place, receiver in enumerate(receivers):
            moved = rows[np.isin(names, groups[order[place * count : (place + 1) * count]])]
            receiver[moved], train[moved] = True, False
    return Split(train=train, validation=validation, test=test, name=made.name)


def judged(table: SampleTable, made: Split, columns: Mapping[str, People]) -> SampleTable:
    """Hide labels of validation and test rows on which their tasks are not judged.

    Args:
        table: the rows.
        made: their split.
        columns: label column to the people on whose rows it counts; training keeps all labels.

    Raises:
        ValueError: if a used row names no subject.
    """
    own = {column: people for column, people in columns.items() if column in table.columns}
    if not own:
        return table
    tested = made.validation | made.test
    _require_subjects(table, tested | made.train)
    seen: Bools = np.isin(table.subject, np.unique(table.subject[made.train]))
    for column, people in own.items():
        table = table.hide(column, tested & (seen if people == "unseen" else ~seen))
    return table


def task_protocols(
    tasks: Mapping[str, Task], measured: Sequence[Source], trained: Sequence[Source]
) -> dict[str, TaskProtocol]:
    """Say of every class task what its figures are to be held against.

    Args:
        tasks: of the network.
        measured: sources whose rows are measured.
        trained: sources of the training rows.

    Returns:
        By task; tasks that are no classes of a column, such that learn nothing (`consistency`), and
        such without labeled rows are left out. Of a tree, the rows whose leaf is known count.
    """
    known = {(s.table.name, person) for s in trained for person in s.table.subject.tolist()}
    found: dict[str, TaskProtocol] = {}
    for name, task in tasks.items():
        if not isinstance(task, ClassTask) or isinstance(task, ConsistencyTask):
            continue
        counts = np.zeros(len(task.classes), np.int64)
        people: set[tuple[str, str]] = set()
        for source in measured:
            for target in source.targets:
                if target.task == name and target.form == "class":
                    every = np.arange(len(source.table), dtype=np.int64)
                    labels = class_labels(source.table, every, target)
                    known_class: Bools = (labels >= 0) & (labels < len(counts))
                    counts += np.bincount(labels[known_class], minlength=len(counts))
                    own = source.table.subject[known_class]
                    people |= {(source.table.name, person) for person in own.tolist()}
        rows = int(counts.sum())
        if rows:
            named = {one for one in people if one[1]}
            found[name] = TaskProtocol(
                majority=float(counts.max() / rows),
                rows=rows,
                people=len(named),
                seen=len(named & known),
            )
    return found


def _require_subjects(table: SampleTable, used: Bools) -> None:
    """Refuse rows without a subject."""
    unknown = np.flatnonzero(used & (table.subject == ""))
    if len(unknown):
        raise ValueError(
            f"{table.row_names[unknown[0]]}: no subject ({len(unknown)} rows of table "
            f"{table.name!r}), so nobody knows whether training has seen the person. Fill them in, "
            "or leave 'judged_on' and 'seen_share' out."
        )
