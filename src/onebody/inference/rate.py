"""The frame rate of a stream, brought to the one that a network learned from.

Temporal layers count frames: shown twice as many per second, they see everybody move at half the
speed. Frames that come too fast are therefore passed over, by their times. Frames that are missing
cannot be made up: a slower stream is used as it is, and that is said.
"""

from __future__ import annotations

import math

from onebody.models import SavedNetwork

_EARLY = 0.25
"""A frame may come by this part of a step before its time, so that jitter passes none over."""

_SLOW = 0.67
"""Under this part of the network's rate a stream is called slow."""

_FAST = 1.05
"""Above this part of it frames are passed over again and again."""

_SETTLED = 10
"""Steps after which the rate is known well enough to complain of it."""


def learned_fps(saved: SavedNetwork) -> float | None:
    """Return the frames per second that a network learned from, on average; None: unknown.

    Its notes say it (``fps``), or how long the clips were (``clip_s``) over which it spreads its
    frames.
    """
    stated, clip_s = saved.notes.get("fps"), saved.notes.get("clip_s")
    if stated is None and saved.input.sampling == "uniform" and clip_s:
        return float(saved.input.frames / clip_s)
    return None if stated is None else float(stated)


def usual_frames(saved: SavedNetwork) -> int:
    """Return how many frames the usual training clip had: no more than the network was given."""
    clip_s, fps = saved.notes.get("clip_s"), learned_fps(saved)
    frames = saved.input.frames
    return min(frames, max(2, round(clip_s * fps))) if clip_s and fps else frames


class RateKeeper:
    """Says which frames are run, so that there are at most so many per second on average.

    Args:
        fps: frames per second of the network; None: every frame is run.

    Raises:
        ValueError: if the rate is not positive.
    """

    def __init__(self, fps: float | None) -> None:
        if fps is not None and not 0 < fps < math.inf:
            raise ValueError(f"Frames per second should be positive, found {fps}.")
        self.fps = fps
        self._due = -math.inf
        self._last = math.nan
        self._step_s = math.nan
        self._steps = 0

    @property
    def source_fps(self) -> float:
        """Frames per second that come, of late; NaN before the second one."""
        return 1.0 / self._step_s

    @property
    def slow(self) -> bool:
        """Whether fewer frames come than the network wants, so that movements look fast to it."""
        if self.fps is None or self._steps < _SETTLED:
            return False
        return self.source_fps < _SLOW * self.fps

    @property
    def passes_over(self) -> bool:
        """Whether more frames come than are run, of late; False before that is known."""
        return self.fps is not None and self.source_fps > _FAST * self.fps

    def take(self, time_s: float) -> bool:
        """Say whether a frame is run; it comes later than that before."""
        if not math.isnan(self._last):
            step, self._steps = time_s - self._last, self._steps + 1
            # a slow mean, as long as ten frames: single late frames are no other rate
            gain = max(1 / self._steps, 1 / _SETTLED)
            old = 0.0 if math.isnan(self._step_s) else self._step_s
            self._step_s = old + gain * (step - old)
        self._last = time_s
        if self.fps is None:
            return True
        step = 1.0 / self.fps
        if time_s < self._due - _EARLY * step:
            return False
        # a stream that pauses owes nothing for the time in between
        self._due = time_s + step if time_s > self._due + step else self._due + step
        return True
