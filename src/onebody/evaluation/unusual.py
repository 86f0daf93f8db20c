"""How well clips unlike those of the training are told from others.

What a network is asked of every clip, whatever it is labeled for: the logits of its classes, and
the features that they are made from. The statistics of the features are those of training clips
alone; the limit above which a clip counts as unusual is taken from validation clips.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from onebody.data import Batch, Source
from onebody.data.flow import is_flow
from onebody.data.reading import channels_of
from onebody.evaluation.answers import evaluating, looks_at
from onebody.evaluation.open_set import marked
from onebody.evaluation.views import PLAIN
from onebody.metrics import (
    Interval,
    Metric,
    Results,
    bootstrap,
    false_positive_rate,
    keeping_threshold,
    known_auroc,
)
from onebody.models import Network
from onebody.models.familiar import Familiar, fit_familiar
from onebody.models.features import features_of
from onebody.tasks import JointTask, Task, speakers
from onebody.tasks.classification import ClassificationTask
from onebody.types import Bools, Doubles, Ints

MOTION = "motion"
"""The score that needs no network: how much neighboring frames differ."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """What a network makes of M clips.

    Attributes:
        features: ``[M, C]``.
        logits: ``[M, L]`` or ``[M, T, L]`` of all plain class tasks, side by side.
        labels: ``[M]`` first place among the L classes that a clip is labeled for; -1: none.
        motion: ``[M]`` mean absolute difference of neighboring input frames; NaN of numbers.
        row: ``[M]`` row, counted over all sources.
    """

    features: Tensor
    logits: Tensor
    labels: Tensor
    motion: Tensor
    row: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreFigures:
    """What one score is worth, as fractions; NaN where there was nothing to measure.

    Attributes:
        auroc: how often an unusual clip scores higher than a usual one.
        interval: of it, over groups.
        fpr95: share of unusual clips that pass where 95 % of the usual ones do.
        limit: score above which a clip is unusual; None: no validation clips to take it from.
        alarms: share of usual test clips above the limit.
        caught: share of unusual ones above it.
    """

    auroc: float
    interval: Interval
    fpr95: float
    limit: float | None
    alarms: float
    caught: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusualFigures:
    """Figures of every score.

    Attributes:
        fitted: training clips that the statistics are of.
        usual, unusual: test clips of either kind.
        groups: what intervals are over: ``group``, ``subject`` or nothing.
        scores: by name.
    """

    fitted: int
    usual: int
    unusual: int
    groups: str
    scores: Mapping[str, ScoreFigures]


def plain_classes(tasks: Mapping[str, Task]) -> list[str]:
    """Return the plain class tasks that say what a clip shows: those that a joint answer joins.

    Raises:
        ValueError: if there is none.
    """
    names: list[str] = []
    for name, task in speakers(tasks).items():
        if isinstance(task, JointTask):
            names += task.of
        elif isinstance(task, ClassificationTask):
            names.append(name)
    if not names:
        raise ValueError(f"None of the tasks {', '.join(tasks)} is a classification.")
    return names


def look(
    network: Network,
    sources: Sequence[Source],
    *,
    clips: int = 1,
    device: str = "cpu",
    bf16: bool = False,
) -> Seen:
    """Ask a network of every readable row.

    Args:
        network: of which a plain class task's features and logits are taken.
        sources: rows of one split.
        clips: clips per row; their features and logits are averaged.
        device: where to compute.
        bf16: compute in bfloat16 where that is safe.

    Raises:
        ValueError: if no row can be read, or the network's class tasks share no representation.
    """
    names = plain_classes(network.tasks)
    parts: list[Seen] = []
    first = 0
    network.to(device)
    kind = torch.device(device).type
    with (
        evaluating(network),
        torch.autocast(kind, torch.bfloat16, enabled=bf16),
        features_of(network, names) as heard,
    ):
        for source in sources:
            for (batch,) in looks_at(source, PLAIN.views(), clips=clips):
                heard.clear()
                parts.append(_seen(network, names, batch.to(device), heard, first))
            first += len(source.table)
    if not parts:
        raise ValueError("There is no row to look at.")
    return _joined(parts)


def fitted(network: Network, seen: Seen) -> Familiar:
    """Remember training clips; see `fit_familiar`."""
    return fit_familiar(seen.features, seen.labels, tuple(plain_classes(network.tasks)))


def with_limits(familiar: Familiar, seen: Seen, keep: float = 0.95) -> Familiar:
    """Add, of every score, the limit below which a share of validation clips lies."""
    limits = {
        name: -keeping_threshold(-values, keep)
        for name, values in _scores(familiar, seen).items()
        if name != MOTION
    }
    return replace(familiar, limits=limits)


def measure_unusual(
    familiar: Familiar,
    seen: Seen,
    sources: Sequence[Source],
    *,
    draws: int = 1000,
) -> UnusualFigures:
    """Measure how well marked test rows are told from the others.

    A row is unusual if it is marked (`onebody.evaluation.UNKNOWN`): its class was held out.
    Intervals are over the rows' groups, else their subjects, where every row has one and there are
    enough.

    Args:
        familiar: of training clips, with limits or without.
        seen: the test rows.
        sources: the same rows.
        draws: of the bootstrap.

    Raises:
        ValueError: if all rows are of one kind.
    """
    unusual = np.concatenate([marked(source.table) for source in sources])[seen.row]
    if unusual.all() or not unusual.any():
        kind = "unusual" if unusual.any() else "usual"
        raise ValueError(
            f"All {len(unusual)} test rows are {kind}: expected both kinds. 'unknown' in the "
            "recipe says which classes are held out of training and are unusual in the test."
        )
    groups, over = _groups(sources)
    figures = {
        name: _figures(
            values,
            unusual,
            seen.row,
            groups,
            limit=(familiar.limits or {}).get(name),
            draws=draws,
        )
        for name, values in _scores(familiar, seen).items()
    }
    return UnusualFigures(
        fitted=len(familiar.bank),
        usual=int((~unusual).sum()),
        unusual=int(unusual.sum()),
        groups=over,
        scores=figures,
    )


def _scores(familiar: Familiar, seen: Seen) -> dict[str, Doubles]:
    """Return every score ``[M]``; that of motion where there are pictures."""
    found = dict(familiar.scores(seen.features, seen.logits))
    if bool(torch.isfinite(seen.motion).all()):
        found[MOTION] = seen.motion
    return {name: values.double().cpu().numpy() for name, values in found.items()}


def _figures(
    scores: Doubles,
    unusual: Bools,
    row: Ints,
    groups: np.ndarray[tuple[int], np.dtype[np.str_]] | None,
    *,
    limit: float | None,
    draws: int,
) -> ScoreFigures:
    """Measure one score."""
    results = Results(prediction=-scores[:, None], target=(~unusual).astype(np.int64), row=row)
    if groups is None:
        interval = Interval(bounds=None, reason="rows without group and subject")
    else:
        interval = bootstrap(results, _AUROC, groups, draws=draws)
    over = scores > limit if limit is not None else np.full(len(scores), np.nan)
    return ScoreFigures(
        auroc=_AUROC.function(results),
        interval=interval,
        fpr95=false_positive_rate(-scores, ~unusual),
        limit=limit,
        alarms=float(np.mean(over[~unusual])),
        caught=float(np.mean(over[unusual])),
    )


_AUROC = Metric(
    name="auroc",
    function=lambda found: known_auroc(
        np.asarray(found.prediction[:, 0], np.float64), np.asarray(found.target == 1)
    ),
    higher_is_better=True,
    unit="%",
)


def _groups(
    sources: Sequence[Source],
) -> tuple[np.ndarray[tuple[int], np.dtype[np.str_]] | None, str]:
    """Return what intervals are over, of every row, and its name."""
    for name in ("group", "subject"):
        found = np.concatenate([getattr(source.table, name) for source in sources])
        if (found != "").all():
            return found, name
    return None, ""


def _seen(
    network: Network, names: Sequence[str], batch: Batch, heard: list[Tensor], first: int
) -> Seen:
    """Ask of one batch."""
    everyone = torch.ones(len(batch), dtype=torch.bool, device=batch.context.row.device)
    outputs = network([batch], [dict.fromkeys(names, everyone)])[0]
    logits = torch.cat([outputs[name][-1].float() for name in names], dim=-1)
    labels = torch.full((len(batch),), -1, dtype=torch.long)
    offset = 0
    for name in names:
        target = batch.targets.get(name)
        if target is not None:
            value = target.value.argmax(1) if target.value.ndim == 2 else target.value
            new = target.present.cpu() & (labels < 0)
            labels = torch.where(new, value.cpu() + offset, labels)
        offset += outputs[name][-1].shape[-1]
    return Seen(
        features=heard[-1].cpu(),
        logits=logits.cpu(),
        labels=labels,
        motion=_motion(batch),
        row=batch.context.row.cpu().numpy() + first,
    )


def _motion(batch: Batch) -> Tensor:
    """Return ``[B]`` the mean absolute difference of neighboring frames of the first medium."""
    name, x = next(iter(batch.inputs.items()))
    if channels_of(name) is None or x.shape[2] < 2:
        return torch.full((len(batch),), float("nan"))
    return (x if is_flow(name) else x.diff(dim=2)).abs().flatten(1).mean(1).cpu()


def _joined(parts: Sequence[Seen]) -> Seen:
    """Join batches; what several clips of a row say is averaged."""
    rows = np.concatenate([part.row for part in parts])
    unique, index = np.unique(rows, return_inverse=True)
    places = torch.from_numpy(index)
    count = torch.bincount(places)

    def mean(values: list[Tensor]) -> Tensor:
        whole = torch.cat(values)
        sums = torch.zeros(len(unique), *whole.shape[1:], dtype=whole.dtype)
        sums.index_add_(0, places, whole)
        return sums / count.view(-1, *[1] * (whole.ndim - 1))

    labels = torch.empty(len(unique), dtype=torch.long)
    labels[places] = torch.cat([part.labels for part in parts])
    return Seen(
        features=mean([part.features for part in parts]),
        logits=mean([part.logits for part in parts]),
        labels=labels,
        motion=mean([part.motion for part in parts]),
        row=unique.astype(np.int64),
    )
