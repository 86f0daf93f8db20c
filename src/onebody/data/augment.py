"""What training varies from draw to draw: the options, and one draw per clip.

`onebody.data.geometry` and `onebody.data.pixels` carry a draw out, on pictures and joints alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Annotated, ClassVar, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, Field

from onebody.config import Config
from onebody.types import Bools, Ints

Numbers = npt.NDArray[np.float64]

DEPTH_GREY_PER_MM = 119.0 / 900.0
"""Grey steps per mm: grey = 136 + (depth_ref_mm - Z) * 119 / 900."""


def _ascending(value: tuple[float, float]) -> tuple[float, float]:
    """Refuse a range whose ends are exchanged."""
    if value[0] > value[1]:
        raise ValueError(f"a range goes from its lower to its higher end, found {list(value)}")
    return value


def _positive(value: tuple[float, float]) -> tuple[float, float]:
    """Refuse a range of factors that reaches 0."""
    if value[0] <= 0:
        raise ValueError(f"a range of factors lies above 0, found {list(value)}")
    return value


def _fraction(value: tuple[float, float]) -> tuple[float, float]:
    """Refuse a range of parts of a whole that exceeds it."""
    if value[1] > 1:
        raise ValueError(f"a range of parts of a whole lies within (0, 1], found {list(value)}")
    return value


def _not_negative(value: tuple[float, float]) -> tuple[float, float]:
    """Refuse a range below 0."""
    if value[0] < 0:
        raise ValueError(f"the range lies at or above 0, found {list(value)}")
    return value


Range = Annotated[tuple[float, float], AfterValidator(_ascending)]
Factor = Annotated[Range, AfterValidator(_positive)]
Part = Annotated[Factor, AfterValidator(_fraction)]
Amount = Annotated[Range, AfterValidator(_not_negative)]
Unit = Annotated[float, Field(ge=0, le=1)]


Medium: TypeAlias = Literal["pictures", "skeletons", "sensors", "numbers"]
"""What an option must make sense for."""


_SENSORS = ("mount_deg", "gain", "reading_noise", "drop_channels", "drop_sensors")
"""Options for worn sensors alone."""


class AugmentConfig(Config):
    """Ranges of the training draws; a value is drawn evenly within its range, once per clip.

    Every medium has ``speed`` and ``duration``; pictures and skeletons share ``flip`` and
    ``rotate_deg``, skeletons and sensors ``warp`` and ``drop_span``. The other options from
    ``turn_deg`` on are for skeletons alone, those from ``mount_deg`` on for worn sensors, all
    others for pictures. An option that a medium has no use for is refused. Everything is off by
    default. An empty config still samples frames at random in time; None in its place means the
    deterministic sampling of the test.

    Attributes:
        flip: probability of a mirrored picture; class labels and sides of joints follow.
        crop: side of a random square crop as a part of the whole window, which it stays within.
        scale: factor on the side of the window about its center (below 1 enlarges the body).
        translate: shift of the window in each axis as a fraction of its side, to both sides.
        rotate_deg: in-plane rotation in degrees.
        brightness: factor on the picture.
        contrast: factor on the difference to the clip's mean.
        saturation: factor on the difference to the pixel's grey; without effect on one channel.
        gamma: exponent, drawn for each channel.
        erase: probability that one square is blackened in all frames; joints below count as hidden.
        erase_side: side of that square as a part of the picture.
        noise: standard deviation of Gaussian noise, of a picture in [0, 1].
        speed: factor on the speed of the movement.
        duration: part of the time span that is looked at, at a random place (temporal crop).
        depth_shift_mm: depth pictures: the body looks farther away by so much; ``depth_ref_mm``
            falls with it, so that grey still means the true distance. Background stays.
        turn_deg: rotation about the vertical in degrees, of 3D skeletons.
        tilt_deg: rotation about the horizontal axis across the picture, of 3D skeletons.
        bones: factor on the length of each bone, drawn for each; directions stay, and what hangs
            on a bone moves along.
        bones_alike: give a bone of the left and its counterpart the same factor.
        drop_joints: probability of each joint to be missing.
        drop_span: part of the clip, at a random place, during which those joints, sensors or
            channels are missing.
        warp: unevenness of tempo: each eighth of a clip runs up to so much faster or slower.
        jitter: standard deviation of Gaussian noise on every coordinate, in mean bone lengths.
        mount_deg: angle by which a worn sensor sits otherwise on the body, about an axis drawn
            evenly from all, for each sensor; acceleration (with gravity) and turn rate alike.
        gain: factor on a sensor's readings, drawn for its accelerometer and its gyroscope.
        reading_noise: standard deviation of Gaussian noise on every reading: m/s^2 of
            accelerations, rad/s of turn rates.
        drop_channels: probability of each channel of a sensor to be missing.
        drop_sensors: probability of each sensor to be missing; one that would be the last stays.
    """

    LATER: ClassVar[frozenset[str]] = frozenset(_SENSORS)

    flip: Unit = 0.0
    crop: Part = (1.0, 1.0)
    scale: Factor = (1.0, 1.0)
    translate: Unit = 0.0
    rotate_deg: Range = (0.0, 0.0)
    brightness: Amount = (1.0, 1.0)
    contrast: Amount = (1.0, 1.0)
    saturation: Amount = (1.0, 1.0)
    gamma: Factor = (1.0, 1.0)
    erase: Unit = 0.0
    erase_side: Part = (0.1, 0.4)
    noise: Amount = (0.0, 0.0)
    speed: Factor = (1.0, 1.0)
    duration: Part = (1.0, 1.0)
    depth_shift_mm: Range = (0.0, 0.0)
    turn_deg: Range = (0.0, 0.0)
    tilt_deg: Range = (0.0, 0.0)
    bones: Factor = (1.0, 1.0)
    bones_alike: bool = True
    drop_joints: Unit = 0.0
    drop_span: Part = (1.0, 1.0)
    warp: Annotated[float, Field(ge=0, lt=1)] = 0.0
    jitter: Amount = (0.0, 0.0)
    mount_deg: Amount = (0.0, 0.0)
    gain: Factor = (1.0, 1.0)
    reading_noise: Amount = (0.0, 0.0)
    drop_channels: Unit = 0.0
    drop_sensors: Unit = 0.0

    def without_use(self, medium: Medium) -> list[str]:
        """Return the names of the options in use that make no sense for a kind of media."""
        useful = {
            "pictures": set(AugmentConfig.model_fields) - {*_SKELETONS, *_SENSORS},
            "skeletons": {"flip", "rotate_deg", *_ALWAYS, *_SKELETONS},
            "sensors": {"warp", *_ALWAYS, *_SENSORS},
            "numbers": {"warp", *_ALWAYS},
        }[medium]
        off = AugmentConfig()
        names = [name for name in AugmentConfig.model_fields if name not in useful]
        return [name for name in names if getattr(self, name) != getattr(off, name)]


_ALWAYS = ("speed", "duration", "erase_side", "drop_span", "bones_alike")
"""Options for every medium, or without effect alone."""

_SKELETONS = ("turn_deg", "tilt_deg", "bones", "drop_joints", "warp", "jitter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """What was drawn for B clips (see `AugmentConfig` for the meaning).

    Attributes:
        flip: ``[B]`` bool: wished for; a row whose label has no mirror image is left as it is.
        side: ``[B]`` side of the window as a multiple of the whole window's.
        shift: ``[B, 2]`` x, y shift of its center, in sides of the whole window.
        angle: ``[B]`` radians.
        brightness, contrast, saturation: ``[B]``.
        gamma: ``[B, 3]``.
        erase: ``[B, 4]`` x0, y0, x1, y1 in crop fractions; an empty box where nothing is erased.
        noise, speed: ``[B]``.
        duration, begin: ``[B]`` part of the time span, and where it begins as a part of the rest.
        depth_shift_mm: ``[B]``.
    """

    flip: Bools
    side: Numbers
    shift: Numbers
    angle: Numbers
    brightness: Numbers
    contrast: Numbers
    saturation: Numbers
    gamma: Numbers
    erase: Numbers
    noise: Numbers
    speed: Numbers
    duration: Numbers
    begin: Numbers
    depth_shift_mm: Numbers


def select_draws(draws: Draws, entries: Sequence[int]) -> Draws:
    """Return the draws of some rows."""
    return replace(draws, **{f.name: getattr(draws, f.name)[list(entries)] for f in fields(draws)})


_NUM_DRAWS = 24
"""Uniform numbers per row. Each option has its own, so that one more option moves no other."""


def row_generators(
    seed: int, passes: Ints, rows: Ints, medium: int = 0
) -> list[np.random.Generator]:
    """Return a generator per row that depends on (seed, pass, row) alone.

    Args:
        seed: of all draws.
        passes: ``[B]``.
        rows: ``[B]``.
        medium: number of a further medium of the rows, whose draws are its own; 0: the first.
    """
    keys = zip(passes.tolist(), rows.tolist(), strict=True)
    more = [medium] if medium else []
    return [np.random.default_rng([seed, number, row, *more]) for number, row in keys]


def draw(config: AugmentConfig, generators: Sequence[np.random.Generator]) -> Draws:
    """Draw for B clips, taking a fixed amount of numbers from each row's generator."""
    u = np.stack([generator.random(_NUM_DRAWS) for generator in generators])

    def within(limits: tuple[float, float], numbers: Numbers) -> Numbers:
        return limits[0] + (limits[1] - limits[0]) * numbers

    crop, scale = within(config.crop, u[:, 1]), within(config.scale, u[:, 2])
    inside = (u[:, 3:5] - 0.5) * (1 - crop)[:, None]
    erase_side = within(config.erase_side, u[:, 12]) * (u[:, 13] < config.erase)
    corner = u[:, 14:16] * (1 - erase_side)[:, None]
    return Draws(
        flip=u[:, 0] < config.flip,
        side=crop * scale,
        shift=inside + (2 * u[:, 5:7] - 1) * config.translate,
        angle=np.radians(within(config.rotate_deg, u[:, 7])),
        brightness=within(config.brightness, u[:, 8]),
        contrast=within(config.contrast, u[:, 9]),
        saturation=within(config.saturation, u[:, 10]),
        gamma=within(config.gamma, u[:, 16:19]),
        erase=np.concatenate([corner, corner + erase_side[:, None]], axis=1),
        noise=within(config.noise, u[:, 11]),
        speed=within(config.speed, u[:, 19]),
        duration=within(config.duration, u[:, 20]),
        begin=u[:, 21],
        depth_shift_mm=within(config.depth_shift_mm, u[:, 22]),
    )
