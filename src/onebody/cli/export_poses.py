"""``onebody export-poses``: skeletons as a pickle of pyskl and mmaction2."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export_poses(
    folder: Annotated[Path, typer.Argument(help="A prepared folder with skeletons.")],
    out: Annotated[Path, typer.Option(help="The pickle.")],
    column: Annotated[
        str, typer.Option(help="Column that gives the labels [default: class, if there is one].")
    ] = "",
    size: Annotated[str, typer.Option(help="Size of the pictures, for 2D joints.")] = "",
) -> None:
    """Write the skeletons of a prepared folder for pyskl and mmaction2."""
    from onebody.cli.choices import parse_size
    from onebody.data.store import load_table
    from onebody.datasets.pose_export import to_pyskl, write_pyskl

    content = to_pyskl(load_table(folder), column=column, size=parse_size(size))
    write_pyskl(out, content)
    parts = ", ".join(f"{name} {len(ids)}" for name, ids in content["split"].items()) or "none"
    typer.echo(f"{out}: {len(content['annotations'])} annotations, splits: {parts}")
