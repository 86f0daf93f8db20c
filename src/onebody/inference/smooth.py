"""Smoothing of numbers that come one moment after the other: the One-Euro filter.

Slow movements are smoothed much, so that a body at rest does not tremble; fast ones little, so that
they do not lag. All is counted in seconds, never in frames, so frames may come irregularly.

Source: Casiez, Roussel, Vogel, "1 Euro Filter: A Simple Speed-based Low-pass Filter for Noisy Input
in Interactive Systems", CHI 2012. Ours: speeds are measured in body sizes per second, so that one
setting serves pictures of every size, pixels and mm; unknown values pass as unknown.
"""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field

from onebody.config import Config
from onebody.types import Doubles


class SmoothConfig(Config):
    """How poses of a stream are smoothed.

    Attributes:
        enabled: False: poses stay as the network gives them.
        least_hz: cutoff at rest (the paper's f_c,min): lower trembles less.
        per_speed: by how many Hz the cutoff rises per body size and second (the paper's beta):
            higher lags less.
        speed_hz: cutoff of the speed itself (the paper's f_c of the derivative).
        forget_s: a value that was unknown for longer begins anew.
    """

    enabled: bool = True
    least_hz: float = Field(1.0, gt=0.0)
    per_speed: float = Field(8.0, ge=0.0)
    speed_hz: float = Field(2.0, gt=0.0)
    forget_s: float = Field(0.5, gt=0.0)


class OneEuro:
    """A One-Euro filter for every number of an array.

    Args:
        config: cutoffs.
    """

    def __init__(self, config: SmoothConfig) -> None:
        self.config = config
        self._value: Doubles | None = None
        self._speed = np.zeros(0)
        self._time = np.zeros(0)
        self._now = -math.inf

    def step(self, values: Doubles, time_s: float, size: float = 1.0) -> Doubles:
        """Smooth the next values.

        Args:
            values: of one shape in all calls; NaN: unknown.
            time_s: when they were measured, later than those before.
            size: of the body, in the unit of the values: speeds are divided by it.

        Returns:
            Of the same shape, within the range of what was given so far; NaN where unknown.

        Raises:
            ValueError: if time stands still or goes back, or the shape changes.
        """
        values = np.asarray(values, np.float64)
        if not self._now < time_s < math.inf:
            raise ValueError(f"Expected values after {self._now:g} s, found those of {time_s:g} s.")
        self._now = time_s
        if self._value is None:
            self._value = np.full(values.shape, np.nan)
            self._speed = np.zeros(values.shape)
            self._time = np.full(values.shape, -np.inf)
        if values.shape != self._value.shape:
            raise ValueError(f"Expected {self._value.shape} values again, found {values.shape}.")
        passed = time_s - self._time
        known = np.isfinite(values)
        if not known.any():
            return values.copy()
        old = known & (passed <= self.config.forget_s)
        if old.all():  # nearly always
            self._value, self._speed = self._moved(values, self._value, self._speed, passed, size)
            self._time = np.full(values.shape, time_s)
            return self._value.copy()
        before = np.where(old, self._value, values)
        before[~known] = 0.0
        smooth, speed = self._moved(
            np.where(known, values, 0.0),
            before,
            np.where(old, self._speed, 0.0),
            np.where(old, passed, 1.0),
            size,
        )
        self._value = np.where(known, smooth, self._value)
        self._speed = np.where(known, speed, self._speed)
        self._time = np.where(known, time_s, self._time)
        return np.where(known, smooth, np.nan)

    def _moved(
        self, values: Doubles, before: Doubles, speed: Doubles, passed: Doubles, size: float
    ) -> tuple[Doubles, Doubles]:
        """Return smoothed values and speeds, where all is known."""
        moved = values - before
        speed = speed + share(self.config.speed_hz, passed) * (moved / passed / size - speed)
        cutoff = self.config.least_hz + self.config.per_speed * np.abs(speed)
        return before + share(cutoff, passed) * moved, speed


def share(cutoff_hz: Doubles | float, passed_s: Doubles | float) -> Doubles:
    """Return what a new value counts in an exponential mean, in (0, 1].

    Args:
        cutoff_hz: of the low-pass, above 0.
        passed_s: time since the value before, above 0.
    """
    constant_s = 1.0 / (2.0 * math.pi * cutoff_hz)
    return np.asarray(1.0 / (1.0 + constant_s / passed_s), np.float64)
