"""What a split draws: units of rows that stay together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from onebody.data import SampleTable
from onebody.types import Bools, Ints


def units(table: SampleTable, rows: Ints, by: Literal["group", "subject"]) -> list[Ints]:
    """Gather rows that stay together, in the order of their first rows.

    Args:
        table: the table.
        rows: rows to gather.
        by: ``group`` (a row without one stands alone) or ``subject``.

    Raises:
        ValueError: if rows are gathered by subject and one has none.
    """
    gathered: dict[str | int, list[int]] = {}
    values = table.group if by == "group" else table.subject
    for row in rows.tolist():
        value = str(values[row])
        if not value and by == "subject":
            raise ValueError(
                f"{table.row_names[row]}: no subject, so table {table.name!r} cannot be split by "
                "subject. Fill them in, or split by group."
            )
        gathered.setdefault(value or int(row), []).append(row)
    return [np.array(members, np.int64) for members in gathered.values()]


def chosen_share(
    size: int, drawn: Sequence[Ints], share: float, seed: tuple[int, int], part: str
) -> Bools:
    """Draw a share of units, at least one, and leave at least one.

    Args:
        size: rows of the table.
        drawn: units to draw from.
        share: of the units, in (0, 1); rounded to whole units.
        seed: of the draw.
        part: what it is for, for messages.

    Returns:
        ``[size]`` mask of the drawn units' rows.

    Raises:
        ValueError: if there are fewer than two units.
    """
    if len(drawn) < 2:
        raise ValueError(
            f"A share for {part} needs at least 2 groups or subjects, found {len(drawn)}."
        )
    count = min(max(1, round(share * len(drawn))), len(drawn) - 1)
    order = np.random.default_rng(seed).permutation(len(drawn))[:count]
    return _mask(size, [drawn[i] for i in order])


def chosen_share_by_label(
    size: int, drawn: Sequence[Ints], labels: Ints, share: float, seed: tuple[int, int]
) -> Bools:
    """Draw a share of the units of each label; a label with one unit stays in training.

    A unit has the label of its first labeled row; units without labels are drawn alike.

    Args:
        size: rows of the table.
        drawn: units to draw from.
        labels: ``[size]`` class of each row, negative where unlabeled.
        share: of each label's units; rounded, but at least one of two or more.
        seed: of the draw.

    Returns:
        ``[size]`` mask of the drawn units' rows.
    """
    strata: dict[int, list[Ints]] = {}
    for unit in drawn:
        known = labels[unit][labels[unit] >= 0]
        strata.setdefault(int(known[0]) if len(known) else -1, []).append(unit)
    rng = np.random.default_rng(seed)
    chosen: list[Ints] = []
    for _, members in sorted(strata.items()):
        count = min(max(1, round(share * len(members))), len(members) - 1)
        chosen += [members[i] for i in rng.permutation(len(members))[:count]]
    if not chosen:
        raise ValueError("A share of each label needs a label with at least 2 groups, found none.")
    return _mask(size, chosen)


def _mask(size: int, chosen: Sequence[Ints]) -> Bools:
    """Mark the rows of units."""
    mask = np.zeros(size, np.bool_)
    mask[np.concatenate(chosen)] = True
    return mask
