"""From label columns to the targets of a Batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch

from onebody.data.batch import Target
from onebody.data.geometry import to_crop
from onebody.data.reading import Joints
from onebody.data.spec import DEPTH_RANGE_MM, TargetSpec
from onebody.data.table import ClassColumn, JointsColumn, SampleTable
from onebody.labels import UNLABELED
from onebody.skeletons import get_skeleton
from onebody.types import Bools, Ints

Numbers = npt.NDArray[np.float64]


def class_labels(table: SampleTable, rows: Ints, target: TargetSpec) -> Ints:
    """Return ``[B]`` task classes of rows; `UNLABELED` where there is none.

    Raises:
        ValueError: if two columns contradict each other; names the row.
    """
    own = _column_labels(table, rows, target.column, target.table)
    if not target.also or target.joined is None:
        return own
    other = _column_labels(table, rows, target.also, target.also_table)
    both = (own != UNLABELED) & (other != UNLABELED)
    found = np.where(both, target.joined[own, other], np.where(own != UNLABELED, own, other))
    wrong = np.flatnonzero(both & (found == UNLABELED))
    if len(wrong):
        row = int(rows[wrong[0]])
        one, two = (_class_name(table, row, name) for name in target.columns)
        raise ValueError(
            f"{table.row_names[row]}: column {target.column!r} says {one!r}, column "
            f"{target.also!r} says {two!r}, which contradict each other in the tree of task "
            f"{target.task!r} ({len(wrong)} of {len(rows)} rows do). Correct a label, or the tree."
        )
    return np.asarray(found, np.int64)


def is_served(table: SampleTable, target: TargetSpec) -> bool:
    """Return whether a table has a column, or soft labels, for a class target."""
    return bool(target.soft) or any(column in table.columns for column in target.columns)


def _column_labels(table: SampleTable, rows: Ints, name: str, places: Ints | None) -> Ints:
    """Return ``[B]`` the task classes that one column says."""
    column = table.columns.get(name)
    if not isinstance(column, ClassColumn) or places is None:
        return np.full(len(rows), UNLABELED, np.int64)
    # an extra entry, so that -1 (unlabeled) looks up itself
    return np.asarray(np.append(places, UNLABELED)[column.values[rows]], np.int64)


def _class_name(table: SampleTable, row: int, name: str) -> str:
    """Return what a class column says of a row."""
    column = table.columns[name]
    assert isinstance(column, ClassColumn)
    return column.space.classes[column.values[row]]


def labeled_rows(table: SampleTable, target: TargetSpec) -> Bools:
    """Return ``[N]``: which rows of a table carry this target (one made of others: see those)."""
    column = table.columns.get(target.column)
    if target.form == "class":
        labels = class_labels(table, np.arange(len(table), dtype=np.int64), target)
        soft = table.soft[target.soft].weight > 0 if target.soft else False
        return np.asarray((labels != UNLABELED) | soft)
    if target.form == "joints" and isinstance(column, JointsColumn):
        return np.asarray(column.sources != "")
    if target.form == "box":
        if target.skeleton and isinstance(column, JointsColumn):
            return np.asarray(column.sources != "")
        return np.asarray(np.isfinite(table.box).all(axis=1) & (not target.skeleton))
    return np.zeros(len(table), np.bool_)


def mirrored(
    labels: Mapping[str, Ints], targets: Sequence[TargetSpec], wish: Bools
) -> tuple[Bools, dict[str, Ints]]:
    """Mirror the labels of rows that are to be flipped.

    Args:
        labels: by class task, ``[B]``.
        targets: all targets.
        wish: ``[B]`` which rows were drawn to be flipped.

    Returns:
        Which rows are really flipped (none that carries a label without a mirror image), and the
        labels after that.
    """
    images: dict[str, Ints] = {}
    flip = wish.copy()
    for target in targets:
        if target.task not in labels or target.mirror is None:
            continue
        values = labels[target.task]
        images[target.task] = np.append(target.mirror, UNLABELED)[values]
        flip &= (images[target.task] != UNLABELED) | (values == UNLABELED)
    return flip, {
        task: np.where(flip, images.get(task, values), values) for task, values in labels.items()
    }


def class_target(labels: Ints) -> Target:
    """Make the target of a class task; absent rows hold `UNLABELED`, which losses refuse."""
    value = torch.from_numpy(labels)
    return Target(value=value, present=value != UNLABELED)


def union_labels(target: TargetSpec, labels: Mapping[str, Ints], names: Sequence[str]) -> Ints:
    """Join the labels of several class tasks.

    Args:
        target: a union.
        labels: by class task, ``[B]``.
        names: ``[B]`` how messages name the rows.

    Raises:
        ValueError: if a row is labeled by two of the tasks; names it.
    """
    joined = np.full(len(names), UNLABELED, np.int64)
    for offset, values in _parts(target, labels):
        twice = (values != UNLABELED) & (joined != UNLABELED)
        if twice.any():
            tasks = ", ".join(name for name, _ in target.parts)
            raise ValueError(
                f"{names[int(np.flatnonzero(twice)[0])]}: expected a label for one of {tasks}, "
                f"which {target.task!r} joins, found several."
            )
        joined = np.where(values != UNLABELED, values + offset, joined)
    return joined


def made_labels(target: TargetSpec, labels: Mapping[str, Ints], names: Sequence[str]) -> Ints:
    """Make the labels of a target that is made of other class targets; see its form's function."""
    make = which_labels if target.form == "which" else union_labels
    return make(target, labels, names)


