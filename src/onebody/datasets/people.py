"""People in still pictures: one row per annotated person, with a box and a pose.

Readers of such sets yield `Person` by person. What they found is kept as a prepared folder, named
after the annotation and the reader's code, so that neither a new annotation nor a corrected reader
is ever answered with old rows.
"""

from __future__ import annotations

import hashlib
import os
import re
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import onebody
from onebody.data import ClassColumn, Column, JointsColumn, SampleTable, make_table
from onebody.datasets.listed import Missing
from onebody.datasets.prepared import kept_table, store_arrays
from onebody.labels import UNLABELED, LabelSpace
from onebody.skeletons import get_skeleton
from onebody.types import Floats

PIXEL_CENTER = 0.5
"""Where the center of the first pixel lies."""

_SPLITS = {
    "train": "train",
    "trainval": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One annotated person.

    Attributes:
        place: where the annotation stands, for messages.
        picture: path of the picture.
        box: x0, y0, x1, y1 in pixels (0: the picture's left or upper border).
        joints: ``[J, 3]`` pixels (centers at i + 0.5) and visibility (1 seen, 0 hidden, NaN not
            annotated); None: unlabeled.
        head_px: size of the head as PCKh has it; NaN: unknown.
        source: the video that the picture was taken from; empty: unknown.
        group: people of one group are never divided.
        split: of the set.
        labels: class names by column.
    """

    place: str
    picture: str
    box: tuple[float, float, float, float]
    joints: Floats | None
    head_px: float = float("nan")
    source: str = ""
    group: str
    split: str
    labels: Mapping[str, str] = field(default_factory=dict)


class LeftOut:
    """Annotations that make no row, counted by reason."""

    def __init__(self) -> None:
        self.reasons: dict[str, list[str]] = {}

    def add(self, reason: str, place: str) -> None:
        """Count one."""
        self.reasons.setdefault(reason, []).append(place)

    def say(self, name: str) -> None:
        """Warn once, with the number and the first place of every reason."""
        said = [f"{len(at)} {why} (first: {at[0]})" for why, at in self.reasons.items()]
        if said:
            warnings.warn(f"{name}: left out: {'; '.join(said)}.", stacklevel=2)

    def __str__(self) -> str:
        return "; ".join(f"{len(at)} {why}" for why, at in self.reasons.items()) or "none"


def kept_people(
    folder: Path, files: Sequence[Path], options: str, make: Callable[[Path], SampleTable]
) -> SampleTable:
    """Return the table of some annotation, made now if it was not made before.

    Args:
        folder: where prepared folders are kept, one for each digest.
        files: what the table depends on: annotation and the reader's code.
        options: the reader's options, for the digest.
        make: writes arrays into the folder that it is given, and returns the table.

    Raises:
        ValueError: if a file cannot be read.
    """
    digest = hashlib.sha256(f"{onebody.__version__}\n{options}\n".encode())
    for file in (*files, Path(__file__)):
        try:
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        except OSError as error:
            raise ValueError(
                f"{file}: expected a readable file, found: {error.strerror}. Fetch it, or correct "
                "the path."
            ) from None
    return kept_table(folder / digest.hexdigest()[:20], make)


def people_table(
    name: str,
    people: Sequence[Person],
    skeleton: str,
    spaces: Mapping[str, LabelSpace],
    folder: Path,
) -> SampleTable:
    """Make the table of people; joints go into one array file in the folder."""
    joints = [person.joints[None] for person in people if person.joints is not None]
    empty = np.zeros((0, len(get_skeleton(skeleton)), 3), np.float32)
    places = iter(store_arrays(folder / "pose2d.npy", joints or [empty]).tolist())
    sources = ["" if person.joints is None else next(places) for person in people]
    columns: dict[str, Column] = {
        column: ClassColumn(
            values=np.array(
                [
                    space.index(person.labels[column]) if column in person.labels else UNLABELED
                    for person in people
                ],
                np.int64,
            ),
            space=space,
        )
        for column, space in spaces.items()
    }
    columns["pose2d"] = JointsColumn(
        sources=np.array(sources, np.str_), skeleton=skeleton, unit="px"
    )
    return make_table(
        name,
        {"rgb": [os.path.abspath(person.picture) for person in people]},
        columns=columns,
        source=[person.source for person in people],
        group=[person.group for person in people],
        split=[person.split for person in people],
        box=np.array([person.box for person in people], np.float64).reshape(-1, 4),
        head_px=[person.head_px for person in people],
        row_names=[person.place for person in people],
    )


def with_pictures(table: SampleTable, missing: Missing) -> SampleTable:
    """Return the rows whose pictures are there.

    Raises:
        ValueError: if pictures are missing (and not dropped, or all are).
    """
    sources, place = np.unique(table.media["rgb"], return_inverse=True)
    there = np.array([os.path.exists(source) for source in sources.tolist()], np.bool_)
    if there.all():
        return table
    row, lost = int(np.argmin(there[place])), int((~there).sum())
    text = f"{lost} of {len(there)} pictures are missing"
    if missing == "refuse" or not there.any():
        raise ValueError(
            f"{table.row_names[row]}: expected the picture {table.media['rgb'][row]}, found none "
            f"({text}). Correct 'images', fetch them, or state 'missing: drop' to go without them."
        )
    rows = int((~there[place]).sum())
    warnings.warn(f"{table.name}: {text}; {rows} people are left out.", stacklevel=2)
    return table.select(there[place])


def split_of(file: Path) -> str:
    """Tell a split by the last such word in a file's name (``person_keypoints_val2017``)."""
    words = [_SPLITS[w] for w in re.findall(r"[a-z]+", file.stem.lower()) if w in _SPLITS]
    return words[-1] if words else ""


def check_distinct(files: Mapping[Path, Collection[object]], what: str) -> None:
    """Refuse annotation files that hold the same people.

    Raises:
        ValueError: names both files.
    """
    seen: dict[object, Path] = {}
    for file, keys in files.items():
        for key in keys:
            if seen.setdefault(key, file) != file:
                raise ValueError(
                    f"{file}: expected other people than in {seen[key]}, found {what} {key} in "
                    "both. Name one of them, or files that do not overlap."
                )


def first_folder(picture: str, folders: Iterable[Path]) -> Path:
    """Return the first folder that holds a picture; the last of all where none does."""
    tried = list(dict.fromkeys(folders))
    found = (folder for folder in tried if (folder / picture).is_file())
    return next(found, tried[-1])
