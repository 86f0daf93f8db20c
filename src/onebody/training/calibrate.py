"""Calibrating a trained network on its validation rows, and on no others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from pydantic import Field

from onebody.config import Config
from onebody.data import Source
from onebody.evaluation import evaluate
from onebody.metrics import Results, expected_calibration_error, keeping_threshold
from onebody.models import Calibration, Network
from onebody.models.calibration import Score, known_scores, log_probabilities, tempered
from onebody.tasks import ClassTask, JointTask
from onebody.types import Doubles, Ints

_FARTHEST = np.log(20.0)
"""Temperatures are looked for between 1/20 and 20."""


class CalibrateConfig(Config):
    """How class probabilities are calibrated, and when an answer is "none of these".

    Attributes:
        keep: share of known validation clips that shall get an answer. What can be chosen without
            test data is how many known clips may be lost, not how many others are let in.
        score: what a clip is rejected by: its greatest ``probability``, or its ``margin`` over the
            next class.
    """

    keep: float = Field(0.95, gt=0.0, le=1.0)
    score: Score = "probability"


def calibrate(
    network: Network,
    sources: Sequence[Source],
    config: CalibrateConfig,
    *,
    device: str = "cpu",
    bf16: bool = False,
    workers: int = 0,
) -> dict[str, Calibration]:
    """Learn a temperature for every class task, and a threshold for every joint answer.

    Args:
        network: trained.
        sources: the validation split.
        config: how.
        device: where the network lies.
        bf16: compute in bfloat16 where that is safe.
        workers: processes that read ahead.

    Returns:
        By class task that a validation row is labeled for; nothing where no task of the network
        answers over several others, for then nobody asks whether a clip is known.
    """
    classes = [name for name, task in network.tasks.items() if isinstance(task, ClassTask)]
    if not sources or not any(isinstance(task, JointTask) for task in network.tasks.values()):
        return {}
    found = evaluate(network, sources, tasks=classes, device=device, bf16=bf16, workers=workers)
    made = {}
    for name, answers in found.items():
        task = network.tasks[name]
        assert isinstance(task, ClassTask)
        results = task.of_outputs(answers)
        if not len(results):
            continue
        none = task.knows_none if isinstance(task, JointTask) else None
        made[name] = calibration_of(results, config, none=none)
    return made


def calibration_of(
    results: Results, config: CalibrateConfig, *, none: bool | None = None
) -> Calibration:
    """Calibrate one task from its answers.

    Args:
        results: class probabilities of validation rows, uncalibrated.
        config: how.
        none: of a joint answer, whether its last class is "none of these"; None: no joint answer,
            which rejects nothing.
    """
    logs = log_probabilities(results.prediction)
    temperature = fit_temperature(logs, np.asarray(results.target, np.int64))
    warm = replace(results, prediction=tempered(results.prediction, temperature))
    values: dict[str, object] = {
        "temperature": temperature,
        "rows": len(results),
        "ece_before": expected_calibration_error(results),
        "ece_after": expected_calibration_error(warm),
    }
    if none is None:
        return Calibration.model_validate(values)
    known = warm.prediction[warm.target < warm.prediction.shape[1] - none]
    if len(known):
        scores = known_scores(known, config.score, none=none)
        threshold = keeping_threshold(scores.astype(np.float64), config.keep)
        values |= {"score": config.score, "keep": config.keep, "threshold": threshold}
    return Calibration.model_validate(values)


def fit_temperature(logs: Doubles, target: Ints) -> float:
    """Find the temperature under which the true classes are likeliest.

    A weak prior (the temperature's logarithm is normal, with deviation 1) keeps a handful of rows
    that are all right from making every answer certain; it counts as much as one row does.

    Args:
        logs: ``[M, C]`` logits or log-probabilities.
        target: ``[M]`` true classes.
    """

    def cost(log_t: float) -> float:
        scaled = logs * np.exp(-log_t)
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        likelihoods = scaled[np.arange(len(target)), target] - np.log(np.exp(scaled).sum(axis=1))
        return float(log_t**2 / 2 - likelihoods.sum())

    low, high = -_FARTHEST, _FARTHEST
    for _ in range(5):  # each time twenty times finer
        grid = np.linspace(low, high, 41)
        best = int(np.argmin([cost(float(value)) for value in grid]))
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    return float(np.exp((low + high) / 2))
