"""``onebody study``: sharing, balancing and depth in a grid, beside single-task twins."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from onebody.studies.study import Study, StudyResult


def study(
    recipe: Annotated[
        str,
        typer.Argument(help="A recipe with 'study:': its name (see 'onebody recipes') or file."),
    ],
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Changes, such as study.seeds=1."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Runs trained at the same time.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Folder of runs and report [default: runs/study-RECIPE].")
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            help="Folder in which figures and plots are kept as RECIPE [default: in OUT]."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it will cost, and stop.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="A study of seconds: the recipe's 'debug' changes.")
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Train nothing: tables and page of a finished study.")
    ] = False,
) -> None:
    """Measure ways of sharing, balancing and depth beside single-task twins.

    A study that was interrupted goes on where it stopped.
    """
    from onebody.studies.study import Study
    from onebody.training import load_recipe

    name = Path(recipe).stem + "-debug" * debug
    folder = out or Path("runs") / f"study-{name}"
    made = Study(load_recipe(recipe, changes or [], debug=debug), folder)
    if report:
        result = made.report()
    else:
        typer.echo("Timing a few steps of every network that is not trained yet ..", err=True)
        for line in made.estimate(jobs=jobs).lines():
            typer.echo(line)
        if dry_run:
            return
        result = _run(made, folder, jobs)
    command = shlex.join(
        ["onebody", "study", recipe, *(changes or []), *(["--debug"] if debug else [])]
    )
    _show(result)
    _write(result, folder, (keep or folder) / name, name, command)


def _run(made: Study, folder: Path, jobs: int) -> StudyResult:
    """Run a study; an interruption is no fault."""
    try:
        return made.run(jobs=jobs, say=typer.echo)
    except KeyboardInterrupt:
        typer.echo(f"{folder}: interrupted. The same command goes on with it.", err=True)
        raise typer.Exit(130) from None


def _show(result: StudyResult) -> None:
    """Print tables and sentences."""
    from onebody.cli.tables import text_table

    for section in result.sections:
        for table in section.tables:
            typer.echo(f"\n{table.title}")
            for line in (*text_table(table.columns, table.rows), *table.notes):
                typer.echo(line)
    typer.echo()
    for sentence in (*result.named, *(finding.sentence for finding in result.findings)):
        typer.echo(f"- {sentence}")


def _write(result: StudyResult, folder: Path, kept: Path, name: str, command: str) -> None:
    """Write the page, and what is kept."""
    from onebody.studies.study_keep import keep_study
    from onebody.studies.study_page import write_study_page

    typer.echo(f"report: {write_study_page(result, folder, title=name, command=command)}")
    typer.echo(f"kept: {keep_study(result, kept, name=name, command=command)}")
