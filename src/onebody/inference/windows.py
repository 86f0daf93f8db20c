"""Which windows of a medium a network looks at, so that every frame is covered."""

from __future__ import annotations

import numpy as np

from onebody.data import InputSpec
from onebody.types import Bools, Ints


def plan_windows(
    num_frames: int, spec: InputSpec, *, fps: float = 30.0, window_s: float | None = None
) -> Ints:
    """Divide a medium into windows that cover every frame.

    A network that samples uniformly sees the whole medium at once or, where ``window_s`` says how
    long the clips were that it learned from, windows of that length. A network that samples densely
    sees windows of the frames it takes in. Neighbors overlap by half; the last one ends with the
    medium. A medium shorter than a window and a half is not divided when sampled uniformly: a
    clip is never cut into a piece and its own near copy.

    Args:
        num_frames: frames of the medium, at least 1.
        spec: how the network samples.
        fps: frames per second of the medium.
        window_s: length of a window in seconds (uniform sampling only); None: the whole medium.

    Returns:
        ``[W, 2]`` first frame and the frame after the last one.

    Raises:
        ValueError: if there is no frame, or the length of a window is not positive.
    """
    if num_frames < 1:
        raise ValueError("There is no frame to look at.")
    if window_s is not None and not window_s > 0:
        raise ValueError(f"The length of a window should be positive, found {window_s} s.")
    if spec.sampling == "dense":
        length = (spec.frames - 1) * spec.stride + 1
    elif window_s is None:
        length = num_frames
    else:
        length = max(1, round(window_s * fps))
        if num_frames < 1.5 * length:
            length = num_frames
    return _overlapping(num_frames, min(length, num_frames))


def _overlapping(num_frames: int, length: int) -> Ints:
    """Return windows of one length whose starts are at most half a window apart."""
    hop = max(1, length // 2)
    count = -(-(num_frames - length) // hop) + 1
    starts = np.minimum(np.arange(count, dtype=np.int64) * hop, num_frames - length)
    return np.stack([starts, starts + length], axis=1)


def cut_windows(windows: Ints, start: int, stop: int) -> tuple[Ints, Bools]:
    """Cut windows to a part of the frames.

    Args:
        windows: ``[W, 2]`` first frame and the frame after the last one.
        start: first frame of the part.
        stop: the frame after its last one.

    Returns:
        The windows that reach into the part ``[V, 2]``, counted from its first frame, and ``[W]``
        which of them do.
    """
    cut = np.clip(windows, start, stop) - start
    inside = cut[:, 0] < cut[:, 1]
    return cut[inside], inside
