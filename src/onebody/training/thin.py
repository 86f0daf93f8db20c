"""Fewer training rows of one kind: to study in what proportion tasks are learned together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from onebody.config import lookup
from onebody.data import ClassColumn, SampleTable
from onebody.types import Bools


def thinned_out(table: SampleTable, shares: Mapping[str, float], trains: Bools, seed: int) -> Bools:
    """Return ``[N]``: training rows that are left out, whatever other labels they carry.

    Every class of a column keeps the same share of its rows, and at least one. A smaller share's
    rows are among those of a larger one.

    Args:
        table: all rows.
        shares: by class column, the share of its labeled training rows that is kept.
        trains: ``[N]`` which rows are trained on.
        seed: of the draw.

    Raises:
        ValueError: if the table has no such class column.
    """
    lost = np.zeros(len(table), np.bool_)
    classed = {n: c for n, c in table.columns.items() if isinstance(c, ClassColumn)}
    order = np.random.default_rng(seed).permutation(len(table))
    for name, share in shares.items():
        column = lookup(classed, name, f"class column of table {table.name!r}, 'thin':")
        drawn = order[(trains & table.labeled(name))[order]]
        for label in np.unique(column.values[drawn]):
            own = drawn[column.values[drawn] == label]
            lost[own[max(1, round(share * len(own))) :]] = True
    return lost
