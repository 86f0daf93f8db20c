"""Few labels per class: which training clips keep theirs."""

from __future__ import annotations

from collections import Counter

import numpy as np
from pydantic import Field

from onebody.config import Config, lookup
from onebody.data import ClassColumn, SampleTable
from onebody.types import Array, Bools, Ints


class KeepConfig(Config):
    """How few labels of one class column training keeps.

    Attributes:
        column: the class column; labels in other columns stay.
        per_class: labeled training clips that each of the column's classes keeps; a class that has
            fewer keeps what it has.
        draw: number of the draw; which clips are kept depends on it and on
            ``evaluation.split_seed`` alone.
    """

    column: str
    per_class: int = Field(ge=1)
    draw: int = Field(0, ge=0)


def keep_few(table: SampleTable, config: KeepConfig, trains: Bools, seed: int) -> SampleTable:
    """Return the table without all but a few training labels of each class.

    The kept clips of a class come from different groups as long as there are any: two windows of
    one recording teach hardly more than one. Only when every group has given a clip does one give
    its second. The clips of a draw are in one order, so that 2 labels per class hold those of 1.

    Args:
        table: all rows.
        config: what is kept.
        trains: ``[N]`` which rows are trained on; labels of others stay.
        seed: of the draw, with its number.

    Raises:
        ValueError: if the table has no such class column.
    """
    classed = {n: c for n, c in table.columns.items() if isinstance(c, ClassColumn)}
    column = lookup(classed, config.column, f"class column of table {table.name!r}, 'keep':")
    order = np.random.default_rng((seed, config.draw)).permutation(len(table))
    candidates = trains & table.labeled(config.column)
    drawn = order[candidates[order]]
    lost = candidates.copy()
    for label in np.unique(column.values[drawn]):
        own = drawn[column.values[drawn] == label]
        lost[_spread(own, table.group)[: config.per_class]] = False
    return table.hide(config.column, lost)


def _spread(rows: Ints, groups: Array) -> Ints:
    """Order rows so that each group gives one before any gives its second.

    Args:
        rows: in the order drawn.
        groups: ``[N]`` of the whole table; a row without one stands alone.
    """
    given: Counter[str | int] = Counter()
    turns = []
    for row in rows.tolist():
        group = str(groups[row]) or row
        turns.append(given[group])
        given[group] += 1
    return rows[np.argsort(turns, kind="stable")]
