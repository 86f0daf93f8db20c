"""Poses in MediaPipe's form: 33 landmarks a person, as JSON or CSV, one file a recording.

There is no official file; these are what its users write.

- JSON: a list of frames (or a mapping with ``frames``). A frame is the landmarks of one person, a
  list of people, the result object of either interface (``landmarks`` or ``poseLandmarks``, and
  their world counterparts), or null: nobody. A landmark is ``{x, y, z, visibility}``.
- CSV, a line a landmark: ``frame,landmark,x,y,z,visibility``.
- CSV, a line a frame: ``x0,y0,z0,v0,x1,...`` or counted from 1, with or without ``frame``.

Landmarks in the picture are fractions of its size; world landmarks are metres about the hips.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from onebody.datasets.pose_clip import (
    MOST_FRAMES,
    Detection,
    PoseClip,
    PoseOptions,
    read_json,
    refuse,
    to_numbers,
)
from onebody.datasets.pose_tracks import stack_tracks
from onebody.types import Floats

LANDMARKS = 33

Line = tuple[int, dict[str, str]]
"""A line of a CSV file: its number, and its texts by column."""

_PICTURE = ("landmarks", "pose_landmarks", "poseLandmarks")
_WORLD = ("worldLandmarks", "pose_world_landmarks", "poseWorldLandmarks")
_WIDE = re.compile(r"(x|y|z|v|visibility)_?(\d{1,2})", re.ASCII)


def read_mediapipe(source: Path, options: PoseOptions) -> Iterator[PoseClip]:
    """Read the recording of a file.

    Raises:
        ValueError: naming file and frame, if one contradicts the form; if the size of the pictures
            is not known.
    """
    if options.joints != LANDMARKS:
        refuse(source, f"a layout of {LANDMARKS} joints", options.joints, "Take mediapipe-33.")
    if options.size is None and not options.world:
        remedy = "Say it: --size 1920x1080, or read the landmarks in metres: --world."
        refuse(source, "the size of the pictures", "none", remedy)
    frames = _csv_frames(source) if source.suffix.lower() == ".csv" else _frames(source, options)
    poses = [
        [_detection(f"{source}: frame {t}", person, options) for person in people]
        for t, people in enumerate(frames)
    ]
    if not poses:
        refuse(source, "at least one frame", "none", "Leave the file out.")
    clip = stack_tracks(poses, LANDMARKS, 3 if options.world else 2)
    yield replace(clip, name=source.stem, fps=options.fps)


def _detection(place: str, person: Floats, options: PoseOptions) -> Detection:
    """Turn ``[33, 4]`` x, y, z, visibility (NaN: not stated) into a pose."""
    scores = None if np.isnan(person[:, 3]).all() else np.clip(np.nan_to_num(person[:, 3]), 0, 1)
    if options.world:
        return Detection(joints=person[:, :3] * np.float32(1000), scores=scores)
    if np.abs(person[:, :2]).max() > 10:
        refuse(place, "fractions of the picture", "pixels, it seems", "Divide them by its size.")
    return Detection(joints=person[:, :2] * np.array(options.size, np.float32), scores=scores)


def _frames(source: Path, options: PoseOptions) -> list[list[Floats]]:
    """Read the people of every frame of a JSON file."""
    content = read_json(source)
    if isinstance(content, dict):
        content = content.get("frames")
    if not isinstance(content, list):
        refuse(source, "a list of frames", type(content).__name__, "Write one entry a frame.")
    keys = _WORLD if options.world else _PICTURE
    return [_people(f"{source}: frame {t}", frame, keys) for t, frame in enumerate(content)]


def _people(place: str, frame: Any, keys: tuple[str, ...]) -> list[Floats]:
    """Read the people of one frame."""
    if isinstance(frame, dict):
        found = next((key for key in keys if key in frame), None)
        if found is None:
            refuse(place, f"one of {', '.join(keys)}", sorted(frame), "Write the landmarks.")
        frame = frame[found]
    if frame is None or frame == []:
        return []
    if not isinstance(frame, list):
        refuse(place, "a list of landmarks", type(frame).__name__, "Write the landmarks.")
    people = frame if isinstance(frame[0], list) else [frame]
    return [_person(place, person) for person in people]


def _person(place: str, landmarks: object) -> Floats:
    """Read ``[33, 4]`` landmarks of one person."""
    if not isinstance(landmarks, list) or len(landmarks) != LANDMARKS:
        found = len(landmarks) if isinstance(landmarks, list) else type(landmarks).__name__
        refuse(place, f"{LANDMARKS} landmarks", found, "Write those of the pose, all of them.")
    return np.stack([_landmark(f"{place}, landmark {k}", x) for k, x in enumerate(landmarks)])


def _landmark(place: str, landmark: object) -> Floats:
    """Read x, y, z, visibility; NaN where there is no visibility."""
    if not isinstance(landmark, Mapping):
        refuse(place, "x, y, z", repr(landmark), "Write them as a mapping.")
    numbers = to_numbers(place, [landmark.get(axis) for axis in "xyz"], "x, y, z", (3,))
    seen = landmark.get("visibility")
    stated = [np.nan] if seen is None else to_numbers(place, [seen], "visibility", (1,))
    return np.concatenate([numbers, np.array(stated, np.float32)])


def _csv_frames(source: Path) -> list[list[Floats]]:
    """Read the people of every frame of a CSV file."""
    lines = _lines(source)
    names = set(lines[0][1]) if lines else set()
    if {"frame", "landmark", "x", "y", "z"} <= names:
        frames = _long(source, lines)
    else:
        wide = {name: m for name in names if name and (m := _WIDE.fullmatch(name))}
        indices = sorted({int(found[2]) for found in wide.values()})
        if len(indices) != LANDMARKS or indices != list(range(indices[0], indices[0] + LANDMARKS)):
            remedy = "See the documentation of import-poses for both forms."
            refuse(source, "columns frame, landmark, x, y, z or x0, y0, ..", sorted(names), remedy)
        columns = {name: (int(m[2]) - indices[0], m[1][0]) for name, m in wide.items()}
        frames = _wide(source, lines, columns)
    whole = [frames.get(t) for t in range(min(frames), max(frames) + 1)] if frames else []
    return [[] if person is None else [person] for person in whole]


def _lines(source: Path) -> list[Line]:
    """Read the lines of a CSV file below its header."""
    try:
        reader = csv.DictReader(io.StringIO(source.read_text(encoding="utf-8-sig")), strict=True)
        lines = [(reader.line_num, line) for line in reader]
    except OSError as error:
        refuse(source, "a CSV file", error.strerror, "Name the file.")
    except (csv.Error, UnicodeDecodeError) as error:
        refuse(source, "a CSV file", error, "Save it as UTF-8 with commas.")
    for number, line in lines:
        if None in line or None in line.values():
            width = len(reader.fieldnames or ())
            refuse(f"{source}:{number}", f"{width} columns", "another number", "Correct the line.")
    return lines


def _wide(
    source: Path, lines: list[Line], columns: Mapping[str, tuple[int, str]]
) -> dict[int, Floats | None]:
    """Read lines of whole frames."""
    frames: dict[int, Floats | None] = {}
    for number, line in lines:
        place = f"{source}:{number}"
        t = _whole(place, line, "frame", MOST_FRAMES) if "frame" in line else number
        if t in frames:
            refuse(place, "each frame once", t, "Drop one of them.")
        marks: list[dict[str, str]] = [{} for _ in range(LANDMARKS)]
        for name, (index, axis) in columns.items():
            marks[index][axis] = line[name]
        empty = not any(text for mark in marks for text in mark.values())
        frames[t] = None if empty else np.stack([_cells(place, mark) for mark in marks])
    return frames


def _long(source: Path, lines: list[Line]) -> dict[int, Floats | None]:
    """Read lines of single landmarks."""
    marks: dict[int, dict[int, Floats]] = {}
    for number, line in lines:
        place = f"{source}:{number}"
        t = _whole(place, line, "frame", MOST_FRAMES)
        own, index = marks.setdefault(t, {}), _whole(place, line, "landmark", LANDMARKS - 1)
        if index in own:
            refuse(place, f"landmark {index} of frame {t} once", "it twice", "Drop one of them.")
        own[index] = _cells(place, {**line, "v": line.get("visibility", "")})
    for t, own in marks.items():
        if len(own) != LANDMARKS:
            found = f"{len(own)} in frame {t}"
            refuse(source, f"{LANDMARKS} landmarks a frame", found, "Write all of them.")
    return {t: np.stack([own[k] for k in range(LANDMARKS)]) for t, own in marks.items()}


def _whole(place: str, line: Mapping[str, str | None], name: str, most: int) -> int:
    """Read a whole number from 0 on."""
    text = line.get(name) or ""
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) <= most):
        refuse(place, f"{name}: a whole number up to {most}", repr(text), "Correct it.")
    return int(text)


def _cells(place: str, cells: Mapping[str, str | None]) -> Floats:
    """Read x, y, z and, if there is one, visibility."""
    try:
        numbers = [float(cells.get(axis) or "") for axis in "xyz"]
        seen = [float(text)] if (text := cells.get("v")) else []
    except ValueError:
        refuse(place, "numbers as x, y, z", dict(cells), "Correct them, or empty the whole frame.")
    found = to_numbers(place, numbers + seen, "x, y, z", (3, 4))
    return found if seen else np.append(found, np.float32(np.nan))
