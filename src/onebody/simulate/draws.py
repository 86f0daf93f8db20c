"""Random draws that depend on a seed and a purpose alone, never on the batch they stand in."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np
import torch
from torch import Tensor


def uniform(seeds: Sequence[int], purpose: str, count: int) -> Tensor:
    """Draw ``count`` numbers in [0, 1) for each seed.

    Args:
        seeds: ``[B]`` non-negative integers.
        purpose: what the draws are for; other purposes draw independently of these.
        count: draws per seed.

    Returns:
        ``[B, count]`` float32, on the CPU (so that every device sees the same numbers).

    Raises:
        ValueError: if a seed is negative.
    """
    low = min(seeds, default=0)
    if low < 0:
        raise ValueError(f"Seeds should be 0 or more, found {low}.")
    salt = crc32(purpose.encode())
    rows = [np.random.default_rng([salt, int(seed)]).random(count, np.float32) for seed in seeds]
    return torch.from_numpy(np.stack(rows)) if rows else torch.zeros(0, count)
