"""Which rows of a Batch are run, and which of those a task wants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from onebody.models.base import Ask, Stage
from onebody.types import State


def union_rows(asks: Iterable[Ask]) -> Tensor | None:
    """Return ``[B]`` bool: rows that some task asks for; None: all of them."""
    masks = [ask.rows for ask in asks]
    known = [rows for rows in masks if rows is not None]
    if len(known) < len(masks):
        return None
    rows = torch.stack(known).any(0)
    return None if bool(rows.all()) else rows


def take_rows(
    inputs: Mapping[str, Tensor],
    valid: Mapping[str, Tensor],
    asks: Mapping[str, Ask],
    state: State,
) -> tuple[Tensor | None, Mapping[str, Tensor], Mapping[str, Tensor]]:
    """Take the rows that some task asks for out of a Batch.

    Returns:
        ``[B]`` bool, which rows are left (None: all), and the inputs and masks of these.

    Raises:
        ValueError: if a stream asks for some of its rows.
    """
    rows = union_rows(asks.values())
    if rows is None:
        return None, inputs, valid
    if state:
        raise ValueError("A stream must ask the same rows, all of them, at every step.")
    chosen = {name: x[rows] for name, x in inputs.items()}
    return rows, chosen, {name: x[rows] for name, x in valid.items()}


def pick_rows(x: Tensor, have: Tensor | None, want: Tensor | None) -> Tensor:
    """Return the wanted rows of a tensor.

    Args:
        x: made for the rows ``have``.
        have: ``[B]`` bool; None: every row.
        want: the same, some of ``have``.

    Raises:
        ValueError: if every row is wanted, but not every row is there.
    """
    if want is have:
        return x
    if want is None:
        raise ValueError("A task asked for every row, but not every row was run.")
    within = want if have is None else want[have]
    return x if bool(within.all()) else x[within]


def run_depth(asks: Mapping[str, Ask]) -> int:
    """Return how many stages must run for all that the tasks read."""
    return 1 + max(max(ask.stages) for ask in asks.values())


def common_depth(asks: Mapping[str, Ask]) -> int:
    """Return the deepest stage that everything passes that the tasks read.

    A task that reads two stages gets part of its output from the earlier one alone.
    """
    return min(min(ask.stages) for ask in asks.values())


def last_layers(levels: Iterable[Sequence[nn.Module]]) -> list[list[nn.Module]]:
    """Return groups of modules, the deepest first, for `trainable_or_refuse`.

    Args:
        levels: the stages (or stems) of equal depth that tasks pass, the deepest first.

    Returns:
        Of every level first the last layers of its stages, then the stages whole.
    """
    groups: list[list[nn.Module]] = []
    for level in levels:
        groups += [[part.last if isinstance(part, Stage) else part for part in level], [*level]]
    return groups


def trainable_or_refuse(
    parts: Iterable[Iterable[nn.Module]], tasks: Iterable[str]
) -> list[nn.Parameter]:
    """Return the trainable parameters of the first group of modules that has any.

    Args:
        parts: groups of modules that all tasks reach, the deepest first.
        tasks: their names, for the message.

    Raises:
        ValueError: if no group has any.
    """
    for group in parts:
        found = [p for part in group for p in part.parameters() if p.requires_grad]
        if found:
            return found
    raise ValueError(
        f"Tasks {', '.join(tasks)} share no trainable parameters: what they share is frozen, or "
        "they share nothing."
    )
