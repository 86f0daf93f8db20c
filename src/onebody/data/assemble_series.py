"""From rows of skeletons or sensor readings to a network's input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from onebody.data.augment import Draws
from onebody.data.augment_joints import JointDraws, drawn_tempo, vary
from onebody.data.augment_sensors import CHANNELS, SensorDraws, vary_sensors
from onebody.data.joints import normalize, to_layout
from onebody.data.series import Series, Tempo, interpolate, positions, steady
from onebody.data.spec import InputSpec
from onebody.data.table import Numbers, SampleTable
from onebody.skeletons import get_skeleton
from onebody.types import Bools, Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesInput:
    """What a network is given of B rows.

    Attributes:
        values: ``[B, T, J, C]``, zero where not valid.
        valid: ``[B, T, J]``; of worn sensors ``[B, T, S, C]``, each channel by itself.
        times_s: ``[B, T]`` within the medium; NaN where nobody knows the clock.
    """

    values: Floats
    valid: Bools
    times_s: Numbers


def series_input(
    table: SampleTable,
    rows: Ints,
    series: Sequence[Series | None],
    spec: InputSpec,
    *,
    drawn: tuple[Draws, JointDraws] | None,
    flip: Bools,
    clip: int = 0,
    clips: int = 1,
    as_test: bool = False,
    worn: SensorDraws | None = None,
) -> SeriesInput:
    """Interpolate, vary and normalize what was read of some rows.

    Args:
        table: the table.
        rows: ``[B]`` row numbers.
        series: of each row; None: it has no such medium.
        spec: what the network reads.
        drawn: what training varies; None: the test's deterministic sampling.
        flip: ``[B]`` which skeletons are mirrored.
        clip: which of ``clips`` test clips.
        clips: how many test clips are taken of each row.
        as_test: take the test's frames, at the drawn speed, whatever else is drawn.
        worn: what training varies of sensors, besides.

    Raises:
        ValueError: if rows hold arrays of different shapes, or joints that the network does not
            read; names them.
    """
    shape = _shape(table, rows, series, spec)
    blank = Series(values=np.full((1, *shape), np.nan, np.float32), first=0)
    full = [one or blank for one in series]
    tempo: Tempo = steady(len(rows), spec, clip, clips)
    if drawn is not None:
        tempo = replace(tempo, speed=drawn[0].speed) if as_test else drawn_tempo(*drawn)
    places = positions(np.array([len(one.values) for one in full]), spec, tempo)
    values = interpolate(full, places)
    if spec.reads_skeletons:
        try:
            values, valid = to_layout(values, table.layout(spec.modality), spec)
        except ValueError as error:
            raise ValueError(f"{table.name}: {error}") from None
        if drawn is not None:
            values, valid = vary(values, valid, drawn[1], flip, get_skeleton(spec.skeleton))
        values = normalize(values, valid, spec)
    elif spec.reads_sensors:
        valid = np.isfinite(values)  # an accelerometer alone is a sensor, too
        values = np.where(valid, values, np.float32(0))
        if worn is not None:
            values, valid = vary_sensors(values, valid, worn)
    else:
        valid = np.asarray(np.isfinite(values).all(axis=-1))
        values = np.where(valid[..., None], values, np.float32(0))
    first = np.array([one.first for one in full])[:, None]
    there = np.array([one is not None for one in series])[:, None]
    times = np.where(there, (first + places) / table.rate(spec.modality)[rows][:, None], np.nan)
    return SeriesInput(values=values, valid=valid, times_s=times)


def _shape(
    table: SampleTable, rows: Ints, series: Sequence[Series | None], spec: InputSpec
) -> tuple[int, ...]:
    """Return J and C of every row's array."""
    shapes = {one.values.shape[1:] for one in series if one is not None}
    if len(shapes) == 1:
        return shapes.pop()
    if not shapes and spec.reads_sensors:  # nobody has it: other media of these rows are read
        return spec.sensors, CHANNELS
    if not shapes and spec.reads_skeletons:
        return len(get_skeleton(table.layout(spec.modality))), spec.dims
    names = ", ".join(str(name) for name in table.row_names[rows])
    raise ValueError(
        f"{spec.modality!r} of rows {names}: expected arrays [T, J, C] that differ in T alone, "
        f"found J, C of {sorted(map(str, shapes)) or 'none'}."
    )
