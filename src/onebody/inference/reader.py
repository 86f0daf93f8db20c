"""Reads the windows of one medium, prepared as in training, a few at a time."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from numbers import Real
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch

from onebody.data import Batch, InputSpec, SampleTable, make_table
from onebody.data.assemble import make_batch
from onebody.data.clips import clip_indices
from onebody.data.media import MediaError
from onebody.data.reading import channels_of, stored_channels
from onebody.data.series import check_series
from onebody.data.sources import (
    MediaInfo,
    frame_span,
    probe,
    read_array,
    read_frames,
    timestamps,
)
from onebody.types import Array, Frames, Ints

CHUNK_BYTES = 256 << 20
"""Most memory that decoded frames take. Each time more are read, decoding begins at the key frame
before them, so few large reads are much faster than many small ones."""

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """What is to be looked at.

    Attributes:
        source: a source string (see `onebody.data.table`).
        info: number of frames and size of the whole.
        fps: frames per second; 1 for a still without a clock.
        first: number of the first frame that is looked at.
        times_s: ``[T]`` time of every frame that is looked at.
        camera: fx, fy, cx, cy in source pixels; NaN where unknown.
        depth_ref_mm: distance at which normalized depth is 0.5; NaN where unknown.
    """

    source: str
    info: MediaInfo
    fps: float
    first: int
    times_s: Numbers
    camera: tuple[float, float, float, float]
    depth_ref_mm: float


def check_lens(
    camera: tuple[float, float, float, float] | None, depth_ref_mm: float | None
) -> None:
    """Check what turns depth into millimeters; None: not given.

    Raises:
        ValueError: if the camera is not four finite numbers, fx and fy positive, or the distance is
            not positive.
    """
    if depth_ref_mm is not None and not 0 < depth_ref_mm < math.inf:
        raise ValueError(f"The distance of the body should be positive, found {depth_ref_mm} mm.")
    if camera is None:
        return
    numbers = len(camera) == 4 and all(isinstance(value, Real) for value in camera)
    if not numbers or not all(map(math.isfinite, camera)) or min(camera[:2]) <= 0:
        raise ValueError(
            f"The camera should be fx, fy, cx, cy, finite, fx and fy positive, found {camera!r}."
        )


def open_medium(
    source: str,
    *,
    fps: float | None = None,
    span_s: tuple[float, float] | None = None,
    camera: tuple[float, float, float, float] | None = None,
    depth_ref_mm: float | None = None,
) -> Medium:
    """Look at a medium without decoding it.

    Args:
        source: a source string.
        fps: frames per second; None: the medium's own.
        span_s: beginning and end in seconds; NaN: the medium's.
        camera: fx, fy, cx, cy in source pixels, for answers in mm.
        depth_ref_mm: distance at which normalized depth is 0.5, for answers in mm.

    Raises:
        MediaError: if it cannot be read, or has no frame in the span.
        ValueError: if it has several frames and no clock, or ``fps``, the camera or the distance
            is not possible.
    """
    if fps is not None and not 0 < fps < math.inf:
        raise ValueError(f"Frames per second should be positive, found {fps}.")
    check_lens(camera, depth_ref_mm)
    info = probe(source)
    if not info.num_frames:
        raise MediaError(source, "at least one frame", "none")
    rate = fps if fps is not None else info.fps
    if not rate > 0:
        if info.num_frames > 1:
            raise ValueError(
                f"{source}: {info.num_frames} frames without a clock. Say how many there are per "
                "second (fps=30, on the command line --fps 30)."
            )
        rate = 1.0
    known = fps is not None or info.num_frames == 1
    first, stop = 0, info.num_frames
    if span_s is not None:
        first, stop = frame_span(source, *span_s, fps=rate if known else float("nan"))
    numbers = np.arange(first, stop, dtype=np.int64)
    times = numbers / rate if known else timestamps(source, numbers)
    nan = float("nan")
    return Medium(
        source=source,
        info=info,
        fps=float(rate),
        first=first,
        times_s=np.asarray(times, np.float64),
        camera=camera or (nan, nan, nan, nan),
        depth_ref_mm=nan if depth_ref_mm is None else depth_ref_mm,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A few windows, ready for the network.

    Attributes:
        windows: ``[B]`` number of each window.
        frames: ``[B, T]`` frames that the network sees, counted from the first one looked at.
        batch: the network's input.
    """

    windows: Ints
    frames: Ints
    batch: Batch


