"""Random draws that depend on a seed and a purpose alone, never on the batch they stand in."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

_STEP = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio: steps that never line up


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

    Source:
        Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014
        (SplitMix64), here with a stream for each seed and purpose.
    """
    low = min(seeds, default=0)
    if low < 0:
        raise ValueError(f"Seeds should be 0 or more, found {low}.")
    own = np.array([int(seed) % 2**64 for seed in seeds], np.uint64)
    salt = np.uint64(crc32(purpose.encode()) * int(_STEP) % 2**64)
    stream = _mix(_mix(own + _STEP) + salt)
    places = np.arange(1, count + 1, dtype=np.uint64) * _STEP
    bits = _mix(stream[:, None] + places) >> np.uint64(40)  # as many as a float32 holds
    return torch.from_numpy((bits / 2.0**24).astype(np.float32))


def _mix(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Scramble 64-bit numbers (wrapping multiplication is meant)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
