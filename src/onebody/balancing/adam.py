"""One learned number with its Adam moments, as plain values."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class Number:
    """A learned number with its Adam moments (betas 0.9 and 0.999, epsilon 1e-8)."""

    value: float
    first: float = 0.0
    second: float = 0.0
    steps: int = 0

    def descend(self, gradient: float, rate: float) -> None:
        """Take one step of Adam."""
        self.steps += 1
        self.first += 0.1 * (gradient - self.first)
        self.second += 0.001 * (gradient**2 - self.second)
        mean = self.first / (1 - 0.9**self.steps)
        spread = math.sqrt(self.second / (1 - 0.999**self.steps))
        self.value -= rate * mean / (spread + 1e-8)
