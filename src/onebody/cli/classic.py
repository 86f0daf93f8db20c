"""``onebody classic``: part-based bags of words and related linear tasks beside their twins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from onebody.classic import ClassicRecipe, FoldResult


def classic(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A recipe of 'kind: part-bow': its name (see 'onebody recipes'), file."
        ),
    ],
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Changes, such as views=[0,45,90]."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of results.json [default: runs/classic-RECIPE].")
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="A run of seconds: the recipe's 'debug' changes.")
    ] = False,
) -> None:
    """Train and test a graph-regularized multi-task classifier on skeletons; no network.

    Each class is a task (with several views: in each view). Ridge and linear SVM learn the same
    tasks alone. Strengths are chosen on validation people, never on those who are tested.
    """
    import time

    from onebody.classic import run_classic, save_results

    read = read_classic(recipe, changes or [], debug=debug)
    folder = out or Path("runs") / f"classic-{Path(recipe).stem}{'-debug' * debug}"
    begin = time.process_time()
    results = run_classic(read, say=typer.echo)
    _show(results)
    typer.echo(f"{(time.process_time() - begin) / 60:.1f} minutes of processor time in all")
    save_results(read, results, folder / "results.json")
    typer.echo(f"results: {folder / 'results.json'}")


def read_classic(name: str, changes: list[str], *, debug: bool = False) -> ClassicRecipe:
    """Read a recipe of this kind.

    Raises:
        ValueError: if there is none, or something in it is not possible.
    """
    from onebody.classic import ClassicRecipe
    from onebody.config import read_config
    from onebody.training.reading import read_values

    path, values = read_values(name, changes, debug=debug)
    if values.get("kind") != "part-bow":
        raise ValueError(
            f"{path}: expected 'kind: part-bow', found a recipe of another kind. Its heading says "
            "which command runs it."
        )
    return read_config(ClassicRecipe, values, str(path))


def _show(results: list[FoldResult]) -> None:
    """Print figures, and what was gained over each twin."""
    from onebody.classic import FIGURE_COLUMNS, differences, figure_rows
    from onebody.cli.tables import text_table

    typer.echo()
    for line in text_table(FIGURE_COLUMNS, figure_rows(results)):
        typer.echo(line)
    rows, notes = differences(results)
    columns = ("accuracy gained over", "", *(fold.name for fold in results), "mean")
    typer.echo()
    for line in (*text_table(columns, rows), *notes):
        typer.echo(line)
    features = sum(fold.feature_seconds for fold in results) / 60
    typer.echo(f"{features:.1f} minutes of processor time for features")
