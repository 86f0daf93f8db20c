"""`dwa`: a task whose loss falls slowly weighs more (dynamic weight average)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field
from torch import Tensor

from onebody.balancing.base import Balancer
from onebody.balancing.checks import as_weights, read_losses, softmax
from onebody.config import Config


class DWAConfig(Config):
    """Options of dynamic weight average.

    Attributes:
        temperature: the higher, the more equal the weights.
    """

    kind: Literal["dwa"] = "dwa"
    temperature: float = Field(default=2.0, gt=0)


class DWA(Balancer):
    """Compares the mean losses of the last two epochs.

    With r_k = (mean loss of the last epoch) / (mean loss of the one before) and K present tasks,

        w_k = K exp(r_k / temperature) / sum_i exp(r_i / temperature)

    and r_k = 1 until a task has been seen in two epochs. Weights sum to K.

    With partial labels, a task's mean is over the steps in which it was present; an epoch without
    the task leaves its ratio as it was.

    Source: Liu, Johns, Davison, "End-to-End Multi-Task Learning with Attention", CVPR 2019.
    """

    def __init__(self, temperature: float = 2.0) -> None:
        self._temperature = temperature
        self._running: dict[str, tuple[float, int]] = {}  # sum and count of this epoch
        self._last: dict[str, float] = {}
        self._ratio: dict[str, float] = {}

    def weights(self, losses: Tensor, gramian: Tensor | None, names: Sequence[str]) -> Tensor:  # noqa: ARG002
        """Return the weights by the last two epochs, and take this step into the mean."""
        for name, loss in zip(names, read_losses(losses, names), strict=True):
            total, count = self._running.get(name, (0.0, 0))
            self._running[name] = (total + loss, count + 1)
        scaled = [self._ratio.get(name, 1.0) / self._temperature for name in names]
        return as_weights([len(names) * share for share in softmax(scaled)], losses)

    def end_epoch(self) -> None:
        """Turn this epoch's losses into means and ratios."""
        for name, (total, count) in self._running.items():
            mean = total / count
            before = self._last.get(name)
            if before:  # not in a first epoch, nor after a loss of 0, which has no ratio
                self._ratio[name] = mean / before
            self._last[name] = mean
        self._running = {}

    def state(self) -> dict[str, Any]:
        """Return sums, counts, last means and ratios by task."""
        running = {name: list(pair) for name, pair in self._running.items()}
        return {"running": running, "last": dict(self._last), "ratio": dict(self._ratio)}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self._running = {n: (float(total), int(k)) for n, (total, k) in state["running"].items()}
        self._last = {name: float(value) for name, value in state["last"].items()}
        self._ratio = {name: float(value) for name, value in state["ratio"].items()}


def build_dwa(config: DWAConfig, *, tasks: Sequence[str] = ()) -> DWA:  # noqa: ARG001
    """Build dynamic weight average."""
    return DWA(config.temperature)
