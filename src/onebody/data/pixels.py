"""What augmentation does to pixel values; all of it once per clip, equal in every frame."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from onebody.data.augment import DEPTH_GREY_PER_MM, Draws
from onebody.types import Frames

Numbers = npt.NDArray[np.float64]

LUMA = (0.299, 0.587, 0.114)
"""What red, green and blue count in brightness."""

_DARKEST_BODY = 17
"""Lowest grey of a body in a depth picture: what is far stays apart from the background."""


def shift_depth(frames: Frames, shift_mm: float) -> Frames:
    """Move the body of a depth picture away from the camera.

    The picture then reads as one taken with a reference distance ``shift_mm`` smaller: its grey
    falls, and ``depth_ref_mm`` must fall with it for the same body at its true distance.

    Args:
        frames: depth pictures, background 0.
        shift_mm: distance; negative: nearer.
    """
    if shift_mm == 0:
        return frames
    table = np.arange(256) - shift_mm * DEPTH_GREY_PER_MM
    table = np.clip(np.rint(table), _DARKEST_BODY, 255).astype(np.uint8)
    table[0] = 0
    return table[frames]


def color_tables(means: Numbers, draws: Draws, channels: int) -> npt.NDArray[np.float32] | None:
    """Make the tables that gamma, brightness and contrast amount to.

    Args:
        means: ``[B]`` mean of each clip in [0, 1], the pivot of contrast.
        draws: what was drawn.
        channels: 3 or 1.

    Returns:
        ``[B, C, 256]`` values in [0, 1] by pixel value; None where nothing is changed.
    """
    factors = (draws.gamma, draws.brightness, draws.contrast)
    if all((factor == 1).all() for factor in factors):
        return None
    levels = np.linspace(0, 1, 256) ** draws.gamma[:, :channels, None]
    levels = levels * draws.brightness[:, None, None]
    pivot = means[:, None, None]
    levels = pivot + (levels - pivot) * draws.contrast[:, None, None]
    return np.clip(levels, 0, 1).astype(np.float32)


def to_float(
    clips: Sequence[Frames], tables: npt.NDArray[np.float32] | None
) -> npt.NDArray[np.float32]:
    """Stack clips of equal shape as floats, through color tables where there are any.

    Args:
        clips: B clips ``[T, H, W, C]``.
        tables: ``[B, C, 256]``; None: value / 255.

    Returns:
        ``[B, C, T, H, W]`` in [0, 1].
    """
    frames, height, width, channels = clips[0].shape
    out = np.empty((len(clips), channels, frames, height, width), np.float32)
    for b, clip in enumerate(clips):
        for c in range(channels):
            if tables is None:
                np.multiply(clip[..., c], np.float32(1 / 255), out=out[b, c])
            else:
                np.take(tables[b, c], clip[..., c], out=out[b, c], mode="clip")
    return out


def saturate(pictures: Tensor, factors: Numbers) -> None:
    """Move colors away from (factor above 1) or towards their grey, in place.

    Args:
        pictures: ``[B, C, T, H, W]`` in [0, 1]; one channel has no color and stays as it is.
        factors: ``[B]``.
    """
    if pictures.shape[1] == 1:
        return
    for clip, factor in zip(pictures, factors.tolist(), strict=True):  # a clip fits the cache
        if factor != 1:
            grey = clip[0] * LUMA[0]
            grey.add_(clip[1] * LUMA[1]).add_(clip[2] * LUMA[2]).mul_(1 - factor)
            clip.mul_(factor).add_(grey).clamp_(0, 1)


def erase(pictures: Tensor, boxes: Numbers) -> None:
    """Blacken one box per clip, in place.

    Args:
        pictures: ``[B, C, T, S, S]``.
        boxes: ``[B, 4]`` x0, y0, x1, y1 in crop fractions; pixels whose center is inside.
    """
    size = pictures.shape[-1]
    for b, edges in enumerate(np.ceil(boxes * size - 0.5).astype(np.int64).tolist()):
        x0, y0, x1, y1 = edges
        pictures[b, ..., y0:y1, x0:x1] = 0


def add_noise(
    pictures: Tensor, deviations: Numbers, generators: Sequence[np.random.Generator]
) -> None:
    """Add Gaussian noise to every pixel and frame, in place, and keep the result in [0, 1].

    The noise has 256 levels, one byte a pixel: a third of the time of exact normal numbers.

    Args:
        pictures: ``[B, C, T, S, S]``.
        deviations: ``[B]``.
        generators: B, each row's own.
    """
    for clip, deviation, generator in zip(pictures, deviations, generators, strict=True):
        if deviation > 0:
            random = np.frombuffer(generator.bytes(clip.numel()), np.uint8)
            noise = np.take(_NORMAL * np.float32(deviation), random)
            clip.add_(torch.from_numpy(noise).view(clip.shape)).clamp_(0, 1)


def _normal_levels() -> npt.NDArray[np.float32]:
    """Return the middles of 256 equally likely slices of a normal distribution, deviation 1."""
    levels = np.array([NormalDist().inv_cdf((i + 0.5) / 256) for i in range(256)])
    return (levels / levels.std()).astype(np.float32)


_NORMAL = _normal_levels()
