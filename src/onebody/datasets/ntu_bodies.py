"""Who of the bodies in an NTU RGB+D recording is meant, and their joints in the house's form.

A recording may hold chairs taken for bodies, bodies that come and go, and people who get another
number when the sensor loses them. Three ways to choose:

- ``spread``: bodies are told apart by their place in the text (the first of each frame, the second,
  to the fourth); those who spread most in space go first, as in MMAction2;
- ``first``: the first body of every frame, then the second, as SPNet's authors do;
- ``tracked``: bodies are told apart by their number; those who spread most go first. Who gets
  another number becomes another body.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from onebody.data.table import Numbers
from onebody.datasets.boxes import enclosing_box
from onebody.datasets.ntu_skeleton import NUM_JOINTS, Bodies
from onebody.types import Array, Bools, Floats

Body = Literal["spread", "first", "tracked"]

PICTURE = (1080, 1920)
"""Height and width of the color videos."""

MOST_PEOPLE = 2
_MOST_PLACES = 4  # as in MMAction2
_FAR_M, _FAR_PX = 1e3, 1e5
"""Numbers beyond are none of a place that the sensor saw, as those that are not finite."""
_ERROR_PX = 25.0
"""Root mean square error up to which a pinhole camera is believed. The color camera stands 5 cm
beside the depth camera, in whose frame joints are, so that it fits a body, not the whole room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One body over a recording.

    Attributes:
        space: ``[T, 25, 4]`` joints in mm (camera frame, y down) and visibility (1 tracked, 0
            inferred, NaN: not tracked in this frame).
        pixels: ``[T, 25, 3]`` places in the color picture (centers at i + 0.5) and visibility.
        camera: fx, fy, cx, cy that lead from one to the other; NaN: they do not fit.
        box: ``[4]`` x0, y0, x1, y1 of all its joints in the color picture; NaN: none is in it.
        depth_ref_mm: median distance of the base of the spine.
        renamed: does the body's number change within the recording?
        broken: joints of the body with numbers that are not finite.
    """

    space: Floats
    pixels: Floats
    camera: tuple[float, float, float, float]
    box: Numbers
    depth_ref_mm: float
    renamed: bool
    broken: int

    def scaled(self, height: int, width: int) -> Person:
        """Return the person as a resized copy of the color video shows them."""
        across, down = width / PICTURE[1], height / PICTURE[0]
        fx, fy, cx, cy = self.camera
        return replace(
            self,
            pixels=self.pixels * np.array([across, down, 1.0], np.float32),
            camera=(fx * across, fy * down, cx * across, cy * down),
            box=self.box * np.array([across, down, across, down]),
        )


def choose(bodies: Bodies, how: Body) -> list[Person]:
    """Return up to two people of a recording, the main one first; bodies of zeros are none."""
    found = [
        members for members in _members(bodies, how) if _is_there(bodies.joints[members]).any()
    ]
    if how != "first":
        found.sort(key=lambda members: -_spread(bodies.joints[members]))
    return [_person(bodies, members) for members in found[:MOST_PEOPLE]]


def _members(bodies: Bodies, how: Body) -> Iterator[Array]:
    """Yield which entries make up each body."""
    if how == "tracked":
        for number in dict.fromkeys(bodies.identity):
            yield np.array([n for n, own in enumerate(bodies.identity) if own == number])
        return
    for place in range(MOST_PEOPLE if how == "first" else _MOST_PLACES):
        yield np.flatnonzero(bodies.place == place)


def _is_there(joints: Floats) -> Bools:
    """Return ``[N, 25]``: which joints ``[N, 25, 12]`` are known (finite, tracked, not zero)?"""
    places, state = joints[..., :3], joints[..., -1]
    return np.asarray(_is_near(places, _FAR_M) & (places != 0).any(-1) & (state > 0))


def _is_near(places: Floats, far: float) -> Bools:
    """Return which places ``[..., D]`` are of finite, sensible numbers."""
    return np.asarray((np.abs(places) < far).all(-1))  # not of NaN


def _spread(joints: Floats) -> float:
    """Return the sum of the standard deviations of x, y and z over all known joints, metres."""
    known = joints[_is_there(joints)][:, :3].astype(np.float64)
    return float(known.std(axis=0).sum())


def _person(bodies: Bodies, members: Array) -> Person:
    """Lay a body out over the recording's frames."""
    joints = bodies.joints[members]
    there = _is_there(joints)
    tracked = np.where(joints[..., -1] > 1, 1.0, 0.0)
    places = np.where(there[..., None], joints[..., :3], np.float32(np.nan))
    space = places * np.array([1000.0, -1000.0, 1000.0], np.float32)
    # The sensor's software calls the middle of the first pixel 0.
    color = joints[..., 5:7] + np.float32(0.5)
    mapped = there & _is_near(color, _FAR_PX)
    inside = ((color >= 0) & (color <= PICTURE[::-1])).all(-1)
    frame = bodies.frame[members]
    names = [bodies.identity[n] for n in members.tolist()]
    root = space[:, 0, 2][there[:, 0]]
    return Person(
        space=_laid(bodies.frames, frame, space, tracked, there),
        pixels=_laid(bodies.frames, frame, color, tracked * inside, mapped),
        camera=_fit_camera(space[mapped], color[mapped]),
        box=enclosing_box(color[mapped], PICTURE),
        depth_ref_mm=float(np.median(root if len(root) else space[there][:, 2])),
        renamed=len(set(names)) > 1,
        broken=int((~(_is_near(joints[..., :3], _FAR_M) & _is_near(color, _FAR_PX))).sum()),
    )


def _laid(frames: int, frame: Array, places: Floats, seen: Array, known: Bools) -> Floats:
    """Return ``[T, 25, D + 1]`` places and visibility, NaN where nothing is known."""
    laid = np.full((frames, NUM_JOINTS, places.shape[-1] + 1), np.nan, np.float32)
    values = np.concatenate([places, seen[..., None]], axis=-1)
    laid[frame] = np.where(known[..., None], values, np.nan)
    return laid


def _fit_camera(space: Floats, pixels: Floats) -> tuple[float, float, float, float]:
    """Fit one focal length and a center to places ``[N, 3]`` and their pixels ``[N, 2]``."""
    ahead = space[:, 2] > 0
    rays = (space[ahead, :2] / space[ahead, 2:]).astype(np.float64)
    wanted = pixels[ahead].astype(np.float64)
    unknown = (float("nan"),) * 4
    if len(rays) < NUM_JOINTS:
        return unknown
    middle, center = rays.mean(0), wanted.mean(0)
    spread = ((rays - middle) ** 2).sum()
    focal = ((rays - middle) * (wanted - center)).sum() / spread if spread > 0 else 0.0
    error = (rays - middle) * focal - (wanted - center)
    if focal <= 0 or np.sqrt((error**2).sum(1).mean()) > _ERROR_PX:
        return unknown
    x, y = center - focal * middle
    return float(focal), float(focal), float(x), float(y)
