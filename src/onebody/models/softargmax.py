"""Where things are in a map: spatial softmax, its expectation, and how sure it is.

All of it runs in float32 whatever the autocast mode: a sum of a thousand probabilities in
bfloat16 is off by more than a pixel.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def spatial_softmax(logits: Tensor) -> Tensor:
    """Turn maps ``[N, K, H, W]`` into probabilities over each map's pixels (float32)."""
    return logits.float().flatten(2).softmax(-1).view(logits.shape)


def expected_position(probability: Tensor) -> Tensor:
    """Return the mean position under each map.

    Args:
        probability: ``[N, K, H, W]``, each map summing to 1.

    Returns:
        ``[N, K, 2]`` x and y as fractions of the map, pixel centers at ``(i + 0.5) / n``.
    """
    columns, rows = probability.sum(2), probability.sum(3)  # [N, K, W], [N, K, H]
    x = (columns * _centers(columns)).sum(-1)
    y = (rows * _centers(rows)).sum(-1)
    return torch.stack((x, y), -1)


def expected_value(probability: Tensor, values: Tensor) -> Tensor:
    """Return the mean of ``values [N, K, H, W]`` under each map: ``[N, K]``."""
    return (probability * values.float()).sum((2, 3))


def window_confidence(probability: Tensor) -> Tensor:
    """Return how much probability the best 2x2 window holds: ``[N, K]`` in (0, 1].

    Source: SPNet (Luvizon et al., 2020) and its code: average pooling times 4, global maximum.
    A position between pixels spreads over four of them, hence the window.
    """
    window = [min(2, size) for size in probability.shape[2:]]
    sums = F.avg_pool2d(probability, window, stride=1) * float(window[0] * window[1])
    return sums.amax((2, 3)).clamp(max=1.0)  # rounding may exceed 1 by an ulp


def _centers(like: Tensor) -> Tensor:
    """Return the pixel centers along the last axis, as fractions of it."""
    n = like.shape[-1]
    return (torch.arange(n, device=like.device, dtype=like.dtype) + 0.5) / n
