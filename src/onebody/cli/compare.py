"""``onebody compare``: did training the tasks together help?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare(
    recipe: Annotated[
        str, typer.Argument(help="A recipe's name (see 'onebody recipes'), file or run folder.")
    ],
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Changes, such as train.seed=3."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How often everything is trained.")] = 3,
    out: Annotated[
        Path | None, typer.Option(help="Folder of runs and report [default: runs/compare-RECIPE].")
    ] = None,
) -> None:
    """Train all tasks together and each alone; print what sharing bought, write a report."""
    from onebody.training import load_recipe

    read = load_recipe(recipe, changes or [])
    folder = out or Path("runs") / f"compare-{Path(recipe).stem}"
    typer.echo(run_comparison(read, folder, seeds=seeds))


def run_comparison(recipe: object, folder: Path, *, seeds: int) -> str:
    """Run the study and return its table as text; ``folder/report.html`` shows it in full."""
    from onebody import studies

    study = getattr(studies, "compare", None)
    if study is None:
        raise ValueError("Comparisons are not part of this build; train recipes one by one.")
    return str(study(recipe, folder, seeds=seeds))
