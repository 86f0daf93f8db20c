"""Choosing which of a network's predictions answers a task, on validation rows and on no others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onebody.data import Source
from onebody.evaluation import evaluate_outputs
from onebody.models import Network


def choose_outputs(
    network: Network,
    sources: Sequence[Source],
    *,
    device: str = "cpu",
    bf16: bool = False,
    workers: int = 0,
) -> dict[str, list[float]]:
    """Choose the best output of every task that has several to choose from.

    The code of SPNet's authors reports the best prediction of the test set. That figure is too
    good: with 18 predictions it is the highest of 18 noisy ones.

    Args:
        network: trained; changed in place.
        sources: the validation split.
        device: where the network lies.
        bf16: compute in bfloat16 where that is safe.
        workers: processes that read ahead.

    Returns:
        By task, its primary metric of every output, from coarse to final; of tasks without labeled
        validation rows nothing, and their last output stays the answer.
    """
    if not sources or not network.choices:
        return {}
    found = evaluate_outputs(
        network, sources, tasks=list(network.choices), device=device, bf16=bf16, workers=workers
    )
    scores: dict[str, list[float]] = {}
    for name, outputs in found.items():
        task = network.tasks[name]
        values = [task.metrics[task.primary].function(results) for results in outputs]
        if np.isfinite(values).all():
            network.choose(name, int(np.argmax(values)))
            scores[name] = values
    return scores
