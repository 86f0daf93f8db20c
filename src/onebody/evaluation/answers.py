"""`evaluate`: a network's answers beside the truth, for every task and every labeled row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice

import torch
from torch import Tensor, nn

from onebody.config import lookup
from onebody.data import Batch, Source, Target, evaluation_batches
from onebody.data.views import View
from onebody.evaluation.fusion import Fusion, fuse_clips
from onebody.evaluation.views import PLAIN, ViewsConfig, check_views, fuse_views, mirror_order
from onebody.metrics import Results, concatenate
from onebody.models import Network
from onebody.models.modes import evaluating as in_evaluation
from onebody.tasks import Task
from onebody.tasks.pose import PoseTask, annotated
from onebody.types import PLACES, Ints


def evaluate(
    network: Network,
    sources: Source | Sequence[Source],
    *,
    tasks: Sequence[str] | None = None,
    clips: int = 1,
    views: ViewsConfig = PLAIN,
    workers: int = 0,
    device: torch.device | str = "cpu",
    bf16: bool = False,
    change: Callable[[Batch], Batch] | None = None,
) -> dict[str, Results]:
    """Run a network on sources and collect what the metrics need.

    A task is asked only of rows that carry its label. With several clips, the class probabilities
    of a row are joined (``views.fusion``); clips show different frames, so poses of all clips
    count. Several views of a clip show the same frames: their poses are averaged in source units.

    Args:
        network: moved to ``device``; its training modes are put back at the end.
        sources: what to read; rows are numbered through all tables in this order.
        tasks: names of the tasks; None: all.
        clips: test clips of each row.
        views: looks at each clip, and how answers are joined.
        workers: processes that read ahead.
        device: where to compute.
        bf16: compute in bfloat16 where that is safe; losses and metrics stay in full precision.
        change: what is made of every batch before the network sees it; None: nothing.

    Returns:
        By task. A task that no row is labeled for has no entry.

    Raises:
        ValueError: if a task does not exist, a row cannot be read, or a view suits a medium or a
            task's labels not.
    """
    names = tuple(network.tasks) if tasks is None else tuple(tasks)
    reading = _Reading(
        clips=clips, views=views, workers=workers, device=device, bf16=bf16, change=change
    )
    parts: dict[str, list[Results]] = {}
    for name, found in _answers(network, sources, names, reading):
        parts.setdefault(name, []).append(found[-1])
    return {
        name: _joined(parts[name], network.tasks[name], clips, views.fusion)
        for name in names
        if name in parts
    }


def evaluate_outputs(
    network: Network,
    sources: Source | Sequence[Source],
    *,
    tasks: Sequence[str],
    clips: int = 1,
    views: ViewsConfig = PLAIN,
    workers: int = 0,
    device: torch.device | str = "cpu",
    bf16: bool = False,
) -> dict[str, list[Results]]:
    """Collect what the metrics need of every output of tasks, not of their answers alone.

    Args:
        network: as for `evaluate`; afterwards these tasks answer with their last output.
        sources: as for `evaluate`.
        tasks: their names; each has as many outputs for every row.
        clips: as for `evaluate`.
        views: as for `evaluate`.
        workers: as for `evaluate`.
        device: as for `evaluate`.
        bf16: as for `evaluate`.

    Returns:
        By task that a row is labeled for, its outputs in the network's order.

    Raises:
        ValueError: as `evaluate`.
    """
    for name in network.choices.keys() & set(tasks):
        network.choose(name, network.choices[name] - 1)  # outputs come in the network's own order
    reading = _Reading(
        clips=clips, views=views, workers=workers, device=device, bf16=bf16, change=None
    )
    parts: dict[str, list[list[Results]]] = {}
    for name, found in _answers(network, sources, tuple(tasks), reading, each=True):
        parts.setdefault(name, []).append(found)
    return {
        name: [
            _joined(output, network.tasks[name], clips, views.fusion)
            for output in zip(*found, strict=True)
        ]
        for name, found in parts.items()
    }


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Switch to evaluation without gradients; then give every module its own mode back."""
    with in_evaluation(network), torch.inference_mode():
        yield


