"""``onebody find-boxes``: write where a network finds people into a prepared folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onebody.cli.named import named_recipe

if TYPE_CHECKING:
    from onebody.data import SampleTable


def find_boxes(
    run: Annotated[Path, typer.Argument(help="A run with a task of boxes, or of poses.")],
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
    out: Annotated[Path, typer.Option(help="The prepared folder to write.")] = Path("boxes"),
    source: Annotated[int, typer.Option(min=0, help="Of a recipe: which of its data.")] = 0,
    clips: Annotated[int, typer.Option(min=1, help="Clips of each row that are looked at.")] = 1,
    device: Annotated[str, typer.Option(help="Where the network runs: cpu, cuda.")] = "cpu",
) -> None:
    """Find the person in every row of data, and write the rows with these boxes.

    The folder holds a table; media stay where they are. A network that was trained on rows finds
    their people better than others: judge by rows that it has not seen.
    """
    from dataclasses import replace

    import numpy as np

    from onebody.data.store import save_table
    from onebody.evaluation import found_boxes
    from onebody.inference import load

    saved = load(run, device=device).saved
    table = _table(what, changes or [], source)
    if (out / "table.json").exists():
        raise ValueError(f"{out}: holds a table already. Name another folder with --out.")
    boxes = found_boxes(saved.network, table, saved.input, clips=clips, device=device)
    save_table(replace(table, box=boxes), out)
    known = np.isfinite(boxes).all(axis=1)
    typer.echo(f"{out}: {len(table)} rows, {int(known.sum())} with a person's box")
    both = known & np.isfinite(table.box).all(axis=1)
    if both.any():
        from onebody.metrics import Results, overlaps

        pair = Results(prediction=boxes[both], target=table.box[both], row=np.flatnonzero(both))
        typer.echo(f"IoU with the {int(both.sum())} boxes of the data: {overlaps(pair).mean():.3f}")


def _table(what: str, changes: list[str], source: int) -> SampleTable:
    """Return the rows that an argument names.

    Raises:
        ValueError: if it names none.
    """
    from onebody.config import build
    from onebody.data.store import load_table
    from onebody.datasets import DATASETS
    from onebody.datasets.own import OwnConfig, build_own

    recipe = named_recipe(what, changes)
    if recipe is None:
        folder = Path(what)
        if (folder / "table.json").is_file():
            return load_table(folder)
        return build_own(OwnConfig(manifest=folder))
    if source >= len(recipe.data):
        raise ValueError(f"--source {source}: {what} has {len(recipe.data)} kinds of data, from 0.")
    return build(DATASETS, recipe.data[source].dataset, "dataset")
