"""Several worn sensors become one: by what each shows, or each at its place."""

from __future__ import annotations

from typing import Literal, TypeAlias

from torch import Tensor, nn

Join: TypeAlias = Literal["pooled", "joined"]


class SensorJoin(nn.Module):
    """Joins S sensors.

    ``pooled``: a learned weight says from what a sensor shows how much it counts (softmax over the
    sensors of a frame), so that it matters not which one it is; ``joined``: a linear map of all of
    them side by side, which knows them by their order.
    """

    def __init__(self, width: int, outputs: int, sensors: int, *, how: Join) -> None:
        super().__init__()
        pooled = how == "pooled"
        self.weigh = nn.Linear(width, 1) if pooled and sensors > 1 else None
        self.project = nn.Linear(width if pooled else width * sensors, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, C, T, S]`` to ``[B, C', T]``."""
        y = x.permute(0, 2, 3, 1)  # [B, T, S, C]
        if self.weigh is not None:
            y = (self.weigh(y).softmax(2) * y).sum(2, keepdim=True)
        joined: Tensor = self.project(y.flatten(2))
        return joined.transpose(1, 2)


def per_sensor(x: Tensor) -> Tensor:
    """Turn ``[B, C, T, S]`` into ``[B * S, C, T]``: every sensor by itself."""
    return x.movedim(3, 1).flatten(0, 1)


def by_row(x: Tensor, sensors: int) -> Tensor:
    """Turn ``[B * S, C, T]`` into ``[B, C, T, S]`` again."""
    return x.reshape(-1, sensors, *x.shape[1:]).movedim(1, 3)
