"""From results to figures: all metrics, one score, tables per subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from onebody.config import lookup
from onebody.data import ClassColumn, SampleTable
from onebody.data.table import Text
from onebody.metrics import Results
from onebody.tasks import Task
from onebody.types import Array


def figures(
    tasks: Mapping[str, Task], results: Mapping[str, Results]
) -> dict[str, dict[str, float]]:
    """Compute every metric of every measured task.

    Args:
        tasks: of the network.
        results: by task, as `evaluate` returns them.

    Returns:
        ``{task: {metric: value}}``; NaN where nothing could be measured.
    """
    return {
        name: {
            m: metric.function(found) for m, metric in lookup(tasks, name, "task").metrics.items()
        }
        for name, found in results.items()
    }


def score(tasks: Mapping[str, Task], results: Mapping[str, Results]) -> float:
    """Average the primary metrics of the measured tasks: what the best epoch is chosen by.

    Returns:
        In [0, 1], higher is better.

    Raises:
        ValueError: if there is no task, or one whose primary metric measures nothing.
    """
    if not results:
        raise ValueError("No task was measured: no evaluated row carries a label.")
    values = {
        name: lookup(tasks, name, "task").metrics[tasks[name].primary].function(found)
        for name, found in results.items()
    }
    for name, value in values.items():
        if not np.isfinite(value):
            raise ValueError(
                f"Task {name!r}: {tasks[name].primary} measures nothing in {len(results[name])} "
                "entries. Leave the task out, or evaluate rows that are annotated for it."
            )
    return float(np.mean(list(values.values())))


def by_group(results: Results, groups: Array) -> dict[str, Results]:
    """Divide results by the subject (camera, ...) of their rows.

    Args:
        results: of one task.
        groups: ``[N]`` group of each row of the evaluated table (``table.subject``); of several
            sources: theirs, one after the other.

    Returns:
        By group, sorted; rows of unknown group stand under the empty text.

    Raises:
        ValueError: if a row has no entry in ``groups``.
    """
    if len(results) and int(results.row.max()) >= len(groups):
        raise ValueError(
            f"Results of row {int(results.row.max())}, but groups for {len(groups)} rows: expected "
            "one group per row of the evaluated table."
        )
    own = np.asarray(groups, np.str_)[results.row]
    return {str(name): results.select(own == name) for name in np.unique(own)}


def figures_by_group(
    tasks: Mapping[str, Task], results: Mapping[str, Results], groups: Array
) -> dict[str, dict[str, dict[str, float]]]:
    """Compute every metric of every task for every group: ``{task: {group: {metric: value}}}``."""
    return {
        name: {
            group: figures(tasks, {name: part})[name]
            for group, part in by_group(found, groups).items()
        }
        for name, found in results.items()
    }


def mean_over_groups(
    tasks: Mapping[str, Task], results: Mapping[str, Results], groups: Array
) -> dict[str, dict[str, float]]:
    """Average every metric over groups, each counting the same whatever its number of frames.

    This is the mean over actions of Human3.6M's tables (`groups_of` with the column ``action``),
    beside `figures`, whose mean is over all joints of all frames. The two differ where actions
    have unequal numbers of frames. Rows of unknown group are left out, and so are, from a
    metric's mean, groups in which it measures nothing.

    Returns:
        ``{task: {metric: value}}``; NaN where no group could be measured.
    """
    return {
        name: mean_of_figures([found for group, found in by.items() if group])
        for name, by in figures_by_group(tasks, results, groups).items()
    }


def mean_of_figures(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Average figures by metric, leaving out what is NaN."""
    names = dict.fromkeys(name for part in parts for name in part)
    values = {name: [p[name] for p in parts if np.isfinite(p.get(name, np.nan))] for name in names}
    return {name: float(np.mean(found)) if found else np.nan for name, found in values.items()}


GROUPS = ("subject", "camera", "source", "group")
"""What every table says of its rows besides its class columns."""


def groups_of(table: SampleTable, by: str) -> Text:
    """Return ``[N]`` what rows are grouped by: a class column's names, or one of `GROUPS`.

    Rows of unknown class or group have the empty text.

    Raises:
        ValueError: if the table has no such class column; names those that it has.
    """
    column = table.columns.get(by)
    if isinstance(column, ClassColumn):
        return np.array([*column.space.classes, ""], np.str_)[column.values]
    if by in GROUPS:
        return np.asarray(getattr(table, by), np.str_)
    classes = [name for name, found in table.columns.items() if isinstance(found, ClassColumn)]
    raise ValueError(
        f"Table {table.name!r}: expected a class column to group rows by, found {by!r}. Take one "
        f"of {', '.join((*classes, *GROUPS))}."
    )