def _parts(target: TargetSpec, labels: Mapping[str, Ints]) -> Iterator[tuple[int, Ints]]:
    """Yield offset and labels of each part of a union whose column the table has."""
    for task, offset in target.parts:
        if task in labels:
            yield offset, labels[task]
    if target.none is not None and target.none[0] in labels:
        router, own, joined = target.none
        yield joined, np.where(labels[router] == own, 0, UNLABELED)


def which_labels(target: TargetSpec, labels: Mapping[str, Ints], names: Sequence[str]) -> Ints:
    """Say which of several class tasks each row is labeled for.

    Args:
        target: of the form ``which``.
        labels: by class task, ``[B]``.
        names: ``[B]`` how messages name the rows.

    Returns:
        ``[B]`` the only task's class; `UNLABELED` for rows without a label, which may be of any
        task, and for rows that are labeled for several.
    """
    found = np.full(len(names), UNLABELED, np.int64)
    count = np.zeros(len(names), np.int64)
    for task, place in target.parts:
        if task in labels:
            there = labels[task] != UNLABELED
            found, count = np.where(there, place, found), count + there
    return np.where(count == 1, found, UNLABELED)


def joints_target(
    target: TargetSpec,
    joints: Sequence[Joints | None],
    *,
    unit: str,
    num_frames: int,
    affine: Numbers,
    flip: Bools,
    hidden: Numbers | None,
    camera: Numbers,
    depth_ref_mm: Numbers,
    everywhere: Bools | None = None,
) -> Target:
    """Make the target of a joints task.

    Args:
        target: the task's target.
        joints: B rows' joints in the task's layout and source units; None: not annotated.
        unit: of the source: ``px`` or ``mm``.
        num_frames: T.
        affine: ``[B, 2, 3]`` map from crop fractions to source pixels.
        flip: ``[B]`` mirrored rows: their left and right joints change places.
        hidden: ``[B, 4]`` box in crop fractions whose joints cannot be seen; None: none.
        camera: ``[B, 4]`` fx, fy, cx, cy, for mm.
        depth_ref_mm: ``[B]`` distance at which z is 0.5.
        everywhere: ``[B]`` rows whose joints are known outside the crop too; None: none.

    Returns:
        Value ``[B, T, J, D + 1]`` with zeros where the mask is false.
    """
    skeleton = get_skeleton(target.skeleton)
    shape = (len(joints), num_frames, len(skeleton))
    source = np.zeros((*shape, 3 if unit == "px" else 4))
    known = np.zeros(shape, np.bool_)
    present = np.array([found is not None for found in joints])
    for b, found in enumerate(joints):
        if found is not None:
            source[b], known[b] = found
    order = np.where(flip[:, None], skeleton.mirror(), np.arange(len(skeleton)))
    source = np.take_along_axis(source, order[:, None, :, None], axis=2)
    known = np.take_along_axis(known, order[:, None, :], axis=2)
    pixels, z, in_front = _project(source, unit, camera, depth_ref_mm)
    safe = np.where(present[:, None, None], affine, np.array([[1.0, 0, 0], [0, 1, 0]]))
    uv = to_crop(pixels, safe)
    inside = ((uv >= 0) & (uv <= 1)).all(axis=-1)
    if everywhere is not None:
        inside = inside | everywhere[:, None, None]
    seen = source[..., -1]
    if hidden is not None:
        low, high = hidden[:, None, None, :2], hidden[:, None, None, 2:]
        seen = np.where(((uv >= low) & (uv < high)).all(axis=-1), 0.0, seen)
    parts = [uv, z[..., None], seen[..., None]] if target.dims == 3 else [uv, seen[..., None]]
    value = np.concatenate(parts, axis=-1).astype(np.float32)
    mask = known & in_front & inside & np.isfinite(value).all(axis=-1)
    value = np.where(mask[..., None], value, np.float32(0))
    return Target(
        value=torch.from_numpy(value),
        present=torch.from_numpy(present),
        mask=torch.from_numpy(mask),
    )


def _project(
    source: Numbers, unit: str, camera: Numbers, depth_ref_mm: Numbers
) -> tuple[Numbers, Numbers, Bools]:
    """Return source pixels ``[B, T, J, 2]``, normalized depth and "in front of the camera"."""
    if unit == "px":
        return source[..., :2], np.zeros(source.shape[:-1]), np.ones(source.shape[:-1], np.bool_)
    depth = source[..., 2]
    in_front = depth > 0
    divisor = np.where(in_front, depth, 1.0)[..., None]
    focal, center = camera[:, None, None, :2], camera[:, None, None, 2:]
    pixels = source[..., :2] * focal / divisor + center
    z = (depth - depth_ref_mm[:, None, None]) / DEPTH_RANGE_MM + 0.5
    return pixels, z, in_front
