"""The teachers of a recipe: loaded, checked for what they have seen, and asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from onebody.data import Source
from onebody.data.targets import labeled_rows
from onebody.evaluation import LeakageError, check_apart
from onebody.training.known import known_rows
from onebody.training.pseudo import add_pseudo_labels, count_pseudo_labels, load_teacher
from onebody.training.recipe import Recipe
from onebody.training.sources import Sources


def with_pseudo_labels(recipe: Recipe, found: Sources, device: torch.device) -> Sources:
    """Add what the recipe's teachers say to the training sources.

    It is computed anew at every start of a run: the same teacher says the same.

    Args:
        recipe: names the teachers.
        found: its rows.
        device: where the teachers run.

    Returns:
        The rows that have a label now; ``rows`` counts the pseudo-labels of each task, as
        ``pseudo TASK``.

    Raises:
        LeakageError: if a teacher has learned from rows that the recipe tests.
        ValueError: if a teacher does not fit.
    """
    if not recipe.pseudo:
        return found
    for config in recipe.pseudo:
        check_teacher(config.teacher, recipe, found)
    teachers = [load_teacher(config, found.tasks, device) for config in recipe.pseudo]
    train = _labeled(add_pseudo_labels(found.splits["train"], teachers))
    counts = {f"pseudo {c.task}": count_pseudo_labels(train, c.task) for c in recipe.pseudo}
    splits = {**found.splits, "train": train}
    return replace(found, splits=splits, rows={**found.rows, **counts})


def _labeled(sources: Sequence[Source]) -> list[Source]:
    """Leave out rows that no teacher was sure of, and nobody else has labeled."""
    left: list[Source] = []
    for source in sources:
        rows = np.any([labeled_rows(source.table, target) for target in source.targets], axis=0)
        if rows.any():
            left.append(replace(source, table=source.table.select(rows)))
    return left


def check_teacher(run: Path, recipe: Recipe, found: Sources) -> None:
    """Refuse a teacher that knows the rows which the recipe tests.

    Args:
        run: the teacher's folder.
        recipe: of the student.
        found: the student's rows.

    Raises:
        LeakageError: names what both know.
    """
    tested = [source.table for source in found.splits["test"]]
    try:
        check_apart(known_rows(run), tested, subjects=recipe.split.subjects_apart)
    except LeakageError as error:
        raise LeakageError(
            f"pseudo.teacher {run} has learned from rows that are tested here. {error} Train the "
            "teacher with the same 'split'."
        ) from None
