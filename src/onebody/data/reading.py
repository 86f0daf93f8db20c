"""Reading one row: which frames of it, their content, and the joints that belong to them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from onebody.data.clips import clip_indices
from onebody.data.flow import CHANNELS, is_flow, pictured
from onebody.data.geometry import enlarged, reach, shrink, shrink_factor, whole_window
from onebody.data.pixels import shift_depth
from onebody.data.sources import (
    MediaInfo,
    frame_span,
    probe,
    read_array,
    read_frames,
    timestamps,
)
from onebody.data.spec import InputSpec, TargetSpec
from onebody.data.table import JointsColumn, Numbers, SampleTable
from onebody.skeletons import convert
from onebody.types import Array, Bools, Floats, Ints

PICTURES = {"rgb": 3, "depth": 1, "silhouette": 1}
"""Channels of each picture modality; other modalities are arrays of numbers."""

Joints = tuple[Floats, Bools]
"""``[T, J, D + 1]`` in source units (last: visibility), and which are annotated ``[T, J]``."""


class RowError(ValueError):
    """A row that could not be read; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is wanted of one row's time and pixels.

    Attributes:
        generator: random sampling in time; None: the test's.
        clip, clips: which of how many test clips.
        speed: factor on the time axis.
        duration: part of the span that is looked at.
        begin: where that part begins, as a part of the rest.
        start: where a clip that does not fill the part begins, as a part of the rest; None: drawn.
        side: side of the window as a multiple of the whole picture's (or person's box).
        shift: x, y shift of its center, in sides of that.
        depth_shift_mm: how much farther a depth picture shows the body.
    """

    generator: np.random.Generator | None = None
    clip: int = 0
    clips: int = 1
    speed: float = 1.0
    duration: float = 1.0
    begin: float = 0.0
    start: float | None = None
    side: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    depth_shift_mm: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """What was read of one row.

    Attributes:
        content: pictures ``[T, H, W, C]`` uint8, shrunk by ``factor``; of a person with a box, the
            part that the window looks at.
        factor: source pixels per pixel of the content.
        corner: x, y of the content's corner in source pixels.
        height, width: of the source pictures.
        times_s: ``[T]`` within the medium.
        joints: by task; a task without joints for this row has no entry.
    """

    content: Array
    factor: int
    corner: tuple[int, int]
    height: int
    width: int
    times_s: Numbers
    joints: dict[str, Joints]


def channels_of(modality: str) -> int | None:
    """Return the channels of a picture modality as a network gets it, else None.

    ``rgb/2`` is a view of ``rgb``; ``flow/rgb`` is the optical flow of ``rgb``.
    """
    stored = stored_channels(modality)
    return CHANNELS if stored is not None and is_flow(modality) else stored


def stored_channels(modality: str) -> int | None:
    """Return the channels of the pictures that are read for a picture modality, else None."""
    return PICTURES.get(pictured(modality).split("/")[0])


def read_clip(
    table: SampleTable, row: int, spec: InputSpec, targets: Sequence[TargetSpec], wish: Wish
) -> Clip:
    """Read one row's pictures and joints.

    Raises:
        RowError: if anything of it is missing, damaged or does not fit; names row and file.
    """
    try:
        source = str(table.media[spec.modality][row])
        fps = float(table.rate(spec.modality)[row])
        info = probe(source)
        first, stop = frame_span(
            source, float(table.start_s[row]), float(table.end_s[row]), fps=fps
        )
        indices = _choose(stop - first, spec, wish)
        joints = {
            target.task: read_joints(table, row, target, stop - first)
            for target in targets
            if target.form in ("joints", "box") and has_joints(table, row, target)
        }
        content, factor, corner = _content(
            source, spec, info, indices + first, wish, looked_at(table, row, spec)
        )
        return Clip(
            content=content,
            factor=factor,
            corner=corner,
            height=info.height,
            width=info.width,
            times_s=_times(source, info, indices + first, fps),
            joints={task: (v[indices], m[indices]) for task, (v, m) in joints.items()},
        )
    except (ValueError, OSError) as error:
        raise RowError(f"{table.row_names[row]}: {error}") from error


def read_joints(table: SampleTable, row: int, target: TargetSpec, num_frames: int) -> Joints:
    """Read a row's joints, all frames of its span, in the task's layout and source units.

    Args:
        table: the table.
        row: a row that has joints.
        target: the task's target; names column and layout.
        num_frames: frames of the row's media within its span.

    Returns:
        Joints; zero where not annotated.

    Raises:
        ValueError: if the file does not hold ``[num_frames, J, D + 1]``, or the row lacks the
            camera that joints in mm need.
    """
    column = table.columns[target.column]
    assert isinstance(column, JointsColumn)  # checked when the request was made
    source = str(column.sources[row])
    _check_camera(table, row, target, column)
    values = np.asarray(read_array(source))
    dims = 2 if column.unit == "px" else 3
    if values.ndim != 3 or values.shape[0] != num_frames or values.shape[2] != dims + 1:
        raise ValueError(
            f"{source}: expected joints [{num_frames}, J, {dims + 1}] (as many as the media have "
            f"frames within the row's span; {column.unit} and visibility), found "
            f"{list(values.shape)}."
        )
    joints = values.astype(np.float32)
    known = np.asarray(np.isfinite(joints).all(axis=2))
    joints = np.where(known[..., None], joints, np.float32(0))
    joints, known = convert(joints, known, column.skeleton, target.skeleton)
    joints[..., -1] = joints[..., -1] >= 1  # a middle is seen where both of its joints are
    return joints, known


def looked_at(table: SampleTable, rows: Ints | int, spec: InputSpec) -> Numbers:
    """Return ``[..., 4]`` the boxes that are looked at in source pixels; NaN: the whole picture."""
    boxes = enlarged(table.box[rows], spec.box_scale)
    return boxes if spec.look == "box" else np.full_like(boxes, np.nan)


def has_joints(table: SampleTable, row: int, target: TargetSpec) -> bool:
    """Say whether a row carries this target's joints."""
    column = table.columns.get(target.column)
    return isinstance(column, JointsColumn) and column.sources[row] != ""


