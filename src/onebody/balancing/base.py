"""`Balancer`: how much each task's loss weighs in a step: functions of losses and a Gramian."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor


class Balancer(ABC):
    """Weighs the losses of the tasks that a step holds.

    A task without a label in the step (on any process) is not passed in: it is no part of the
    problem. State is kept by task name, and only present tasks' state changes. What is learned
    (uncertainties) is optimized inside, from detached losses, so it is equal on every process.

    Attributes:
        needs_gramian: whether `weights` wants the tasks' gradient inner products.
    """

    needs_gramian: bool = False

    @abstractmethod
    def weights(self, losses: Tensor, gramian: Tensor | None, names: Sequence[str]) -> Tensor:
        """Return the weights of this step's losses and learn from them.

        Args:
            losses: ``[K]`` mean loss of each present task: detached, over all processes.
            gramian: ``[K, K]`` inner products of the tasks' gradients, if `needs_gramian`.
            names: the K tasks' names.

        Returns:
            ``[K]`` weights on the device of ``losses``, detached.
        """

    def end_epoch(self) -> None:  # noqa: B027
        """Close an epoch (for methods that compare epochs)."""

    def state(self) -> dict[str, Any]:
        """Return what it has learned, as plain JSON values keyed by task name."""
        return {}

    def load_state(self, state: Mapping[str, Any]) -> None:  # noqa: B027
        """Take back what `state` returned."""
