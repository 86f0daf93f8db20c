"""Which rows a run's network knows: what it was trained on, and what its weights were chosen by."""

from __future__ import annotations

from pathlib import Path

from onebody.data import SampleTable
from onebody.training.reading import load_recipe
from onebody.training.sources import build_sources


def known_rows(run: Path) -> list[SampleTable]:
    """Return the training and validation rows of a run and of the runs that it learned from.

    Those are the teachers of its pseudo-labels, and the run whose weights it began with.

    Args:
        run: a run's folder.

    Raises:
        ValueError: if a recipe or its data cannot be read.
    """
    recipe = load_recipe(str(run))
    splits = build_sources(recipe).splits
    tables = [source.table for part in ("train", "validation") for source in splits[part]]
    before = [config.teacher for config in recipe.pseudo]
    init = recipe.train.init
    if init is not None:  # a run's folder, or the saved network in it
        before += [folder for folder in (init, init.parent) if (folder / "recipe.yaml").is_file()]
    return tables + [table for folder in before for table in known_rows(folder)]
