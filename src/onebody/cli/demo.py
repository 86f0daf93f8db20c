"""``onebody demo``: the main job on simulated bodies, in a minute or two."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option(help="Folder for all results.")] = Path("runs/demo"),
    recipe: Annotated[str, typer.Option(help="The recipe that is run.")] = "simulated",
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Changes to the recipe."),
    ] = None,
) -> None:
    """Train pose, action and gesture together and each alone; write report.html and a video."""
    from onebody.cli.compare import run_comparison
    from onebody.training import load_recipe

    read = load_recipe(recipe, changes or [])
    typer.echo(run_comparison(read, out, seeds=1))
    typer.echo(f"report: {out / 'report.html'}")