def _check_camera(table: SampleTable, row: int, target: TargetSpec, column: JointsColumn) -> None:
    """Refuse joints in mm whose place in the picture cannot be known."""
    if column.unit == "mm" and not np.isfinite(table.camera_matrix[row]).all():
        raise ValueError(
            f"task {target.task!r} places joints in mm in the picture: expected a camera matrix, "
            "found none. State camera_matrix (fx, fy, cx, cy in pixels)."
        )
    if target.dims == 3 and not np.isfinite(table.depth_ref_mm[row]):
        raise ValueError(
            f"task {target.task!r} needs a reference distance: expected depth_ref_mm, found none."
        )


def _choose(count: int, spec: InputSpec, wish: Wish) -> Ints:
    """Choose frames within the span, or within the drawn part of it."""
    part = min(max(round(wish.duration * count), 1), count)
    offset = int(wish.begin * (count - part + 1))
    indices = clip_indices(
        part,
        spec,
        rng=wish.generator,
        clip=wish.clip,
        clips=wish.clips,
        speed=wish.speed,
        start=wish.start,
    )
    return indices + min(offset, count - part)


def _content(
    source: str, spec: InputSpec, info: MediaInfo, indices: Ints, wish: Wish, box: Numbers
) -> tuple[Array, int, tuple[int, int]]:
    """Read the chosen frames, cut to what a box needs and shrunk as far as the crop allows."""
    channels = cast(int, stored_channels(spec.modality))
    frames = np.ascontiguousarray(read_frames(source, indices, channels=channels))
    frames = shift_depth(frames, wish.depth_shift_mm)
    sizes = np.array([[info.height, info.width]], np.float64)
    (whole,), (center,) = whole_window(sizes, spec.crop, box[None])
    side = float(whole) * wish.side
    factor = shrink_factor(side, spec.size)
    if not np.isfinite(box).all():
        return shrink(frames, factor), factor, (0, 0)
    center = center + whole * np.array(wish.shift)
    x0, y0, x1, y1 = reach(center, side, info.height, info.width, factor)
    part = np.ascontiguousarray(frames[:, y0:y1, x0:x1])
    return shrink(part, factor), factor, (x0, y0)


def _times(source: str, info: MediaInfo, indices: Ints, fps: float) -> Numbers:
    """Return when frames are shown; NaN where neither table nor medium has a clock."""
    if math.isnan(fps) and math.isnan(info.fps) and info.num_frames > 1:
        return np.full(len(indices), np.nan)
    return timestamps(source, indices, fps=fps)
