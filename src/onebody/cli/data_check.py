"""``onebody data check``: find what is wrong with a manifest before training does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def check(
    file: Annotated[Path, typer.Argument(help="A CSV or JSONL manifest.")],
    deep: Annotated[bool, typer.Option("--deep", help="Decode every frame (slow).")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List everything that is wrong with a manifest and its files; exit code 1 if anything is."""
    from onebody.datasets.check import check_manifest

    report = check_manifest(file, deep=deep)
    if as_json:
        typer.echo(json.dumps(report.to_json(), indent=2, allow_nan=False))
    else:
        for defect in report.errors:
            typer.echo(f"error: {defect}")
        for defect in report.warnings:
            typer.echo(f"warning: {defect}")
        counts = [f"{name} {rows}" for name, rows in (report.media | report.labels).items()]
        typer.echo(
            f"{report.file}: {report.rows} rows, {report.usable} without error, "
            f"{report.frames} frames" + (f" ({', '.join(counts)})" if counts else "")
        )
    if report.errors:
        raise typer.Exit(1)