def read_windows(
    medium: Medium,
    windows: Ints,
    spec: InputSpec,
    *,
    batch_size: int = 8,
    clips: int = 1,
    boxes: Numbers | None = None,
) -> Iterator[Group]:
    """Read windows in order, a group at a time, so that a long medium needs no more memory.

    Frames are decoded for many groups at once, those of overlapping windows a single time. They
    then take the same way as training samples (`make_batch`).

    Args:
        medium: what is looked at.
        windows: ``[W, 2]`` of `plan_windows`, counted from the first frame that is looked at.
        spec: what the network wants.
        batch_size: most windows of a group.
        clips: how many clips, each with other frames, are taken of every window.
        boxes: ``[W, 4]`` box of the person in each window; NaN, None: the whole picture.
    """
    if channels_of(spec.modality) is None:
        yield from _read_numbers(medium, windows, spec, batch_size, clips)
        return
    jobs = [(window, clip) for window in range(len(windows)) for clip in range(clips)]
    numbers = np.array([window for window, _ in jobs])
    frames = np.stack([_sample(windows[w], spec, clip, clips) for w, clip in jobs])
    most = max(1, CHUNK_BYTES // _frame_bytes(medium, spec.modality))
    with tempfile.TemporaryDirectory(prefix="onebody-", ignore_cleanup_errors=True) as folder:
        for first, stop in _chunks(frames, most):
            needed = np.unique(frames[first:stop])
            content = _content(medium.source, needed + medium.first, spec.modality)
            size = max(1, min(batch_size, most // spec.frames))
            for start in range(first, stop, size):
                part = slice(start, min(start + size, stop))
                taken = content[np.searchsorted(needed, frames[part])]  # [B, T, ...]
                path = Path(folder) / f"{start}.npy"
                own = None if boxes is None else boxes[numbers[part]]
                batch = _prepare(medium, frames[part], taken, spec, path, own)
                yield Group(windows=numbers[part], frames=frames[part], batch=batch)


def _read_numbers(
    medium: Medium, windows: Ints, spec: InputSpec, batch_size: int, clips: int
) -> Iterator[Group]:
    """Read windows of skeletons or sensor readings; skeletons are in the network's own layout."""
    values = np.asarray(read_array(medium.source))[medium.first :][: len(medium.times_s)]
    check_series(values, medium.source)
    if spec.reads_skeletons and not (np.isfinite(values).all(axis=-1) & values.any(axis=-1)).any():
        raise ValueError(
            f"{medium.source}: expected joints, found none in {len(values)} frames. Take a span in "
            "which somebody is seen."
        )
    with tempfile.TemporaryDirectory(prefix="onebody-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "medium.npy"
        np.save(path, values)
        table = _table(medium, spec, [f"{path}#{start}:{stop}" for start, stop in windows])
        numbers = np.arange(len(windows), dtype=np.int64)
        for start in range(0, len(windows), batch_size):
            part = numbers[start : start + batch_size]
            for clip in range(clips):
                batch = make_batch(table, part, spec, (), augment=None, clip=clip, clips=clips)
                passed = batch.context.times_s.numpy()  # since the window began
                begin = windows[part, :1]
                times = torch.from_numpy(medium.times_s[begin] + passed)
                yield Group(
                    windows=part,
                    frames=begin + np.rint(passed * medium.fps).astype(np.int64),
                    batch=replace(batch, context=replace(batch.context, times_s=times)),
                )


def read_pictures(source: str, num_frames: int, *, first: int = 0) -> Iterator[Frames]:
    """Yield consecutive pictures ``[H, W, 3]`` of a medium, with bounded memory."""
    info = probe(source)
    step = max(1, CHUNK_BYTES // max(1, info.height * info.width * 3))
    stop = first + num_frames
    for start in range(first, stop, step):
        yield from read_frames(source, np.arange(start, min(start + step, stop)))


def _chunks(frames: Ints, most: int) -> Iterator[tuple[int, int]]:
    """Divide jobs with frames ``[N, T]`` into runs that need at most so many distinct frames."""
    first, needed = 0, set[int]()
    for job, row in enumerate(frames.tolist()):
        if job > first and len(needed | set(row)) > most:
            yield first, job
            first, needed = job, set()
        needed |= set(row)
    yield first, len(frames)


def _frame_bytes(medium: Medium, modality: str) -> int:
    """Return what a decoded frame takes in memory."""
    shown = cast(int, stored_channels(modality))
    return max(1, medium.info.height * medium.info.width * shown)


def _sample(window: Ints, spec: InputSpec, clip: int, clips: int) -> Ints:
    """Return ``[T]`` frames of a window, as evaluation samples them."""
    start, stop = (int(end) for end in window)
    return start + clip_indices(stop - start, spec, rng=None, clip=clip, clips=clips)


def _prepare(
    medium: Medium,
    frames: Ints,
    content: Array,
    spec: InputSpec,
    path: Path,
    boxes: Numbers | None,
) -> Batch:
    """Make the batch of frames ``[B, T]`` with their content, by way of an array file of it."""
    count, length = frames.shape
    np.save(path, content.reshape(count * length, *content.shape[2:]))
    sources = [f"{path}#{i * length}:{(i + 1) * length}" for i in range(count)]
    table = _table(medium, spec, sources)
    if boxes is not None:
        table = replace(table, box=boxes)
    # The frames are chosen already: take them all, one after another.
    taken = spec.model_copy(update={"sampling": "dense", "stride": 1, "look": "box"})
    batch = make_batch(table, np.arange(count), taken, (), augment=None)
    path.unlink(missing_ok=True)
    times = torch.from_numpy(medium.times_s[frames])
    return replace(batch, context=replace(batch.context, times_s=times))


def _table(medium: Medium, spec: InputSpec, sources: list[str]) -> SampleTable:
    """Make a table of which each row is a part of a medium."""
    count = len(sources)
    return make_table(
        medium.source,
        {spec.modality: sources},
        layouts={spec.modality: spec.skeleton} if spec.reads_skeletons else {},
        fps=np.full(count, medium.fps),
        camera_matrix=np.tile(np.array(medium.camera), (count, 1)),
        depth_ref_mm=np.full(count, medium.depth_ref_mm),
        row_names=[medium.source] * count,
    )


def _content(source: str, frames: Ints, modality: str) -> Array:
    """Read pictures of a medium."""
    return read_frames(source, frames, channels=cast(int, stored_channels(modality)))
