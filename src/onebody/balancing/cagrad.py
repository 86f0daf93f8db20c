"""`cagrad`: near the mean gradient, the direction that is best for the task it serves least."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from onebody.balancing.gramian import GramianBalancer
from onebody.config import Config

_RIDGE = 1e-8
"""Added to squared lengths, so that the length of a combination is smooth where it vanishes."""

_MOST = 2000
"""Moves of the solver. Some tens do, unless gradients are nearly dependent."""


class CAGradConfig(Config):
    """Options of conflict-averse descent.

    Attributes:
        c: how far the direction may be from the mean gradient, by its length; 0 is the mean.
    """

    kind: Literal["cagrad"] = "cagrad"
    c: float = Field(default=0.5, ge=0, lt=1)


class CAGrad(GramianBalancer):
    """Solves ``max_d min_k g_k.d`` with ``|d - g_0| <= c |g_0|``, where g_0 is the mean gradient.

    With w on the simplex and g_w = sum_k w_k g_k, the dual problem and the direction are

        w = argmin g_w.g_0 + c |g_0| |g_w|,    d = (g_0 + c |g_0| / |g_w| g_w) / (1 + c^2)

    The division is that of the authors' code; their Algorithm 1 leaves it to the learning rate. A
    task that is alone has no conflict and weighs 1, where the formula has (1 + c) / (1 + c^2).

    Source: Liu, Liu, Jin, Stone, Liu, "Conflict-Averse Gradient Descent for Multi-task Learning",
    NeurIPS 2021.
    """

    def __init__(self, c: float = 0.5) -> None:
        self._c = c

    def solve(self, gramian: Tensor, names: Sequence[str]) -> Tensor:
        """Return the direction as weights of the gradients."""
        count = len(names)
        if count == 1:
            return torch.ones(1, dtype=torch.float64)
        radius = self._c * math.sqrt(max(float(gramian.mean()), 0.0))  # c |g_0|
        shares = torch.tensor(worst_mix(gramian.tolist(), radius), dtype=torch.float64)
        length = math.sqrt(max(float(shares @ gramian @ shares), 0.0) + _RIDGE)
        return (1 / count + radius / length * shares) / (1 + self._c**2)


def worst_mix(gramian: Sequence[Sequence[float]], radius: float) -> list[float]:
    """Minimize ``w.b + radius sqrt(w.M w)`` on the simplex, b being the mean of M's columns.

    Again and again, share is moved from the task that gains most by losing some to the task that
    gains most by getting some, as far as it pays, which is known in closed form. The function is
    convex, so that this ends at its least value; with two tasks, at once.

    Args:
        gramian: M, ``[K, K]``.
        radius: at least 0.

    Returns:
        K shares that sum to 1.
    """
    count = len(gramian)
    places = range(count)
    mean = [math.fsum(row) / count for row in gramian]
    shares = [1 / count] * count
    for _ in range(_MOST):
        pull = [
            math.fsum(m * s for m, s in zip(gramian[k], shares, strict=True)) + _RIDGE * shares[k]
            for k in places
        ]
        square = math.fsum(p * s for p, s in zip(pull, shares, strict=True))
        slope = [b + radius * p / math.sqrt(square) for b, p in zip(mean, pull, strict=True)]
        to = min(places, key=slope.__getitem__)
        giver = max((k for k in places if shares[k] > 0), key=slope.__getitem__)
        if slope[giver] - slope[to] <= 1e-12:
            break
        bend = gramian[to][to] + gramian[giver][giver] - 2 * gramian[to][giver] + 2 * _RIDGE
        moved = min(
            _best_move(mean[to] - mean[giver], radius, square, pull[to] - pull[giver], bend),
            shares[giver],
        )
        shares[to] += moved
        shares[giver] -= moved
    return shares


def _best_move(line: float, radius: float, square: float, tilt: float, bend: float) -> float:
    """Return the s that minimizes ``line s + radius sqrt(square + 2 tilt s + bend s^2)``.

    The function falls at s = 0.
    """
    steepest = radius**2 * bend - line**2
    if steepest <= 0:  # it falls for ever
        return math.inf
    rest = max(square * bend - tilt**2, 0.0)
    return max((-line * math.sqrt(rest / steepest) - tilt) / bend, 0.0)


def build_cagrad(config: CAGradConfig, *, tasks: Sequence[str] = ()) -> CAGrad:  # noqa: ARG001
    """Build conflict-averse descent."""
    return CAGrad(config.c)
