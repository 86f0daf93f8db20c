"""What is wrong with the media and joints of one row of a manifest."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from onebody.data.inspect import Flaw, find_flaws
from onebody.data.sources import MediaError, frame_span, probe, read_array
from onebody.datasets.defects import Defect
from onebody.datasets.rows import BOX, Row, RowReader
from onebody.datasets.sidecar import LabelConfig
from onebody.skeletons import get_skeleton

PICTURES = ("rgb", "depth", "silhouette")

_FAR_MM = 20_000.0
_METERS_MM = 20.0
_RESTORE = "Restore or re-encode the file, or drop the row."

Span = tuple[int, int]
Size = tuple[int, int]


def media_defects(
    reader: RowReader, row: Row, *, deep: bool
) -> tuple[list[Defect], Span | None, Size]:
    """Check the media of a row.

    Returns:
        Defects; the frames (first, stop) of the row's first pictures, None if they cannot be
        read; their (height, width).
    """
    defects: list[Defect] = []
    span: Span | None = None
    size: Size = (0, 0)
    for modality, source in row.media.items():
        is_pictures = modality.partition("/")[0] in PICTURES
        try:
            if not is_pictures:
                defects += _sensor_defects(reader, row, modality, source)
                continue
            info = probe(source)
            found = frame_span(source, *_times(row), fps=_fps(row))
            defects += _span_defects(reader, row, source, info.num_frames, info.fps)
            if deep:
                defects += _flaw_defects(reader, row, modality, source)
            if span is None:
                span, size = found, (info.height, info.width)
        except MediaError as error:
            defects.append(_unreadable(reader, row, modality, error))
    return defects, span, size


def joints_defects(
    reader: RowReader, row: Row, column: str, span: Span | None, size: Size
) -> Iterator[Defect]:
    """Check the joints of a row against their layout, the media's frames and the picture."""
    source, label = row.joints[column], reader.label(column)
    try:
        joints = read_array(source)
    except MediaError as error:
        found = f"{error.found}: {error.source}"
        yield reader.defect(row.line, column, error.expected, found, _RESTORE)
        return
    expected = _shape_fault(joints.shape, joints.dtype, label, span)
    if expected:
        found = f"{joints.dtype} {list(joints.shape)}"
        remedy = "Export joints of the row's span: one entry per frame, visibility last."
        yield reader.defect(row.line, column, expected, found, remedy)
        return
    for expected, found, remedy, warning in _value_faults(
        np.asarray(joints, np.float64), label.unit, size
    ):
        yield reader.defect(row.line, column, expected, found, remedy, warning=warning)


def box_defects(reader: RowReader, row: Row, size: Size) -> Iterator[Defect]:
    """Does a person's box meet the picture?"""
    height, width = size
    if not height or any(name not in row.numbers for name in BOX):
        return
    x0, y0, x1, y1 = (row.numbers[name] for name in BOX)
    if x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
        expected = f"a box that meets the picture of {width} x {height} px"
        found = f"({x0:g}, {y0:g}) to ({x1:g}, {y1:g})"
        remedy = "Are they pixels of another picture size?"
        yield reader.defect(row.line, BOX[0], expected, found, remedy)


def _unreadable(reader: RowReader, row: Row, modality: str, error: MediaError) -> Defect:
    """Say that a medium cannot be read, or not within the row's span."""
    field, remedy = reader.column_of(modality), _RESTORE
    if error.expected.startswith("frames between"):
        field, remedy = ("start" if "start" in row.numbers else "end"), "Correct the span."
    elif error.found.startswith("nothing there"):
        remedy = "Correct the path, or drop the row."
    found = f"{error.found}: {error.source}"
    return reader.defect(row.line, field, error.expected, found, remedy)


def _times(row: Row) -> tuple[float, float]:
    return row.numbers.get("start", math.nan), row.numbers.get("end", math.nan)


def _fps(row: Row) -> float:
    return row.numbers.get("fps", math.nan)


def _span_defects(
    reader: RowReader, row: Row, source: str, frames: int, fps: float
) -> Iterator[Defect]:
    """Does the span end within the media (a frame of tolerance)?"""
    end = row.numbers.get("end", math.nan)
    rate = _fps(row) if not math.isnan(_fps(row)) else fps
    length = frames / rate if rate > 0 else math.nan
    if end > length + 1 / rate:
        expected, found = f"an end within the {length:.3f} s of {source}", f"{end:g} s"
        yield reader.defect(row.line, "end", expected, found, "Correct the span.")


def _flaw_defects(reader: RowReader, row: Row, modality: str, source: str) -> Iterator[Defect]:
    for flaw in _flaws(source):
        which = (
            f"frame {flaw.first}" if flaw.first == flaw.last else f"frames {flaw.first}-{flaw.last}"
        )
        found = f"{which} of {source}: {flaw.what}"
        yield reader.defect(
            row.line, reader.column_of(modality), "undamaged frames", found, _RESTORE
        )


@lru_cache(maxsize=4096)
def _flaws(source: str) -> tuple[Flaw, ...]:
    """Decode a medium once, however many rows lie in it."""
    return tuple(find_flaws(source))