def looks_at(
    source: Source, views: Sequence[View], *, clips: int = 1, workers: int = 0
) -> Iterator[list[Batch]]:
    """Go through a source's rows: a Batch per view of the same clips, the first one plain."""
    batches = evaluation_batches(source, clips=clips, views=views, workers=workers)
    while found := list(islice(batches, len(views))):
        yield found


def collect_looks(
    network: Network,
    looks: Sequence[Batch],
    asked: Mapping[str, Tensor],
    *,
    views: Sequence[View],
    fusion: Fusion = "average",
    each: bool = False,
) -> dict[str, list[Results]]:
    """Ask a network of several views of the same rows, and join what it says of them.

    Args:
        network: on the Batches' device.
        looks: a Batch per view.
        asked: by task, ``[B]`` bool: of which rows; at least one.
        views: the plain one first.
        fusion: how class probabilities are joined; joints are averaged.
        each: collect every output of a task, not its answer alone.

    Returns:
        By task, its answer, or its outputs in the network's order.
    """
    parts: dict[str, list[list[Results]]] = {name: [] for name in asked}
    for view, batch in zip(views, looks, strict=True):
        outputs = network([batch], [dict(asked)])[0]
        for name, rows in asked.items():
            task, context = network.tasks[name], batch.context.select(rows)
            truth = looks[0].targets[name].select(rows)
            if view.flip and isinstance(task, PoseTask):
                truth = _mirrored_mask(truth, mirror_order(task, network.tasks))
            found = outputs[name][0 if each else -1 :]
            parts[name].append([task.collect(output, truth, context) for output in found])
    return {
        name: [
            fuse_views(found, views, network.tasks[name], network.tasks, fusion)
            for found in zip(*by_view, strict=True)
        ]
        for name, by_view in parts.items()
    }


def _mirrored_mask(truth: Target, order: Ints) -> Target:
    """Exchange the sides of known joints, so that all views answer for the same frames.

    The values are not exchanged: the first view's truth alone is measured.
    """
    known = annotated(truth)
    return replace(truth, mask=known[..., torch.from_numpy(order).to(known.device)])


def _joined(parts: Sequence[Results], task: Task, clips: int, fusion: Fusion) -> Results:
    """Join the batches of one task, and the clips of a row where it has one answer."""
    whole = concatenate(parts)
    return fuse_clips(whole, fusion) if clips > 1 and task.form not in PLACES else whole


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """How rows are read and run; see `evaluate`."""

    clips: int
    views: ViewsConfig
    workers: int
    device: torch.device | str
    bf16: bool
    change: Callable[[Batch], Batch] | None


def _answers(
    network: Network,
    sources: Source | Sequence[Source],
    names: Sequence[str],
    reading: _Reading,
    *,
    each: bool = False,
) -> Iterator[tuple[str, list[Results]]]:
    """Ask each task of the rows that carry its label, batch by batch.

    Yields:
        A task, and what its answer (``each``: every output) says of a batch's rows.
    """
    for name in names:
        lookup(network.tasks, name, "task")
    given = [sources] if isinstance(sources, Source) else sources
    views, fusion = reading.views.views(), reading.views.fusion
    check_views(views, given, names, network.tasks)
    kind = torch.device(reading.device).type
    network.to(reading.device)
    first = 0
    with evaluating(network), torch.autocast(kind, torch.bfloat16, enabled=reading.bf16):
        for source in given:
            for looks in looks_at(source, views, clips=reading.clips, workers=reading.workers):
                seen = looks if reading.change is None else [reading.change(b) for b in looks]
                seen = [batch.to(reading.device) for batch in seen]
                labeled = seen[0].present(list(names))
                asked = {name: rows for name, rows in labeled.items() if bool(rows.any())}
                if asked:
                    joined = collect_looks(
                        network, seen, asked, views=views, fusion=fusion, each=each
                    )
                    for name, found in joined.items():
                        yield name, [replace(part, row=part.row + first) for part in found]
            first += len(source.table)
