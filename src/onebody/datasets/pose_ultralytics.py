"""Poses in Ultralytics' form: a folder with one text a picture, one line a person.

A line is ``class cx cy w h`` and then ``x y`` or ``x y score`` of every joint, all but the class as
fractions of the picture; programs may add the box's confidence, and after it a track number. Texts
are named ``<video>_<frame>.txt`` or ``<frame>.txt``; frames without a person may have none.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from onebody.data.media import natural_sorted
from onebody.datasets.pose_clip import (
    MOST_FRAMES,
    Detection,
    PoseClip,
    PoseOptions,
    refuse,
    to_numbers,
)
from onebody.datasets.pose_tracks import stack_tracks

_NAME = re.compile(r"(?:(.*)[_-])?(\d{1,9})\.txt", re.ASCII | re.DOTALL)
_BOX = 5  # columns before the joints


def read_ultralytics(source: Path, options: PoseOptions) -> Iterator[PoseClip]:
    """Read the recordings of a folder of texts.

    Raises:
        ValueError: naming file and line, if one contradicts the form; if the size is not known.
    """
    if options.size is None:
        refuse(source, "the size of the pictures", "none", "Say it: --size 1920x1080.")
    files = natural_sorted(p.name for p in source.glob("*.txt")) if source.is_dir() else []
    if not files:
        refuse(source, "a folder of texts, one a picture", "none", "Name the folder 'labels'.")
    recordings: dict[str, dict[int, Path]] = defaultdict(dict)
    for file in files:
        name = _NAME.fullmatch(file)
        if name is None:
            refuse(source / file, "a name <video>_<frame>.txt", file, "Rename it.")
        frames = recordings[name[1] or source.name]
        if int(name[2]) in frames:
            refuse(source / file, "each frame once", name[2], f"Drop it or {frames[int(name[2])]}.")
        frames[int(name[2])] = source / file
    for video, frames in recordings.items():
        numbers = range(min(frames), max(frames) + 1)
        if len(numbers) > MOST_FRAMES:
            found = f"{numbers[0]} to {numbers[-1]} of {video!r}"
            refuse(source, f"at most {MOST_FRAMES} frames", found, "Name the texts by frame.")
        poses = [_read(frames[n], options) if n in frames else [] for n in numbers]
        yield replace(stack_tracks(poses, options.joints, 2), name=video, fps=options.fps)


def _read(file: Path, options: PoseOptions) -> list[Detection]:
    """Read the people of one picture."""
    text = file.read_text(encoding="utf-8-sig", errors="replace")
    lines = enumerate(text.splitlines(), 1)
    return [_person(f"{file}:{n}", line, options) for n, line in lines if line.strip()]


def _person(place: str, line: str, options: PoseOptions) -> Detection:
    """Read one line."""
    assert options.size is not None
    try:
        found = [float(text) for text in line.split()]
    except ValueError:
        refuse(place, "numbers", repr(line.strip()[:60]), "Is it a text of labels?")
    bare = {_BOX + options.joints * dims: dims for dims in (2, 3)}
    counts = tuple(count + more for count in bare for more in (0, 1, 2))
    values = to_numbers(place, found, "class, box and joints", counts)
    dims = next(dims for count, dims in bare.items() if 0 <= len(values) - count <= 2)
    joints = values[_BOX : _BOX + options.joints * dims].reshape(options.joints, dims)
    further = values[_BOX + joints.size :]
    if len(further) and not 0 <= further[0] <= 1:
        remedy = "A track number needs the box's confidence before it (save_conf=True)."
        refuse(place, "a confidence in [0, 1] after the joints", further[0], remedy)
    if np.abs(joints[:, :2]).max() > 2:
        refuse(place, "fractions of the picture", "pixels, it seems", "Divide them by its size.")
    stated = joints[:, 2] if dims == 3 else None
    known = (joints != 0).any(-1) if stated is None else stated > 0
    missing = np.float32(np.nan)
    return Detection(
        joints=np.where(
            known[:, None], joints[:, :2] * np.array(options.size, np.float32), missing
        ),
        scores=None if stated is None else np.where(known, np.clip(stated, 0, 1), missing),
        track=str(int(further[1])) if len(further) > 1 else "",
    )
