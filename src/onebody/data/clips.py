"""Which frames of a medium make a clip."""

from __future__ import annotations

import numpy as np

from onebody.data.spec import InputSpec
from onebody.types import Ints


def clip_indices(
    num_frames: int,
    spec: InputSpec,
    *,
    rng: np.random.Generator | None,
    clip: int = 0,
    clips: int = 1,
    speed: float = 1.0,
    start: float | None = None,
) -> Ints:
    """Choose the frames of one clip.

    A clip covers T steps of ``speed * stride`` frames (dense) or ``speed * num_frames / T`` frames
    (uniform, at least ``speed``: a short medium is not slowed down). In training a uniform sample
    falls anywhere within its step and a window anywhere within the medium; in test a sample falls
    on the middle of its step and a window on the middle of the medium. Several test clips divide
    the steps evenly (uniform) or spread their windows from the first to the last frame (dense).

    What would lie beyond the end repeats the last frame: short media, and windows stretched by a
    speed above 1. Such a clip begins at the first frame.

    Args:
        num_frames: frames of the medium, at least 1.
        spec: frames of a clip, sampling and stride.
        rng: source of the training draws; None: the deterministic test sampling.
        clip: which of ``clips`` test clips.
        clips: how many test clips are taken of one medium.
        speed: frames of the medium per frame of the clip are multiplied by this (2: twice as fast).
        start: where a training clip that does not fill the medium begins, as a part of the rest, 0
            to 1; None: drawn.

    Returns:
        ``[T]`` ascending indices in ``0 .. num_frames - 1``.

    Raises:
        ValueError: if there are no frames, or the clip or the speed makes no sense.
    """
    if num_frames < 1:
        raise ValueError(f"A clip needs a medium of at least 1 frame, found {num_frames}.")
    if not 0 <= clip < clips:
        raise ValueError(f"Clip {clip} of {clips}: expected a clip in 0 .. clips - 1.")
    if not speed > 0:
        raise ValueError(f"The speed of a clip must be above 0, found {speed}.")
    uniform = spec.sampling == "uniform"
    step = speed * (max(num_frames / spec.frames, 1.0) if uniform else spec.stride)
    # the last frame of a dense window is taken at its start, so less than T steps must fit
    slack = max(num_frames - step * spec.frames + (0.0 if uniform else step - 1.0), 0.0)
    ramp = np.arange(spec.frames, dtype=np.float64)
    if rng is not None:
        drawn = rng.random()  # in any case, so that what is drawn next stays the same
        place = drawn if start is None else start
        begin = place * (slack if uniform else np.floor(slack) + 1)
        within = rng.random(spec.frames) if uniform else 0.0
    else:
        place = 0.5 if uniform or clips == 1 else clip / (clips - 1)
        begin = slack * place
        within = (clip + 0.5) / clips if uniform else 0.0
    begin = begin if uniform else np.floor(begin)
    # 1e-9: a product such as 3 * (7 / 3) must not fall below the frame that it means
    positions = np.floor(begin + (ramp + within) * step + 1e-9).astype(np.int64)
    return np.clip(positions, 0, num_frames - 1)
