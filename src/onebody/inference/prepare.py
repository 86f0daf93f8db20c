"""One frame made ready for a network, with the same pixels as in training, and cheaply.

A Batch of many clips passes files, tables and drawn changes; a stream has one picture in memory and
changes nothing. What is the same is the geometry, taken from the same functions: which window is
looked at, by what whole factor the picture is averaged, and where each pixel is sampled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

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
    shrink,
    shrink_factor,
    whole_window,
)
from onebody.data.pixels import to_float
from onebody.data.reading import channels_of
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
    channels = channels_of(spec.modality)
    if channels is None:
        raise ValueError(
            f"Expected a network that reads pictures, found one that reads {spec.modality!r}. Give "
            "such data to 'Predictor.predict'."
        )
    return channels


def checked_frame(frame: Array, spec: InputSpec) -> Frames:
    """Return a frame ``[H, W, C]`` with the channels that a network reads.

    Args:
        frame: uint8 ``[H, W, 3]`` RGB, or ``[H, W]`` or ``[H, W, 1]`` grey; the other kind is
            converted.
        spec: what the network reads.

    Raises:
        ValueError: if it is no picture, or a tiny one.
    """
    channels = picture_channels(spec)
    picture = frame[..., None] if frame.ndim == 2 else frame
    if picture.ndim != 3 or picture.shape[2] not in (1, 3) or picture.dtype != np.uint8:
        raise ValueError(
            "Expected a frame of uint8 [H, W, 3] or [H, W], found "
            f"{frame.dtype} {list(frame.shape)}."
        )
    height, width = picture.shape[:2]
    if min(height, width) < LEAST_SIDE:
        raise ValueError(
            f"Expected a frame of at least {LEAST_SIDE} x {LEAST_SIDE} pixels, found "
            f"{width} x {height}: nobody can be seen in it. Check the camera or the file."
        )
    pixels = cast(Frames, picture)
    if pixels.shape[2] == channels:
        return pixels
    return np.repeat(pixels, 3, axis=2) if channels == 3 else to_grey(pixels)


def prepare_frame(frame: Frames, spec: InputSpec, box: Doubles | None = None) -> Prepared:
    """Cut and resample one frame as training does.

    Args:
        frame: ``[H, W, C]`` of `checked_frame`.
        spec: what the network reads.
        box: ``[4]`` x0, y0, x1, y1 of the person in source pixels, not yet enlarged; NaN or None:
            the whole picture.
    """
    height, width = frame.shape[:2]
    sizes = np.array([[height, width]], np.float64)
    person = np.full(4, np.nan) if box is None else enlarged(box, spec.box_scale)
    affine = crop_to_source(sizes, spec.crop, boxes=person[None])[0]
    (side,), (center,) = whole_window(sizes, spec.crop, person[None])
    factor = shrink_factor(float(side), spec.size)
    x0, y0 = 0, 0
    if np.isfinite(person).all():
        x0, y0, x1, y1 = reach(center, float(side), height, width, factor)
        frame = np.ascontiguousarray(frame[y0:y1, x0:x1])
    content = shrink(frame[None], factor)
    local = affine.copy()
    local[:, 2] -= x0, y0
    local /= factor
    pixels = to_float([content], None)[:, :, 0]
    if not is_identity(local, content.shape[1], content.shape[2], spec.size):
        pixels = _sampled(pixels, local, spec.size)
    return Prepared(pixels=pixels, crop_to_source=affine)


def _sampled(pixels: Floats, affine: Doubles, size: int) -> Floats:
    """Do as `onebody.data.geometry.warp` for one upright window, whose grid is two lines.

    Args:
        pixels: ``[1, C, H, W]``.
        affine: ``[2, 3]`` map from crop fractions to these pixels, not turned.
        size: side of the result.
    """
    centers = (np.arange(size) + 0.5) / size
    scales = 2.0 / np.array(pixels.shape[:1:-1], np.float64)  # of x, y
    grid = torch.empty(1, size, size, 2)
    for axis in (0, 1):
        line = (centers * affine[axis, axis] + affine[axis, 2]) * scales[axis] - 1
        values = torch.from_numpy(line.astype(np.float32))
        grid[0, :, :, axis] = values if axis == 0 else values[:, None]
    return functional.grid_sample(
        torch.from_numpy(pixels), grid, mode="bilinear", padding_mode="zeros", align_corners=False
    ).numpy()
