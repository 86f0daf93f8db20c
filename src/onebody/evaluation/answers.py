"""`evaluate`: a network's answers beside the truth, for every task and every labeled row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from onebody.config import lookup
from onebody.data import Batch, Source, evaluation_batches
from onebody.metrics import Results, concatenate
from onebody.models import Network
from onebody.models.modes import evaluating as in_evaluation


def evaluate(
    network: Network,
    sources: Source | Sequence[Source],
    *,
    tasks: Sequence[str] | None = None,
    clips: int = 1,
    workers: int = 0,
    device: torch.device | str = "cpu",
    bf16: bool = False,
    change: Callable[[Batch], Batch] | None = None,
) -> dict[str, Results]:
    """Run a network on sources and collect what the metrics need.

    A task is asked only of rows that carry its label. With several clips, the class probabilities
    of a row are averaged (the published SPNet code multiplies them); poses of all clips count.

    Args:
        network: moved to ``device``; its training modes are put back at the end.
        sources: what to read; rows are numbered through all tables in this order.
        tasks: names of the tasks; None: all.
        clips: test clips of each row.
        workers: processes that read ahead.
        device: where to compute.
        bf16: compute in bfloat16 where that is safe; losses and metrics stay in full precision.
        change: what is made of every batch before the network sees it; None: nothing.

    Returns:
        By task. A task that no row is labeled for has no entry.

    Raises:
        ValueError: if a task does not exist, or a row cannot be read.
    """
    names = tuple(network.tasks) if tasks is None else tuple(tasks)
    reading = _Reading(clips=clips, workers=workers, device=device, bf16=bf16, change=change)
    parts: dict[str, list[Results]] = {}
    for name, found in _answers(network, sources, names, reading):
        parts.setdefault(name, []).append(found[-1])
    return {
        name: _join(parts[name], average=clips > 1 and network.tasks[name].form == "vector")
        for name in names
        if name in parts
    }


def evaluate_outputs(
    network: Network,
    sources: Source | Sequence[Source],
    *,
    tasks: Sequence[str],
    workers: int = 0,
    device: torch.device | str = "cpu",
    bf16: bool = False,
) -> dict[str, list[Results]]:
    """Collect what the metrics need of every output of tasks, not of their answers alone.

    Args:
        network: as for `evaluate`.
        sources: as for `evaluate`.
        tasks: their names; each has as many outputs for every row.
        workers: as for `evaluate`.
        device: as for `evaluate`.
        bf16: as for `evaluate`.

    Returns:
        By task that a row is labeled for, its outputs in the network's order.

    Raises:
        ValueError: as `evaluate`.
    """
    reading = _Reading(clips=1, workers=workers, device=device, bf16=bf16, change=None)
    parts: dict[str, list[list[Results]]] = {}
    for name, found in _answers(network, sources, tuple(tasks), reading, each=True):
        parts.setdefault(name, []).append(found)
    return {
        name: [concatenate(output) for output in zip(*found, strict=True)]
        for name, found in parts.items()
    }


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Switch to evaluation without gradients; then give every module its own mode back."""
    with in_evaluation(network), torch.inference_mode():
        yield


def average_clips(results: Results) -> Results:
    """Average the class probabilities of each row's clips.

    Args:
        results: class probabilities, any number of entries per row.

    Returns:
        One entry per row, rows ascending.

    Raises:
        ValueError: if the clips of a row have different labels.
    """
    rows, first, index, count = np.unique(
        results.row, return_index=True, return_inverse=True, return_counts=True
    )
    target = results.target[first]
    other = np.flatnonzero(target[index] != results.target)
    if len(other):
        raise ValueError(f"The clips of row {results.row[other[0]]} have different labels.")
    total = np.zeros((len(rows), *results.prediction.shape[1:]))
    np.add.at(total, index, results.prediction)
    return Results(prediction=total / count[:, None], target=target, row=rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """How rows are read and run; see `evaluate`."""

    clips: int
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
    kind = torch.device(reading.device).type
    network.to(reading.device)
    first = 0
    with evaluating(network), torch.autocast(kind, torch.bfloat16, enabled=reading.bf16):
        for source in [sources] if isinstance(sources, Source) else sources:
            for batch in evaluation_batches(source, clips=reading.clips, workers=reading.workers):
                batch = batch if reading.change is None else reading.change(batch)
                batch = batch.to(reading.device)
                labeled = batch.present(list(names))
                asked = {name: rows for name, rows in labeled.items() if bool(rows.any())}
                outputs = network([batch], [asked])[0] if asked else {}
                for name, rows in asked.items():
                    target, context = batch.targets[name].select(rows), batch.context.select(rows)
                    found = [
                        network.tasks[name].collect(output, target, context)
                        for output in outputs[name][0 if each else -1 :]
                    ]
                    yield name, [replace(part, row=part.row + first) for part in found]
            first += len(source.table)


def _join(parts: Sequence[Results], *, average: bool) -> Results:
    """Join the batches of one task."""
    whole = concatenate(parts)
    return average_clips(whole) if average else whole
