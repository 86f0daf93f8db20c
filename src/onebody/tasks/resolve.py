"""From what a recipe says of its tasks to tasks that stand alone: `TaskConfig`, `resolve_tasks`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Self, TypeVar

from onebody.config import Config, nearest
from onebody.data import ClassColumn, JointsColumn, SampleTable

ColumnT = TypeVar("ColumnT", ClassColumn, JointsColumn)


class TaskConfig(Config):
    """Base of the tasks' configurations.

    Attributes:
        kind: key of `TASKS`.
        name: name of the task; empty: the key under which the recipe lists it.
        column: the table column that answers it; empty: the task's name.
    """

    kind: str = ""
    name: str = ""
    column: str = ""

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the tasks that this one is made of; none for plain tasks."""
        return ()

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the tasks without which this one has no meaning: those it reads, or asks about.

        They are resolved before it, and it goes when one of them goes.
        """
        return self.reads

    @abstractmethod
    def resolve(
        self, name: str, tables: Sequence[SampleTable], known: Mapping[str, TaskConfig]
    ) -> Self:
        """Fill in what the tables say (classes, joint layout), so that no table is needed later.

        Args:
            name: name of the task.
            tables: all tables that may answer it.
            known: the tasks resolved before: those that need none, then routers.

        Raises:
            ValueError: if the tables do not answer the task, or differ where the recipe is silent.
        """


def resolve_tasks(
    configs: Mapping[str, Config], tables: Sequence[SampleTable]
) -> dict[str, Config]:
    """Resolve all tasks of a recipe, each after those that it needs.

    Args:
        configs: by task name.
        tables: all tables that the recipe trains and tests on.

    Returns:
        By task name, in the order given: configurations that rebuild the tasks without tables.

    Raises:
        ValueError: names the task, what was expected and found, and what to state.
    """
    own = {name: _as_task(name, config) for name, config in configs.items()}
    known: dict[str, TaskConfig] = {}
    for name in sorted(own, key=lambda n: (bool(own[n].needs), bool(own[n].reads))):
        known[name] = own[name].resolve(name, tables, known)
    return {name: known[name] for name in own}


def columns_of(
    tables: Sequence[SampleTable], task: str, column: str, expected: type[ColumnT]
) -> dict[str, ColumnT]:
    """Find a task's column in the tables that have it.

    Returns:
        By table name (numbered where tables share one).

    Raises:
        ValueError: if no table has the column, or it holds something else.
    """
    found: dict[str, ColumnT] = {}
    for number, table in enumerate(tables):
        if column in table.columns:
            name = table.name if table.name not in found else f"{table.name} ({number})"
            found[name] = checked_column(table, task, column, expected)
    if not found:
        known = sorted({name for table in tables for name in table.columns})
        raise ValueError(
            f"Task {task!r}: none of the tables {', '.join(t.name for t in tables) or '(none)'} "
            f"has a column {column!r}. {nearest(column, known)}"
        )
    return found


def checked_column(table: SampleTable, task: str, column: str, expected: type[ColumnT]) -> ColumnT:
    """Return a column of a table.

    Raises:
        ValueError: if it holds joints where classes are expected, or the reverse.
    """
    value = table.columns[column]
    if not isinstance(value, expected):
        words = {ClassColumn: "classes", JointsColumn: "joints"}
        raise ValueError(
            f"Task {task!r} expects {words[expected]}, but column {column!r} of table "
            f"{table.name!r} holds {words[type(value)]}. Name another column or kind of task."
        )
    return value


def _as_task(name: str, config: Config) -> TaskConfig:
    """Return a task's configuration, checked against its key."""
    if not isinstance(config, TaskConfig):
        raise ValueError(f"Task {name!r}: expected a task, found {type(config).__name__}.")
    if config.name not in ("", name):
        raise ValueError(f"Task {name!r} calls itself {config.name!r}: leave 'name' out.")
    return config
