"""``onebody compare``: did training the tasks together help?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from onebody.studies import Comparison
    from onebody.training import Recipe


def compare(
    recipe: Annotated[
        str, typer.Argument(help="A recipe's name (see 'onebody recipes'), file or run folder.")
    ],
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Changes, such as train.seed=3."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How often everything is trained.")] = 3,
    fold_by: Annotated[
        str, typer.Option(help="Hold out each value of a column (subject) in turn.")
    ] = "",
    equal_size: Annotated[
        bool, typer.Option(help="Twins that together are as large as the joint network.")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Runs trained at the same time.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Folder of runs and report [default: runs/compare-RECIPE].")
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="A run of seconds: the recipe's 'debug' changes.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Measure what training together bought: all tasks at once beside each alone."""
    from onebody.training import load_recipe

    read = load_recipe(recipe, changes or [], debug=debug)
    folder = out or Path("runs") / f"compare-{Path(recipe).stem}{'-debug' * debug}"
    run_comparison(
        read,
        folder,
        title=Path(recipe).stem,
        seeds=seeds,
        fold_by=fold_by,
        equal_size=equal_size,
        jobs=jobs,
        progress=not quiet,
    )


def run_comparison(
    recipe: Recipe,
    folder: Path,
    *,
    title: str,
    seeds: int = 1,
    fold_by: str = "",
    equal_size: bool = False,
    jobs: int = 1,
    progress: bool = True,
) -> Comparison:
    """Run a comparison, print its table and write ``report.html``."""
    from onebody import studies
    from onebody.cli.tables import text_table

    folder.mkdir(parents=True, exist_ok=True)
    comparison = studies.compare(
        recipe,
        folder,
        seeds=seeds,
        fold_by=fold_by,
        folds=_fold_values(recipe, fold_by) if fold_by else (),
        widths=studies.equal_size_widths(recipe) if equal_size else None,
        jobs=jobs,
        progress=progress,
        say=typer.echo,
    )
    typer.echo()
    for line in text_table(studies.COLUMNS, studies.rows(comparison)):
        typer.echo(line)
    for note in studies.notes(comparison):
        typer.echo(note)
    page = studies.write_report(comparison, folder, title)
    typer.echo(f"report: {page}")
    return comparison


def _fold_values(recipe: Recipe, column: str) -> tuple[str, ...]:
    """Return the values of a column in the recipe's tables."""
    from onebody.studies import fold_values
    from onebody.training import read_tables

    tables = read_tables(recipe)
    return tuple(sorted({value for table in tables for value in fold_values(table, column)}))
