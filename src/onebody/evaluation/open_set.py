"""What a network is worth to whoever does not know which task a clip belongs to, or whether any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from onebody.data import Batch, SampleTable, Source, Target
from onebody.evaluation.answers import evaluating, looks_at
from onebody.evaluation.fusion import Fusion, fuse_clips
from onebody.evaluation.views import PLAIN, ViewsConfig, check_views, fuse_views
from onebody.metrics import (
    Results,
    concatenate,
    expected_calibration_error,
    false_positive_rate,
    given_task_hits,
    known_auroc,
    task_accuracy,
    top_k,
)
from onebody.models import Calibration, Network
from onebody.models.calibration import known_scores, rejected, tempered
from onebody.tasks import JointTask, WhichTask
from onebody.types import Bools

UNKNOWN = "unknown"
"""The column that marks rows whose class is none that the network was taught."""

NEITHER = -1
"""Target of clips that belong to none of the tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFigures:
    """One task's figures on its own clips, as fractions.

    Attributes:
        rows: clips labeled for the task.
        given: accuracy if the task of every clip is given.
        without: accuracy, on the same clips, if it is not.
        router: how often the answer belongs to this task.
        answered: accuracy without the task if rejected clips count as wrong.
    """

    rows: int
    given: float
    without: float
    router: float
    answered: float

    @property
    def gap(self) -> float:
        """What not being given the task costs."""
        return self.given - self.without


@dataclass(frozen=True, slots=True, kw_only=True)
class WithoutTask:
    """Figures of one joint answer, as fractions; NaN where there was nothing to measure.

    Attributes:
        parts: by task, and ``all`` of them together.
        neither: clips that belong to none of the tasks.
        auroc: how often a known clip scores higher than one of none.
        fpr95: share of clips of none that pass where 95 % of the known ones do.
        threshold: score below which the answer is "none of these"; None: never calibrated.
        rejected_known, rejected_neither: shares of clips that got that answer.
        ece_before, ece_after: expected calibration error on known clips, without and with the
            temperature.
    """

    parts: Mapping[str, PartFigures]
    neither: int
    auroc: float
    fpr95: float
    threshold: float | None
    rejected_known: float
    rejected_neither: float
    ece_before: float
    ece_after: float


def marked(table: SampleTable) -> Bools:
    """Return ``[N]``: rows that are marked as showing no class that the network was taught."""
    if UNKNOWN not in table.columns:
        return np.zeros(len(table), np.bool_)
    return np.asarray(table.labeled(UNKNOWN), np.bool_)


def without_task(
    network: Network,
    sources: Sequence[Source],
    calibration: Mapping[str, Calibration],
    *,
    clips: int = 1,
    views: ViewsConfig = PLAIN,
    workers: int = 0,
    device: torch.device | str = "cpu",
    bf16: bool = False,
) -> dict[str, WithoutTask]:
    """Measure every joint answer of a network on known clips and on clips of none of its tasks.

    A clip is of none only if something says so: the column `UNKNOWN`, or a router's column. A clip
    without any label is neither known nor of none, and is left out.

    Args:
        network: its joint tasks (unions, routed ones) are measured.
        sources: rows of one split.
        calibration: as saved with the network.
        clips: clips per row, whose probabilities are joined.
        views: looks at each clip, and how probabilities are joined.
        workers: processes that read ahead.
        device: where to compute.
        bf16: compute in bfloat16 where that is safe.

    Returns:
        By joint task with a known clip; empty for a network that has none.
    """
    joint = {n: t for n, t in network.tasks.items() if isinstance(t, JointTask)}
    parts: dict[str, list[tuple[Results, Results]]] = {}
    first = 0
    looking = views.views()
    check_views(looking, sources, list(joint), network.tasks)
    kind = torch.device(device).type
    network.to(device)
    with evaluating(network), torch.autocast(kind, torch.bfloat16, enabled=bf16):
        for source in sources if joint else ():
            for looks in looks_at(source, looking, clips=clips, workers=workers):
                unknown = torch.from_numpy(marked(source.table)[looks[0].context.row.numpy()])
                unknown = unknown.to(device)
                seen = [dict(_answers(network, joint, b.to(device), unknown)) for b in looks]
                for name in seen[0]:
                    temperature = calibration[name].temperature if name in calibration else 1.0
                    found = [replace(own[name], row=own[name].row + first) for own in seen]
                    scaled = [
                        replace(own, prediction=tempered(own.prediction, temperature))
                        for own in found
                    ]
                    pair = [
                        fuse_views(own, looking, joint[name], network.tasks, views.fusion)
                        for own in (found, scaled)
                    ]
                    parts.setdefault(name, []).append((pair[0], pair[1]))
            first += len(source.table)
    measured = {}
    for name, pairs in parts.items():
        cold, warm = (_joined([pair[i] for pair in pairs], clips, views.fusion) for i in (0, 1))
        if (warm.target != NEITHER).any():
            measured[name] = joint_figures(joint[name], cold, warm, calibration.get(name))
    return measured


