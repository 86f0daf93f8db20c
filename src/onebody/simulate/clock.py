"""When things happen within a clip: the timing and the random choices of a batch of movements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from onebody.simulate.draws import uniform

TURN = 2 * math.pi
Value = float | Tensor
"""A number, or ``[B, 1]`` one for each clip, or ``[B, T]`` one for each frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time of B clips of T frames, and their draws.

    Attributes:
        identities: ``[B]`` who moves.
        seeds: ``[B]`` which performance it is.
        times_s: ``[1, T]`` time of each frame.
        device: where tensors are made.
    """

    identities: tuple[int, ...]
    seeds: tuple[int, ...]
    times_s: Tensor
    device: torch.device

    def draw(self, purpose: str, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Draw ``[B, 1]`` a number in a range for each performance."""
        return low + (high - low) * uniform(self._mixed(), purpose, 1).to(self.device)

    def habit(self, purpose: str, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Draw ``[B, 1]`` a number in a range for each person, the same in all performances."""
        return low + (high - low) * uniform(self.identities, purpose, 1).to(self.device)

    def _mixed(self) -> list[int]:
        """Return seeds that differ between people too."""
        return [
            seed * 1_000_003 + who for seed, who in zip(self.seeds, self.identities, strict=True)
        ]

    @property
    def length_s(self) -> float:
        """Duration of a clip."""
        count = self.times_s.shape[1]
        step = float(self.times_s[0, -1]) / max(count - 1, 1)
        return float(self.times_s[0, -1]) + (step or 1 / 30)

    @property
    def tempo(self) -> Tensor:
        """``[B, 1]`` how fast: personal habit and the mood of the performance."""
        return self.habit("tempo", 0.88, 1.14) * self.draw("tempo", 0.88, 1.14)

    @property
    def size(self) -> Tensor:
        """``[B, 1]`` how large the movements are."""
        return self.habit("size", 0.9, 1.1) * self.draw("size", 0.88, 1.12)

    @property
    def left(self) -> Tensor:
        """``[B, 1]`` 1 where the leading side is the left one, -1 where it is the right.

        Movements are written for a leading side that lies at +x. One that goes to the actor's
        left whichever side leads goes to ``+x * left``.
        """
        choice = self.habit("handedness") * 0.5 + self.draw("side") * 0.5
        return torch.where(choice > 0.62, 1.0, -1.0)

    def progress(self) -> Tensor:
        """``[B, T]`` from 0 to 1 over a movement done once, at a random time of the clip."""
        length = self.length_s
        wanted = self.draw("duration", 0.85, 1.5) / self.tempo
        most = self.draw("room", 0.7, 0.95) * length  # never the whole clip: the start varies
        duration = torch.minimum(wanted, most).clamp(min=0.6 * length)
        start = self.draw("start") * (length - 0.92 * duration) - 0.04 * duration
        done = ((self.times_s - start) / duration).clamp(0, 1)
        hesitation = self.draw("hesitation", -0.55, 0.55)
        return done + hesitation * torch.sin(TURN * done) / TURN

    def phase(self, low_hz: float, high_hz: float) -> Tensor:
        """``[B, T]`` cycles done of a repeated movement: at least one, from a random beginning."""
        rate = (self.draw("rate", low_hz, high_hz) * self.tempo).clamp(min=1.0 / self.length_s)
        cycles = self.draw("phase") + rate * self.times_s
        unevenness = self.draw("unevenness", -0.3, 0.3)
        return cycles + unevenness * torch.sin(TURN * (cycles + self.draw("uneven at"))) / TURN

    def sway(self, purpose: str, amplitude: float) -> Tensor:
        """``[B, T]`` small slow wandering around 0, as of someone who stands not quite still."""
        slow = self.draw(purpose + " rate", 0.2, 0.6) * self.times_s + self.draw(purpose + " slow")
        fast = self.draw(purpose + " quick", 0.8, 1.6) * self.times_s + self.draw(purpose + " at")
        return amplitude * (0.75 * torch.sin(TURN * slow) + 0.25 * torch.sin(TURN * fast))


def make_clock(
    identities: Sequence[int],
    seeds: Sequence[int],
    frames: int,
    *,
    fps: float = 30.0,
    device: torch.device | str = "cpu",
) -> Clock:
    """Make the clock of a batch of clips of ``frames`` frames."""
    times = torch.arange(frames, dtype=torch.float32, device=device)[None] / fps
    return Clock(
        identities=tuple(int(i) for i in identities),
        seeds=tuple(int(s) for s in seeds),
        times_s=times,
        device=torch.device(device),
    )


def curve(progress: Tensor, *keys: tuple[float, Value]) -> Tensor:
    """Go smoothly through values at given moments, resting at each.

    Args:
        progress: ``[B, T]`` the moment of each frame.
        keys: (moment, value) in order of time; before the first and after the last it rests.

    Returns:
        ``[B, T]``.
    """
    result = progress * 0 + keys[0][1]
    for (start, before), (end, after) in pairwise(keys):
        part = ((progress - start) / (end - start)).clamp(0, 1)
        result = result + (after - before) * part * part * (3 - 2 * part)
    return result


def path(progress: Tensor, *keys: tuple[float, tuple[Value, Value, Value]]) -> Tensor:
    """Go smoothly through points ``[B, T, 3]`` at given moments; see `curve`."""
    axes = [curve(progress, *((at, point[axis]) for at, point in keys)) for axis in range(3)]
    return torch.stack(axes, dim=-1)


def during(progress: Tensor, start: float = 0.25, end: float = 0.75) -> Tensor:
    """Return ``[B, T]`` 1 between two moments, rising from 0 at 0 and falling to 0 at 1."""
    return curve(progress, (0.0, 0.0), (start, 1.0), (end, 1.0), (1.0, 0.0))


def within(progress: Tensor, start: float = 0.25, end: float = 0.75) -> Tensor:
    """Return ``[B, T]`` how much of the part between two moments is done, 0 to 1."""
    return ((progress - start) / (end - start)).clamp(0, 1)


def point(like: Tensor, x: Value, y: Value, z: Value) -> Tensor:
    """Return ``[B, T, 3]`` from three coordinates that broadcast with ``like`` ``[B, T]``."""
    return torch.stack([like * 0 + value for value in (x, y, z)], dim=-1)
