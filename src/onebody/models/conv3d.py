"""A 3D convolution that does not trust bfloat16 where the CPU's backward is wrong."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SOUND_KERNEL = 6
"""Kernels of more frames are not trusted at any length."""


class Conv3d(nn.Conv3d):
    """A 3D convolution; in float32 on a CPU where bfloat16 autocast would spoil its gradient.

    Found with torch 2.13: the gradient of the weights is infinite or noise where the input is
    shorter than the kernel in time or space (2 frames under a kernel of 3), and with a 7x7x7 kernel
    memory is written that is not the gradient's, for 4 to 17 frames.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, C, T, H, W]`` to the same kind."""
        if self._sound(x):
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.float())

    def _sound(self, x: Tensor) -> bool:
        """Whether autocast may do as it likes with an input."""
        covered = all(size >= k for size, k in zip(x.shape[2:], self.kernel_size, strict=True))
        return x.device.type != "cpu" or (covered and self.kernel_size[0] <= SOUND_KERNEL)
