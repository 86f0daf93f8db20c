"""Pauses: one frame held, with the camera's noise. That is a person who stands still.

Pictures are ``[B, C, T, S, S]``, skeletons ``[B, T, J, D]``, NaN where a joint is not known.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

_PAIRS = 8
"""Pairs of neighboring frames in which a camera's noise is looked for."""

_STILL = 0.9
"""Share of the values, those that change least, that are taken to show noise alone."""


def time_axis(shown: Tensor) -> int:
    """Return the axis of time of pictures or of skeletons."""
    return 2 if shown.ndim == 5 else 1


def last_new_frames(times_s: Tensor) -> Tensor:
    """Return ``[B]`` the last frame of each clip that does not repeat the one before.

    A clip that wants more frames than its medium has repeats the last one. Of a still every frame
    is the same, and none is a repetition.

    Args:
        times_s: ``[B, T]`` time of each frame; NaN where unknown: such a clip repeats nothing.
    """
    frames = times_s.shape[1]
    same = (times_s == times_s[:, -1:]).sum(1).clamp(min=1)
    return frames - torch.where(same == frames, 1, same)


def hold(still: Tensor, frames: int, deviation: float, generator: torch.Generator) -> Tensor:
    """Hold a frame with noise where there is a reading.

    Args:
        still: one frame, ``[B, C, 1, S, S]`` in [0, 1] or ``[B, 1, J, D]``.
        frames: how long.
        deviation: of the noise.
        generator: of the noise.
    """
    axis = time_axis(still)
    held = still.repeat_interleave(frames, axis)
    moved = held + torch.randn(held.shape, generator=generator) * deviation
    return torch.where(held > 0, moved.clamp(0.0, 1.0), held) if axis == 2 else moved


def camera_noise(clip: Tensor) -> float:
    """Estimate the standard deviation of a camera's noise, in the clip's own unit.

    It is what the values that change least differ by between two neighboring frames, in the pair of
    frames in which they differ least. Pixels of value 0 (no reading, black borders) and unknown
    joints do not count.

    Args:
        clip: one clip of pictures or skeletons.
    """
    frames = clip.narrow(time_axis(clip), 0, min(clip.shape[time_axis(clip)], _PAIRS + 1))
    found = []
    for one, two in pairwise(frames.unbind(time_axis(clip))):
        change = (one - two).abs()[_there(one) & _there(two)]
        if len(change):
            count = max(1, int(_STILL * len(change)))
            found.append(float(np.partition(change.numpy(), count - 1)[:count].mean()))
    # E|a - b| = 2 sd / sqrt(pi) of two normal values
    return min(found, default=0.0) * float(np.sqrt(np.pi)) / 2


def _there(frame: Tensor) -> Tensor:
    """Return where a frame of pictures ``[B, C, S, S]`` or skeletons says anything."""
    return frame > 0 if frame.ndim == 4 else frame.isfinite()
