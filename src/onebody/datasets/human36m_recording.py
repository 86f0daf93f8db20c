"""Names and poses of Human3.6M's recordings, in whatever form they come.

A subject does each action twice (two *takes*); the official names number the takes as they were
kept: ``Directions`` and ``Directions 1`` of one subject, ``Sitting 1`` and ``Sitting 2`` of
another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from onebody.datasets.human36m_camera import Camera
from onebody.types import Doubles, Floats, Ints

ACTIONS = (
    "Directions", "Discussion", "Eating", "Greeting", "Phoning", "Photo", "Posing", "Purchases",
    "Sitting", "SittingDown", "Smoking", "Waiting", "WalkDog", "WalkTogether", "Walking",
)  # fmt: skip
"""The 15 actions of usual tables."""

RENAMED = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog"}
"""Names of some subjects' files for actions that others call otherwise."""

TRAIN, TEST = ("S1", "S5", "S6", "S7", "S8"), ("S9", "S11")
"""Subjects of the usual protocol; poses of the other four were never published."""

CAMERAS = ("54138969", "55011271", "58860488", "60457274")
"""Official names of cameras 1 to 4."""

FPS = 50.0
JOINTS = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
"""Joint j of the layout ``h36m-17`` is joint ``JOINTS[j]`` of the 32 that were recorded."""

SKELETON = "h36m-17"

_NEAREST_MM, _FARTHEST_MM = 1000.0, 15000.0
_ACTION = re.compile(r"([A-Za-z]+)(?:[ _](\d{1,2}))?", re.ASCII)
_NAME = re.compile(r"(S\d{1,2})[ _](.+)\.(\d{8})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Take:
    """One recording as one camera saw it.

    Attributes:
        subject: ``S1``.
        action: one of `ACTIONS`.
        take: number of the take as it is written; empty: none.
        camera: official name.
    """

    subject: str
    action: str
    take: str
    camera: str

    @property
    def group(self) -> str:
        """Name of the recording, the same for all four cameras."""
        return f"{self.subject} {self.action} {self.take}".strip()

    def __str__(self) -> str:
        return f"{self.group}.{self.camera}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Poses of one recording in one camera's frame.

    Attributes:
        take: which recording and camera.
        frames: ``[T]`` frame numbers of the 50 Hz video, from 0, ascending.
        joints_mm: ``[T, 17, 4]`` camera frame, mm, and visibility.
        joints_px: ``[T, 17, 3]`` pixels and visibility.
        camera: it was seen by.
    """

    take: Take
    frames: Ints
    joints_mm: Floats
    joints_px: Floats
    camera: Camera


def parse_action(text: str) -> tuple[str, str] | None:
    """Read ``WalkingDog 1`` as ("WalkDog", "1"); None: it names no action."""
    found = _ACTION.fullmatch(text)
    if found is None:
        return None
    action = RENAMED.get(found[1], found[1])
    return (action, found[2] or "") if action in ACTIONS else None


def parse_take(text: str) -> Take | None:
    """Read ``S1_Directions_1.54138969``; None: it names no recording."""
    found = _NAME.fullmatch(text)
    parsed = parse_action(found[2]) if found else None
    return Take(found[1], *parsed, found[3]) if found and parsed else None


def checked_depth(joints_mm: Doubles, where: str) -> None:
    """Refuse poses that cannot be millimetres before a camera.

    Args:
        joints_mm: ``[T, 17, 3]`` in the camera's frame; NaN where not annotated.
        where: they come from, for messages.

    Raises:
        ValueError: if the root is missing in a frame, a joint lies behind the camera, or the root's
            median distance is not between 1 and 15 m.
    """
    lost = int(np.isnan(joints_mm[:, 0]).any(-1).sum())
    if lost:
        raise ValueError(
            f"{where}: expected the root in every frame, found none in {lost} of {len(joints_mm)}. "
            "Fetch the file again."
        )
    lowest = float(np.nanmin(joints_mm[..., 2]))
    middle = float(np.median(joints_mm[:, 0, 2]))
    if lowest <= 0 or not _NEAREST_MM <= middle <= _FARTHEST_MM:
        raise ValueError(
            f"{where}: expected joints before the camera, the root {_NEAREST_MM / 1000:g} to "
            f"{_FARTHEST_MM / 1000:g} m away, found a median of {middle:.4g} mm and a nearest "
            f"joint at {lowest:.4g} mm. Are the cameras those of this set, and the units right?"
        )
