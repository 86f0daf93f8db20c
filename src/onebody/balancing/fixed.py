"""`average` and `fixed`: weights that never change. The honest baselines of every other method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor

from onebody.balancing.base import Balancer
from onebody.balancing.checks import as_weights, read_losses
from onebody.config import Config, nearest


class AverageConfig(Config):
    """Equal weights have no options."""

    kind: Literal["average"] = "average"


class FixedConfig(Config):
    """Weights chosen by hand.

    Attributes:
        weights: by task; tasks that are not named weigh ``other``.
        other: weight of the tasks that are not named.
    """

    kind: Literal["fixed"] = "fixed"
    weights: Mapping[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]]
    other: float = Field(default=1.0, ge=0, allow_inf_nan=False)


class Fixed(Balancer):
    """Gives every task its weight, whatever its loss."""

    def __init__(self, weights: Mapping[str, float], other: float = 1.0) -> None:
        self._weights = dict(weights)
        self._other = other

    def weights(self, losses: Tensor, gramian: Tensor | None, names: Sequence[str]) -> Tensor:  # noqa: ARG002
        """Return the fixed weights of the present tasks."""
        read_losses(losses, names)
        return as_weights([self._weights.get(name, self._other) for name in names], losses)


def build_average(config: AverageConfig, *, tasks: Sequence[str] = ()) -> Fixed:  # noqa: ARG001
    """Build equal weights: 1 each.

    That is the sum of the losses. The mean is the same but for a constant factor, and would make
    a task's weight depend on how many others happen to be in the step.
    """
    return Fixed({})


def build_fixed(config: FixedConfig, *, tasks: Sequence[str] = ()) -> Fixed:
    """Build fixed weights.

    Raises:
        ValueError: if ``tasks`` are given and a weight names none of them, or all weigh nothing.
    """
    for name in config.weights if tasks else ():
        if name not in tasks:
            raise ValueError(f"A weight is given for {name!r}, not a task. {nearest(name, tasks)}")
    if tasks and not any(config.weights.get(name, config.other) for name in tasks):
        raise ValueError("Every task weighs 0, so nothing would be learned. Give one a weight.")
    return Fixed(config.weights, config.other)
