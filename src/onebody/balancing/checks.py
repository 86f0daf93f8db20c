"""Reading a step's losses."""

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


def as_weights(values: Sequence[float], losses: Tensor) -> Tensor:
    """Return weights ``[K]`` like the losses."""
    return torch.tensor(values, dtype=losses.dtype, device=losses.device)
