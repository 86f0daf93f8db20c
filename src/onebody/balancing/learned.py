"""`automatic`, `uncertainty` and `imtl-l`: one learned number per task says what its loss is worth.

The numbers are not parameters of the network: they are learned here, by Adam on the objective's
closed-form gradient, from detached losses that are equal on every process; in the graph they would
drift apart between processes and decay with the weights. A task's number and its Adam moments
change only in steps that hold the task.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

from pydantic import Field
from torch import Tensor

from onebody.balancing.adam import Number
from onebody.balancing.base import Balancer
from onebody.balancing.checks import as_weights, read_losses
from onebody.config import Config


class AutomaticConfig(Config):
    """Options of automatic weighting.

    Attributes:
        rate: learning rate of the numbers.
        smallest: c does not fall below it, so a weight stays below 1 / (2 smallest^2): a task
            whose loss reaches 0 would otherwise drive it to infinity.
    """

    kind: Literal["automatic"] = "automatic"
    rate: float = Field(default=0.01, gt=0)
    smallest: float = Field(default=0.1, gt=0, le=1)


class UncertaintyConfig(Config):
    """Options of uncertainty weighting.

    Attributes:
        rate: learning rate of the numbers.
        limit: s stays within plus and minus this, for the same reason.
    """

    kind: Literal["uncertainty"] = "uncertainty"
    rate: float = Field(default=0.01, gt=0)
    limit: float = Field(default=4.0, gt=0)


class IMTLLConfig(Config):
    """Options of impartial loss weighting.

    Attributes:
        rate: learning rate of the numbers.
        limit: s stays within plus and minus this, for the same reason.
    """

    kind: Literal["imtl-l"] = "imtl-l"
    rate: float = Field(default=0.01, gt=0)
    limit: float = Field(default=4.0, gt=0)


class Learned(Balancer):
    """Weights that are a function of one learned number per task."""

    start: float

    def __init__(self, rate: float, lowest: float, highest: float) -> None:
        self._rate = rate
        self._range = (lowest, highest)
        self._numbers: dict[str, Number] = {}

    @abstractmethod
    def weight(self, value: float) -> float:
        """Return the derivative of the objective by the loss."""

    @abstractmethod
    def gradient(self, value: float, loss: float) -> float:
        """Return the derivative of the objective by the number."""

    def weights(self, losses: Tensor, gramian: Tensor | None, names: Sequence[str]) -> Tensor:  # noqa: ARG002
        """Return the weights before this step's losses are learned from, as joint descent would."""
        weights = []
        for name, loss in zip(names, read_losses(losses, names), strict=True):
            number = self._numbers.setdefault(name, Number(self.start))
            weights.append(self.weight(number.value))
            number.descend(self.gradient(number.value, loss), self._rate)
            number.value = min(max(number.value, self._range[0]), self._range[1])
        return as_weights(weights, losses)

    def state(self) -> dict[str, Any]:
        """Return each task's number, moments and steps."""
        return {name: asdict(number) for name, number in self._numbers.items()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self._numbers = {name: Number(**values) for name, values in state.items()}


class Automatic(Learned):
    """Minimizes ``sum_k L_k / (2 c_k^2) + ln(1 + c_k^2)``, never negative; c starts at 1.

    The weights returned are exactly ``1 / (2 c_k^2)``: 1/2 at the start, not 1.

    Source: Liebel, Koerner, "Auxiliary Tasks in Multi-task Learning", arXiv 1805.06334, 2018. There
    c is learned together with the network by its optimizer; here by an Adam of its own.
    """

    start = 1.0

    def weight(self, value: float) -> float:
        """Return ``1 / (2 c^2)``."""
        return 0.5 / value**2

    def gradient(self, value: float, loss: float) -> float:
        """Return ``-L / c^3 + 2 c / (1 + c^2)``."""
        return -loss / value**3 + 2 * value / (1 + value**2)


class Uncertainty(Learned):
    """Minimizes ``sum_k exp(-s_k) L_k / 2 + s_k / 2`` with s = ln(variance); s starts at 0.

    The weights returned are exactly ``exp(-s_k) / 2``: 1/2 at the start, not 1. The same factor
    serves classification, for which the paper argues for ``exp(-s)``: it is one per task and
    constant, so the learned s absorbs it.

    Source: Kendall, Gal, Cipolla, "Multi-Task Learning Using Uncertainty to Weigh Losses for Scene
    Geometry and Semantics", CVPR 2018. s is clamped, and learned by an Adam of its own.
    """

    start = 0.0

    def weight(self, value: float) -> float:
        """Return ``exp(-s) / 2``."""
        return 0.5 * math.exp(-value)

    def gradient(self, value: float, loss: float) -> float:
        """Return ``(1 - exp(-s) L) / 2``."""
        return 0.5 - 0.5 * math.exp(-value) * loss


class IMTLL(Learned):
    """Minimizes ``sum_k exp(s_k) L_k - s_k``, which makes all weighted losses 1; s starts at 0.

    That is twice `Uncertainty`'s objective with s negated; the weights are ``exp(s_k)``.

    Source: Liu, Li, Kuang, Xue, Chen, Yang, Liao, Zhang, "Towards Impartial Multi-Task Learning",
    ICLR 2021.
    """

    start = 0.0

    def weight(self, value: float) -> float:
        """Return ``exp(s)``."""
        return math.exp(value)

    def gradient(self, value: float, loss: float) -> float:
        """Return ``exp(s) L - 1``."""
        return math.exp(value) * loss - 1


def build_automatic(config: AutomaticConfig, *, tasks: Sequence[str] = ()) -> Automatic:  # noqa: ARG001
    """Build automatic weighting."""
    return Automatic(config.rate, config.smallest, math.inf)


def build_uncertainty(config: UncertaintyConfig, *, tasks: Sequence[str] = ()) -> Uncertainty:  # noqa: ARG001
    """Build uncertainty weighting."""
    return Uncertainty(config.rate, -config.limit, config.limit)


def build_imtl_l(config: IMTLLConfig, *, tasks: Sequence[str] = ()) -> IMTLL:  # noqa: ARG001
    """Build impartial loss weighting."""
    return IMTLL(config.rate, -config.limit, config.limit)
