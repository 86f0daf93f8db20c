"""Poses as other programs write them: the people of a recording and where their joints are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn

import numpy as np

from onebody.types import Floats

MOST_FRAMES = 1_000_000
"""Recordings of more frames (nine hours of video) are taken for a mistake in their numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseClip:
    """One recording.

    Attributes:
        name: of the recording.
        joints: ``[P, T, J, D]`` joints of P people; D = 2: source pixels, as the program that found
            them counts (some put the first pixel's center at 0, others at 0.5); D = 3: mm, y down,
            z away from the camera. NaN: missing.
        scores: ``[P, T, J]`` confidence in [0, 1], NaN where a joint is missing; None: the source
            states none.
        fps: frames per second; NaN: unknown.
        label: index of the class; -1: unlabeled.
        split: name of the part of the set that the recording belongs to; empty: none.
    """

    name: str
    joints: Floats
    scores: Floats | None = None
    fps: float = float("nan")
    label: int = -1
    split: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """One person in one frame.

    Attributes:
        joints: ``[J, D]``, NaN where missing.
        scores: ``[J]`` confidence in [0, 1], or None.
        track: which person it is, where the source says so; empty: it does not.
    """

    joints: Floats
    scores: Floats | None
    track: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseOptions:
    """What files of poses do not say of themselves.

    Attributes:
        joints: J, joints of the layout that the files are in.
        fps: frames per second; NaN: unknown.
        size: width and height of the pictures in pixels, for formats that give fractions of them.
        images: COCO: a file that lists the pictures, with their videos and order.
        keypoints: pyskl, compressed form: the files or folders that hold the joints.
        splits: pyskl: the splits to take, where a recording is in several.
        unit: unit of 3D joints; empty: refused where there are any.
        y_up: is the y axis of 3D joints upward (Kinect), not downward?
        world: MediaPipe: read the landmarks in metres, not those in the picture.
    """

    joints: int
    fps: float = float("nan")
    size: tuple[int, int] | None = None
    images: Path | None = None
    keypoints: tuple[Path, ...] = ()
    splits: tuple[str, ...] = ()
    unit: Literal["", "m", "mm"] = ""
    y_up: bool = False
    world: bool = False


def refuse(place: object, expected: str, found: object, remedy: str) -> NoReturn:
    """Raise the error of a record that cannot be read.

    Args:
        place: file and record.
        expected: what the reader wanted.
        found: what there was.
        remedy: what to do about it, a sentence.
    """
    text = str(found)
    text = text if len(text) <= 120 else f"{text[:117]}..."
    raise ValueError(f"{place}: expected {expected}, found {text}. {remedy}")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        ValueError: naming the file, if it is none.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        refuse(path, "a JSON file", error.strerror, "Name the file.")
    except (ValueError, RecursionError) as error:
        refuse(path, "a JSON file", error, "Is it whole? Write it again.")


def to_numbers(place: object, values: object, what: str, counts: tuple[int, ...] = ()) -> Floats:
    """Check a list of finite numbers.

    Args:
        place: file and record.
        values: what was read.
        what: what the numbers are, for messages.
        counts: numbers of them that are possible; none: any.

    Raises:
        ValueError: if it is no list of finite numbers, or of another length.
    """
    wanted = f"{' or '.join(map(str, counts))} finite numbers as {what}".lstrip()
    if not isinstance(values, list) or any(type(v) not in (int, float) for v in values):
        refuse(place, wanted, repr(values), "Was it written by another program?")
    if counts and len(values) not in counts:
        refuse(place, wanted, len(values), "Name the layout that the joints are in.")
    try:
        numbers = np.array(values, np.float64)
    except OverflowError:
        numbers = np.full(1, np.inf)
    if not (np.abs(numbers) < 1e9).all():  # NaN compares false
        refuse(place, wanted, "numbers that are none or beyond 1e9", "Leave the record out.")
    return numbers.astype(np.float32)
