"""MPII's official annotation, a struct ``RELEASE`` in a .mat file.

``annolist(i)``: ``image.name``, ``vididx`` and ``annorect(r)``, a person each: ``x1, y1, x2, y2``
(head box), ``scale`` (height / 200), ``objpos.x, .y`` (position) and
``annopoints.point(k)``: ``x``, ``y``, ``id`` (joint, from 0), ``is_visible`` (0, 1, as text,
empty or not there: taken for seen). Beside it, picture by picture: ``img_train``,
``single_person`` (numbers of the people who stand apart, from 1), ``act`` (``act_name``,
``cat_name``, ``act_id``; -1: unlabeled); and ``video_list``.

The official file has defects that nobody can correct but its authors: a person whose record
contradicts itself is left out, counted and named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from onebody.data import SampleTable
from onebody.data.media import natural_sorted
from onebody.datasets.matlab import mat_field, mat_items, mat_struct
from onebody.datasets.mpii_json import SKELETON, person_box
from onebody.datasets.people import PIXEL_CENTER, LeftOut, Person, people_table
from onebody.labels import symmetric
from onebody.metrics import head_size
from onebody.types import Floats

_NO_BOX = "people without a position and a scale"
_NO_JOINTS = "people of training pictures without joints"
_NOT_APART = "people who do not stand apart"
_DAMAGED = "people whose records contradict themselves"

_FAR_PX = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What the file says of one picture.

    Attributes:
        place: where, for messages.
        name: of the picture's file.
        rects: the people's structs.
        train: is it a training picture?
        apart: numbers of the people who stand apart, from 1.
        video: name of the video; empty: unknown.
        labels: ``activity`` and ``category``, where they are stated.
    """

    place: str
    name: str
    rects: Sequence[Any]
    train: bool
    apart: frozenset[int]
    video: str
    labels: Mapping[str, str]


def read_release(
    file: Path, images: Path, which: Literal["all", "single"], work: Path
) -> SampleTable:
    """Read the official file as a table.

    Args:
        file: the .mat file.
        images: folder of the pictures.
        which: everyone, or those who stand apart.
        work: folder for the table's arrays.

    Raises:
        ImportError: if scipy is not installed; names the extra.
        ValueError: naming the file and what of it is not as expected.
    """
    left_out = LeftOut()
    people: list[Person] = []
    for picture in read_pictures(file):
        people += _people(picture, images, which, left_out)
    if not people:
        raise ValueError(
            f"{file}: expected people that can be used, found none (left out: {left_out}). Fetch "
            "it again."
        )
    left_out.say("mpii")
    spaces = {}
    for column in ("activity", "category"):
        names = {person.labels[column] for person in people if column in person.labels}
        if names:
            spaces[column] = symmetric(f"mpii {column}", natural_sorted(names))
    return people_table("mpii", people, SKELETON, spaces, work)


def read_pictures(file: Path) -> list[Picture]:
    """Take the struct apart, picture by picture.

    Raises:
        ValueError: if it lacks a part, or parts differ in length.
    """
    release = mat_struct(file, "RELEASE")
    pictures = mat_items(mat_field(release, "annolist"))
    count = len(pictures)
    if not count:
        raise ValueError(f"{file}: expected pictures in RELEASE.annolist, found none.")
    train = _aligned(file, release, "img_train", count)
    apart = _aligned(file, release, "single_person", count)
    acts = _aligned(file, release, "act", count, optional=True)
    videos = [str(name) for name in mat_items(mat_field(release, "video_list"))]
    names = _activity_names(acts)
    found = []
    for i, (picture, act) in enumerate(zip(pictures, acts, strict=True)):
        place = f"{file.name}: annolist({i + 1})"
        name = mat_field(mat_field(picture, "image"), "name")
        if not isinstance(name, str):
            raise ValueError(f"{file}: expected annolist({i + 1}).image.name, found {name!r}.")
        number = _number(mat_field(picture, "vididx"))
        known = number is not None and number == int(number) and 1 <= number <= len(videos)
        labels = {}
        if (key := _act_id(act)) is not None:
            labels = {"activity": names[key], "category": _text(act, "cat_name")}
        read = Picture(
            place=place,
            name=name,
            rects=mat_items(mat_field(picture, "annorect")),
            train=bool(_number(train[i])),
            apart=frozenset(int(n) for n in map(_number, mat_items(apart[i])) if n is not None),
            video=videos[int(number) - 1] if known and number is not None else "",
            labels={column: text for column, text in labels.items() if text},
        )
        found.append(read)
    return found


