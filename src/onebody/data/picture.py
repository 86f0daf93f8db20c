"""Single pictures that give a part of themselves without the whole being made into pixels.

A decoder gives planes of brightness and color. Turning a whole frame of a video into RGB takes
longer than all that a network's crop needs of it.
"""

from __future__ import annotations

from typing import Any, Protocol

import av
import numpy as np

from onebody.data.geometry import shrink
from onebody.data.video_file import lines, to_pixels, to_planes
from onebody.types import Frames

_HALVED = ("yuv420p", "yuvj420p")
"""Planes of which the two of color have half the rows and columns: nearly all video files."""

_ALIGNED = 16
"""FFmpeg makes planes of colors in blocks of columns, and leaves out what does not fill one."""


class Picture(Protocol):
    """A picture of which a part can be had.

    Attributes:
        shape: height, width and channels (3 RGB, 1 grey), as displayed.
    """

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""

    def pixels(self) -> Frames:
        """Return the whole, ``[H, W, C]`` uint8."""

    def part(self, x0: int, y0: int, x1: int, y1: int, factor: int = 1) -> list[Frames]:
        """Return the channels of a part, squares of ``factor`` pixels averaged by `shrink`.

        Args:
            x0: first column, a multiple of the factor.
            y0: first row, a multiple of the factor.
            x1: the column behind the last, within the picture.
            y1: the row behind the last, within the picture.
            factor: side of the squares.

        Returns:
            C times ``[ceil((y1 - y0) / factor), ceil((x1 - x0) / factor)]`` uint8.
        """


class ArrayPicture:
    """A picture in memory.

    Args:
        pixels: ``[H, W, C]`` uint8.
    """

    def __init__(self, pixels: Frames) -> None:
        self._pixels = pixels
        self.shape: tuple[int, int, int] = (pixels.shape[0], pixels.shape[1], pixels.shape[2])

    def pixels(self) -> Frames:
        """Return the whole; see `Picture.pixels`."""
        return self._pixels

    def part(self, x0: int, y0: int, x1: int, y1: int, factor: int = 1) -> list[Frames]:
        """Return a part; see `Picture.part`."""
        return list(shrink(self._pixels[None, y0:y1, x0:x1], factor)[0].transpose(2, 0, 1))


class VideoPicture:
    """A decoded frame of a video or camera, made into pixels where and when they are asked for.

    The pixels of a part are those of the whole, bit for bit: FFmpeg takes a pixel's color from the
    one color sample of its square of two by two, whatever lies around it. Of frames that are laid
    out otherwise (other color planes, interlaced, turned) the whole is converted.

    Args:
        frame: an ``av.VideoFrame``; it is kept.
        channels: 3 RGB, 1 grey.
    """

    def __init__(self, frame: Any, channels: int) -> None:
        self._frame, self._channels = frame, channels
        self._whole: Frames | None = None
        turns = round(getattr(frame, "rotation", 0) / 90) % 4
        plain = frame.format.name in _HALVED and not frame.interlaced_frame
        self._by_parts = plain and turns == 0 and frame.height % 2 == 0
        height, width = frame.height, frame.width
        self.shape: tuple[int, int, int] = (
            (width, height, channels) if turns % 2 else (height, width, channels)
        )

    def pixels(self) -> Frames:
        """Return the whole, converted once; see `Picture.pixels`."""
        if self._whole is None:
            self._whole = to_pixels(self._frame, self._channels)
        return self._whole

    def part(self, x0: int, y0: int, x1: int, y1: int, factor: int = 1) -> list[Frames]:
        """Return a part; see `Picture.part`."""
        if self._whole is not None or not self._by_parts:
            return ArrayPicture(self.pixels()).part(x0, y0, x1, y1, factor)
        left, top = x0 % 2, y0 % 2  # squares of color begin at even places
        cut = _cut(self._frame, x0 - left, y0 - top, x1, y1 + y1 % 2)
        seen = np.s_[None, top : top + y1 - y0, left : left + x1 - x0, None]
        return [shrink(plane[seen], factor)[0, ..., 0] for plane in to_planes(cut, self.shape[2])]


def _cut(frame: Any, x0: int, y0: int, x1: int, y1: int) -> Any:
    """Copy a part of a frame, which begins at even places; columns behind it hold anything."""
    width = -(-(x1 - x0) // _ALIGNED) * _ALIGNED
    made = av.VideoFrame(width, y1 - y0, frame.format.name)
    made.colorspace, made.color_range = frame.colorspace, frame.color_range
    for number, (plane, target) in enumerate(zip(frame.planes, made.planes, strict=True)):
        halved = 1 if number else 0
        top, left = y0 >> halved, x0 >> halved
        part = lines(plane)[top : top + target.height, left : -(-x1 >> halved)]
        lines(target)[: part.shape[0], : part.shape[1]] = part
    return made
