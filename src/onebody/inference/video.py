"""Write videos that play everywhere: H.264, yuv420p, the index at the front."""

from __future__ import annotations

import os
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from onebody.types import Frames


def write_video(
    path: Path | str, frames: Iterable[Frames], fps: float, *, quality: int = 20
) -> int:
    """Write frames into an mp4 file that a browser plays, whole or not at all.

    Browsers want 4:2:0 color, hence even sizes: an odd last row or column is doubled. Frames are
    encoded as they come, so a long video needs no more memory than a short one.

    Args:
        path: the file, ending in ``.mp4``.
        frames: pictures ``[H, W, 1 or 3]`` of one size.
        fps: frames per second.
        quality: the encoder's rate factor, 0 (lossless) to 51.

    Returns:
        How many frames were written.

    Raises:
        ValueError: if there is no frame, sizes differ, fps is not positive, or the installed
            FFmpeg lacks an H.264 encoder.
    """
    path = Path(path)
    if path.suffix.lower() != ".mp4":
        raise ValueError(f"{path}: videos are written as .mp4, found {path.suffix or 'no suffix'}.")
    if not (np.isfinite(fps) and fps > 0):
        raise ValueError(f"{path}: frames per second should be positive, found {fps}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial.mp4")
    try:
        count = _encode(partial, path, frames, fps, quality)
        partial.replace(path)
    except av.error.FFmpegError as error:
        raise ValueError(
            f"{path}: expected to write a video, found that FFmpeg cannot: {error.strerror}. Are "
            "the pictures of a usual size, and is there room? (On the command line --no-video "
            "leaves it out.)"
        ) from None
    finally:
        partial.unlink(missing_ok=True)
    return count


def _encode(partial: Path, path: Path, frames: Iterable[Frames], fps: float, quality: int) -> int:
    """Encode all frames into ``partial``; ``path`` is for messages."""
    rate = Fraction(fps).limit_denominator(1001)
    shape: tuple[int, ...] | None = None
    count = 0
    with av.open(str(partial), "w", options={"movflags": "+faststart"}) as container:
        stream = _add_stream(container, rate, quality)
        for frame in frames:
            if shape is None:
                shape = frame.shape
                stream.height, stream.width = (size + size % 2 for size in shape[:2])
            if frame.shape != shape:
                raise ValueError(
                    f"{path}: frame {count} has shape {frame.shape}, the first one {shape}."
                )
            container.mux(stream.encode(av.VideoFrame.from_ndarray(_even(frame), format="rgb24")))
            count += 1
        if not count:
            raise ValueError(f"{path}: no frames to write.")
        container.mux(stream.encode(None))
    return count


def _add_stream(
    container: av.container.OutputContainer, rate: Fraction, quality: int
) -> av.VideoStream:
    """Add an H.264 stream that every browser decodes."""
    try:
        stream = container.add_stream("libx264", rate=rate)
    except (av.codec.codec.UnknownCodecError, ValueError):
        raise ValueError(
            "This build of PyAV has no H.264 encoder (libx264). Install the wheel that PyAV "
            "publishes instead of building it against the system's FFmpeg."
        ) from None
    stream.pix_fmt = "yuv420p"
    stream.options = {"crf": str(quality), "preset": "veryfast"}
    return stream


def _even(frame: Frames) -> Frames:
    """Return an RGB picture of even size."""
    if frame.ndim == 3 and frame.shape[2] == 1:
        frame = np.repeat(frame, 3, axis=2)
    height, width = frame.shape[:2]
    if height % 2 or width % 2:
        frame = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(frame)
