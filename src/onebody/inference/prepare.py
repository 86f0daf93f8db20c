"""One frame made ready for a network, with the same pixels as in training, and cheaply.

A Batch of many clips passes files, tables and drawn changes; a stream has one picture in memory and
changes nothing. What is the same is the geometry, taken from the same functions: which window is
looked at, by what whole factor the picture is averaged, and where each pixel is sampled.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast

import numpy as np
import torch
from torch.nn import functional

from onebody.data import InputSpec
from onebody.data.arrays import to_grey
from onebody.data.geometry import (
    crop_to_source,
    enlarged,
    is_identity,
    reach,
    shrink_factor,
    whole_window,
)
from onebody.data.picture import ArrayPicture, Picture
from onebody.data.reading import stored_channels
from onebody.types import Array, Doubles, Floats, Frames

LEAST_SIDE = 8
"""Pixels of the shortest side of a picture in which somebody could be seen."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """A frame as a network reads it.

    Attributes:
        pixels: ``[1, C, S, S]`` in [0, 1].
        crop_to_source: ``[2, 3]`` map from crop fractions to source pixels.
    """

    pixels: Floats
    crop_to_source: Doubles

    @property
    def side_px(self) -> float:
        """Side of what is looked at, in source pixels."""
        return float(self.crop_to_source[0, 0])


def picture_channels(spec: InputSpec) -> int:
    """Return the channels of a network's pictures.

    Raises:
        ValueError: if it reads something else.
    """
    if spec.also:
        raise ValueError(
            f"Frames come one by one of one medium, but this network reads "
            f"{', '.join(medium.modality for medium in spec.media)}. Give files of all of them to "
            "'Predictor.predict', or take a network of one medium."
        )
    channels = stored_channels(spec.modality)
    if channels is None:
        raise ValueError(
            f"Expected a network that reads pictures, found one that reads {spec.modality!r}. Give "
            "such data to 'Predictor.predict'."
        )
    return channels


def checked_frame(frame: Array | Picture, spec: InputSpec) -> Picture:
    """Return a frame as a picture with the channels that a network reads.

    Args:
        frame: uint8 ``[H, W, 3]`` RGB, or ``[H, W]`` or ``[H, W, 1]`` grey, or a picture; the other
            kind is converted.
        spec: what the network reads.

    Raises:
        ValueError: if it is no picture, or a tiny one.
    """
    channels = picture_channels(spec)
    picture = cast(Picture, frame) if hasattr(frame, "part") else _as_picture(frame)
    height, width, found = picture.shape
    check_size(height, width)
    if found == channels:
        return picture
    pixels = picture.pixels()
    return ArrayPicture(np.repeat(pixels, 3, axis=2) if channels == 3 else to_grey(pixels))


def check_size(height: int, width: int, name: str = "") -> None:
    """Check that somebody could be seen in a picture.

    Args:
        height: in pixels.
        width: in pixels.
        name: of the file, for the message.

    Raises:
        ValueError: if it is smaller than `LEAST_SIDE` on a side.
    """
    if min(height, width) < LEAST_SIDE:
        raise ValueError(
            f"{name + ': e' if name else 'E'}xpected a frame of at least {LEAST_SIDE} x "
            f"{LEAST_SIDE} pixels, found {width} x {height}: nobody can be seen in it. Check the "
            "camera or the file."
        )


def prepare_frame(frame: Picture, spec: InputSpec, box: Doubles | None = None) -> Prepared:
    """Cut and resample one frame as training does.

    Args:
        frame: of `checked_frame`.
        spec: what the network reads.
        box: ``[4]`` x0, y0, x1, y1 of the person in source pixels, not yet enlarged; NaN or None:
            the whole picture.
    """
    height, width, _ = frame.shape
    person = None if box is None else tuple(enlarged(box, spec.box_scale).tolist())
    look = _look(height, width, spec.crop, spec.size, person)
    pixels = _filled(frame, look.part, look.seen, look.factor)
    if not is_identity(look.local, pixels.shape[2], pixels.shape[3], spec.size):
        pixels = _sampled(pixels, look.local, spec.size)
    return Prepared(pixels=pixels, crop_to_source=look.affine)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Look:
    """Where a window lies.

    Attributes:
        affine: ``[2, 3]`` map from crop fractions to source pixels.
        local: the same to pixels of the part, shrunk.
        part: x0, y0, x1, y1 of the part of the picture that is taken.
        seen: what of it an upright window looks at.
        factor: by which it is shrunk.
    """

    affine: Doubles
    local: Doubles
    part: tuple[int, int, int, int]
    seen: tuple[int, int, int, int]
    factor: int


@lru_cache(maxsize=8)
def _look(
    height: int,
    width: int,
    crop: Literal["square", "center"],
    size: int,
    box: tuple[float, ...] | None,
) -> _Look:
    """Say where a window lies, kept for the frames to come: a box mostly rests.

    Args:
        height: of the picture.
        width: of the picture.
        crop: as of `InputSpec`.
        size: side of the crop.
        box: x0, y0, x1, y1 of the window's person, enlarged; NaN or None: the whole picture.
    """
    sizes = np.array([[height, width]], np.float64)
    person = np.full(4, np.nan) if box is None else np.array(box)
    affine = crop_to_source(sizes, crop, boxes=person[None])[0]
    (side,), (center,) = whole_window(sizes, crop, person[None])
    factor = shrink_factor(float(side), size)
    x0, y0, x1, y1 = 0, 0, width, height
    if np.isfinite(person).all():
        x0, y0, x1, y1 = reach(center, float(side), height, width, factor)
    # Training's part, so that sampling rounds alike; filled where an upright window looks at it.
    seen = reach(center, float(side) / 2**0.5, height, width, factor)
    local = affine.copy()
    local[:, 2] -= x0, y0
    local /= factor
    return _Look(affine=affine, local=local, part=(x0, y0, x1, y1), seen=seen, factor=factor)


def _as_picture(frame: object) -> Picture:
    """Check an array to be a picture."""
    if not isinstance(frame, np.ndarray):
        raise ValueError(
            "Expected a frame of uint8 [H, W, 3] or [H, W], a NumPy array, found "
            f"{type(frame).__name__}."
        )
    picture = frame[..., None] if frame.ndim == 2 else frame
    if picture.ndim != 3 or picture.shape[2] not in (1, 3) or picture.dtype != np.uint8:
        raise ValueError(
            "Expected a frame of uint8 [H, W, 3] or [H, W], found "
            f"{frame.dtype} {list(frame.shape)}."
        )
    return ArrayPicture(cast(Frames, picture))


def _filled(
    frame: Picture,
    whole: tuple[int, int, int, int],
    seen: tuple[int, int, int, int],
    factor: int,
) -> Floats:
    """Return a part of a frame as ``[1, C, H, W]`` in [0, 1], shrunk.

    Args:
        frame: the frame.
        whole: x0, y0, x1, y1 of the part.
        seen: what of it is filled; the rest is what memory holds, and must not be looked at.
        factor: by which it is shrunk; both begin at multiples of it.
    """
    x0, y0, x1, y1 = whole
    rows, columns = -(-(y1 - y0) // factor), -(-(x1 - x0) // factor)
    pixels = _unfilled((1, frame.shape[2], rows, columns))
    left, top = max(seen[0], x0), max(seen[1], y0)
    found = frame.part(left, top, min(seen[2], x1), min(seen[3], y1), factor)
    row, column = (top - y0) // factor, (left - x0) // factor
    high, wide = found[0].shape
    target = pixels[0, :, row : row + high, column : column + wide]
    for values, plane in zip(target, found, strict=True):
        np.multiply(plane, np.float32(1 / 255), out=values)
    return pixels


def _unfilled(shape: tuple[int, ...]) -> Floats:
    """Return an array of whatever memory holds."""
    return np.empty(shape, np.float32)


def _sampled(pixels: Floats, affine: Doubles, size: int) -> Floats:
    """Do as `onebody.data.geometry.warp` for one upright window, whose grid is two lines.

    Args:
        pixels: ``[1, C, H, W]``.
        affine: ``[2, 3]`` map from crop fractions to these pixels, not turned.
        size: side of the result.
    """
    x, y = affine.tolist()
    grid = _grid((x[0], x[2]), (y[1], y[2]), pixels.shape[:1:-1], size)
    return functional.grid_sample(
        torch.from_numpy(pixels), grid, mode="bilinear", padding_mode="zeros", align_corners=False
    ).numpy()


@lru_cache(maxsize=4)
def _grid(
    x: tuple[float, float], y: tuple[float, float], extent: tuple[int, ...], size: int
) -> torch.Tensor:
    """Make the grid of `_sampled`, kept for the frames to come: a box mostly rests.

    Args:
        x: side and begin of the window, in pixels.
        y: the same, downwards.
        extent: width and height of the picture.
        size: side of the result.

    Returns:
        ``[1, size, size, 2]``.
    """
    centers = (np.arange(size) + 0.5) / size
    grid = torch.empty(1, size, size, 2)
    for axis, (side, begin) in enumerate((x, y)):
        line = (centers * side + begin) * (2.0 / extent[axis]) - 1
        values = torch.from_numpy(line.astype(np.float32))
        grid[0, :, :, axis] = values if axis == 0 else values[:, None]
    return grid
