"""What is measured of sensor readings before anything is learned: statistics and a spectrum.

All functions take readings with a mask, and what is masked influences nothing: means, quantiles and
spectra are those of the readings that there are.

Source: the statistics usual for worn sensors (Anguita et al., "A Public Domain Dataset for Human
Activity Recognition Using Smartphones", ESANN 2013): mean, deviation, quantiles, energy,
correlations, jerk, magnitude. Readings are taken as they come, so gravity stays in.
"""

from __future__ import annotations

import math
from itertools import combinations

import torch
import torch.nn.functional as F
from torch import Tensor

from onebody.data.augment_sensors import AXES, CHANNELS

GRAVITY = 9.80665
"""m/s^2; accelerations are divided by it, so that they are of the size of turn rates (rad/s)."""

SIGNALS = CHANNELS + 2
"""Channels of a sensor, and the magnitudes of acceleration and turn rate."""

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)

PAIRS = tuple(combinations(range(CHANNELS), 2))
"""Axes that are correlated."""

STATISTICS = SIGNALS * (7 + len(QUANTILES)) + len(PAIRS)
"""How many numbers `statistics` gives for a sensor."""

_SMALL = 1e-4
"""Variance below which nothing has moved; of readings in g and rad/s."""


def signals(x: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Return ``[.., 8]`` signals and which there are, of readings ``[.., 6]``, zero if unknown.

    Acceleration comes in g; a magnitude needs its three axes.
    """
    x = torch.cat((x[..., :AXES] / GRAVITY, x[..., AXES:]), -1)
    triads = x.reshape(*x.shape[:-1], 2, AXES)
    whole = known.reshape(triads.shape).all(-1)
    sizes = triads.square().sum(-1).sqrt() * whole
    return torch.cat((x, sizes), -1), torch.cat((known, whole), -1)


def segments(x: Tensor, length: int, hop: int) -> Tensor:
    """Cut ``[B, T, ..]`` into ``[B, ceil(T / hop), length, ..]``; zero (False) beyond its ends.

    Segment k has frame ``k * hop`` in its middle.
    """
    count = -(-x.shape[1] // hop)
    before = length // 2
    after = max((count - 1) * hop + length - before - x.shape[1], 0)
    pads = (0, 0) * (x.dim() - 2) + (before, after)
    padded = F.pad(x, pads)
    return padded.unfold(1, length, hop)[:, :count].movedim(-1, 2)


def statistics(x: Tensor, known: Tensor) -> Tensor:
    """Describe readings in time.

    Args:
        x: ``[.., W, 8]`` signals, zero where unknown.
        known: ``[.., W, 8]`` bool.

    Returns:
        ``[.., STATISTICS]``, zero for a signal of which nothing is known: of each signal which part
        is known, mean, deviation, quantiles, root mean square, jerk (mean and root mean square of
        the steps between successive readings) and how often it crosses its mean; and correlations.
    """
    count = known.sum(-2).clamp(min=1)
    mean = x.sum(-2) / count
    centered = (x - mean.unsqueeze(-2)) * known
    variance = centered.square().sum(-2) / count
    both = known[..., 1:, :] & known[..., :-1, :]
    steps = (x[..., 1:, :] - x[..., :-1, :]) * both
    pairs = both.sum(-2).clamp(min=1)
    crossed = (centered[..., 1:, :] * centered[..., :-1, :] < 0) & both
    found = [
        known.to(x.dtype).mean(-2),
        mean,
        variance.sqrt(),
        (x.square().sum(-2) / count).sqrt(),
        steps.abs().sum(-2) / pairs,
        (steps.square().sum(-2) / pairs).sqrt(),
        crossed.sum(-2) / pairs,
        *_quantiles(x, known),
        _correlations(centered[..., :CHANNELS], known[..., :CHANNELS]),
    ]
    return torch.cat(found, -1)


def fourier_basis(length: int) -> Tensor:
    """Return ``[length, 2 * (length // 2)]``: cosines, then sines, of 1 .. length // 2 turns."""
    turns = torch.arange(1, length // 2 + 1, dtype=torch.float64)
    phase = 2 * math.pi * torch.arange(length, dtype=torch.float64)[:, None] * turns / length
    return torch.cat((phase.cos(), phase.sin()), 1).float()


def spectrum(x: Tensor, known: Tensor, basis: Tensor) -> Tensor:
    """Return how strong each frequency is in segments.

    The mean (of acceleration: mostly gravity) is taken away first; a Hann window keeps the ends
    from counting as frequencies. Missing readings are at the mean, and what is left is scaled to
    the weight of the readings that there are.

    Args:
        x: ``[.., W, 8]`` signals, zero where unknown.
        known: ``[.., W, 8]`` bool.
        basis: of `fourier_basis`.

    Returns:
        ``[.., 8, W // 2]`` logarithms of 1 + 10 magnitudes.
    """
    window = torch.hann_window(x.shape[-2], periodic=True, dtype=x.dtype, device=x.device)
    weight = window[:, None] * known
    total = weight.sum(-2).clamp(min=1e-3)
    mean = (x * weight).sum(-2) / total
    waves = (weight * (x - mean.unsqueeze(-2))).transpose(-1, -2) @ basis.to(x.dtype)
    real, imaginary = waves.chunk(2, -1)
    size = (real.square() + imaginary.square()).sqrt() / total.unsqueeze(-1)
    return torch.log1p(10 * size)


def _quantiles(x: Tensor, known: Tensor) -> list[Tensor]:
    """Return a ``[.., 8]`` for each of `QUANTILES`, of the known readings, interpolated."""
    ordered = x.masked_fill(~known, math.inf).sort(-2).values
    last = known.sum(-2, keepdim=True) - 1
    found: list[Tensor] = []
    for part in QUANTILES:
        place = last.clamp(min=0) * part
        low = place.floor().long()
        high = torch.minimum(low + 1, last.clamp(min=0))
        ends = [ordered.gather(-2, at).masked_fill(last < 0, 0.0) for at in (low, high)]
        found.append(torch.lerp(ends[0], ends[1], (place - low).to(x.dtype)).squeeze(-2))
    return found


def _correlations(centered: Tensor, known: Tensor) -> Tensor:
    """Return ``[.., 15]`` correlations of axes, over the readings that both have."""
    first, second = (
        torch.tensor(ends, device=centered.device) for ends in zip(*PAIRS, strict=True)
    )
    both = known[..., first] & known[..., second]
    a, b = centered[..., first] * both, centered[..., second] * both
    count = both.sum(-2).clamp(min=1)
    power = a.square().sum(-2) / count * (b.square().sum(-2) / count)
    return (a * b).sum(-2) / count / (power + _SMALL**2).sqrt()
