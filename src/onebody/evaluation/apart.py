"""Tables that must not know each other: what a network was taught, and what it is tested on."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from onebody.data import SampleTable, make_table
from onebody.data.table import Numbers, Text
from onebody.evaluation.leakage import Split, check_leakage


def check_apart(
    taught: Sequence[SampleTable], tested: Sequence[SampleTable], *, subjects: bool = False
) -> None:
    """Refuse tables that share a recording, a group or a person.

    Groups and subjects are compared within tables of one name: those of two datasets that happen
    to be called alike are different ones.

    Args:
        taught: rows that a network was trained or chosen by.
        tested: rows that it must not know.
        subjects: whether subjects must be apart too.

    Raises:
        LeakageError: names what stands on both sides, with a row of each.
    """
    if not taught or not tested:
        return
    tables = [*taught, *tested]
    sizes = [len(table) for table in tables]
    first = np.arange(sum(sizes)) < sum(sizes[: len(taught)])
    names = sorted({name for table in tables for name in table.media})

    def joined(column: str) -> Numbers:
        return np.concatenate([getattr(table, column) for table in tables])

    together = make_table(
        ", ".join(dict.fromkeys(table.name for table in tables)),
        {name: np.concatenate([_sources(table, name) for table in tables]) for name in names},
        group=np.concatenate([_own(table, table.group) for table in tables]),
        subject=np.concatenate([_own(table, table.subject) for table in tables]),
        row_names=np.concatenate([table.row_names for table in tables]),
        start_s=joined("start_s"),
        end_s=joined("end_s"),
        fps=joined("fps"),
    )
    check_leakage(
        together,
        Split(train=first, validation=np.zeros_like(first), test=~first),
        subjects=subjects,
    )


def _sources(table: SampleTable, modality: str) -> Text:
    """Return a table's media of a modality, spelled in full; empty where there are none."""
    sources = table.media.get(modality, np.full(len(table), ""))
    return np.array([os.path.abspath(s) if s else "" for s in sources.tolist()], np.str_)


def _own(table: SampleTable, values: Text) -> Text:
    """Return names that no other dataset has; empty where unknown."""
    return np.array(
        [f"{table.name}/{value}" if value else "" for value in values.tolist()], np.str_
    )
