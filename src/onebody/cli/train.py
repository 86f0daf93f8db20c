"""``onebody train``: train one network by a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def train(
    recipe: Annotated[
        str, typer.Argument(help="A recipe's name (see 'onebody recipes'), file or run folder.")
    ],
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Changes, such as train.seed=3."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder [default: runs/RECIPE].")
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="A run of seconds: the recipe's 'debug' changes.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Train a network by a recipe. A run that was interrupted goes on where it stopped."""
    from onebody.cli.tables import figure_lines, metric_units
    from onebody.training import load_recipe
    from onebody.training import train as run

    read = load_recipe(recipe, changes or [], debug=debug)
    folder = out or run_folder(recipe, debug=debug)
    try:
        summary = run(read, folder, progress=not quiet)
    except KeyboardInterrupt:
        typer.echo(f"{folder}: interrupted. The same command goes on with it.", err=True)
        raise typer.Exit(130) from None
    split, figures = ("test", summary.test) if summary.test else ("validation", summary.validation)
    if figures:
        typer.echo(f"On the {split} split:")
        for line in figure_lines(figures, metric_units(), summary.notes(split)):
            typer.echo(f"  {line}")
    typer.echo(f"{folder}: {summary.steps} steps, {summary.parameters:,} parameters")
    for failure in summary.failures:
        typer.echo(f"not read: {failure}", err=True)


def run_folder(recipe: str, *, debug: bool = False) -> Path:
    """Return the folder that a recipe's run goes to unless told otherwise."""
    path = Path(recipe)
    if (path / "recipe.yaml").is_file():
        return path
    return Path("runs") / (path.stem + "-debug" * debug)
