"""Record a stream as an mp4 that browsers play and that no interruption spoils.

The file is *fragmented*: every second or so a piece is finished that can be played without what
comes after it. A program or a computer that stops half-way loses the last piece, not the video.
Frames carry the times at which they were taken, so that playing is as fast as the world was,
however many frames were dropped.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.video.frame import PictureType

from onebody.types import Frames

TICKS = 90_000
"""Ticks of a recording's clock per second."""

PIECE_S = 1.0
"""A piece ends with the first frame after this many seconds."""

FRAGMENTS = "frag_keyframe+empty_moov+default_base_moof"


class Recorder:
    """Writes pictures of one size into a fragmented H.264 mp4.

    Attributes:
        path: the file.
        written: how many pictures it holds.
    """

    def __init__(self, path: Path | str, *, quality: int = 23) -> None:
        """Name the file; it is made with the first picture.

        Args:
            path: ends in ``.mp4``; must not exist, since a recording cannot be made twice.
            quality: the encoder's rate factor, 0 (lossless) to 51.

        Raises:
            ValueError: if there is such a file, the name does not end in .mp4, or its folder
                cannot be made.
        """
        self.path, self.quality, self.written = Path(path), quality, 0
        check_recording(self.path)
        self._container: av.container.OutputContainer | None = None
        self._stream: av.VideoStream | None = None
        self._shape: tuple[int, ...] = ()
        self._begin_s = self._piece_s = 0.0
        self._last = -1

    def write(self, picture: Frames, time_s: float) -> bool:
        """Add a picture ``[H, W, 3]``.

        Args:
            picture: of the size of the first one; an odd last row or column is left out.
            time_s: when it was taken; it is shown so long after the first one.

        Returns:
            Whether it was added: a picture that is not later than the last one is left out.

        Raises:
            ValueError: if its shape differs from the first one's, or FFmpeg has no H.264 encoder.
            OSError: if the file cannot be written.
        """
        if self._container is None or self._stream is None:
            self._open(picture.shape)
            self._begin_s = self._piece_s = time_s
            return self.write(picture, time_s)
        if picture.shape != self._shape:
            raise ValueError(
                f"{self.path}: expected pictures of shape {self._shape}, found {picture.shape}. "
                "Fit them into one size, or begin another recording."
            )
        ticks = round((time_s - self._begin_s) * TICKS)
        if ticks <= self._last:
            return False
        height, width = picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2
        even = np.ascontiguousarray(picture[:height, :width])
        frame = av.VideoFrame.from_ndarray(even, format="rgb24")
        frame.pts, frame.time_base = ticks, Fraction(1, TICKS)
        if time_s - self._piece_s >= PIECE_S or self._last < 0:
            frame.pict_type = PictureType.I  # a piece begins
            self._piece_s = time_s
        self._container.mux(self._stream.encode(frame))
        self._last = ticks
        self.written += 1
        return True

    def close(self) -> None:
        """Finish the last piece; a recorder without pictures leaves no file."""
        if self._container is None or self._stream is None:
            return
        container, self._container = self._container, None
        try:
            container.mux(self._stream.encode(None))
        finally:
            container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self, shape: tuple[int, ...]) -> None:
        """Make the file for pictures of a shape."""
        if len(shape) != 3 or shape[2] != 3 or min(shape[:2]) < 2:
            raise ValueError(f"{self.path}: expected pictures [H, W, 3] of 2x2 or more: {shape}.")
        options = {"movflags": FRAGMENTS, "flush_packets": "1"}
        container = av.open(str(self.path), "w", format="mp4", options=options)
        try:
            stream = container.add_stream("libx264", rate=30)
        except (av.codec.codec.UnknownCodecError, ValueError):
            container.close()
            self.path.unlink(missing_ok=True)
            raise ValueError(
                "This build of PyAV has no H.264 encoder (libx264). Install the wheel that PyAV "
                "publishes instead of building it against the system's FFmpeg."
            ) from None
        stream.height, stream.width = shape[0] // 2 * 2, shape[1] // 2 * 2
        stream.pix_fmt = "yuv420p"
        # zerolatency: no picture waits in the encoder; a piece holds all that came before its end
        stream.options = {"crf": str(self.quality), "preset": "veryfast", "tune": "zerolatency"}
        stream.time_base = stream.codec_context.time_base = Fraction(1, TICKS)
        self._container, self._stream, self._shape = container, stream, shape


def check_recording(path: Path) -> None:
    """Make the folder of a recording, and refuse to write over anything.

    Raises:
        ValueError: if there is such a file, or the name does not end in .mp4.
        OSError: if the folder cannot be made.
    """
    if path.suffix.lower() != ".mp4":
        found = path.suffix or "no suffix"
        raise ValueError(f"{path}: recordings are written as .mp4, found {found}. Name it so.")
    if path.exists():
        raise ValueError(f"{path}: expected a new file for the recording, found one. Name another.")
    path.parent.mkdir(parents=True, exist_ok=True)


def numbered(path: Path, number: int) -> Path:
    """Return ``out.mp4``, then ``out-2.mp4``, ``out-3.mp4`` and so on."""
    return path if number <= 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
