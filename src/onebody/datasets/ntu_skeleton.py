"""Texts ``.skeleton`` of NTU RGB+D: who was tracked in which frame, and where the joints are.

A text holds the number of frames; then for every frame the number of bodies; for every body a line
of 10 values, whose first is a number that the body keeps while it is tracked (17 digits, one apart
for two people, so no float can hold it), the number of joints (25), and a line for every joint:
x y z (metres, camera frame, y up), two pixels of the depth picture, two of the color picture, four
of the orientation, and the tracking state: 2 tracked, 1 inferred, 0 not tracked.

Source: Shahroudy, Liu, Ng, Wang, "NTU RGB+D: A Large Scale Dataset for 3D Human Activity Analysis",
CVPR 2016.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from onebody.datasets.defects import Defect, ManifestError, shown
from onebody.types import Array, Floats

NUM_JOINTS = 25
MOST_BODIES = 6
"""How many bodies the sensor tracks at a time."""

_VALUES, _BODY_VALUES = 12, 10
_BODY_LINES = 2 + NUM_JOINTS
_STATE = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Bodies:
    """The bodies of a recording.

    Attributes:
        frames: number of frames T, with and without bodies.
        frame: ``[N]`` in which frame each body is.
        place: ``[N]`` which of the frame's bodies it is, in the order of the text.
        identity: the number of each body, N of them, exact.
        joints: ``[N, 25, 12]`` values in the order of the text.
    """

    frames: int
    frame: Array
    place: Array
    identity: tuple[int, ...]
    joints: Floats


def read_skeleton(file: Path) -> Bodies:
    """Read one text.

    Numbers that are not finite stay: the official texts have some.

    Raises:
        ManifestError: names the file and line that does not fit.
    """
    lines = file.read_bytes().rstrip().split(b"\n")
    frames = _whole(file, lines, 0, "the number of frames", 1)
    frame, place, starts = _walk(file, lines, frames)
    identity = tuple(_identity(file, lines, start) for start in starts)
    for n in range(1, len(starts)):
        if identity[n] in identity[n - place[n] : n]:
            expected = "every body of a frame once"
            _refuse(file, starts[n], expected, f"{identity[n]} again")
    return Bodies(
        frames=frames,
        frame=np.array(frame, np.int64),
        place=np.array(place, np.int64),
        identity=identity,
        joints=_joints(file, lines, starts),
    )


def _walk(file: Path, lines: list[bytes], frames: int) -> tuple[list[int], list[int], list[int]]:
    """Go from count to count; return frame, place and first line of every body."""
    frame, place, starts = list[int](), list[int](), list[int]()
    at = 1
    for t in range(frames):
        bodies = _whole(file, lines, at, f"the number of bodies of frame {t + 1} of {frames}", 0)
        if bodies > MOST_BODIES:
            _refuse(file, at, f"at most {MOST_BODIES} bodies", str(bodies))
        at += 1
        for n in range(bodies):
            if at + _BODY_LINES > len(lines):
                expected = f"{_BODY_LINES} lines of a body in frame {t + 1} of {frames}"
                _refuse(file, at, expected, f"{len(lines) - at}, then the end of the file")
            joints = _whole(file, lines, at + 1, "the number of joints", 0)
            if joints != NUM_JOINTS:
                _refuse(file, at + 1, f"{NUM_JOINTS} joints", str(joints))
            frame.append(t)
            place.append(n)
            starts.append(at)
            at += _BODY_LINES
    if at != len(lines):
        found = f"{len(lines) - at} more lines"
        _refuse(file, at, f"the end of the file after {frames} frames", found)
    return frame, place, starts


def _joints(file: Path, lines: list[bytes], starts: list[int]) -> Floats:
    """Return ``[N, 25, 12]`` values of the bodies that begin at some lines."""
    if not starts:
        return np.zeros((0, NUM_JOINTS, _VALUES), np.float32)
    parts = [lines[start + 2 : start + _BODY_LINES] for start in starts]
    values = _numbers(b" ".join([b" ".join(part) for part in parts]))
    if values is None or len(values) != len(starts) * NUM_JOINTS * _VALUES:
        _find_fault(file, lines, starts)
    joints = values.reshape(-1, NUM_JOINTS, _VALUES)
    wrong = np.argwhere(~np.isin(joints[..., _STATE], (0, 1, 2)))
    if len(wrong):
        n, j = wrong[0].tolist()
        found = shown(float(joints[n, j, _STATE]))
        _refuse(file, starts[n] + 2 + j, "a tracking state of 0, 1 or 2 at the end", found)
    return joints


def _numbers(text: bytes) -> Floats | None:
    """Return all numbers of a text; None: something in it is none."""
    with warnings.catch_warnings():  # what is no number is told by a deprecation warning
        warnings.simplefilter("error")
        try:
            return np.fromstring(text, np.float32, sep=" ")
        except (DeprecationWarning, ValueError):
            return None


def _find_fault(file: Path, lines: list[bytes], starts: list[int]) -> NoReturn:
    """Name the line of a joint that does not hold 12 numbers."""
    for start in starts:
        for at in range(start + 2, start + _BODY_LINES):
            values = _numbers(lines[at])
            if values is None or len(values) != _VALUES:
                expected = f"{_VALUES} numbers of joint {at - start - 1}"
                _refuse(file, at, expected, shown(lines[at].decode(errors="replace").strip()))
    raise AssertionError(file)  # the lines are good one by one, so they are together


def _identity(file: Path, lines: list[bytes], at: int) -> int:
    """Return the number of a body."""
    values = lines[at].split()
    if len(values) != _BODY_VALUES or not values[0].isdigit():
        expected = f"{_BODY_VALUES} values of a body, first its number"
        _refuse(file, at, expected, shown(lines[at].decode(errors="replace").strip()))
    return int(values[0])


def _whole(file: Path, lines: list[bytes], at: int, expected: str, least: int) -> int:
    """Return the whole number that stands alone in a line."""
    if at >= len(lines):
        _refuse(file, at, expected, "the end of the file")
    text = lines[at].strip()
    if not text.isdigit() or len(text) > 6 or int(text) < least:
        _refuse(file, at, expected, shown(text.decode(errors="replace")))
    return int(text)


def _refuse(file: Path, at: int, expected: str, found: str) -> NoReturn:
    """Raise the error that names a line."""
    raise ManifestError(
        Defect(
            file=str(file),
            record=at + 1,
            field="",
            expected=expected,
            found=found,
            remedy="Fetch it again.",
        )
    )
