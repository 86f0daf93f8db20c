"""Numbers that run in time (skeletons, sensor readings): reading and interpolation of a batch.

Such media are small, so what was read is kept in memory, and a batch is made at once. Between two
frames there is a movement, so a clip may have any number of frames: values are interpolated
linearly; where one of the two neighbors is missing, so is what lies between them.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onebody.data.media import Stamp, parse
from onebody.data.reading import RowError
from onebody.data.sources import frame_span, read_array
from onebody.data.spec import InputSpec
from onebody.data.table import Numbers, SampleTable
from onebody.types import Array, Floats, Ints

CACHE_BYTES = 512 << 20
"""Most memory that read series take in one process; the least recently used go first."""

_Key = tuple[str, float | None, float | None, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What a row's medium holds within the row's span.

    Attributes:
        values: ``[n, J, C]``; NaN where missing.
        first: number of the first of these frames within the medium.
    """

    values: Floats
    first: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tempo:
    """How B rows run in time.

    Attributes:
        speed: ``[B]`` factor on the speed of the movement.
        duration: ``[B]`` part of the span that is looked at.
        begin: ``[B]`` where that part begins, as a part of the rest.
        start: ``[B]`` where a clip that does not fill the part begins, as a part of the rest.
        within: ``[B]`` where in its step a sample is taken, 0 to 1.
        warp: ``[B, K]`` relative tempo of K equal parts of the clip.
    """

    speed: Numbers
    duration: Numbers
    begin: Numbers
    start: Numbers
    within: Numbers
    warp: Numbers


def steady(rows: int, spec: InputSpec, clip: int = 0, clips: int = 1) -> Tempo:
    """Return the deterministic tempo of one of several test clips (see `clip_indices`)."""
    uniform = spec.sampling == "uniform"
    place = 0.5 if uniform or clips == 1 else clip / (clips - 1)
    one = np.ones(rows)
    return Tempo(
        speed=one,
        duration=one,
        begin=0 * one,
        start=place * one,
        within=(clip + 0.5) / clips * one,
        warp=np.ones((rows, 1)),
    )


def read_series(table: SampleTable, row: int, modality: str) -> Series:
    """Read a row's numbers, or take them from memory while the file is unchanged.

    Raises:
        RowError: if they are missing, damaged or no ``[T, J, C]``; names row and file.
    """
    source = str(table.media[modality][row])
    values = (table.start_s, table.end_s, table.rate(modality))
    span = [float(column[row]) for column in values]
    start, end, fps = (None if math.isnan(value) else value for value in span)
    try:
        stamp = parse(source).stamp()
        kept = _CACHE.take((source, start, end, fps), stamp)
        if kept is None:
            kept = _read(source, *span)
            _CACHE.keep((source, start, end, fps), stamp, kept)
        return kept
    except (ValueError, OSError) as error:
        raise RowError(f"{table.row_names[row]}: {error}") from error


def check_series(values: Array, source: str) -> None:
    """Refuse an array that is no series of numbers.

    Raises:
        ValueError: if it is not ``[T, J, C]``, or some number is infinite (a gap is NaN).
    """
    if values.ndim != 3 or not np.issubdtype(values.dtype, np.number):
        raise ValueError(
            f"{source}: expected numbers [T, J, C], found {values.dtype} {list(values.shape)}."
        )
    if values.dtype.kind == "f" and np.isinf(values).any():
        frame = int(np.argwhere(np.isinf(values))[0, 0])
        raise ValueError(
            f"{source}: expected finite numbers, found an infinite one in frame {frame}. Use NaN "
            "for gaps."
        )


def positions(counts: Ints, spec: InputSpec, tempo: Tempo) -> Numbers:
    """Choose where in time the frames of B clips lie.

    Args:
        counts: ``[B]`` frames of each row's span.
        spec: frames of a clip, sampling and stride.
        tempo: of the rows.

    Returns:
        ``[B, T]`` ascending frame numbers, not whole, within ``0 .. count - 1``. A clip that
        reaches beyond the end repeats the last frame.
    """
    frames, uniform = spec.frames, spec.sampling == "uniform"
    part = np.maximum(tempo.duration * counts, 1.0)
    lead = tempo.begin * (counts - part)
    step = tempo.speed * (part / frames if uniform else float(spec.stride))
    # A step of a window is taken at its beginning, one of a whole span in its middle.
    slack = np.maximum(part - step * frames + (0.0 if uniform else step - 1.0), 0.0)
    start = tempo.start * slack if uniform else np.rint(tempo.start * np.floor(slack))
    within = tempo.within - 0.5 / step if uniform else 0 * step
    phase = (np.arange(frames) + 0.5) / frames
    warped = (_warp(tempo.warp, phase) - 0.5 / frames) * frames
    found = (lead + start)[:, None] + (warped + within[:, None]) * step[:, None]
    return np.clip(found, 0.0, (counts - 1)[:, None])


def interpolate(series: Sequence[Series], places: Numbers) -> Floats:
    """Return ``[B, T, J, C]`` values at ``[B, T]`` places; all series have the same J and C."""
    counts = np.array([len(one.values) for one in series])
    offsets = (np.cumsum(counts) - counts)[:, None]
    flat = np.concatenate([one.values for one in series])
    low = np.floor(places).astype(np.int64)
    part = (places - low).astype(np.float32)[..., None, None]
    high = low + (part[..., 0, 0] > 0)  # on a frame, the next one (there may be none) is not asked
    before = flat[low + offsets]
    return np.asarray(before + part * (flat[high + offsets] - before))


def _warp(tempo: Numbers, phase: Numbers) -> Numbers:
    """Return ``[B, T]``: phases of an even run ``[T]`` to those of runs of uneven tempo."""
    parts = tempo.shape[1]
    run = np.concatenate([np.zeros((len(tempo), 1)), np.cumsum(tempo, axis=1)], axis=1)
    run /= run[:, -1:]
    place = phase * parts
    index = np.minimum(place.astype(np.int64), parts - 1)
    return np.asarray(run[:, index] + (place - index) * (run[:, index + 1] - run[:, index]))


def _read(source: str, start_s: float, end_s: float, fps: float) -> Series:
    """Read the numbers of a span."""
    first, stop = frame_span(source, start_s, end_s, fps=fps)
    values = np.asarray(read_array(source))
    check_series(values, source)
    if stop <= first:
        raise ValueError(f"{source}: expected frames, found none.")
    return Series(values=values[first:stop].astype(np.float32), first=first)


class _Cache:
    """Series by what was asked for."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, tuple[Stamp, Series]] = OrderedDict()
        self._bytes = 0

    def take(self, key: _Key, stamp: Stamp) -> Series | None:
        """Return what is kept of a file that has not changed."""
        if key not in self._kept or self._kept[key][0] != stamp:
            return None
        self._kept.move_to_end(key)
        return self._kept[key][1]

    def keep(self, key: _Key, stamp: Stamp, series: Series) -> None:
        """Keep a series; the least recently used give way."""
        if key in self._kept:
            self._bytes -= self._kept.pop(key)[1].values.nbytes
        self._kept[key] = stamp, series
        self._bytes += series.values.nbytes
        while self._bytes > CACHE_BYTES and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1][1].values.nbytes


_CACHE = _Cache()
