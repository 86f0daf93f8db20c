"""Which rows a study tests in turn."""

from __future__ import annotations

import json
from collections.abc import Iterable

from onebody.config import build, read_config
from onebody.datasets import DATASETS
from onebody.studies.compare import fold_values
from onebody.studies.config import FoldsConfig
from onebody.studies.section import Fold
from onebody.training import Recipe
from onebody.training.reading import override

LONGEST = 40
"""Of a fold's name, which becomes part of a folder's."""


def make_folds(recipe: Recipe, config: FoldsConfig | None) -> tuple[Fold, ...]:
    """Make the folds of a study; without any, the recipe's own split.

    Raises:
        ValueError: if a column has fewer than two values, or two folds are the same.
    """
    if config is None:
        return (Fold(name="", apply=lambda given: given),)
    if config.key:
        return tuple(_by_key(config.key, value) for value in config.values)
    groups = [_texts(value) for value in config.values] or _in_turn(recipe, config.column)
    folds = tuple(_by_column(config.column, group, n) for n, group in enumerate(groups, 1))
    names = [fold.name for fold in folds]
    if len(set(names)) < len(names):
        raise ValueError(f"'study.folds': some values are stated twice ({', '.join(names)}).")
    return folds


def _texts(value: object) -> tuple[str, ...]:
    """Return what is held out together."""
    many = value if isinstance(value, list | tuple) else [value]
    return tuple(str(one) for one in many)


def _in_turn(recipe: Recipe, column: str) -> list[tuple[str, ...]]:
    """Return every value of a column in the recipe's tables, each alone."""
    tables = [build(DATASETS, part.dataset, "dataset") for part in recipe.data]
    return [(value,) for value in sorted({v for t in tables for v in fold_values(t, column)})]


def _by_column(column: str, values: tuple[str, ...], number: int) -> Fold:
    """Make a fold that holds out the rows with some values in a column."""

    def apply(recipe: Recipe) -> Recipe:
        split = recipe.split.model_dump() | {
            "test": {column: values},
            "test_share": 0.0,
            "own_split": False,
        }
        return Recipe.model_validate(
            {**dict(recipe), "split": read_config(type(recipe.split), split, "'split'")}
        )

    return Fold(name=_name(values, number), apply=apply)


def _by_key(key: str, value: object) -> Fold:
    """Make a fold that changes one key of the recipe."""

    def apply(recipe: Recipe) -> Recipe:
        plain = recipe.plain()
        override(plain, f"{key}={json.dumps(value)}")
        return read_config(Recipe, plain, "'study.folds'")

    return Fold(name=_name((key.rpartition(".")[2], str(value)), 0), apply=apply)


def _name(parts: Iterable[str], number: int) -> str:
    """Name a fold, fit for a folder."""
    name = "-".join("".join(c if c.isalnum() else "_" for c in part) for part in parts)
    return name if len(name) <= LONGEST else f"fold{number}"
