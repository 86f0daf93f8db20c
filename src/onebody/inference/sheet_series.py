"""Samples of skeletons and of worn sensors for a contact sheet: bodies, and curves of readings."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from onebody.data import Batch, InputSpec, SampleTable
from onebody.data.assemble import make_batch
from onebody.data.augment import AugmentConfig
from onebody.inference.draw import FAINT, OUTLINE, PANEL, TASK_COLORS, font
from onebody.inference.sheet import Sample, row_captions, skeleton_samples
from onebody.types import Bools, Floats, Frames

PLOT_PX = 320
"""Side of a picture of curves; twice that of a sheet's tile."""

CURVES = (("m/s2", 20.0), ("rad/s", 6.0))
"""Unit of a sensor's accelerations and turn rates, and what half a panel's height stands for."""


def series_samples(
    table: SampleTable,
    rows: list[int],
    spec: InputSpec,
    medium: InputSpec | None = None,
    *,
    pictures: int = 4,
    seed: int = 0,
    augment: AugmentConfig | None = None,
) -> list[Sample]:
    """Prepare rows of skeletons or worn sensors as for a network, for a sheet.

    Args:
        table: the rows' table.
        rows: which.
        spec: how they are prepared.
        medium: which of its media is shown; None: the first.
        pictures: how many frames of a skeleton, or sensors of a body, are shown.
        seed: of the variation.
        augment: how they are varied; None: not at all.

    Raises:
        ValueError: if a row cannot be read, or the medium is none of these.
    """
    batch = make_batch(table, rows, spec, (), augment=augment, key=(seed, 0))
    medium = spec if medium is None else medium
    if medium.reads_skeletons:
        return skeleton_samples(table, batch, medium, pictures=pictures)
    if medium.reads_sensors:
        return sensor_samples(table, batch, medium, pictures=pictures)
    raise ValueError(
        f"{medium.modality!r} holds neither pictures, joints nor readings to be shown."
    )


def sensor_samples(
    table: SampleTable, batch: Batch, spec: InputSpec, *, pictures: int = 4
) -> list[Sample]:
    """Take the samples of a batch of sensor readings apart for a sheet.

    Args:
        table: what the batch was made of.
        batch: its readings are drawn as the network gets them, gaps left open.
        spec: how it was made.
        pictures: how many sensors of each body are shown.
    """
    readings = batch.inputs[spec.modality].numpy()  # [B, T, S, 6]
    known = np.ones(readings.shape, np.bool_)
    if spec.modality in batch.valid:
        known = batch.valid[spec.modality].numpy()
    return [
        Sample(
            name=str(table.row_names[row]),
            frames=np.stack(
                [
                    _curves(readings[i, :, sensor], known[i, :, sensor])
                    for sensor in range(min(pictures, readings.shape[2]))
                ]
            ),
            captions=row_captions(table, row),
        )
        for i, row in enumerate(batch.context.row.tolist())
    ]


def _curves(values: Floats, known: Bools) -> Frames:
    """Draw one sensor's readings ``[T, 6]``: x, y and z of each quantity in a panel."""
    picture = Image.new("RGB", (PLOT_PX, PLOT_PX), PANEL)
    pen = ImageDraw.Draw(picture)
    height = PLOT_PX / len(CURVES)
    across = np.linspace(4, PLOT_PX - 4, len(values))
    for panel, (unit, most) in enumerate(CURVES):
        middle = (panel + 0.5) * height
        pen.line([(0, middle), (PLOT_PX, middle)], OUTLINE, 2)
        own = np.s_[:, 3 * panel : 3 * panel + 3]
        there = known[own]
        reach = max(most, float(np.abs(values[own][there]).max(initial=0.0)))
        down = middle - (height / 2 - 4) / reach * values[own]
        for axis in range(3):
            for first in np.flatnonzero(there[:-1, axis] & there[1:, axis]).tolist():
                ends = [(across[t], down[t, axis]) for t in (first, first + 1)]
                pen.line(ends, TASK_COLORS[axis], 2)
        text = f"+-{reach:.0f} {unit}" if there.any() else f"no {unit}"
        pen.text((6, panel * height + 4), text, FAINT, font(22))
    return np.asarray(picture)
