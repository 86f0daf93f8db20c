"""Batch norms that a single value per channel does not stop.

In training torch refuses a batch whose variance cannot be taken: one row of one frame of one pixel.
Where a stage runs for the rows of one task only, that can happen; running statistics serve it.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class _OneValue(_BatchNorm):
    """The rule that the norms below have in common."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalize ``[N, C, ...]``."""
        if self.training and input.numel() == input.shape[1]:
            mean, variance = self.running_mean, self.running_var
            return F.batch_norm(input, mean, variance, self.weight, self.bias, eps=self.eps)
        return super().forward(input)


class BatchNorm1d(_OneValue, nn.BatchNorm1d):
    """For ``[N, C]`` or ``[N, C, T]``."""


class BatchNorm2d(_OneValue, nn.BatchNorm2d):
    """For ``[N, C, H, W]``."""


class BatchNorm3d(_OneValue, nn.BatchNorm3d):
    """For ``[N, C, T, H, W]``."""
