"""Convolutions, pooling and residual units as Keras computes them.

Shapes: N pictures (or frames) with C channels, ``[N, C, H, W]``. Sublayers carry the names that
Keras' layers have, so that a weight's place in the module is its place in the authors' files.

Keras pads 'same' after rather than before where the sum is odd; its batch norm has epsilon 1e-3 and
keeps 99 % of its running statistics; its weights start Glorot-uniform.
"""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn


class Conv(nn.Conv2d):
    """A convolution without bias whose output has ``ceil(n / stride)`` pixels."""

    def __init__(
        self, inputs: int, outputs: int, size: int | tuple[int, int], stride: int = 1
    ) -> None:
        height, width = (size, size) if isinstance(size, int) else size
        even = (height // 2, width // 2) if stride == 1 else 0
        super().__init__(inputs, outputs, (height, width), stride=stride, padding=even, bias=False)
        nn.init.xavier_uniform_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        """Map ``[N, C_in, H, W]`` to ``[N, C_out, H', W']``."""
        if self.stride[0] > 1:
            input = pad_same(input, self.kernel_size[0], self.stride[0])
        return super().forward(input)


class SeparableConv(nn.Module):
    """A depthwise convolution, then a pointwise one."""

    def __init__(self, inputs: int, outputs: int, size: int, stride: int = 1) -> None:
        super().__init__()
        even = size // 2 if stride == 1 else 0
        self.stride = stride
        self.depthwise = nn.Conv2d(
            inputs, inputs, size, stride=stride, padding=even, groups=inputs, bias=False
        )
        self.pointwise = Conv(inputs, outputs, 1)
        # Keras counts a depthwise kernel's inputs over all channels.
        limit = math.sqrt(6 / (size * size * (inputs + 1)))
        nn.init.uniform_(self.depthwise.weight, -limit, limit)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, C_in, H, W]`` to ``[N, C_out, H', W']``."""
        if self.stride > 1:
            x = pad_same(x, self.depthwise.kernel_size[0], self.stride)
        return self.pointwise(self.depthwise(x))


class Norm(nn.BatchNorm2d):
    """Batch norm with Keras' constants."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-3, momentum=0.01)


class Residual(nn.Module):
    """A residual unit, normal or separable.

    The shortcut is the input itself where neither size nor channels change, else a 1x1 convolution
    of the normalized input.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int,
        *,
        stride: int = 1,
        separable: bool = True,
        divide: int = 2,
    ) -> None:
        super().__init__()
        self.bn1 = Norm(inputs)
        changes = inputs != outputs or stride > 1
        self.shortcut_conv = Conv(inputs, outputs, 1, stride) if changes else None
        self.conv1: nn.Module
        self.bn2: Norm | None = None
        self.conv2: Conv | None = None
        if separable:
            self.conv1 = SeparableConv(inputs, outputs, size, stride)
        else:
            middle = outputs // divide
            self.conv1 = Conv(inputs, middle, 1)
            self.bn2 = Norm(middle)
            self.conv2 = Conv(middle, outputs, size, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, C_in, H, W]`` to ``[N, C_out, H', W']``."""
        active = F.relu(self.bn1(x))
        shortcut = x if self.shortcut_conv is None else self.shortcut_conv(active)
        y = self.conv1(active)
        if self.bn2 is not None and self.conv2 is not None:
            y = self.conv2(F.relu(self.bn2(y)))
        return shortcut + y


def pad_same(x: Tensor, size: int, stride: int) -> Tensor:
    """Pad ``[.., H, W]`` with zeros as 'same' does: an odd one goes after."""
    pads: list[int] = []
    for length in (x.shape[-1], x.shape[-2]):
        total = max((-(-length // stride) - 1) * stride + size - length, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads) if any(pads) else x


def max_pool(x: Tensor, size: int = 2) -> Tensor:
    """Halve ``[N, C, H, W]`` by maxima of windows with stride 2; odd rests form windows too."""
    return F.max_pool2d(x, size, stride=2, ceil_mode=True)


def max_min_pool(x: Tensor) -> Tensor:
    """Return maximum plus minimum of each 2x2 window of ``[N, C, H, W]``."""
    return max_pool(x) - max_pool(-x)


def global_max_min(x: Tensor) -> Tensor:
    """Return maximum plus minimum over all places of ``[N, C, H, W]``: ``[N, C]``."""
    return x.amax((2, 3)) + x.amin((2, 3))
