"""``onebody evaluate --fuse``: the summed probabilities of several runs of one split."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from onebody.cli.opened import Opened
    from onebody.data import SampleTable, Source
    from onebody.metrics import Results
    from onebody.tasks import Task

FUSED = "fused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fused:
    """What several runs answer, each alone and together.

    Attributes:
        tasks: of the first run, those that are fused.
        alone: by run and task.
        together: by task.
        weights: by task, of each run; they sum to 1.
        sources: the measured rows.
        left_out: tasks that are not of classes, or not of every run.
    """

    tasks: Mapping[str, Task]
    alone: Mapping[str, Mapping[str, Results]]
    together: Mapping[str, Results]
    weights: Mapping[str, Sequence[float]]
    sources: Sequence[Source]
    left_out: Sequence[str]


def fuse_runs(
    runs: Sequence[Path], split: str, changes: Mapping[str, Any], weights: str, *, device: str
) -> Fused:
    """Ask several runs of the same rows and sum what they say.

    Args:
        runs: their folders.
        split: which rows.
        changes: of the recipes' ``evaluation``, as of `protocol_of`.
        weights: ``equal``, ``validation`` or numbers.
        device: where networks run.

    Raises:
        ValueError: if a run is named twice, has another split or other classes, or weights are
            asked of validation rows that there are not.
    """
    from onebody.cli.opened import open_run, protocol_of
    from onebody.evaluation.late_fusion import (
        check_same_split,
        fuse_results,
        fusible_tasks,
        likeliest_weights,
    )

    names = [str(run) for run in runs]
    if len({run.resolve() for run in runs}) < len(runs):
        raise ValueError(f"--fuse: expected different runs, found {', '.join(names)}.")
    stated = _numbers(weights, len(runs))
    hows = [protocol_of(run, changes) for run in runs]
    opened = [open_run(run, split, how, device=device) for run, how in zip(runs, hows, strict=True)]
    check_same_split({n: _rows_of(one) for n, one in zip(names, opened, strict=True)})
    tasks, left = fusible_tasks(
        {n: one.saved.network.tasks for n, one in zip(names, opened, strict=True)}
    )
    alone = {n: _of(one.answers(), tasks) for n, one in zip(names, opened, strict=True)}
    measured = [task for task in tasks if all(task in found for found in alone.values())]
    chosen = {task: stated or (1 / len(runs),) * len(runs) for task in measured}
    if weights == "validation":
        if not opened[0].splits["validation"]:
            raise ValueError(
                f"{names[0]}: no validation rows to choose weights on. Take --fuse-weights equal, "
                "or numbers; or train with split.validation."
            )
        looked = [one.part("validation").answers() for one in opened]
        for task in measured:
            if task not in looked[0]:
                raise ValueError(
                    f"No validation row is labeled for {task!r}. Take --fuse-weights equal."
                )
            chosen[task] = likeliest_weights([found[task] for found in looked])
    together = {
        task: fuse_results([found[task] for found in alone.values()], chosen[task])
        for task in measured
    }
    return Fused(
        tasks={task: opened[0].saved.network.tasks[task] for task in measured},
        alone=alone,
        together=together,
        weights=chosen,
        sources=opened[0].sources,
        left_out=left,
    )


def print_fused(fused: Fused, by: str, *, as_json: bool) -> None:
    """Print the figures of every run and of all together; with ``by``, those of each group."""
    if fused.left_out:
        names = ", ".join(fused.left_out)
        typer.echo(f"not fused (no classes, or not in every run): {names}", err=True)
    if by:
        from onebody.cli.by_group import print_by

        print_by(fused.tasks, fused.together, fused.sources, by, as_json=as_json)
        return
    found = _figures(fused)
    if as_json:
        weights = {
            task: dict(zip(fused.alone, shares, strict=True))
            for task, shares in fused.weights.items()
        }
        typer.echo(json.dumps({"figures": found, "weights": weights}, indent=2, allow_nan=False))
        return
    for line in _lines(fused, found):
        typer.echo(line)


def _figures(fused: Fused) -> dict[str, dict[str, dict[str, float | None]]]:
    """Return figures by task, and by run or ``fused``."""
    from onebody.cli.tables import all_finite
    from onebody.evaluation import figures

    every = {**fused.alone, FUSED: fused.together}
    measured = {
        name: figures(fused.tasks, _of(found, fused.tasks)) for name, found in every.items()
    }
    return {
        task: {name: all_finite(values[task]) for name, values in measured.items()}
        for task in fused.tasks
    }


def _lines(
    fused: Fused, found: Mapping[str, Mapping[str, Mapping[str, float | None]]]
) -> list[str]:
    """Return a table: a line per task and run, and one for all together."""
    from onebody.cli.tables import metric_units, show, text_table

    units = metric_units()
    lines: list[str] = []
    for task, by_run in found.items():
        shares = [*(f"{share:.3f}" for share in fused.weights[task]), ""]
        rows = [
            (task, run, share, *(show(v, units.get(m, "")) for m, v in values.items()))
            for (run, values), share in zip(by_run.items(), shares, strict=True)
        ]
        lines += text_table(("task", "run", "weight", *by_run[FUSED]), rows)
    return lines


def _rows_of(opened: Opened) -> dict[str, list[SampleTable]]:
    """Return the tables of a run's split by part."""
    return {part: [source.table for source in found] for part, found in opened.splits.items()}


def _of(found: Mapping[str, Results], tasks: Sequence[str] | Mapping[str, Task]) -> dict[str, Any]:
    """Return the results of some tasks."""
    return {task: found[task] for task in tasks if task in found}


def _numbers(weights: str, count: int) -> tuple[float, ...] | None:
    """Read stated weights, as shares; None: they are equal, or chosen on validation rows."""
    if weights in ("equal", "validation"):
        return None
    try:
        values = tuple(float(part) for part in weights.split(","))
    except ValueError:
        values = ()
    good = len(values) == count and all(v >= 0 for v in values) and 0 < sum(values) < math.inf
    if not good:
        raise ValueError(
            f"--fuse-weights: expected 'equal', 'validation' or {count} numbers of 0 or more, not "
            f"all 0 (like {','.join(['1'] * count)}), found {weights!r}."
        )
    return tuple(value / sum(values) for value in values)
