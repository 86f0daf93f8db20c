"""Tables and JSON of a run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from onebody.classic.experiment import FIGURES, FoldResult
from onebody.classic.recipe import ClassicRecipe
from onebody.metrics import paired_difference

FIGURE_COLUMNS = (
    "system", "tested", "accuracy", "precision", "recall", "F1", "AUC", "validation", "minutes",
)  # fmt: skip


def figure_rows(results: Sequence[FoldResult]) -> list[tuple[str, ...]]:
    """Return a row of cells per system and fold, and one of each system's means.

    Precision, recall, F1 and AUC are macro averages; minutes are processor time for choosing,
    fitting and scoring, without the features that all systems share.
    """
    rows = []
    for place, first in enumerate(results[0].systems):
        found = [fold.systems[place] for fold in results]
        for fold, one in zip(results, found, strict=True):
            values = [one.figures[name] for name in FIGURES]
            rows.append(_row(first.system, fold.name, [*values, one.validation], one.seconds))
        means = [float(np.mean([one.figures[name] for one in found])) for name in FIGURES]
        validation = float(np.mean([one.validation for one in found]))
        if len(found) > 1:
            total = sum(one.seconds for one in found)
            rows.append(_row(first.system, "mean", [*means, validation], total))
    return rows


def differences(results: Sequence[FoldResult]) -> tuple[list[tuple[str, ...]], list[str]]:
    """Return rows of accuracy points gained over each twin, by fold and on average, and notes."""
    rows, notes = [], []
    accuracy = {
        system.system: {(fold.name, 0): fold.systems[place].figures["top1"] for fold in results}
        for place, system in enumerate(results[0].systems)
    }
    joint, *twins = accuracy
    for twin in twins:
        gains = [accuracy[joint][key] - accuracy[twin][key] for key in accuracy[joint]]
        found = paired_difference(accuracy[joint], accuracy[twin])
        cells = [f"{100 * gain:+.1f}" for gain in (*gains, found.mean)]
        rows.append((twin, "", *cells))
        if found.interval.bounds is None:
            notes.append(f"{twin}: no interval ({found.interval.reason}).")
        else:
            low, high = found.interval.bounds
            notes.append(f"{twin}: 95 % interval {100 * low:+.1f} to {100 * high:+.1f} points.")
    return rows, notes


def save_results(recipe: ClassicRecipe, results: Sequence[FoldResult], file: Path) -> None:
    """Write recipe and results as JSON; what could not be measured is null."""
    content = {
        "recipe": recipe.model_dump(mode="json"),
        "folds": [_plain(asdict(fold)) for fold in results],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _row(system: str, fold: str, values: Sequence[float], seconds: float) -> tuple[str, ...]:
    """Return the cells of a row; a dash where nothing was measured."""
    cells = [f"{100 * value:.1f} %" if np.isfinite(value) else "-" for value in values]
    return (system, fold, *cells, f"{seconds / 60:.1f}")


def _plain(value: object) -> object:
    """Replace NaN by None throughout."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
