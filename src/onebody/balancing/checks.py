"""Reading a step's losses and gradients, and writing its weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def read_losses(losses: Tensor, names: Sequence[str]) -> list[float]:
    """Return the losses as numbers.

    Raises:
        ValueError: if there is not one finite loss per name; names the task.
    """
    values = [float(value) for value in losses.tolist()]
    if len(values) != len(names) or len(set(names)) != len(names):
        raise ValueError(f"Expected one loss per task, found {len(values)} for {', '.join(names)}.")
    for name, value in zip(names, values, strict=True):
        if not math.isfinite(value):
            raise ValueError(
                f"The loss of task {name!r} is {value}. Training has diverged: lower the learning "
                "rate, or look at the task's targets."
            )
    return values


def read_positive(losses: Tensor, names: Sequence[str], smallest: float) -> list[float]:
    """Return the losses as numbers whose logarithm exists.

    Args:
        losses: ``[K]``.
        names: the K tasks' names.
        smallest: what a loss below it (0 in particular) counts as.

    Raises:
        ValueError: if a loss is not finite, or negative.
    """
    values = read_losses(losses, names)
    for name, value in zip(names, values, strict=True):
        if value < 0:
            raise ValueError(
                f"The loss of task {name!r} is {value}, expected 0 or more: this balancer compares "
                "logarithms of losses. Take another balancer, or another loss for the task."
            )
    return [max(value, smallest) for value in values]


def read_gramian(gramian: Tensor | None, names: Sequence[str]) -> Tensor:
    """Return the gradients' inner products ``[K, K]`` in float64 on the CPU.

    Raises:
        ValueError: if they are missing, of another shape, or not finite; names the task.
    """
    expected = (len(names), len(names))
    found = None if gramian is None else tuple(gramian.shape)
    if gramian is None or found != expected:
        raise ValueError(f"Expected a Gramian of shape {expected}, found {found}.")
    matrix = gramian.detach().to("cpu", torch.float64)
    for name, value in zip(names, matrix.diagonal().tolist(), strict=True):
        if not math.isfinite(value):
            raise ValueError(
                f"The gradient of task {name!r} has the squared norm {value}. Lower the learning "
                "rate, or turn train.bf16 off."
            )
    return matrix


def softmax(values: Sequence[float]) -> list[float]:
    """Return shares that sum to 1, the same ones in whatever order the values come."""
    greatest = max(values)
    powers = [math.exp(value - greatest) for value in values]
    total = math.fsum(powers)
    return [power / total for power in powers]


def as_weights(values: Sequence[float], losses: Tensor) -> Tensor:
    """Return weights ``[K]`` like the losses."""
    return torch.tensor(values, dtype=losses.dtype, device=losses.device)
