"""Simulated people who wear sensors: readings of a clip, and tables of sensors or bodies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from onebody.data import ClassColumn, SampleTable
from onebody.labels import symmetric
from onebody.simulate.body import make_bodies
from onebody.simulate.motion import make_motion
from onebody.simulate.sensors import (
    MOTION_HZ,
    POSITIONS,
    readings,
    segment_places,
    worn,
)
from onebody.types import Floats

STATURES = ("below 1.74 m", "1.74 m or more")
_TALL_MM = 1735.0  # the middle of the simulated statures


@dataclass(frozen=True, slots=True, kw_only=True)
class Clips:
    """What is to be simulated: one entry per clip.

    Attributes:
        kinds: movement.
        identities, performances: seeds of bodies and of everything else.
    """

    kinds: Sequence[str]
    identities: Sequence[int]
    performances: Sequence[int]


def sensor_readings(
    clips: Clips, frames: int, fps: float, *, mounting_deg: float, noise: float
) -> Floats:
    """Return ``[B, T, 5, 6]``: readings at `POSITIONS`, at the clip's frames.

    Bodies are moved at 100 Hz or more, whatever the frame rate: the movement is the one that
    pictures of the clip show.
    """
    factor = max(1, math.ceil(MOTION_HZ / fps))
    motion = make_motion(
        clips.kinds,
        clips.identities,
        clips.performances,
        frames * factor,
        fps=fps * factor,
        facing_deg=10.0,
    )
    perfect = readings(segment_places(motion.joints_mm), fps * factor)[:, ::factor]
    found: Tensor = worn(
        perfect,
        clips.identities,
        clips.performances,
        POSITIONS,
        mounting_deg=mounting_deg,
        noise=noise,
    )
    return found.numpy()


def by_sensor(table: SampleTable, frames: int) -> SampleTable:
    """Make a row of every sensor of every clip.

    Args:
        table: a row per clip, whose ``imu`` holds sensor after sensor, ``frames`` each, ``[n, 1,
            6]``.
        frames: of a clip.

    Returns:
        Rows in the order of clips and `POSITIONS`, with the column ``position``. The sensors of a
        clip are one group.
    """
    count = len(POSITIONS)
    clips = np.repeat(np.arange(len(table)), count)
    rows = table.select(clips)
    sources = []
    for row, source in enumerate(rows.media["imu"].tolist()):
        file, _, span = source.rpartition("#")
        first = int(span.partition(":")[0]) + row % count * frames
        sources.append(f"{file}#{first}:{first + frames}")
    names = rows.row_names.tolist()
    space = symmetric("simulated position", POSITIONS)
    place = np.tile(np.arange(count, dtype=np.int64), len(table))
    return replace(
        rows,
        media={"imu": np.array(sources, np.str_)},
        columns={**rows.columns, "position": ClassColumn(values=place, space=space)},
        group=rows.row_names,
        row_names=np.array(
            [f"{name}/{POSITIONS[p]}" for name, p in zip(names, place, strict=True)], np.str_
        ),
    )


def wearer_columns(people: Sequence[str], identities: Sequence[int]) -> dict[str, ClassColumn]:
    """Make the columns of worn sensors.

    Args:
        people: ``[N]`` name of each row's person.
        identities: ``[N]`` their seeds.

    Returns:
        ``wearer``, and ``stature`` in two classes: simulated people have no gender, but are of all
        sizes.
    """
    names = sorted(set(people))
    distinct, place = np.unique(np.array(identities, np.int64), return_inverse=True)
    tall = (make_bodies(distinct.tolist()).height_mm >= _TALL_MM).numpy()[place]
    values: Mapping[str, tuple[Sequence[str], Sequence[int]]] = {
        "wearer": (names, [names.index(person) for person in people]),
        "stature": (STATURES, tall.astype(int).tolist()),
    }
    return {
        name: ClassColumn(
            values=np.array(found, np.int64), space=symmetric(f"simulated {name}", classes)
        )
        for name, (classes, found) in values.items()
    }