def joint_figures(
    task: JointTask, cold: Results, warm: Results, calibration: Calibration | None
) -> WithoutTask:
    """Turn the answers of a joint task into figures.

    Args:
        task: the joint task.
        cold: uncalibrated probabilities; the target of clips of none is `NEITHER`.
        warm: the same, calibrated.
        calibration: its threshold; None: no clip is rejected.
    """
    none = task.knows_none
    score = calibration.score if calibration else "probability"
    threshold = calibration.threshold if calibration else None
    known = warm.target != NEITHER
    scores = known_scores(warm.prediction, score, none=none).astype(np.float64)
    lost = rejected(warm.prediction, score, threshold, none=none)
    own = warm.select(known)
    owners = np.array(task.owners)[own.target]
    groups = {"all": np.ones(len(own), np.bool_)} | {name: owners == name for name in task.of}
    return WithoutTask(
        parts={
            name: _part(task, own.select(rows), lost[known][rows])
            for name, rows in groups.items()
            if rows.any()
        },
        neither=int((~known).sum()),
        auroc=known_auroc(scores, known),
        fpr95=false_positive_rate(scores, known),
        threshold=threshold,
        rejected_known=_share(lost[known]),
        rejected_neither=_share(lost[~known]),
        ece_before=expected_calibration_error(cold.select(known)),
        ece_after=expected_calibration_error(own),
    )


def _part(task: JointTask, results: Results, lost: Bools) -> PartFigures:
    """Measure the clips of one task."""
    right = results.prediction.argmax(axis=1) == results.target
    return PartFigures(
        rows=len(results),
        given=float(np.mean(given_task_hits(results, task.sizes))),
        without=top_k(results),
        router=task_accuracy(results, (*task.offsets, sum(task.sizes))),
        answered=float(np.mean(right & ~lost)),
    )


def _answers(
    network: Network, joint: Mapping[str, JointTask], batch: Batch, unknown: Tensor
) -> Iterator[tuple[str, Results]]:
    """Ask each joint task of the rows that are known or of none of the tasks."""
    neither = unknown
    for name, task in network.tasks.items():
        if isinstance(task, WhichTask) and len(task.classes) > len(task.of):
            target = batch.targets.get(name)
            if target is not None:
                neither = neither | (target.present & (target.value == len(task.of)))
    known = {n: p & ~neither for n, p in batch.present(list(joint)).items()}
    asked = {name: rows | neither for name, rows in known.items() if bool((rows | neither).any())}
    if not asked:
        return
    outputs = network([batch], [asked])[0]
    for name, rows in asked.items():
        values = torch.full_like(batch.context.row, NEITHER)
        if name in batch.targets:
            values = torch.where(known[name], batch.targets[name].value, values)
        target = Target(value=values, present=rows)
        yield (
            name,
            joint[name].collect(outputs[name][-1], target.select(rows), batch.context.select(rows)),
        )


def _joined(parts: Sequence[Results], clips: int, fusion: Fusion) -> Results:
    """Join the batches of one task."""
    whole = concatenate(parts)
    return fuse_clips(whole, fusion) if clips > 1 else whole


def _share(lost: Bools) -> float:
    """Return which share of clips got no answer; NaN of no clips."""
    return float(np.mean(lost)) if len(lost) else float("nan")
