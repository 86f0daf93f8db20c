"""A running average of a network's weights, which usually predicts better than the last ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """Exponential moving average of parameters; buffers are copied, never averaged.

    Averaging a buffer would be wrong where it holds something else than a quantity (a routing
    table, a counter), and running statistics are averages already. Early on the average follows
    more closely, so that a short training does not keep its random beginning.

    Args:
        network: whose weights to follow.
        decay: share of the average that a step keeps, in the long run.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.values = {name: p.detach().clone() for name, p in network.named_parameters()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the weights after an optimizer step."""
        self.steps += 1
        keep = min(self.decay, (1.0 + self.steps) / (10.0 + self.steps))
        for name, parameter in network.named_parameters():
            self.values[name].lerp_(parameter.detach(), 1.0 - keep)

    @contextmanager
    def applied(self, network: nn.Module) -> Iterator[None]:
        """Lend the average to the network: within the context it has the averaged weights."""
        raw = {name: p.detach().clone() for name, p in network.named_parameters()}
        _copy(network, self.values)
        try:
            yield
        finally:
            _copy(network, raw)

    def load(self, values: Mapping[str, Tensor], steps: int) -> None:
        """Take back what was saved of ``values`` and ``steps``."""
        self.steps = steps
        for name, value in values.items():
            self.values[name].copy_(value)


@torch.no_grad()
def _copy(network: nn.Module, values: Mapping[str, Tensor]) -> None:
    """Write values into the parameters of the same names."""
    for name, parameter in network.named_parameters():
        parameter.copy_(values[name])
