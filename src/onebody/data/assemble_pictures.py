"""From the pictures that were read of some rows to a network's input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor

from onebody.data.augment import Draws, select_draws
from onebody.data.flow import flow_of, is_flow
from onebody.data.geometry import is_identity, warp
from onebody.data.pixels import add_noise, color_tables, erase, saturate, to_float
from onebody.data.reading import Clip, stored_channels
from onebody.data.spec import InputSpec
from onebody.data.table import Numbers
from onebody.types import Frames


def pictures_input(
    clips: Sequence[Clip | None],
    spec: InputSpec,
    affine: Numbers,
    draws: Draws | None,
    generators: Sequence[np.random.Generator],
) -> tuple[Tensor, Tensor, Numbers]:
    """Color, resample and vary the pictures of B rows.

    Of optical flow nothing is colored, and no noise is added: it is that of clean pictures.

    Args:
        clips: of each row; None: it has no such medium.
        spec: what the network reads.
        affine: ``[B, 2, 3]`` from crop fractions to source pixels.
        draws: what training varies; None: nothing.
        generators: one per row, for the noise.

    Returns:
        Pictures ``[B, C, T, S, S]`` in [0, 1], or their optical flow in [-1, 1]; which rows there
        are ``[B]``; times ``[B, T]`` (NaN where a row has no such medium).
    """
    there = np.array([clip is not None for clip in clips])
    unknown = np.full(spec.frames, np.nan)
    times = np.stack([clip.times_s if clip else unknown for clip in clips])
    flow = is_flow(spec.modality)
    out = _pictures(clips, spec, affine, None if flow else draws)
    if flow:
        out = flow_of(out)
    if draws is not None and there.any():
        erase(out, draws.erase)
        if not flow:
            add_noise(out, draws.noise * there, list(generators))
    return out, torch.from_numpy(there), times


def _pictures(
    clips: Sequence[Clip | None], spec: InputSpec, affine: Numbers, draws: Draws | None
) -> Tensor:
    """Make ``[B, C, T, S, S]``; rows whose pictures have the same size are resampled together."""
    out: Tensor | None = None
    groups: dict[tuple[int, int, bool], list[int]] = {}
    for b, clip in enumerate(clips):
        if clip is not None:
            height, width = clip.content.shape[1:3]
            plain = is_identity(_to_content(affine[b], clip), height, width, spec.size)
            groups.setdefault((height, width, plain), []).append(b)
    for (_, _, plain), entries in groups.items():
        own = [cast(Clip, clips[b]) for b in entries]
        frames = [cast(Frames, clip.content) for clip in own]
        maps = None if plain else _maps(affine[entries], own)
        made = _resample(
            frames, maps, None if draws is None else select_draws(draws, entries), spec.size
        )
        if len(entries) == len(clips):
            return made
        if out is None:
            out = torch.zeros(len(clips), *made.shape[1:])
        out[entries] = made
    if out is None:  # no row has the medium
        channels = cast(int, stored_channels(spec.modality))
        return torch.zeros(len(clips), channels, spec.frames, spec.size, spec.size)
    return out


def _maps(affine: Numbers, clips: Sequence[Clip]) -> Numbers:
    """Return maps ``[B, 2, 3]`` to the pixels that were read of each clip."""
    return np.stack([_to_content(own, clip) for own, clip in zip(affine, clips, strict=True)])


def _to_content(affine: Numbers, clip: Clip) -> Numbers:
    """Turn a map ``[2, 3]`` to source pixels into one to the pixels that were read."""
    moved = affine.copy()
    moved[:, 2] -= clip.corner
    return moved / clip.factor


def _resample(
    frames: Sequence[Frames], maps: Numbers | None, draws: Draws | None, size: int
) -> Tensor:
    """Color and resample clips of one picture size; maps None: they fit as they are."""
    tables = None
    if draws is not None:
        constant = (draws.contrast == 1).all()
        means = [0.0 if constant else float(clip.mean()) / 255 for clip in frames]
        tables = color_tables(np.array(means), draws, frames[0].shape[-1])
    pictures = torch.from_numpy(to_float(frames, tables))
    if draws is not None:
        saturate(pictures, draws.saturation)
    if maps is None:
        return pictures
    count, channels, num_frames = pictures.shape[:3]
    flat = warp(pictures.flatten(1, 2), maps, size)
    return flat.view(count, channels, num_frames, size, size)
