"""`gradnorm`: gradients of similar size, larger for tasks that lag behind."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import Field
from torch import Tensor

from onebody.balancing.adam import Number
from onebody.balancing.base import Balancer
from onebody.balancing.checks import as_weights, read_gramian, read_losses
from onebody.config import Config

_SMALLEST = 1e-3
"""A weight does not fall below it: from 0 it would have to be learned back."""


class GradNormConfig(Config):
    """Options of gradient normalization.

    Attributes:
        alpha: how much more a task that lags behind gets; 0: all gradients the same size.
        rate: learning rate of the weights (Adam).
    """

    kind: Literal["gradnorm"] = "gradnorm"
    alpha: float = Field(default=1.5, ge=0)
    rate: float = Field(default=0.025, gt=0)


@dataclass(slots=True)
class _Track:
    """What is kept of a task: its weight, and its first loss above 0."""

    weight: Number
    start: float = 0.0


class GradNorm(Balancer):
    """Learns weights that sum to K, the number of present tasks.

    With n_k the norm of task k's gradient, and r_k its loss by its first one, divided by the mean
    of that over the tasks, the weights descend on

        sum_k |w_k n_k - mean_i(w_i n_i) r_k^alpha|

    where the subtracted term counts as constant.

    Source: Chen, Badrinarayanan, Lee, Rabinovich, "GradNorm: Gradient Normalization for Adaptive
    Loss Balancing in Deep Multitask Networks", ICML 2018.
    """

    needs_gramian = True

    def __init__(self, alpha: float = 1.5, rate: float = 0.025) -> None:
        self._alpha, self._rate = alpha, rate
        self._tracks: dict[str, _Track] = {}

    def weights(self, losses: Tensor, gramian: Tensor | None, names: Sequence[str]) -> Tensor:
        """Return the weights before this step is learned from, as joint descent would."""
        values = read_losses(losses, names)
        norms = read_gramian(gramian, names).diagonal().clamp(min=0).sqrt().tolist()
        tracks = [self._tracks.setdefault(name, _Track(Number(1.0))) for name in names]
        _scale(tracks)  # those present may have learned apart
        before = [track.weight.value for track in tracks]
        rates = self._rates(tracks, values)
        mean = math.fsum(w * n for w, n in zip(before, norms, strict=True)) / len(names)
        for track, norm, rate in zip(tracks, norms, rates, strict=True):
            over = track.weight.value * norm - mean * rate**self._alpha
            slope = math.copysign(norm, over) if over else 0.0
            track.weight.descend(slope, self._rate)
            track.weight.value = max(track.weight.value, _SMALLEST)
        _scale(tracks)
        return as_weights(before, losses)

    def _rates(self, tracks: Sequence[_Track], losses: Sequence[float]) -> list[float]:
        """Return how far each task lags behind: 1 on average, and where that is not defined."""
        left = []
        for track, loss in zip(tracks, losses, strict=True):
            track.start = track.start or max(loss, 0.0)
            left.append(max(loss, 0.0) / track.start if track.start else 1.0)
        mean = math.fsum(left) / len(left)
        return [part / mean for part in left] if mean else [1.0] * len(left)

    def state(self) -> dict[str, Any]:
        """Return each task's weight and first loss."""
        return {name: asdict(track) for name, track in self._tracks.items()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self._tracks = {
            name: _Track(Number(**kept["weight"]), float(kept["start"]))
            for name, kept in state.items()
        }


def _scale(tracks: Sequence[_Track]) -> None:
    """Make the weights sum to their number."""
    total = math.fsum(track.weight.value for track in tracks)
    for track in tracks:
        track.weight.value *= len(tracks) / total


def build_gradnorm(config: GradNormConfig, *, tasks: Sequence[str] = ()) -> GradNorm:  # noqa: ARG001
    """Build gradient normalization."""
    return GradNorm(config.alpha, config.rate)