def _aligned(
    file: Path, release: object, name: str, count: int, *, optional: bool = False
) -> list[Any]:
    """Return a part of the struct that has an element per picture."""
    value = getattr(release, name, None)
    if value is None and optional:
        return [None] * count
    found = [value] if count == 1 and value is not None else mat_items(value)
    if len(found) != count:
        raise ValueError(
            f"{file}: expected RELEASE.{name} with an element for each of {count} pictures, found "
            f"{len(found)}. Fetch it again."
        )
    return found


def _activity_names(acts: Sequence[Any]) -> dict[int, str]:
    """Name each activity; where two share a name, the category goes before it, then the id."""
    said: dict[int, tuple[str, str]] = {}
    for act in acts:
        if (key := _act_id(act)) is not None:
            said.setdefault(key, (_text(act, "act_name"), _text(act, "cat_name")))
    names = {key: name for key, (name, _) in said.items()}
    whole = {key: f"{category}: {name}" for key, (name, category) in said.items()}
    names = _told_apart(names, whole)
    return _told_apart(names, {key: f"{name} ({key})" for key, name in names.items()})


def _told_apart(names: Mapping[int, str], longer: Mapping[int, str]) -> dict[int, str]:
    """Take the longer name where several share the short one."""
    every = Counter(names.values())
    return {key: longer[key] if every[name] > 1 else name for key, name in names.items()}


def _act_id(act: object) -> int | None:
    """Return the id of a picture's activity; None: unlabeled."""
    number = _number(mat_field(act, "act_id"))
    return int(number) if number is not None and number >= 0 and _text(act, "act_name") else None


def _people(
    picture: Picture, images: Path, which: Literal["all", "single"], left_out: LeftOut
) -> Iterator[Person]:
    """Yield the people of a picture who make rows."""
    for number, rect in enumerate(picture.rects, 1):
        place = f"{picture.place}.annorect({number})"
        points = mat_items(mat_field(mat_field(rect, "annopoints"), "point"))
        position = mat_field(rect, "objpos")
        x, y = (_number(mat_field(position, axis)) for axis in ("x", "y"))
        scale = _number(mat_field(rect, "scale"))
        if which == "single" and number not in picture.apart:
            left_out.add(_NOT_APART, place)
        elif picture.train and not points:
            left_out.add(_NO_JOINTS, place)
        elif x is None or y is None or scale is None or scale <= 0:
            left_out.add(_NO_BOX, place)
        elif (joints := _joints(points)) is None and points:
            left_out.add(_DAMAGED, place)
        else:
            yield Person(
                place=place,
                picture=str(images / picture.name),
                box=person_box(x, y, scale),
                joints=joints,
                head_px=_head(rect),
                source=picture.video,
                group=picture.video or picture.name,
                split="train" if picture.train else "test",
                labels=picture.labels,
            )


def _joints(points: Sequence[Any]) -> Floats | None:
    """Read joints as ``[16, 3]``; None: there are none, or a record makes no sense."""
    joints = np.full((16, 3), np.nan, np.float32)
    for point in points:
        x, y, joint = (_number(mat_field(point, name)) for name in ("x", "y", "id"))
        seen = mat_field(point, "is_visible")
        visible = 1.0 if seen is None else _number(seen)
        if x is None or y is None or joint is None or visible not in (0.0, 1.0):
            return None
        if joint not in range(16) or np.isfinite(joints[int(joint)]).any():  # or named twice
            return None
        joints[int(joint)] = x - PIXEL_CENTER, y - PIXEL_CENTER, visible
    return joints if points else None


def _head(rect: object) -> float:
    """Return the size of a head; NaN where its box is not stated."""
    corners = [_number(mat_field(rect, name)) for name in ("x1", "y1", "x2", "y2")]
    return float(head_size(np.array([np.nan if c is None else c for c in corners], np.float64)))


def _text(struct: object, name: str) -> str:
    """Return a field's text without the blanks around it."""
    value = mat_field(struct, name)
    return value.strip() if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    """Return a number that stands alone, as a number or as text; None for anything else."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(-1)[0]
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) < _FAR_PX else None
