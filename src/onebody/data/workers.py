"""Batches made in other processes, in order, bit for bit as in this one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from onebody.data.batch import Batch
from onebody.data.views import View
from onebody.types import Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A batch to be made.

    Attributes:
        source: number of the source.
        rows: ``[B]``.
        passes: ``[B]`` pass of each draw.
        clip, clips: which of how many test clips.
        view: how a test looks at it; None: plainly.
    """

    source: int
    rows: Ints
    passes: Ints
    clip: int = 0
    clips: int = 1
    view: View | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What became of a job.

    Attributes:
        batch: None where every row failed.
        failures: dropped rows with the reasons.
        error: why the whole job failed, to be raised by the process that asked.
    """

    batch: Batch | None
    failures: list[str] = field(default_factory=list)
    error: str = ""


def run_jobs(jobs: Iterator[Job], make: Callable[[Job], Made], workers: int = 0) -> Iterator[Made]:
    """Make batches in the order of their jobs.

    Args:
        jobs: read as far ahead as workers are busy.
        make: sent to each worker once.
        workers: processes; 0: this one.

    Raises:
        ValueError: as ``make`` raised it.
    """
    if workers == 0:
        yield from map(make, jobs)
        return
    loader: DataLoader[Made] = DataLoader(
        _Jobs(make),
        batch_size=None,
        sampler=jobs,
        num_workers=workers,
        generator=torch.Generator(),  # else it would advance the generator that training uses
    )
    for made in loader:
        if made.error:
            raise ValueError(made.error)
        yield Made(batch=made.batch and _own(made.batch), failures=made.failures)


class _Jobs(Dataset[Made]):
    """Lets torch's workers take jobs where they expect indices."""

    def __init__(self, make: Callable[[Job], Made]) -> None:
        self.make = make

    def __getitem__(self, index: Any) -> Made:
        try:
            return self.make(index)
        except ValueError as error:  # as text: not every error can be rebuilt elsewhere
            return Made(batch=None, error=str(error))


def _own(batch: Batch) -> Batch:
    """Copy all but the inputs out of shared memory.

    Each shared tensor holds a file open; evaluation keeps targets and context of every batch.
    """
    return replace(
        batch,
        valid=deepcopy(batch.valid),
        targets=deepcopy(batch.targets),
        context=deepcopy(batch.context),
    )
