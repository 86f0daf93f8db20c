"""The classifiers that are compared, and the choice of their strengths on validation people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from onebody.classic.graph import stated_graph
from onebody.classic.multitask import GraphRegularizedMultiTaskClassifier
from onebody.classic.recipe import ClassicRecipe
from onebody.classic.samples import Features
from onebody.classic.twins import SingleTaskTwin
from onebody.types import Doubles

Kind = Literal["ridge", "svm"]

MULTI_TASK = "multi-task"
KINDS: tuple[Kind, ...] = ("ridge", "svm")


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A classifier and what is tried of it.

    Attributes:
        name: as printed.
        estimator: unfitted, but for its strengths.
        candidates: strengths, all of which are tried.
    """

    name: str
    estimator: Any
    candidates: list[dict[str, float]]


def make_systems(recipe: ClassicRecipe, classes: Sequence[str], views: int) -> list[System]:
    """Return the multi-task classifier and its twins, each with equally many candidates.

    Args:
        recipe: grids.
        classes: names of the classes that training rows have.
        views: number of views.
    """
    tried, model = recipe.grid.candidates(views), recipe.model
    related = model.graph if isinstance(model.graph, str) else stated_graph(model.graph, classes)
    joint = GraphRegularizedMultiTaskClassifier(
        loss=model.loss,
        graph=related,
        neighbors=model.neighbors,
        max_iter=model.max_iter,
        tol=model.tol,
        warm_start=True,
    )
    systems = [System(name=MULTI_TASK, estimator=joint, candidates=tried)]
    for pooled in (False, True) if views > 1 and recipe.twins.pooled else (False,):
        systems += [_twin(recipe, kind, pooled, len(tried)) for kind in KINDS]
    return systems


def _twin(recipe: ClassicRecipe, kind: Kind, pooled: bool, count: int) -> System:
    """Return a twin with so many candidates."""
    return System(
        name=f"{kind}, all views as one" if pooled else kind,
        estimator=SingleTaskTwin(kind, pooled=pooled),
        candidates=[{"strength": value} for value in recipe.twins.strengths(kind, count)],
    )


def fit_scores(
    system: System,
    strengths: dict[str, float],
    train: Features,
    test: Features,
    by_part: bool,
) -> tuple[Any, Doubles]:
    """Fit one candidate and score other rows.

    Returns:
        The fitted estimator, and the scores ``[V * N, K]`` of the classes that training rows have.
    """
    estimator = system.estimator.set_params(**strengths)
    if system.name == MULTI_TASK and by_part:
        estimator.set_params(groups=train.groups)
    estimator.fit(train.values, train.labels, views=train.views)
    scores = estimator.decision_function(test.values, views=test.views)
    return estimator, np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores


def validation_accuracy(
    system: System, parts: Sequence[tuple[Features, Features]], by_part: bool
) -> list[float]:
    """Return the mean accuracy of each candidate over inner folds (views fused).

    Args:
        system: what is tried.
        parts: training and validation rows of each inner fold.
        by_part: whether groups are the body's parts.
    """
    found = np.zeros((len(parts), len(system.candidates)))
    for fold, (train, validation) in enumerate(parts):
        for place, strengths in enumerate(system.candidates):
            estimator, scores = fit_scores(system, strengths, train, validation, by_part)
            best = estimator.classes_[np.argmax(validation.fused(scores), axis=1)]
            found[fold, place] = np.mean(best == validation.labels[: len(best)])
    return [float(value) for value in found.mean(axis=0)]
