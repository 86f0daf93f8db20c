"""Video files opened, and frames decoded with a word on whether they are sound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from onebody.data.media import MediaError, Place


@contextmanager
def open_video(place: Place, options: dict[str, str] | None = None) -> Iterator[tuple[Any, Any]]:
    """Open a file's first video stream with one decoder thread.

    Yields:
        (container, stream).

    Raises:
        MediaError: if the file cannot be opened or decoding fails within the block.
    """
    file = place.open()
    try:
        # The prefix keeps a colon in a file name from being read as a protocol.
        name = f"file:{file}" if isinstance(file, str) else file
        with av.open(name, metadata_errors="replace") as container:
            streams = container.streams.video
            if not streams:
                kinds = ", ".join(sorted({s.type for s in container.streams})) or "none"
                raise MediaError(place.source, "a video stream", f"streams: {kinds}")
            context = streams[0].codec_context
            if context is None:
                raise MediaError(place.source, "a known video codec", "one without decoder")
            context.thread_count = 1
            if options:
                context.options = options
            yield container, streams[0]
    except av.error.FFmpegError as error:
        raise MediaError(place.source, "a readable video", str(error.strerror)) from None


def decode(container: Any, stream: Any) -> Iterator[tuple[Any, bool]]:
    """Decode a stream from where it stands.

    A decoder marks only the frame whose data are damaged, or gives none for it; the frames that
    are predicted from it are wrong as well, so all up to the next key frame count as damaged.

    Yields:
        (frame in presentation order, is it sound).
    """
    sound = True
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            sound = False
            continue
        for frame in frames:
            if frame.is_corrupt:
                sound = False
            elif frame.key_frame:
                sound = True
            yield frame, sound


def to_pixels(frame: Any, channels: int) -> npt.NDArray[np.uint8]:
    """Return ``[H, W, channels]`` as displayed: phones store turned pictures with a note."""
    kind = "rgb24" if channels == 3 else "gray"
    # One thread: starting others for every frame takes longer than they save.
    pixels = frame.reformat(format=kind, threads=1).to_ndarray()
    pixels = pixels.reshape(frame.height, frame.width, channels)
    turns = round(getattr(frame, "rotation", 0) / 90) % 4  # counterclockwise
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


def to_planes(frame: Any, channels: int) -> list[npt.NDArray[np.uint8]]:
    """Return the channels one by one, ``[H, W]`` each, as stored and not turned.

    The numbers are those of `to_pixels`, where the width is a multiple of 16.
    """
    made = frame.reformat(format="gbrp" if channels == 3 else "gray", threads=1)
    order = (2, 0, 1) if channels == 3 else (0,)
    return [lines(made.planes[number])[: frame.height, : frame.width] for number in order]


def lines(plane: Any) -> npt.NDArray[np.uint8]:
    """Return a plane's own memory, ``[H, line_size]``."""
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
