"""From a person's box, or the joints of every frame, to the target of a task of boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from onebody.data.batch import Target
from onebody.data.geometry import enlarged, to_crop
from onebody.data.reading import Clip
from onebody.data.spec import TargetSpec
from onebody.data.table import JointsColumn, SampleTable
from onebody.data.targets import joints_target
from onebody.types import Bools, Ints

Numbers = npt.NDArray[np.float64]


def joint_bounds(points: Numbers, known: Bools) -> tuple[Numbers, Bools]:
    """Return the smallest boxes around known joints.

    Args:
        points: ``[..., J, 2]`` x, y.
        known: ``[..., J]``; what is not known is never looked at.

    Returns:
        ``[..., 4]`` x0, y0, x1, y1, zeros where the joints enclose nothing, and where they do
        ``[...]``.
    """
    low = np.where(known[..., None], points, np.inf).min(axis=-2, initial=np.inf)
    high = np.where(known[..., None], points, -np.inf).max(axis=-2, initial=-np.inf)
    found = np.asarray((high > low).all(axis=-1))
    return np.where(found[..., None], np.concatenate([low, high], axis=-1), 0.0), found


def box_target(
    target: TargetSpec,
    table: SampleTable,
    rows: Ints,
    clips: Sequence[Clip | None],
    num_frames: int,
    affine: Numbers,
) -> Target:
    """Make the target of a task of boxes: what of the person's box the crop shows.

    A box is enlarged by ``target.margin`` about its center, then cut at the crop's borders, since
    nobody can be found outside. In a crop that was turned the box of a table is the one around its
    four corners, that of joints is exact.

    Args:
        target: the task's target; without a joint layout it is the box of the table.
        table: the table.
        rows: ``[B]`` row numbers.
        clips: what was read of them, with the joints of this task; None: there is no medium.
        num_frames: T.
        affine: ``[B, 2, 3]`` map from crop fractions to source pixels.

    Returns:
        Value ``[B, T, 4]`` x0, y0, x1, y1 as crop fractions, zeros where the mask ``[B, T]`` is
        false: no box is known there, or nothing of it lies in the crop.
    """
    if target.skeleton:
        points, known, present = _joints_within(target, table, rows, clips, num_frames, affine)
    else:
        points, known, present = _corners(table.box[rows], num_frames, affine)
    value, mask = joint_bounds(points, known)
    value = np.clip(enlarged(value, target.margin), 0.0, 1.0)
    mask &= (value[..., 2:] > value[..., :2]).all(axis=-1)
    value = np.where(mask[..., None], value, 0.0).astype(np.float32)
    return Target(
        value=torch.from_numpy(value),
        present=torch.from_numpy(present),
        mask=torch.from_numpy(mask),
    )


def _joints_within(
    target: TargetSpec,
    table: SampleTable,
    rows: Ints,
    clips: Sequence[Clip | None],
    num_frames: int,
    affine: Numbers,
) -> tuple[Numbers, Bools, Bools]:
    """Return joints in the crop ``[B, T, J, 2]``, which are known, which rows have any ``[B]``."""
    column, nobody = table.columns.get(target.column), np.zeros(len(rows), np.bool_)
    made = joints_target(
        replace(target, form="joints", dims=2),
        [clip.joints.get(target.task) if clip else None for clip in clips],
        unit=column.unit if isinstance(column, JointsColumn) else "px",
        num_frames=num_frames,
        affine=affine,
        flip=nobody,
        hidden=None,
        camera=table.camera_matrix[rows],
        depth_ref_mm=table.depth_ref_mm[rows],
        everywhere=~nobody,  # joints beyond the crop's border belong to the box too
    )
    assert made.mask is not None  # joints always come with one
    return made.value[..., :2].double().numpy(), made.mask.numpy(), made.present.numpy()


def _corners(boxes: Numbers, num_frames: int, affine: Numbers) -> tuple[Numbers, Bools, Bools]:
    """Return the corners of boxes ``[B, 4]`` in the crop, as `_joints_within` returns joints."""
    count = len(boxes)
    whole = np.concatenate([boxes, affine.reshape(count, 6)], axis=1)
    present = np.asarray(np.isfinite(whole).all(axis=1))
    safe = np.where(present[:, None, None], affine, np.array([[1.0, 0, 0], [0, 1, 0]]))
    corners = to_crop(boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(count, 1, 4, 2), safe)
    points = np.repeat(corners, num_frames, axis=1)
    return points, np.repeat(present[:, None], 4 * num_frames, 1).reshape(points.shape[:3]), present
