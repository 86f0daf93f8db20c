"""Crops: one affine map per clip from crop fractions to source pixels, for pictures and joints.

Pixel centers lie at i + 0.5 in the source and at (i + 0.5) / size in the crop.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from onebody.data.augment import Draws
from onebody.types import Bools, Frames

Numbers = npt.NDArray[np.float64]


def crop_to_source(
    sizes: Numbers,
    crop: Literal["square", "center"],
    draws: Draws | None = None,
    flip: Bools | None = None,
    boxes: Numbers | None = None,
) -> Numbers:
    """Make the map from crop fractions to source pixels.

    Args:
        sizes: ``[B, 2]`` height, width of the source pictures.
        crop: ``square`` (the window holds the whole picture) or ``center`` (the largest square
            inside it).
        draws: how the window was varied; None: not at all.
        flip: ``[B]`` which clips are mirrored; None: none.
        boxes: ``[B, 4]`` what is looked at in place of the picture (see `whole_window`).

    Returns:
        ``[B, 2, 3]``: source x, y = map @ (u, v, 1).
    """
    whole, center = whole_window(sizes, crop, boxes)
    count = len(sizes)
    side, angle = (whole, np.zeros(count)) if draws is None else (whole * draws.side, draws.angle)
    if draws is not None:
        center = center + draws.shift * whole[:, None]
    cosine, sine = side * np.cos(angle), side * np.sin(angle)
    linear = np.stack([cosine, -sine, sine, cosine], axis=1).reshape(count, 2, 2)
    if flip is not None:
        linear[:, :, 0] *= np.where(flip, -1.0, 1.0)[:, None]
    offset = center - linear.sum(axis=2) / 2  # the crop's middle (0.5, 0.5) lies at the center
    return np.concatenate([linear, offset[:, :, None]], axis=2)


def whole_window(
    sizes: Numbers, crop: Literal["square", "center"], boxes: Numbers | None = None
) -> tuple[Numbers, Numbers]:
    """Return side ``[B]`` and center ``[B, 2]`` (x, y) of the windows before anything is varied.

    Args:
        sizes: ``[B, 2]`` height, width of the source pictures.
        crop: as of `crop_to_source`.
        boxes: ``[B, 4]`` x0, y0, x1, y1; NaN: the picture itself. None: no row has one.
    """
    extent, center = sizes[:, ::-1], sizes[:, ::-1] / 2
    if boxes is not None:
        known = np.concatenate([boxes, sizes], axis=1)
        boxed = np.isfinite(known).all(axis=1, keepdims=True)
        extent = np.where(boxed, boxes[:, 2:] - boxes[:, :2], extent)
        center = np.where(boxed, (boxes[:, 2:] + boxes[:, :2]) / 2, center)
    return (extent.max(axis=1) if crop == "square" else extent.min(axis=1)), center


def enlarged(boxes: Numbers, factor: float) -> Numbers:
    """Multiply the sides of boxes ``[..., 4]`` (x0, y0, x1, y1) about their centers."""
    low, high = boxes[..., :2], boxes[..., 2:]
    center, half = (low + high) / 2, (high - low) * factor / 2
    return np.concatenate([center - half, center + half], axis=-1)


def reach(
    center: Numbers, side: float, height: int, width: int, factor: int
) -> tuple[int, int, int, int]:
    """Return the part of a picture that a square window looks at, however it is turned.

    Args:
        center: ``[2]`` x, y of the window.
        side: of the window, in pixels.
        height: of the picture.
        width: of the picture.
        factor: the picture will be shrunk by it: the part begins at a multiple, and reaches so far
            that resampling finds all neighbors.

    Returns:
        x0, y0, x1, y1; at least one pixel, the nearest ones where the window misses the picture.
    """
    half = side / 2**0.5
    ends = []
    for middle, size in zip(center.tolist(), (width, height), strict=True):
        last = (size - 1) // factor
        low = min(max(int(np.floor((middle - half) / factor)) - 1, 0), last)
        high = min(max(int(np.ceil((middle + half) / factor)) + 1, low + 1), last + 1)
        ends.append((low * factor, min(high * factor, size)))
    return ends[0][0], ends[1][0], ends[0][1], ends[1][1]


def to_crop(points: Numbers, affine: Numbers) -> Numbers:
    """Map source pixels to crop fractions.

    Args:
        points: ``[B, ..., 2]`` x, y.
        affine: ``[B, 2, 3]`` map from crop fractions to source pixels.
    """
    inverse = np.linalg.inv(affine[:, :, :2])
    lifted = (len(points),) + (1,) * (points.ndim - 2)
    moved = points - affine[:, :, 2].reshape(*lifted, 2)
    return np.einsum("bij,b...j->b...i", inverse, moved)


def shrink_factor(side: float, size: int) -> int:
    """Return how many source pixels to average before a window of that side is resampled."""
    return max(int(side / size + 1e-6), 1)


def shrink(frames: Frames, factor: int) -> Frames:
    """Average squares of ``factor`` pixels, so that resampling to a small crop does not alias.

    Rows and columns that do not fill a square repeat the last one.

    Args:
        frames: ``[T, H, W, C]``.
        factor: side of the squares; 1 returns the frames as they are.

    Returns:
        ``[T, ceil(H / factor), ceil(W / factor), C]``; pixel (x, y) of the source lies at
        (x, y) / factor.
    """
    if factor == 1:
        return frames
    count, height, width, channels = frames.shape
    if factor == 2 and channels == 1 and height % 2 == width % 2 == 0:
        return _halved(frames)
    rows, columns = -(-height // factor), -(-width // factor)
    kind = np.dtype("uint16" if factor <= 16 else "uint32")  # 16 * 16 * 255 fits 16 bits
    lines = frames[:, ::factor].astype(kind)
    for i in range(1, factor):
        part = frames[:, i::factor]
        lines[:, : part.shape[1]] += part
        if part.shape[1] < rows:
            lines[:, -1] += frames[:, -1]
    result = np.empty((channels, count, rows, columns), np.uint8)
    total = np.empty((count, rows, columns), kind)
    for c in range(channels):  # one at a time: numpy is slow along an axis of length 3
        total[:] = factor * factor // 2  # rounds
        for i in range(factor):
            column = lines[:, :, i::factor, c]
            total[..., : column.shape[2]] += column
            if column.shape[2] < columns:
                total[..., -1] += lines[:, :, -1, c]
        total //= factor * factor
        result[c] = total
    return result.transpose(1, 2, 3, 0)


def _halved(frames: Frames) -> Frames:
    """Do as `shrink` of even sides by 2, several times as fast: of the first step of HD pictures.

    Two neighbors are read as one number of 16 bits, so that no loop leaves out every other pixel.
    """
    plane = frames[..., 0]
    pairs = (plane if plane.strides[-1] == 1 else plane.copy()).view(np.uint16)
    upper, lower = pairs[:, ::2], pairs[:, 1::2]
    squares = upper & 0xFF
    squares += lower & 0xFF
    squares += upper >> 8
    squares += lower >> 8
    squares += 2  # rounds
    squares >>= 2
    return squares.astype(np.uint8)[..., None]


def is_identity(affine: Numbers, height: int, width: int, size: int) -> bool:
    """Say whether a map ``[2, 3]`` leaves a picture of that height and width as it is."""
    plain = np.array([[size, 0.0, 0.0], [0.0, size, 0.0]])
    return height == width == size and bool(np.allclose(affine, plain, rtol=0, atol=1e-9))


def warp(pictures: Tensor, affine: Numbers, size: int) -> Tensor:
    """Resample clips to the network's square, bilinearly; outside the picture is 0.

    Args:
        pictures: ``[B, K, H, W]`` float; K = channels and frames of a clip share its map.
        affine: ``[B, 2, 3]`` map from crop fractions to pixels of these pictures.
        size: side of the result.

    Returns:
        ``[B, K, size, size]``.
    """
    height, width = pictures.shape[-2:]
    centers = (np.arange(size) + 0.5) / size
    # grid_sample wants -1 and 1 at the outer borders of the outer pixels (align_corners=False)
    scale = 2.0 / np.array([width, height], dtype=np.float64)
    along_x = affine[:, None, None, :, 0] * centers[None, None, :, None]
    along_y = affine[:, None, None, :, 1] * centers[None, :, None, None]
    grid = (along_x + along_y + affine[:, None, None, :, 2]) * scale - 1
    return functional.grid_sample(
        pictures,
        torch.from_numpy(grid.astype(np.float32)),
        mode="bilinear",
        padding_mode="zeros",
        align_corners=False,
    )
