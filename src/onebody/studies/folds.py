"""Which rows a study tests in turn."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

import numpy as np

from onebody.config import read_config
from onebody.studies.compare import fold_values
from onebody.studies.config import FoldsConfig
from onebody.studies.section import Fold
from onebody.training import Recipe, read_tables
from onebody.training.reading import override

LONGEST = 40
"""Of a fold's name, which becomes part of a folder's."""


def make_folds(recipe: Recipe, config: FoldsConfig | None) -> tuple[Fold, ...]:
    """Make the folds of a study; without any, the recipe's own split.

    Raises:
        ValueError: if a column has fewer than two values, a table has fewer than ``k`` subjects
            or groups, or two folds hold out the same.
    """
    if config is None:
        return (Fold(name="", apply=lambda given: given),)
    if config.key:
        return tuple(_by_key(config.key, value) for value in config.values)
    if config.k:
        return _drawn(recipe, config.k)
    groups = [_texts(value) for value in config.values] or _in_turn(recipe, config.column)
    folds = tuple(
        _holding_out({config.column: group}, _name(group, n)) for n, group in enumerate(groups, 1)
    )
    names = [fold.name for fold in folds]
    if len(set(names)) < len(names):
        raise ValueError(f"'study.folds': some values are stated twice ({', '.join(names)}).")
    held = Counter(value for group in groups for value in set(group))
    if twice := [value for value, count in held.items() if count > 1]:
        raise ValueError(
            f"'study.folds': expected each value in one fold, found {', '.join(twice)} in several, "
            "whose test rows would count as often. Hold them out once."
        )
    return folds


def _texts(value: object) -> tuple[str, ...]:
    """Return what is held out together."""
    many = value if isinstance(value, list | tuple) else [value]
    return tuple(str(one) for one in many)


def _in_turn(recipe: Recipe, column: str) -> list[tuple[str, ...]]:
    """Return every value of a column in the recipe's tables, each alone."""
    tables = read_tables(recipe)
    return [(value,) for value in sorted({v for t in tables for v in fold_values(t, column)})]


def _drawn(recipe: Recipe, k: int) -> tuple[Fold, ...]:
    """Draw folds that each hold out a part of every table.

    Names that several tables have are drawn once: whoever it is, all rows are tested together.
    """
    held: list[dict[str, list[str]]] = [{} for _ in range(k)]
    drawn: set[tuple[str, str]] = set()
    for place, table in enumerate(read_tables(recipe)):
        column = "subject" if (table.subject != "").all() else "group"
        values = np.unique(getattr(table, column))
        if len(values) < k or "" in values:
            raise ValueError(
                f"'study.folds': table {table.name!r} cannot be divided into {k} folds: expected "
                f"as many subjects, or groups, on all of its rows, found {len(values)} {column}s "
                f"({int((getattr(table, column) == '').sum())} rows without)."
            )
        values = np.array([value for value in values.tolist() if (column, value) not in drawn])
        drawn |= {(column, value) for value in values.tolist()}
        order = np.random.default_rng((recipe.evaluation.split_seed, place)).permutation(values)
        for fold, part in zip(held, np.array_split(order, k), strict=True):
            fold.setdefault(column, []).extend(sorted(part.tolist()))
    return tuple(
        _holding_out({c: tuple(v) for c, v in values.items()}, f"{n}of{k}")
        for n, values in enumerate(held, 1)
    )


def _holding_out(test: dict[str, tuple[str, ...]], name: str) -> Fold:
    """Make a fold that tests the rows with some values; see `onebody.evaluation.split_several`."""

    def apply(recipe: Recipe) -> Recipe:
        split = recipe.split.model_dump() | {"test": test, "test_share": 0.0, "own_split": False}
        return Recipe.model_validate(
            {**dict(recipe), "split": read_config(type(recipe.split), split, "'split'")}
        )

    return Fold(name=name, apply=apply)


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
