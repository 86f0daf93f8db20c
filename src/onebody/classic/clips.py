"""Skeleton clips of a table, as the transformers of this room take them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onebody.data import SampleTable
from onebody.data.series import read_series
from onebody.skeletons import get_skeleton
from onebody.types import Floats, Ints

DEFAULT_FPS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One person over some frames.

    Attributes:
        joints: ``[T, J, D]`` positions in any unit, y down (3D: z away from the camera); NaN where
            a joint is missing.
        fps: frames per second.
    """

    joints: Floats
    fps: float


def read_clips(table: SampleTable, rows: Ints, modality: str = "skeleton") -> list[Clip]:
    """Read the skeletons of some rows.

    Where a table does not say how fast its media run, 30 frames per second are assumed, with a
    warning: speeds are then relative.

    Raises:
        ValueError: if a row has no such medium, or one that does not fit its layout.
    """
    joints = len(get_skeleton(table.layout(modality)))
    clips = []
    for row in rows.tolist():
        values = read_series(table, row, modality).values
        if values.shape[1] != joints or values.shape[2] not in (2, 3):
            raise ValueError(
                f"{table.row_names[row]}: expected {joints} joints of {table.layout(modality)!r} "
                f"with 2 or 3 coordinates, found {list(values.shape[1:])}. State the layout that "
                "they are in."
            )
        rate = float(table.rate(modality)[row])
        clips.append(Clip(joints=values, fps=rate if np.isfinite(rate) else DEFAULT_FPS))
    unknown = int(np.isnan(table.rate(modality)[rows]).sum())
    if unknown:
        warnings.warn(
            f"{table.name}: {unknown} of {len(rows)} rows do not say how fast they run; "
            f"{DEFAULT_FPS:.0f} frames per second assumed.",
            stacklevel=2,
        )
    return clips


def check_clips(clips: Sequence[Clip], joints: int) -> int:
    """Return the number of coordinates of some clips.

    Raises:
        ValueError: if there are none, or one has another number of joints or coordinates.
    """
    if not len(clips):
        raise ValueError("Expected skeleton clips, found none.")
    dims = clips[0].joints.shape[-1]
    for place, clip in enumerate(clips):
        if clip.joints.ndim != 3 or clip.joints.shape[1:] != (joints, dims) or not len(clip.joints):
            raise ValueError(
                f"Clip {place}: expected frames of {joints} joints with {dims} coordinates, found "
                f"{list(clip.joints.shape)}."
            )
    return int(dims)
