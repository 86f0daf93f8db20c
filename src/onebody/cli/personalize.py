"""``onebody personalize``: fit a network to one person by a few minutes of theirs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from onebody.training.personal import PersonalReport


def personalize(
    run: Annotated[Path, typer.Argument(help="A finished run's folder.")],
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="How it is fitted, such as steps=100."),
    ] = None,
    subject: Annotated[str, typer.Option(help="One of the people whom the run tests.")] = "",
    minutes: Annotated[
        list[float] | None,
        typer.Option(help="Minutes of theirs to learn from (repeat) [default: 1]."),
    ] = None,
    task: Annotated[str, typer.Option(help="What is learned [default: the only task].")] = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the fitted networks and personal.json.")
    ] = None,
    device: Annotated[str, typer.Option(help="Where the network runs: cpu, cuda.")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fit a network to one person whom it does not know, keeping its other tasks.

    Whole trials are learned from, those of every class in turn; the others are tested before and
    after, and so are other people.
    """
    from onebody.config import read_config
    from onebody.training.personal import personalize as fit
    from onebody.training.personal_fit import PersonalConfig
    from onebody.training.reading import override

    if not subject:
        raise ValueError("--subject: say which person the network shall be fitted to.")
    values: dict[str, object] = {}
    for change in changes or []:
        override(values, change)
    config = read_config(PersonalConfig, values, "the changes")
    report = fit(
        run,
        subject,
        minutes or [1.0],
        task=task,
        config=config,
        out=out,
        device=device,
        say=lambda line: typer.echo(line, err=True),
    )
    text = json.dumps(plain(report), indent=2, allow_nan=False)
    if as_json:
        typer.echo(text)
    else:
        for line in lines_of(report):
            typer.echo(line)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "personal.json").write_text(text + "\n", encoding="utf-8")
        typer.echo(f"written: {out}", err=as_json)


def lines_of(report: PersonalReport) -> Iterator[str]:
    """Yield what was learned from, then a table: the person's rows, then those of others."""
    from onebody.cli.tables import metric_units, show, text_table

    for step in report.steps[1:]:
        held, tested = step.classes
        yield (
            f"{step.minutes:g} minutes: {step.trials} trials, {step.seconds:.0f} s, with {held} of "
            f"the {tested} classes that are tested"
        )
    units = metric_units()
    last = ["before", *(f"{step.minutes:g} min" for step in report.steps[1:])]
    places = (
        (f"subject {report.subject}", report.steps[0].person, "person"),
        (f"others ({report.of_others})", report.steps[0].others, "others"),
    )
    rows = [
        (
            whose,
            f"{task} {metric}" + " *" * (task == report.task and place == "person"),
            *(
                show(getattr(step, place).get(task, {}).get(metric), units.get(metric, ""))
                for step in report.steps
            ),
        )
        for whose, first, place in places
        for task, figures in first.items()
        for metric in figures
    ]
    yield from text_table(("rows", "figure", *last), rows)
    yield (
        f"* learned; {report.rows[0]} rows of {report.tested} trials of subject {report.subject}, "
        f"{report.rows[1]} rows of other people"
    )
    for task, count in report.left_out.items():
        yield f"not measured for {task}: {count} rows of classes that the network never saw"


def plain(report: PersonalReport) -> dict[str, object]:
    """Return a report as plain values; None for a figure that could not be measured."""
    from dataclasses import asdict

    def finite(value: object) -> object:
        if isinstance(value, dict):
            return {key: finite(below) for key, below in value.items()}
        if isinstance(value, (list, tuple)):
            return [finite(below) for below in value]
        return None if isinstance(value, float) and value != value else value

    return {key: finite(value) for key, value in asdict(report).items()}
