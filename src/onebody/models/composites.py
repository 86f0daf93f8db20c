"""Composite tasks within a network: what they read is run, and their answers are made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from torch import Tensor

from onebody.config import lookup, nearest
from onebody.models.asked import pick_rows
from onebody.models.base import Outputs, Rows
from onebody.tasks import Task


class Composites:
    """The composite tasks of a network.

    Attributes:
        order: all tasks' names, each after those that it reads.
        names: the composite ones, in this order.
    """

    def __init__(self, tasks: Mapping[str, Task]) -> None:
        """Put tasks in order.

        Raises:
            ValueError: if one reads a task that does not exist, or itself by a detour.
        """
        self._tasks = tasks
        self.order = _order(tasks)
        self.names = tuple(name for name in self.order if tasks[name].reads)

    def asked(self, asked: Rows) -> dict[str, Tensor]:
        """Return the tasks that are asked of any row, in order.

        Raises:
            ValueError: if one is no task; names the nearest.
        """
        for name in asked:
            lookup(self._tasks, name, "task")
        return {name: asked[name] for name in self.order if name in asked and asked[name].any()}

    def with_parts(self, asked: Rows) -> dict[str, Tensor]:
        """Add the tasks that asked composites read, for the union of rows."""
        rows = dict(asked)
        for name in reversed(self.names):  # readers before what they read
            for part in self._tasks[name].reads if name in rows else ():
                rows[part] = rows[part] | rows[name] if part in rows else rows[name]
        return rows

    def finish(self, outputs: Outputs, rows: Rows, asked: Rows) -> Outputs:
        """Make the composites' outputs, and pick the rows that were asked for.

        Args:
            outputs: of the plain tasks, for ``rows``.
            rows: what was run; see `with_parts`.
            asked: what was asked for.
        """
        found = dict(outputs)
        for name in self.names:
            if name in rows:
                found[name] = (self._compose(name, found, rows),)
        return {n: tuple(pick_rows(o, rows[n], asked[n]) for o in found[n]) for n in asked}

    def plain(self, tasks: Iterable[str]) -> list[str]:
        """Replace composite tasks by the plain tasks that they are made from."""
        plain: dict[str, None] = {}
        for name in tasks:
            reads: Sequence[str] = lookup(self._tasks, name, "task").reads
            plain |= dict.fromkeys(self.plain(reads) if reads else [name])
        return list(plain)

    def _compose(self, name: str, outputs: Outputs, rows: Rows) -> Tensor:
        """Make a composite's output from its parts' final outputs for its rows."""
        task = self._tasks[name]
        return task.compose({p: pick_rows(outputs[p][-1], rows[p], rows[name]) for p in task.reads})


def _order(tasks: Mapping[str, Task]) -> list[str]:
    """Return the tasks' names, each after those that it reads, else as given."""
    for name, task in tasks.items():
        for part in task.reads:
            if part not in tasks:
                raise ValueError(f"Task {name!r} reads {part!r}. {nearest(part, tasks)}")
    try:
        return list(TopologicalSorter({n: t.reads for n, t in tasks.items()}).static_order())
    except CycleError as error:
        raise ValueError(
            f"Tasks read each other in a circle: {' -> '.join(error.args[1])}."
        ) from None
