"""Residual 2D stages that look at each frame by itself: time is folded into the batch."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from onebody.models.base import Stage
from onebody.models.frames import fold_frames, unfold_frames, use_channels_last
from onebody.models.norms import BatchNorm2d
from onebody.types import Feature, State


def conv_norm(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Make a convolution that keeps the size (but for its stride), and its BatchNorm."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(conv, BatchNorm2d(outputs))


class ResidualBlock2D(nn.Module):
    """Two dense 3x3 convolutions and a skip.

    Dense, because on a CPU inverted residuals cost about twice the time per multiplication.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = conv_norm(inputs, outputs, 3, stride)
        self.second = conv_norm(outputs, outputs, 3)
        same = inputs == outputs and stride == 1
        self.skip = nn.Identity() if same else conv_norm(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, C, H, W]`` to ``[N, C', ceil(H / stride), ceil(W / stride)]``."""
        return F.relu(self.second(F.relu(self.first(x))) + self.skip(x))


class FrameStage(Stage):
    """A run of residual blocks, the first of which strides."""

    def __init__(self, inputs: int, outputs: int, blocks: int, stride: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            ResidualBlock2D(inputs, outputs, stride),
            *(ResidualBlock2D(outputs, outputs, 1) for _ in range(blocks - 1)),
        )
        use_channels_last(self)

    @property
    def last(self) -> nn.Module:
        """The last layer."""
        return self.blocks[-1].get_submodule("second")

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:  # noqa: ARG002
        """Map ``[B, C, T, H, W]`` to the same kind; nothing to remember."""
        return unfold_frames(self.blocks(fold_frames(x)), len(x)), {}
