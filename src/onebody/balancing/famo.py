"""`famo`: all losses fall at the same rate, judged by nothing but the losses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import Field
from torch import Tensor

from onebody.balancing.adam import Number
from onebody.balancing.base import Balancer
from onebody.balancing.checks import as_weights, read_positive, softmax
from onebody.config import Config


class FAMOConfig(Config):
    """Options of fast adaptive multitask optimization.

    Attributes:
        rate: learning rate of the logits (Adam).
        decay: pulls the logits to 0, that is to equal rates.
        smallest: what a loss below it counts as, so that one of 0 does not take all the weight.
    """

    kind: Literal["famo"] = "famo"
    rate: float = Field(default=0.025, gt=0)
    decay: float = Field(default=1e-3, ge=0)
    smallest: float = Field(default=1e-4, gt=0)


@dataclass(slots=True)
class _Track:
    """What is kept of a task: its logit, and its loss at the last step that held it."""

    logit: Number
    loss: float = 0.0
    seen: int = -1


class FAMO(Balancer):
    """Descends on ``c sum_k z_k ln L_k`` with z = softmax of learned logits.

        w_k = (z_k / L_k) / sum_i (z_i / L_i)

    Weights sum to 1. The logit of a task whose loss fell faster than the others' goes down.

    The authors evaluate the losses once more on the same Batch after each step, which costs a
    third of it. Here the losses of the next step tell what the last one brought: no extra cost,
    but the change includes that from one Batch to the next, which evens out over steps. Only tasks
    that both steps hold are compared; all others' logits stay as they are.

    Source: Liu, Feng, Stone, Liu, "FAMO: Fast Adaptive Multitask Optimization", NeurIPS 2023.
    """

    def __init__(self, rate: float = 0.025, decay: float = 1e-3, smallest: float = 1e-4) -> None:
        self._rate, self._decay, self._smallest = rate, decay, smallest
        self._steps = 0
        self._tracks: dict[str, _Track] = {}

    def weights(self, losses: Tensor, gramian: Tensor | None, names: Sequence[str]) -> Tensor:  # noqa: ARG002
        """Learn from what became of the last step's losses, then weigh this step's."""
        values = read_positive(losses, names, self._smallest)
        tracks = [self._tracks.setdefault(name, _Track(Number(0.0))) for name in names]
        pairs = zip(tracks, values, strict=True)
        self._learn([(t, value) for t, value in pairs if 0 <= t.seen == self._steps - 1])
        for track, value in zip(tracks, values, strict=True):
            track.loss, track.seen = value, self._steps
        self._steps += 1
        shares = softmax([track.logit.value for track in tracks])
        parts = [share / value for share, value in zip(shares, values, strict=True)]
        total = math.fsum(parts)
        return as_weights([part / total for part in parts], losses)

    def _learn(self, pairs: Sequence[tuple[_Track, float]]) -> None:
        """Step the logits along the derivative of the falls by them."""
        if not pairs:
            return
        falls = [math.log(track.loss) - math.log(value) for track, value in pairs]
        shares = softmax([track.logit.value for track, _ in pairs])
        mean = math.fsum(s * fall for s, fall in zip(shares, falls, strict=True))
        for (track, _), share, fall in zip(pairs, shares, falls, strict=True):
            slope = share * (fall - mean) + self._decay * track.logit.value
            track.logit.descend(slope, self._rate)

    def state(self) -> dict[str, Any]:
        """Return the number of steps, and each task's logit, last loss and when that was."""
        tracks = {name: asdict(track) for name, track in self._tracks.items()}
        return {"steps": self._steps, "tasks": tracks}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self._steps = int(state["steps"])
        self._tracks = {
            name: _Track(Number(**kept["logit"]), float(kept["loss"]), int(kept["seen"]))
            for name, kept in state["tasks"].items()
        }


def build_famo(config: FAMOConfig, *, tasks: Sequence[str] = ()) -> FAMO:  # noqa: ARG001
    """Build fast adaptive multitask optimization."""
    return FAMO(config.rate, config.decay, config.smallest)
