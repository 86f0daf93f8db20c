"""``onebody data check``: find what is wrong with a manifest before training does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def check(
    file: Annotated[Path, typer.Argument(help="A manifest.")],
    deep: Annotated[bool, typer.Option("--deep", help="Decode every frame (slow).")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check a manifest and the files that it names. Exit code 1 if anything is wrong."""
    raise NotImplementedError
