"""``onebody recipes``: which recipes there are, what they need and what they reached."""

from __future__ import annotations

from typing import Annotated

import typer


def recipes(
    name: Annotated[
        str, typer.Argument(help="A recipe: say all that its heading says, and what it reads.")
    ] = "",
    figures: Annotated[
        bool, typer.Option("--figures", help="Below each, what it reads, its time and result.")
    ] = False,
) -> None:
    """List the recipes that come with the package, with the first line of each."""
    from onebody.config import lookup
    from onebody.training.reading import recipe_data, recipe_heading, recipe_names, recipe_result

    names = recipe_names()
    if name:
        lookup(dict.fromkeys(names), name, "recipe")
        typer.echo("\n".join(recipe_heading(name)))
        typer.echo(f"\nData: {'; '.join(recipe_data(name))}")
        return
    width = max((len(name) for name in names), default=0)
    for own in names:
        heading = next((line for line in recipe_heading(own) if line), "")
        typer.echo(f"{own:{width}}  {heading}".rstrip())
        if figures:
            result = recipe_result(own) or "Time and result: not stated."
            for line in (f"Data: {'; '.join(recipe_data(own))}", result):
                typer.echo(f"{'':{width}}  {line}")
