"""`Task`: from a label space to a loss, a decoded answer and metrics. No modules, no weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from onebody.data import Context, SampleTable, Target, TargetSpec
from onebody.metrics import Metric, Results
from onebody.types import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(ABC):
    """One question asked of a moving body.

    Attributes:
        name: unique within a network; the key of targets and outputs.
        column: the table column that answers it.
    """

    name: str
    column: str
    kind: ClassVar[str]

    @property
    def reads(self) -> tuple[str, ...]:
        """Other tasks whose outputs this one reads (a router, a tree); none for plain tasks."""
        return ()

    @property
    def has_loss(self) -> bool:
        """Whether it is taught itself. A task without a loss is only read off other tasks."""
        return True

    @property
    @abstractmethod
    def form(self) -> Form:
        """What it asks of a head: decides which heads can serve it."""

    @property
    @abstractmethod
    def num_outputs(self) -> int:
        """Size of the head's output: classes C (vector, frames), joints J (joints) or 4 (box)."""

    @property
    def dims(self) -> int:
        """Coordinates per joint (joints form); 0 for others."""
        return 0

    @property
    @abstractmethod
    def primary(self) -> str:
        """The metric that stands for the task: in [0, 1], higher is better."""

    @property
    @abstractmethod
    def metrics(self) -> Mapping[str, Metric]:
        """All metrics by name."""

    @abstractmethod
    def target_spec(self, table: SampleTable) -> TargetSpec:
        """Say how a table's column becomes this task's target.

        Raises:
            ValueError: if the column's classes or joints have no stated place in the task.
        """

    def compose(self, parts: Mapping[str, Tensor]) -> Tensor:
        """Make a composite task's output from the outputs of the tasks that it `reads`.

        Args:
            parts: final output of each task in `reads`, for the same N rows.

        Raises:
            ValueError: for a plain task, which has a head of its own.
        """
        raise ValueError(f"Task {self.name!r} reads no other tasks (given: {', '.join(parts)}).")

    @abstractmethod
    def loss(self, output: Tensor, target: Target) -> Tensor:
        """Compute the loss of each sample.

        Args:
            output: what the head said for N rows that carry a label (`Form` gives the shape).
            target: the same N rows; nothing absent among them.

        Returns:
            ``[N]`` unweighted losses, float32.
        """

    @abstractmethod
    def decode(self, output: Tensor, context: Context) -> Tensor:
        """Turn outputs into public units.

        Returns:
            Class probabilities ``[N, C]``; joints ``[N, T, J, D + 1]`` in source pixels (2D) or mm
            in the camera's frame (3D), last channel confidence in [0, 1]; boxes ``[N, T, 4]`` in
            source pixels.
        """

    @abstractmethod
    def collect(self, output: Tensor, target: Target, context: Context) -> Results:
        """Decode outputs and targets of N labeled rows for the metrics."""


def taught(tasks: Mapping[str, Task]) -> tuple[str, ...]:
    """Return the names of the tasks that have a loss."""
    return tuple(name for name, task in tasks.items() if task.has_loss)
