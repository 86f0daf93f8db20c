"""What training varies of worn sensors: one draw per clip, and carrying it out.

Source: Um et al., "Data Augmentation of Wearable Sensor Data for Parkinson's Disease Monitoring
using Convolutional Neural Networks", ICMI 2017: rotation (a sensor is put on otherwise), scaling,
jitter and time warping, of which rotation helps most. Uneven tempo is that of skeletons
(`onebody.data.augment_joints`); readings are not made faster with it. A mirror is no option: what
it makes of a reading depends on how the sensor is worn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onebody.data.augment import AugmentConfig
from onebody.data.table import Numbers
from onebody.types import Bools, Floats

AXES = 3
"""Channels of an accelerometer, and of a gyroscope."""

CHANNELS = 2 * AXES

_MOST_SENSORS = 64
_NUM_DRAWS = 8 + 14 * _MOST_SENSORS
"""Uniform numbers per row; each option and sensor has its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorDraws:
    """What was drawn for B clips of up to 64 sensors (see `AugmentConfig` for the meaning).

    Attributes:
        angle: ``[B, 64]`` radians of each sensor's turn.
        axis: ``[B, 64, 3]`` unit vectors that they are turned about.
        gain: ``[B, 64, 2]`` factor on acceleration and on turn rate.
        noise: ``[B]`` standard deviation.
        dropped: ``[B, 64, 6]`` bool: is the channel missing during the span?
        lost: ``[B, 64]`` a number from 0 to 1; sensors below ``drop_sensors`` are missing then.
        drop_sensors: that probability.
        span: ``[B, 2]`` beginning and end of that span, as parts of the clip.
        generators: a generator per row for the noise, which comes last.
    """

    angle: Numbers
    axis: Numbers
    gain: Numbers
    noise: Numbers
    dropped: Bools
    lost: Numbers
    drop_sensors: float
    span: Numbers
    generators: Sequence[np.random.Generator]


def draw_sensors(config: AugmentConfig, generators: Sequence[np.random.Generator]) -> SensorDraws:
    """Draw for B clips, after `draw_joints`, taking a fixed amount of numbers from each generator.

    Args:
        config: the ranges.
        generators: one per row.
    """
    u = np.stack([generator.random(_NUM_DRAWS) for generator in generators])
    scalars, own = u[:, :8], u[:, 8:].reshape(len(u), _MOST_SENSORS, 14)
    height, around = 2 * own[..., 1] - 1, 2 * np.pi * own[..., 2]
    flat = np.sqrt(1 - height**2)  # evenly over the sphere: z is even, and so is the longitude
    length = _within(config.drop_span, scalars[:, 1])
    first = scalars[:, 2] * (1 - length)
    return SensorDraws(
        angle=np.radians(_within(config.mount_deg, own[..., 0])),
        axis=np.stack([flat * np.cos(around), flat * np.sin(around), height], axis=-1),
        gain=_within(config.gain, own[..., 3:5]),
        noise=_within(config.reading_noise, scalars[:, 0]),
        dropped=own[..., 5:11] < config.drop_channels,
        lost=own[..., 11],
        drop_sensors=config.drop_sensors,
        span=np.stack([first, first + length], axis=1),
        generators=generators,
    )


def vary_sensors(values: Floats, known: Bools, draws: SensorDraws) -> tuple[Floats, Bools]:
    """Carry draws out on readings.

    Args:
        values: ``[B, T, S, 6]`` acceleration in m/s^2 and turn rate in rad/s, zero where missing.
        known: ``[B, T, S, 6]``.
        draws: for these rows.

    Returns:
        Varied readings, zero where missing, and which there are.
    """
    sensors = values.shape[2]
    if draws.angle.any():
        values = turn_sensors(values, known, draws.angle[:, :sensors], draws.axis[:, :sensors])
    if (draws.gain != 1).any():
        factors = np.repeat(draws.gain[:, :sensors], AXES, axis=-1).astype(np.float32)
        values = values * factors[:, None]
    if draws.noise.any():
        noise = np.stack(
            [g.standard_normal(values.shape[1:], np.float32) for g in draws.generators]
        )
        values = values + draws.noise.astype(np.float32)[:, None, None, None] * noise
    known = known & ~_gaps(draws, known)
    return np.where(known, values, np.float32(0)), known


def turn_sensors(values: Floats, known: Bools, angle: Numbers, axis: Numbers) -> Floats:
    """Turn sensors on the body: acceleration and turn rate by one rotation.

    Args:
        values: ``[B, T, S, 6]``.
        known: ``[B, T, S, 6]``; a vector of which a part is missing stays as it is.
        angle: ``[B, S]`` radians.
        axis: ``[B, S, 3]`` unit vectors.

    Source: Rodrigues' formula.
    """
    x, y, z = (axis[..., i] for i in range(AXES))
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*x.shape, AXES, AXES)
    sine, rest = np.sin(angle)[..., None, None], (1 - np.cos(angle))[..., None, None]
    turns = (np.eye(AXES) + sine * cross + rest * cross @ cross).astype(np.float32)
    vectors = values.reshape(*values.shape[:3], 2, AXES)
    whole = known.reshape(vectors.shape).all(axis=-1, keepdims=True)
    turned = np.einsum("bsij,btskj->btski", turns, vectors)
    return np.where(whole, turned, vectors).reshape(values.shape)


def _gaps(draws: SensorDraws, known: Bools) -> Bools:
    """Return ``[B, T, S, 6]``: which readings are left out."""
    frames, sensors = known.shape[1:3]
    there = known.any(axis=(1, 3))  # [B, S]
    lost = draws.lost[:, :sensors]
    last = np.where(there, lost, -1.0)  # of the sensors that there are, the least likely one stays
    kept = (last == last.max(axis=1, keepdims=True)) & there
    gone = (lost < draws.drop_sensors) & ~kept
    missing = draws.dropped[:, :sensors] | gone[..., None]
    time = (np.arange(frames) + 0.5) / frames
    within = (time >= draws.span[:, :1]) & (time < draws.span[:, 1:])
    return np.asarray(within[:, :, None, None] & missing[:, None])


def _within(limits: tuple[float, float], numbers: Numbers) -> Numbers:
    """Spread numbers from 0 to 1 over a range."""
    return limits[0] + (limits[1] - limits[0]) * numbers
