"""`evaluate`: a network's answers beside the truth, for every task and every labeled row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

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
    given = [sources] if isinstance(sources, Source) else list(sources)
    names = tuple(network.tasks) if tasks is None else tuple(tasks)
    for name in names:
        lookup(network.tasks, name, "task")
    kind = torch.device(device).type
    network.to(device)
    parts: dict[str, list[Results]] = {}
    first = 0
    with evaluating(network), torch.autocast(kind, torch.bfloat16, enabled=bf16):
        for source in given:
            for batch in evaluation_batches(source, clips=clips, workers=workers):
                batch = batch if change is None else change(batch)
                for name, found in _answers(network, batch.to(device), names).items():
                    parts.setdefault(name, []).append(replace(found, row=found.row + first))
            first += len(source.table)
    return {
        name: _join(parts[name], average=clips > 1 and network.tasks[name].form == "vector")
        for name in names
        if name in parts
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


def _answers(network: Network, batch: Batch, names: Sequence[str]) -> dict[str, Results]:
    """Ask each task of the rows that carry its label."""
    asked = {name: rows for name, rows in batch.present(list(names)).items() if bool(rows.any())}
    if not asked:
        return {}
    outputs = network([batch], [asked])[0]
    return {
        name: network.tasks[name].collect(
            outputs[name][-1], batch.targets[name].select(rows), batch.context.select(rows)
        )
        for name, rows in asked.items()
    }


def _join(parts: Sequence[Results], *, average: bool) -> Results:
    """Join the batches of one task."""
    whole = concatenate(parts)
    return average_clips(whole) if average else whole
