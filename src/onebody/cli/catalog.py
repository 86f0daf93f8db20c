"""``onebody list``: everything that a recipe can name."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def catalog(
    kind: Annotated[
        str, typer.Argument(help="Only this kind: tasks, datasets, encoders, ...")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List every task, dataset, network part, balancing method, metric and recipe, a line each."""
    from onebody.config import lookup

    parts = registered()
    if kind:
        parts = {kind: lookup(parts, kind, "kind of part")}
    if as_json:
        typer.echo(json.dumps(parts, indent=2))
        return
    for name, entries in parts.items():
        typer.echo(f"{name}:")
        width = max((len(entry) for entry in entries), default=0)
        for entry, summary in entries.items():
            typer.echo(f"  {entry:{width}}  {summary}".rstrip())


def registered() -> dict[str, dict[str, str]]:
    """Return one line for every part that is registered, by kind and name."""
    from collections.abc import Mapping
    from typing import Any

    from onebody.balancing import BALANCERS
    from onebody.config import Factory
    from onebody.datasets import DATASETS
    from onebody.metrics import METRICS
    from onebody.models import ENCODERS, HEADS, NETWORKS, SHARINGS
    from onebody.skeletons import SKELETONS
    from onebody.tasks import TASKS
    from onebody.training.reading import recipe_heading, recipe_names

    factories: dict[str, Mapping[str, Factory[Any]]] = {
        "tasks": TASKS,
        "datasets": DATASETS,
        "networks": NETWORKS,
        "encoders": ENCODERS,
        "sharing": SHARINGS,
        "heads": HEADS,
        "balancing": BALANCERS,
    }
    parts = {
        kind: {name: factory.summary for name, factory in registry.items()}
        for kind, registry in factories.items()
    }
    parts["metrics"] = {name: metric.summary for name, metric in METRICS.items()}
    parts["skeletons"] = {name: f"{len(found)} joints" for name, found in SKELETONS.items()}
    parts["recipes"] = {
        name: next((line for line in recipe_heading(name) if line), "") for name in recipe_names()
    }
    return parts
