"""``onebody evaluate --outputs``: figures of every prediction that a task could answer with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from onebody.cli.opened import Opened

FUSIONS = ("average", "product")


def print_outputs(opened: Opened, *, as_json: bool) -> None:
    """Print the figures of every output, from coarse to final, and of their fusion.

    Raises:
        ValueError: if the network has no task with outputs to choose from.
    """
    found = measure_outputs(opened)
    if as_json:
        typer.echo(json.dumps(found, indent=2, allow_nan=False))
        return
    for task, values in found.items():
        for line in _lines(task, values):
            typer.echo(line)


def measure_outputs(opened: Opened) -> dict[str, dict[str, Any]]:
    """Measure every output of the tasks that have several to choose from.

    Returns:
        By task: ``outputs`` (figures of each, from coarse to final), ``chosen`` (number of the one
        that answers), ``validation`` (the primary metric that it was chosen by, of each output;
        None: nothing was chosen, the last one answers), and for classes the figures of the
        ``average`` and the ``product`` of all outputs.

    Raises:
        ValueError: if the network has no task with outputs to choose from.
    """
    from onebody.evaluation import evaluate_outputs, fuse_outputs
    from onebody.tasks import ClassTask

    network, how = opened.saved.network, opened.how
    if not network.choices:
        raise ValueError(
            "--outputs: no task of this network has several outputs to choose from "
            f"({', '.join(network.tasks)}). Leave it out."
        )
    found = evaluate_outputs(
        network,
        opened.sources,
        tasks=list(network.choices),
        clips=how.clips,
        views=how.views,
        device=opened.device,
        bf16=opened.bf16,
    )
    notes = opened.saved.notes.get("outputs", {})
    measured: dict[str, dict[str, Any]] = {}
    for name, outputs in found.items():
        task, scores = network.tasks[name], notes.get(name)
        last = len(outputs) - 1
        measured[name] = {
            "primary": task.primary,
            "chosen": scores.index(max(scores)) if scores else last,
            "validation": scores,
            "outputs": [_figures(task.metrics, results) for results in outputs],
        }
        if isinstance(task, ClassTask):
            for fusion in FUSIONS:
                joined = fuse_outputs(outputs, fusion)  # type: ignore[arg-type]
                measured[name][fusion] = _figures(task.metrics, joined)
    return measured


def _figures(metrics: Mapping[str, Any], results: Any) -> dict[str, float | None]:
    """Compute every metric; None: nothing to measure."""
    from onebody.cli.tables import all_finite

    values = {name: float(metric.function(results)) for name, metric in metrics.items()}
    return all_finite(values)


def _lines(task: str, found: Mapping[str, Any]) -> Iterator[str]:
    """Yield one task's table."""
    from onebody.cli.tables import metric_units, show, text_table

    units = metric_units()
    names = list(found["outputs"][0])
    rows = [(str(i), values) for i, values in enumerate(found["outputs"])]
    rows[found["chosen"]] = (f"{found['chosen']} (answers)", rows[found["chosen"]][1])
    rows += [(f"{name} of all", found[name]) for name in FUSIONS if name in found]
    cells = [
        (task, label, *(show(values[name], units.get(name, "")) for name in names))
        for label, values in rows
    ]
    yield from text_table(("task", "output", *names), cells)
    if found["validation"] is None:
        yield f"{task}: nothing was chosen on validation rows; the last output answers."
    else:
        unit = units.get(found["primary"], "")
        best = show(max(found["validation"]), unit)
        yield (
            f"{task}: output {found['chosen']} was chosen on validation rows "
            f"({found['primary']} {best} there)."
        )
