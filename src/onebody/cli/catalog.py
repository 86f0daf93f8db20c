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
    """List everything that recipes and commands can name, a line each.

    Tasks, datasets, parts of networks, balancing, metrics, skeletons, stresses, sections of
    studies, recipes.

    ``sharing`` alone also tells what each way of sharing costs, for one task and for several.
    """
    from onebody.config import lookup

    parts = registered()
    if kind:
        parts = {kind: lookup(parts, kind, "kind of part")}
    costs = _sharing_costs() if kind == "sharing" else {}
    if as_json:
        typer.echo(json.dumps({**parts, "cost": costs} if costs else parts, indent=2))
        return
    for name, entries in parts.items():
        typer.echo(f"{name}:")
        width = max((len(entry) for entry in entries), default=0)
        for entry, summary in entries.items():
            typer.echo(f"  {entry:{width}}  {summary}".rstrip())
    for line in _cost_lines(costs) if costs else ():
        typer.echo(line)


def _sharing_costs() -> dict[str, dict[str, float]]:
    """Measure every way of sharing as multiples of hard sharing."""
    from dataclasses import asdict

    from onebody.models import sharing_costs

    return {
        name: {key: round(value, 3) for key, value in asdict(cost).items()}
        for name, cost in sharing_costs().items()
    }


def _cost_lines(costs: dict[str, dict[str, float]]) -> list[str]:
    """Return a table of what ways of sharing cost."""
    from onebody.cli.tables import text_table

    columns = ("", "", "1 of 3 tasks", "all 3 tasks", "parameters")
    rows = [
        (name, "", *(f"{cost[key]:.2f}" for key in ("one", "all", "parameters")))
        for name, cost in costs.items()
    ]
    head = "multiplications and parameters, hard sharing = 1 (as built, on a tiny encoder):"
    return [head, *(f"  {line}".rstrip() for line in text_table(columns, rows))]


def registered() -> dict[str, dict[str, str]]:
    """Return one line for every part that is registered, by kind and name."""
    from collections.abc import Mapping
    from typing import Any

    from onebody.balancing import BALANCERS
    from onebody.config import Factory
    from onebody.datasets import DATASETS
    from onebody.evaluation.stress import STRESSES
    from onebody.metrics import METRICS
    from onebody.models import ENCODERS, HEADS, NETWORKS, SHARINGS
    from onebody.skeletons import SKELETONS
    from onebody.studies.sections import SECTIONS
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
    parts["stresses"] = {name: stress.summary for name, stress in STRESSES.items()}
    parts["sections"] = {name: section.summary for name, section in SECTIONS.items()}
    parts["recipes"] = {
        name: next((line for line in recipe_heading(name) if line), "") for name in recipe_names()
    }
    return parts
