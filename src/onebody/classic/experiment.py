"""Runs a recipe: who is tested is never looked at while anything is chosen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from onebody.classic.recipe import ClassicRecipe
from onebody.classic.samples import Features, Samples, learned_features, read_samples
from onebody.classic.systems import (
    MULTI_TASK,
    System,
    fit_scores,
    make_systems,
    validation_accuracy,
)
from onebody.evaluation import Split, folds, split
from onebody.metrics import Results, class_metrics
from onebody.types import Doubles, Ints

FIGURES = ("top1", "precision", "recall", "macro_f1", "auroc")
"""What is measured, by the names of the package's metrics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemResult:
    """One system on one fold.

    Attributes:
        system: its name.
        figures: by metric, fractions; views fused.
        by_view: accuracy in each view alone.
        strengths: chosen on validation rows.
        validation: accuracy of the chosen ones there.
        zero_parts: parts that no action uses (multi-task only).
        seconds: processor time of choosing, fitting and scoring.
    """

    system: str
    figures: Mapping[str, float]
    by_view: tuple[float, ...]
    strengths: Mapping[str, float]
    validation: float
    zero_parts: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldResult:
    """One fold.

    Attributes:
        name: of the fold (``subject=3``).
        rows: training and test clips.
        systems: the multi-task classifier, then its twins.
        feature_seconds: processor time of codebooks and features, which all systems share.
        related: pairs of classes that the multi-task classifier took as related, with weights.
    """

    name: str
    rows: tuple[int, int]
    systems: tuple[SystemResult, ...]
    feature_seconds: float
    related: tuple[tuple[str, str, float], ...]


def run_classic(
    recipe: ClassicRecipe, say: Callable[[str], object] = lambda _: None
) -> list[FoldResult]:
    """Run every fold of a recipe.

    Args:
        recipe: what is run.
        say: is told of every fold.

    Raises:
        ValueError: if the data cannot be read or divided as the recipe says.
    """
    samples = read_samples(recipe)
    if recipe.split is not None:
        parts: tuple[Split, ...] = (split(samples.table, recipe.split, recipe.seed),)
    else:
        parts = folds(samples.table, recipe.folds, recipe.seed)
    results = []
    for part in parts:
        results.append(_run_fold(recipe, samples, part))
        found = ", ".join(f"{s.system} {s.figures['top1']:.1%}" for s in results[-1].systems)
        say(f"{results[-1].name}: {found}")
    return results


def _run_fold(recipe: ClassicRecipe, samples: Samples, part: Split) -> FoldResult:
    """Choose strengths on training rows, learn them all, and test."""
    begin = time.process_time()
    train_rows, test_rows = np.flatnonzero(part.train), np.flatnonzero(part.test)
    inner = _inner_features(recipe, samples, train_rows)
    train, test = learned_features(recipe, samples, train_rows, test_rows)
    spent = time.process_time() - begin
    own = np.unique(samples.labels[train_rows])
    names = [samples.classes[c] for c in own]
    systems = make_systems(recipe, names, train.count)
    results: list[SystemResult] = []
    related: tuple[tuple[str, str, float], ...] = ()
    for system in systems:
        found, estimator = _run_system(recipe, system, inner, train, test, len(samples.classes))
        results.append(found)
        if system.name == MULTI_TASK:
            related = _related(estimator.graph_, names)
    return FoldResult(
        name=part.name or "test",
        rows=(len(train_rows), len(test_rows)),
        systems=tuple(results),
        feature_seconds=spent,
        related=related,
    )


def _inner_features(
    recipe: ClassicRecipe, samples: Samples, rows: Ints
) -> list[tuple[Features, Features]]:
    """Return features of the inner folds; their codebooks know nothing of validation rows."""
    found = []
    for part in folds(samples.table.select(rows), recipe.inner, recipe.seed):
        learned = learned_features(recipe, samples, rows[part.train], rows[part.test])
        found.append((learned[0], learned[1]))
    return found


def _run_system(
    recipe: ClassicRecipe,
    system: System,
    inner: list[tuple[Features, Features]],
    train: Features,
    test: Features,
    classes: int,
) -> tuple[SystemResult, Any]:
    """Choose, fit and test one system."""
    begin, by_part = time.process_time(), recipe.model.groups == "part"
    accuracies = validation_accuracy(system, inner, by_part)
    best = int(np.argmax(accuracies))
    estimator, scores = fit_scores(system, system.candidates[best], train, test, by_part)
    scores = _all_classes(scores, estimator.classes_, classes)
    views = scores.reshape(test.count, -1, classes)
    target = test.labels[: views.shape[1]]
    zero = 0
    if system.name == MULTI_TASK:
        weights = np.concatenate([estimator.coef_, *estimator.private_])
        used = np.abs(weights).max(axis=0) > 0
        zero = sum(not used[train.groups == group].any() for group in np.unique(train.groups))
    result = SystemResult(
        system=system.name,
        figures=measure(test.fused(scores), target),
        by_view=tuple(measure(view, target)["top1"] for view in views),
        strengths=dict(system.candidates[best]),
        validation=accuracies[best],
        zero_parts=zero,
        seconds=time.process_time() - begin,
    )
    return result, estimator


def measure(scores: Doubles, target: Ints) -> dict[str, float]:
    """Return the figures of scores ``[N, C]`` by metric."""
    results = Results(prediction=scores, target=target, row=np.arange(len(target)))
    metrics = class_metrics()
    return {name: metrics[name].function(results) for name in FIGURES}


def _all_classes(scores: Doubles, classes: Ints, count: int) -> Doubles:
    """Give classes without training rows a score below all others."""
    full = np.full((len(scores), count), float(scores.min()) - 1.0)
    full[:, classes] = scores
    return full


def _related(graph: Doubles, names: list[str]) -> tuple[tuple[str, str, float], ...]:
    """Return the edges of a graph, strongest first."""
    first, second = np.nonzero(np.triu(graph))
    order = np.argsort(-graph[first, second], kind="stable")
    return tuple(
        (names[first[i]], names[second[i]], round(float(graph[first[i], second[i]]), 4))
        for i in order
    )
