"""What ``onebody evaluate`` prints of stresses and of other datasets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from onebody.cli.tables import metric_units, show, text_table

if TYPE_CHECKING:
    from onebody.evaluation import ViewsConfig
    from onebody.studies.stress import StressReport
    from onebody.training.cross import CrossFigures


def print_stress(
    run: Path,
    against: Sequence[Path],
    split: str,
    *,
    stresses: Sequence[str],
    clips: int,
    views: ViewsConfig,
    device: str,
    out: Path | None,
    as_json: bool,
) -> None:
    """Measure networks under stress, and print the figures by strength."""
    from onebody.studies.stress import stress_runs, to_plain, write_stress

    for folder in (run, *against):
        _check_run(folder)
    report = stress_runs(
        run,
        against,
        part=split,
        stresses=stresses,
        clips=clips,
        views=views,
        device=device,
        say=lambda line: typer.echo(line, err=True),
    )
    if as_json:
        typer.echo(json.dumps(to_plain(report), indent=2, allow_nan=False))
    else:
        for line in stress_lines(report):
            typer.echo(line)
    if out is not None:
        for path in write_stress(report, out):
            typer.echo(f"written: {path}", err=as_json)


def stress_lines(report: StressReport) -> Iterator[str]:
    """Yield a table per stress: a row per task and network, a column per strength."""
    units = metric_units()
    first = next(iter(report.curves.values()))
    for place, curve in enumerate(first):
        if place:
            yield ""
        columns = (
            f"{curve.stress} ({curve.unit})",
            "network",
            *(f"{level:g}" for level in curve.levels),
        )
        rows = [
            (
                f"{task} {metric}",
                network,
                *(show(value, units.get(metric, "")) for value in own.values[task]),
            )
            for task, metric in curve.metrics.items()
            for network, curves in report.curves.items()
            for own in curves
            if own.stress == curve.stress and task in own.values
        ]
        yield from text_table(columns, rows)


def print_cross(
    run: Path,
    recipe: str,
    split: str,
    *,
    clips: int,
    views: ViewsConfig,
    device: str,
    out: Path | None,
    as_json: bool,
) -> None:
    """Measure a network on another recipe's rows, and print the figures."""
    from onebody.training import load_recipe
    from onebody.training.cross import measure_cross

    _check_run(run)
    found = measure_cross(run, load_recipe(recipe), split, clips=clips, views=views, device=device)
    values = json.dumps(_plain(asdict(found)), indent=2, allow_nan=False)
    if as_json:
        typer.echo(values)
    else:
        for line in cross_lines(found):
            typer.echo(line)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "cross.json").write_text(values + "\n", encoding="utf-8")
        typer.echo(f"written: {out / 'cross.json'}", err=as_json)


def cross_lines(found: CrossFigures) -> Iterator[str]:
    """Yield a table of all figures, then what was left out."""
    units = metric_units()
    rows = [
        (
            task,
            metric,
            show(value, units.get(metric, "")),
            show(found.restricted.get(task, {}).get(metric), units.get(metric, "")),
            str(len(found.classes[task])) if task in found.classes else "",
            str(found.rows[task]),
        )
        for task, figures in found.figures.items()
        for metric, value in figures.items()
    ]
    columns = ("task", "metric", "all classes", "corresponding", "classes", "rows")
    yield from text_table(columns, rows)
    for task, counts in found.left_out.items():
        names = ", ".join(f"{name} ({count})" for name, count in counts.items())
        yield f"not tested for {task}, being no class of the network: {names}"


def _check_run(run: Path) -> None:
    """Refuse a folder that is no finished run's."""
    if not (run / "recipe.yaml").is_file() or not (run / "model").is_dir():
        raise ValueError(
            f"{run}: expected a finished run's folder (with recipe.yaml and model), found none."
        )


def _plain(value: object) -> object:
    """Return plain values with None for figures that are not finite."""
    if isinstance(value, Mapping):
        return {key: _plain(below) for key, below in value.items()}
    if isinstance(value, float) and value - value != 0:
        return None
    return value
