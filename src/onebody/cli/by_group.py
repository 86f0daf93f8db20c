"""``onebody evaluate --by``: figures of every action, subject or camera, and their mean."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from onebody.data import Source
    from onebody.metrics import Results
    from onebody.tasks import Task

Figures = Mapping[str, float]

MEAN, ALL = "mean of groups", "all rows"


def print_by(
    tasks: Mapping[str, Task],
    results: Mapping[str, Results],
    sources: Sequence[Source],
    by: str,
    *,
    as_json: bool,
) -> None:
    """Print the figures of each group, their mean, and those of all rows.

    Raises:
        ValueError: if a table has no such column.
    """
    from onebody.cli.tables import all_finite

    found = figures_by(tasks, results, sources, by)
    if as_json:
        plain = {
            task: {group: all_finite(values) for group, values in groups.items()}
            for task, groups in found.items()
        }
        typer.echo(json.dumps(plain, indent=2, allow_nan=False))
        return
    for task, groups in found.items():
        for line in _lines(task, groups, by):
            typer.echo(line)


def figures_by(
    tasks: Mapping[str, Task],
    results: Mapping[str, Results],
    sources: Sequence[Source],
    by: str,
) -> dict[str, dict[str, Figures]]:
    """Return figures by task and group, and after these their mean and those of all rows."""
    import numpy as np

    from onebody.evaluation import figures, figures_by_group, groups_of, mean_over_groups

    groups = np.concatenate([groups_of(source.table, by) for source in sources])
    parts = figures_by_group(tasks, results, groups)
    means, whole = mean_over_groups(tasks, results, groups), figures(tasks, results)
    return {
        task: {**{g or "unknown": v for g, v in found.items()}, MEAN: means[task], ALL: whole[task]}
        for task, found in parts.items()
    }


def _lines(task: str, groups: Mapping[str, Figures], by: str) -> list[str]:
    """Return one task's table."""
    from onebody.cli.tables import metric_units, show, text_table

    units = metric_units()
    names = list(groups[ALL])
    rows = [
        (task, group, *(show(values.get(name), units.get(name, "")) for name in names))
        for group, values in groups.items()
    ]
    return text_table(("task", by, *names), rows)
