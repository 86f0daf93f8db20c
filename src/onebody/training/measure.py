"""Measuring a network on a recipe's validation or test rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from onebody.data import Source
from onebody.evaluation import PLAIN, ViewsConfig, evaluate, figures, score
from onebody.models import Network
from onebody.tasks import Task
from onebody.training.recipe import Recipe

Figures = dict[str, dict[str, float]]
"""By task and metric; NaN where there was nothing to measure."""


def measure(
    network: Network,
    recipe: Recipe,
    sources: Sequence[Source],
    device: str,
    *,
    clips: int = 1,
    views: ViewsConfig = PLAIN,
) -> tuple[Figures, float]:
    """Measure a network.

    Args:
        network: it is left in evaluation mode.
        recipe: says what is monitored, and how to evaluate.
        sources: one split's.
        device: where the network lies.
        clips: clips per sample.
        views: looks at each clip, and how answers are joined.

    Returns:
        All figures, and the monitored one.

    Raises:
        ValueError: if the monitored figure could not be measured.
    """
    results = evaluate(
        network,
        sources,
        clips=clips,
        views=views,
        workers=recipe.train.workers,
        device=device,
        bf16=recipe.train.bf16,
    )
    found = figures(network.tasks, results)
    task, _, metric = recipe.train.monitor.partition("/")
    value = found.get(task, {}).get(metric, math.nan) if metric else score(network.tasks, results)
    if math.isnan(value):
        raise ValueError(
            f"train.monitor is {recipe.train.monitor!r}, but the split has nothing to measure it "
            f"with (labeled: {', '.join(results) or 'no task'}). Monitor another metric, or "
            "change 'split' so that each split has labels of every task."
        )
    return found, value


def is_better(value: float, best: float | None, monitor: str, tasks: Mapping[str, Task]) -> bool:
    """Whether a monitored value beats the best so far; the first one does, an equal one not."""
    if best is None:
        return True
    task, _, metric = monitor.partition("/")
    higher = tasks[task].metrics[metric].higher_is_better if metric else True
    return value > best if higher else value < best
