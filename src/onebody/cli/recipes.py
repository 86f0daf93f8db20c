"""``onebody recipes``: which recipes come with the package."""

from __future__ import annotations

import typer


def recipes() -> None:
    """List the recipes that come with the package, with the first line of each."""
    from onebody.training.reading import recipe_heading, recipe_names

    names = recipe_names()
    width = max((len(name) for name in names), default=0)
    for name in names:
        heading = next((line for line in recipe_heading(name) if line), "")
        typer.echo(f"{name:{width}}  {heading}".rstrip())
