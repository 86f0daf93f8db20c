"""Held-out classes: rows that training never sees and the test must not mistake for known ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from onebody.config import nearest
from onebody.data import ClassColumn, SampleTable
from onebody.evaluation import UNKNOWN
from onebody.labels import UNLABELED, LabelSpace


def hold_out(
    tables: Sequence[SampleTable],
    unknown: Mapping[str, Sequence[str]],
    routers: Iterable[str] = (),
) -> list[SampleTable]:
    """Take classes out of the tables' label spaces, and mark the rows that had them.

    A marked row has lost its label, so that no task learns from it or is measured on it; the column
    ``unknown`` says that it shows none of the classes that are left. Without ``unknown`` the tables
    stay as they are.

    Args:
        tables: of a recipe.
        unknown: by class column, classes that are held out.
        routers: columns that say which task a row belongs to: marked rows are of none.

    Raises:
        ValueError: if no table has the column or the class, or none of its classes is left.
    """
    if not unknown:
        return list(tables)
    for column, classes in unknown.items():
        spaces = [c.space for t in tables if isinstance(c := t.columns.get(column), ClassColumn)]
        if not spaces:
            classed = {
                n for t in tables for n, c in t.columns.items() if isinstance(c, ClassColumn)
            }
            raise ValueError(
                f"'unknown' names {column!r}, a column of classes that no table has. "
                f"{nearest(column, classed)}"
            )
        known = {name for space in spaces for name in space.classes}
        for name in classes:
            if name not in known:
                raise ValueError(
                    f"'unknown.{column}' holds out {name!r}, which no table has. "
                    f"{nearest(name, known)}"
                )
        if known <= set(classes):
            raise ValueError(f"'unknown.{column}' holds out every class; leave some to be known.")
    return [_without(table, unknown, routers) for table in tables]


def _without(
    table: SampleTable, unknown: Mapping[str, Sequence[str]], routers: Iterable[str]
) -> SampleTable:
    """Return one table without the classes; rows that had one are marked."""
    if UNKNOWN in table.columns:
        raise ValueError(
            f"Table {table.name!r} has a column {UNKNOWN!r} of its own, which is where held-out "
            "rows are marked. Rename it, or leave 'unknown' out of the recipe."
        )
    rows = np.zeros(len(table), np.bool_)
    columns = dict(table.columns)
    for name, classes in unknown.items():
        column = columns.get(name)
        if isinstance(column, ClassColumn):
            lost = [place for place, own in enumerate(column.space.classes) if own in classes]
            rows |= np.isin(column.values, lost)
            columns[name] = _reduced(column, classes)
    values = np.where(rows, 0, UNLABELED).astype(np.int64)
    columns[UNKNOWN] = ClassColumn(values=values, space=LabelSpace(UNKNOWN, (UNKNOWN,)))
    table = replace(table, columns=columns)
    for name in routers:
        table = table.hide(name, rows) if name in table.columns else table
    return table


def _reduced(column: ClassColumn, classes: Sequence[str]) -> ClassColumn:
    """Return a column whose label space lacks some classes; their rows are unlabeled."""
    space = column.space
    left = tuple(name for name in space.classes if name not in classes)
    places = [left.index(name) if name in left else UNLABELED for name in space.classes]
    mirror = {c: m if m in left else None for c, m in space.mirror.items() if c in left}
    return ClassColumn(
        values=np.array([*places, UNLABELED], np.int64)[column.values],  # -1 picks the last
        space=LabelSpace(space.name, left, mirror),
    )
