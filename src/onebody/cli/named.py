"""What an argument of the ``data`` commands names: a recipe or a manifest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onebody.training import Recipe


def named_recipe(what: str, changes: list[str]) -> Recipe | None:
    """Return the recipe that a name, a YAML file or a run folder means; None: a manifest.

    Raises:
        ValueError: if it is neither a recipe nor a file, or the recipe cannot be read; if a
            manifest is given changes.
    """
    from onebody.training import load_recipe, recipe_names

    path = Path(what)
    recipes = (".yaml", ".yml")
    if what in recipe_names() or path.suffix in recipes or (path / "recipe.yaml").is_file():
        return load_recipe(what, changes)
    if not path.exists() and not path.suffix:
        load_recipe(what)  # says what is meant
    if changes:
        raise ValueError(f"{what}: changes ({' '.join(changes)}) are for recipes, not manifests.")
    return None
