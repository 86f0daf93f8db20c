"""``onebody data check``: find what is wrong with data before training does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onebody.cli.named import named_recipe

if TYPE_CHECKING:
    from onebody.datasets.check import CheckReport


def check(
    what: Annotated[
        str,
        typer.Argument(
            help="A CSV or JSONL manifest, a prepared folder, or a recipe (name, file, run folder)."
        ),
    ],
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Changes to the recipe."),
    ] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Decode every frame (slow).")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List everything that is wrong with data; exit code 1 if anything.

    Of a manifest every line is looked at; other data have to be readable as tables first.
    """
    from onebody.data.store import load_table
    from onebody.datasets.check import check_manifest, check_table

    recipe = named_recipe(what, changes or [])
    if recipe is None and (Path(what) / "table.json").is_file():
        reports = [check_table(load_table(Path(what)), deep=deep)]
    elif recipe is None:
        reports = [check_manifest(Path(what), deep=deep)]
    else:
        reports = [_source_report(part.dataset, deep) for part in recipe.data]
    if as_json:
        values: Any = [report.to_json() for report in reports]
        values = values[0] if recipe is None else {"sources": values}
        typer.echo(json.dumps(values, indent=2, allow_nan=False))
    else:
        for report in reports:
            _print(report)
    if any(report.errors for report in reports):
        raise typer.Exit(1)


def _source_report(dataset: Any, deep: bool) -> CheckReport:
    """Check one source of a recipe: line by line if it is a manifest, else its table."""
    from onebody.config import build
    from onebody.datasets import DATASETS
    from onebody.datasets.check import check_manifest, check_table
    from onebody.datasets.own import OwnConfig

    if isinstance(dataset, OwnConfig):
        return check_manifest(dataset.manifest, deep=deep)
    return check_table(build(DATASETS, dataset, "dataset"), deep=deep)


def _print(report: CheckReport) -> None:
    """Print what is wrong, and how much there is."""
    for defect in report.errors:
        typer.echo(f"error: {defect}")
    for defect in report.warnings:
        typer.echo(f"warning: {defect}")
    counts = [f"{name} {rows}" for name, rows in (report.media | report.labels).items()]
    typer.echo(
        f"{report.file}: {report.rows} rows, {report.usable} without error, "
        f"{report.frames} frames" + (f" ({', '.join(counts)})" if counts else "")
    )
