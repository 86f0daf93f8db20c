"""FISTA: minimizing a smooth function plus one whose proximal step is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from onebody.types import Doubles


class Composite(Protocol):
    """What is minimized: ``smooth(x) + penalty(x)``."""

    def smooth(self, x: Doubles) -> tuple[float, Doubles]:
        """Return the smooth part and its gradient."""
        ...

    def penalty(self, x: Doubles) -> float:
        """Return the other part."""
        ...

    def proximal(self, x: Doubles, step: float) -> Doubles:
        """Return what minimizes ``penalty(z) + |z - x|^2 / (2 step)``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """Where a minimization ended.

    Attributes:
        x: the best point.
        objective: of every iteration, the start first; it never rises.
        residual: norm of the last gradient mapping, 0 at a minimum.
        converged: whether that is below the tolerance.
    """

    x: Doubles
    objective: list[float]
    residual: float
    converged: bool

    @property
    def iterations(self) -> int:
        """Number of accepted steps."""
        return len(self.objective) - 1


def minimize(
    problem: Composite,
    start: Doubles,
    *,
    lipschitz: float,
    tol: float,
    max_iter: int,
    scale: float = 1.0,
) -> Solution:
    """Minimize by accelerated proximal gradient steps with backtracking and restarts.

    The step is 1 / L; where L proves too small for the step that it makes, it grows. Where the
    objective would rise, momentum is dropped and a plain step is made from the last point, so that
    it never rises.

    Source: Beck, Teboulle, "A Fast Iterative Shrinkage-Thresholding Algorithm for Linear Inverse
    Problems", SIAM J. Imaging Sciences 2009; O'Donoghue, Candes, "Adaptive Restart for Accelerated
    Gradient Schemes", Found. Comput. Math. 2015.

    Args:
        problem: what is minimized.
        start: ``[n]`` first point.
        lipschitz: estimate of the Lipschitz constant L of the smooth part's gradient.
        tol: it has converged when the gradient mapping ``L |x - prox(x - grad / L)|`` is at most
            this share of ``scale``.
        max_iter: most iterations.
        scale: size of a gradient that counts as large, such as the one at 0.
    """
    x, ahead, momentum = start, start, 1.0
    objective = [problem.smooth(start)[0] + problem.penalty(start)]
    residual = np.inf
    for _ in range(max_iter):
        new, value, lipschitz = _step(problem, ahead, lipschitz)
        if value > objective[-1] and momentum > 1.0:
            ahead, momentum = x, 1.0
            new, value, lipschitz = _step(problem, ahead, lipschitz)
        if value > objective[-1]:  # no descent left but rounding
            residual = lipschitz * float(np.linalg.norm(new - x))
            return _ended(x, objective, residual, tol * scale, stalled=True)
        residual = lipschitz * float(np.linalg.norm(new - ahead))
        following = (1.0 + np.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
        ahead = new + ((momentum - 1.0) / following) * (new - x)
        x, momentum = new, following
        objective.append(value)
        if residual <= tol * scale:
            break
    return _ended(x, objective, residual, tol * scale)


def _step(problem: Composite, at: Doubles, lipschitz: float) -> tuple[Doubles, float, float]:
    """Make one proximal step, with a greater L where the quadratic bound does not hold."""
    value, slope = problem.smooth(at)
    while True:
        new = problem.proximal(at - slope / lipschitz, 1.0 / lipschitz)
        moved = new - at
        found = problem.smooth(new)[0]
        bound = value + float(slope @ moved) + lipschitz / 2.0 * float(moved @ moved)
        if found <= bound + 1e-10 * max(1.0, abs(value)):
            return new, found + problem.penalty(new), lipschitz
        lipschitz *= 1.5


def _ended(
    x: Doubles, objective: list[float], residual: float, bar: float, *, stalled: bool = False
) -> Solution:
    """Describe the end; a stall is one of rounding, where the objective no longer tells."""
    near = stalled and residual <= max(1e3 * bar, 1e-6)
    return Solution(x=x, objective=objective, residual=residual, converged=residual <= bar or near)


def largest_eigenvalue(
    apply: Callable[[Doubles], Doubles], size: int, *, rounds: int = 30, seed: int = 0
) -> float:
    """Estimate the largest eigenvalue of a positive semidefinite operator from below.

    Args:
        apply: the operator on ``[size]``.
        size: of its vectors.
        rounds: power iterations.
        seed: of the first vector.
    """
    vector = np.random.default_rng(seed).standard_normal(size)
    found = 0.0
    for _ in range(rounds):
        length = float(np.linalg.norm(vector))
        if length == 0.0:
            return 0.0
        vector = apply(vector / length)
        found = float(np.linalg.norm(vector))
    return found
