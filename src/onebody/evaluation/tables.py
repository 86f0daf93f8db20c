"""From results to figures: all metrics, one score, tables per subject."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from onebody.config import lookup
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
