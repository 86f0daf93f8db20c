"""Fixed noise: the same numbers on every machine and device, looked up where they are needed."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

_SIDE = 256
_TEXEL_MM = 9.0
_NOISE = 2**19


def mottle(first: Tensor, second: Tensor) -> Tensor:
    """Look up mottling, about -1 to 1, at places (mm) on a surface."""
    row = (second / _TEXEL_MM).long() & (_SIDE - 1)
    column = (first / _TEXEL_MM).long() & (_SIDE - 1)
    place = row.mul_(_SIDE).add_(column)
    return _grain(first.device).index_select(0, place.flatten()).view_as(first)


def fraction(values: Tensor) -> Tensor:
    """Return the part after the point; of negative numbers too between 0 and 1."""
    return values - values.floor()


def add_noise(values: Tensor, seeds: Tensor, deviation: Tensor) -> None:
    """Add normal noise in place.

    Args:
        values: ``[N, ...]`` contiguous.
        seeds: ``[N]`` integers that choose the noise of each row.
        deviation: ``[N]`` standard deviation.
    """
    rows = values.view(len(values), -1)
    bank, length = _noise(values.device), rows.shape[1]
    if length > _NOISE // 2:
        bank = bank.repeat(1 + 2 * length // _NOISE)
    starts = ((seeds * 40503) % (len(bank) - length)).tolist()
    # Row by row: stacking the noise first would double the traffic in memory.
    for row, start, scale in zip(rows, starts, deviation.tolist(), strict=True):
        row.add_(bank[start : start + length], alpha=scale)


def noise_at(seeds: Tensor, places: Tensor) -> Tensor:
    """Return standard normal noise ``[M]`` for a seed and a place each (integers)."""
    return _noise(seeds.device).index_select(0, (seeds * 40503 + places * 31) & (_NOISE - 1))


@cache
def _noise(device: torch.device) -> Tensor:
    """Return a bank of standard normal numbers."""
    numbers = np.random.default_rng(1618).standard_normal(_NOISE, np.float32)
    return torch.from_numpy(numbers).to(device)


@cache
def _grain(device: torch.device) -> Tensor:
    """Return a flat, tileable square texture of several octaves."""
    generator = np.random.default_rng(2718)
    total = np.zeros((_SIDE, _SIDE))
    for cells in (8, 16, 32, 64, 128):
        corners = np.pad(generator.random((cells, cells)) - 0.5, ((0, 1), (0, 1)), mode="wrap")
        place = np.arange(_SIDE) * cells / _SIDE
        low, share = place.astype(np.int64), place % 1
        rows = corners[low] * (1 - share)[:, None] + corners[low + 1] * share[:, None]
        total += (rows[:, low] * (1 - share) + rows[:, low + 1] * share) * (8 / cells) ** 0.6
    total /= np.abs(total).max()
    return torch.from_numpy(total.astype(np.float32).ravel()).to(device)