def _sensor_defects(reader: RowReader, row: Row, modality: str, source: str) -> Iterator[Defect]:
    """Check an array of skeletons, of their joints' confidence, or of sensor readings."""
    array = read_array(source)
    axes = 2 if modality == "confidence" else 3  # as import-poses and extract write it
    if array.ndim != axes or not len(array) or array.dtype.kind not in "fiu":
        expected = "numbers [T, J]" if axes == 2 else "numbers [T, J, C] or [T, S, C]"
        found = f"{array.dtype} {list(array.shape)} in {source}"
        yield reader.defect(
            row.line, reader.column_of(modality), expected, found, "Reshape the array."
        )
    elif array.dtype.kind == "f" and (lost := int(np.isinf(array).sum())):
        found = f"{lost} infinite values in {source}"
        yield reader.defect(
            row.line, reader.column_of(modality), "finite numbers", found, "Use NaN for gaps."
        )
    elif layout := reader.sidecar.layouts.get(modality):
        joints = len(get_skeleton(layout))
        if array.shape[1] != joints or array.shape[2] not in (2, 3):
            yield reader.defect(
                row.line,
                reader.column_of(modality),
                f"[T, {joints} joints of {layout}, 2 or 3]",
                f"{list(array.shape)} in {source}",
                "Export joints of this layout, or correct 'layouts' in the sidecar.",
            )
        elif np.isnan(array).any(-1).all():
            yield reader.defect(
                row.line,
                reader.column_of(modality),
                "a joint that is seen",
                f"none in {len(array)} frames of {source}",
                "Drop the row.",
                warning=True,
            )


def _shape_fault(
    shape: tuple[int, ...], dtype: npt.DTypeLike, label: LabelConfig, span: Span | None
) -> str:
    """Say which shape joints must have; empty if they have it."""
    joints = len(get_skeleton(label.skeleton))
    channels = 3 if label.unit == "px" else 4
    frames = span[1] - span[0] if span else None
    fits = (
        len(shape) == 3
        and shape[1:] == (joints, channels)
        and shape[0] == (frames if frames is not None else max(1, shape[0]))
        and np.dtype(dtype).kind == "f"
    )
    if fits:
        return ""
    count = "T" if frames is None else f"{frames} frames"
    return f"float [{count}, {joints} joints of {label.skeleton}, {channels}]"


def _value_faults(
    joints: npt.NDArray[np.float64], unit: str, size: Size
) -> Iterator[tuple[str, str, str, bool]]:
    """Yield (expected, found, remedy, is warning) of what the values get wrong."""
    visibility, points = joints[..., -1], joints[..., :-1]
    known = ~np.isnan(visibility)
    if not known.any():
        yield "annotated joints", "none", "Leave the field empty instead.", True
        return
    odd = known & (visibility != 0) & (visibility != 1)
    if odd.any():
        found = f"{visibility[odd][0]:g} in {_where(odd)}"
        yield "a visibility of 0, 1 or NaN", found, "1 seen, 0 hidden, NaN not annotated.", False
    lost = known & ~np.isfinite(points).all(-1)
    if lost.any():
        remedy = "Set the visibility of joints without a place to NaN."
        yield "finite coordinates", f"none in {_where(lost)}", remedy, False
    placed = known & np.isfinite(points).all(-1)
    if placed.any():
        yield from (
            _pixel_faults(points, placed, size) if unit == "px" else _mm_faults(points, placed)
        )


def _pixel_faults(
    points: npt.NDArray[np.float64], placed: npt.NDArray[np.bool_], size: Size
) -> Iterator[tuple[str, str, str, bool]]:
    height, width = size
    if not height:
        return
    extent = np.array([width, height])
    far = placed & ((points < -extent) | (points > 2 * extent)).any(-1)
    if far.any():
        x, y = points[far][0]
        found = f"({x:g}, {y:g}) in {_where(far)}"
        remedy = "Are they joints of another picture size?"
        yield f"joints in or near a picture of {width} x {height} px", found, remedy, False
    elif min(extent) > 8 and np.abs(points[placed]).max() <= 2:
        found = f"at most {np.abs(points[placed]).max():g}"
        yield "pixels", found, "Multiply fractions by the picture's size.", True


def _mm_faults(
    points: npt.NDArray[np.float64], placed: npt.NDArray[np.bool_]
) -> Iterator[tuple[str, str, str, bool]]:
    far = placed & (np.abs(points) > _FAR_MM).any(-1)
    largest = float(np.abs(points[placed]).max())
    if far.any():
        remedy = "Are they in micrometers, or in another frame than the camera's?"
        yield f"joints within {_FAR_MM:g} mm", f"{largest:g} in {_where(far)}", remedy, False
    elif largest < _METERS_MM:
        yield "millimeters", f"at most {largest:g}", "Multiply meters by 1000.", True


def _where(mask: npt.NDArray[np.bool_]) -> str:
    """Name the first place of a mask ``[T, J]`` and how many there are."""
    frame, joint = (int(i) for i in np.argwhere(mask)[0])
    more = int(mask.sum()) - 1
    return f"frame {frame}, joint {joint}" + (f" and {more} more" if more else "")
