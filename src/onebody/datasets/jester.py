"""Jester: 27 hand gestures before webcams, stored as numbered pictures at 12 frames a second.

Three layouts are read; which one is there shows by its lists:

- the original: ``20bn-jester-v1/<id>/00001.jpg``, ``jester-v1-labels.csv`` (a class a line) and
  ``jester-v1-{train,validation,test}.csv`` (``<id>;<class>``; test: ``<id>``);
- the later one: ``{Train,Validation,Test}/<id>/00001.jpg`` and ``{Train,Validation,Test}.csv`` with
  a header (``video_id,label,frames,..``; test: ``id``, no labels);
- lists that public code rewrote: ``classInd.txt`` (``1 Doing_other_things``) and
  ``{train,val,test}list01.txt`` (``<id> <class number>``) beside the original pictures.

Classes are spelled with blanks whatever the layout. Nobody says which clips show the same person.

Source: Materzynska, Berger, Bax, Memisevic, "The Jester Dataset: A Large-Scale Video Dataset of
Human Gestures", ICCV Workshops 2019.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field

from onebody.config import Config
from onebody.data import SampleTable
from onebody.datasets.defects import Defect, ManifestError, shown
from onebody.datasets.listed import (
    Listed,
    ListLine,
    Missing,
    check_unique,
    class_of,
    find_media,
    listed_table,
    numbered_classes,
    place_clips,
    read_list,
)
from onebody.datasets.manifest import read_records
from onebody.labels import LabelSpace

FPS = 12.0

CLASSES = (
    "Doing other things", "Drumming Fingers", "No gesture", "Pulling Hand In",
    "Pulling Two Fingers In", "Pushing Hand Away", "Pushing Two Fingers Away",
    "Rolling Hand Backward", "Rolling Hand Forward", "Shaking Hand", "Sliding Two Fingers Down",
    "Sliding Two Fingers Left", "Sliding Two Fingers Right", "Sliding Two Fingers Up", "Stop Sign",
    "Swiping Down", "Swiping Left", "Swiping Right", "Swiping Up", "Thumb Down", "Thumb Up",
    "Turning Hand Clockwise", "Turning Hand Counterclockwise", "Zooming In With Full Hand",
    "Zooming In With Two Fingers", "Zooming Out With Full Hand", "Zooming Out With Two Fingers",
)  # fmt: skip
"""Class names, in the alphabet's order."""

_TURNED = ("Left", "Right"), ("Clockwise", "Counterclockwise")
_PARTS = ("train", "validation", "test")
_KNOWN = {name.casefold(): name for name in CLASSES}
_ID = re.compile(r"[1-9]\d{0,8}", re.ASCII)


class JesterConfig(Config):
    """Jester in one of its layouts.

    Attributes:
        folder: what holds lists and pictures.
        frames: what holds the clips' folders; default: ``20bn-jester-v1`` inside ``folder``, or
            ``folder`` itself for the later layout.
        lists: what holds the lists; default: ``folder``.
        pictures: pattern of the pictures' names; empty: every picture of a clip's folder, in
            natural order (then a missing one goes unnoticed).
        fps: frames per second.
        missing: whether listed clips that are not there are an error or left out.
    """

    kind: Literal["jester"] = "jester"
    folder: Path
    frames: Path | None = None
    lists: Path | None = None
    pictures: str = "%05d.jpg"
    fps: float = Field(FPS, gt=0.0)
    missing: Missing = "refuse"


def read_jester(config: JesterConfig) -> SampleTable:
    """Read the lists and find their clips; pictures are not opened.

    The table's splits are train, validation and test, as far as there are lists. Test clips are
    unlabeled.

    Raises:
        ValueError: naming file and line of what is missing or contradicts itself.
    """
    lists = config.lists or config.folder
    clips = jester_clips(lists)
    is_later = any("/" in clip.key for clip in clips)
    inside = config.folder / "20bn-jester-v1"
    frames = config.frames or (config.folder if is_later else inside)
    found = find_media(frames, 2 if is_later else 1, folders=True)
    kept, folders = place_clips("jester", clips, found, frames, config.missing)
    sources = []
    for clip, folder in zip(kept, folders, strict=True):
        numbers = f"#1:{clip.frames + 1}" if clip.frames and config.pictures else ""
        sources.append(f"{folder}/{config.pictures}{numbers}")
    space = LabelSpace("jester", CLASSES, mirror_of(CLASSES))
    return listed_table("jester", "gesture", space, kept, sources, config.fps)


def jester_clips(lists: Path) -> list[Listed]:
    """Read whichever lists there are.

    Raises:
        ManifestError: naming file and line of what does not fit.
        ValueError: if there are no lists.
    """
    for names, reader in _LAYOUTS:
        files = {part: lists / name for part, name in zip(_PARTS, names, strict=True)}
        there = {part: file for part, file in files.items() if file.exists()}
        clips = [clip for part, file in there.items() for clip in reader(file, part)]
        if there:
            check_unique(clips)
            return clips
    raise ValueError(
        f"{lists}: no Jester lists here. Expected jester-v1-train.csv, Train.csv or "
        "trainlist01.txt, and their like for validation and test."
    )


def mirror_of(classes: tuple[str, ...]) -> dict[str, str | None]:
    """Say what a mirror makes of each class: left and right, and the turns, change places."""
    swapped = {a: b for pair in _TURNED for a, b in (pair, pair[::-1])}
    images = {}
    for name in classes:
        image = " ".join(swapped.get(word, word) for word in name.split(" "))
        images[name] = image if image in classes else None
    return images


def _original(file: Path, part: str) -> Iterator[Listed]:
    """Read lines ``<id>;<class>``; the classes stand in a list beside them."""
    names = read_list(file.parent / "jester-v1-labels.csv")
    known = {line.text.casefold(): class_of(line, line.text, _KNOWN) for line in names}
    for line in read_list(file):
        number, _, label = (text.strip() for text in line.text.partition(";"))
        yield _clip(line, part, number, class_of(line, label, known) if label else "")


def _rewritten(file: Path, part: str) -> Iterator[Listed]:
    """Read lines ``<id> <class number>``, from 1, in the order of the class list beside them."""
    index = file.parent / "classInd.txt"
    whole = ListLine(index, 0, "")
    classes = [class_of(whole, name.replace("_", " "), _KNOWN) for name in numbered_classes(index)]
    for line in read_list(file):
        number, _, label = line.text.partition(" ")
        if not re.fullmatch(r"\d{1,9}", label, re.ASCII) or not 1 <= int(label) <= len(classes):
            expected = f"<id> and a class number from 1 to {len(classes)}"
            raise line.fault(expected, shown(line.text), "Fetch the lists again.")
        yield _clip(line, part, number, classes[int(label) - 1])


def _later(file: Path, part: str) -> Iterator[Listed]:
    """Read rows with a header; their pictures lie in a folder per split."""
    for record in read_records(file):
        if isinstance(record, Defect):
            raise ManifestError(record)
        line, values = ListLine(file, record.line, ""), record.values
        label, frames = values.get("label", ""), values.get("frames", "")
        if not re.fullmatch(r"([1-9]\d{0,5})?", frames, re.ASCII):
            raise line.fault("a number of frames", shown(frames), "Fetch the list again.")
        number = values.get("video_id", values.get("id", ""))
        clip = _clip(line, part, number, class_of(line, label, _KNOWN) if label else "")
        yield replace(clip, key=f"{part}/{clip.key}", frames=int(frames or 0))


def _clip(line: ListLine, part: str, number: str, label: str) -> Listed:
    """Check what all layouts have in common."""
    if not _ID.fullmatch(number):
        raise line.fault("the number of a clip", shown(number), "Fetch the lists again.")
    if not label and part != "test":
        raise line.fault("a class", "none", "Only test clips are unlabeled.")
    return Listed(line=line, name=number, key=number, label=label, split=part)


_LAYOUTS: tuple[tuple[tuple[str, ...], Callable[[Path, str], Iterator[Listed]]], ...] = (
    (tuple(f"jester-v1-{part}.csv" for part in _PARTS), _original),
    (("trainlist01.txt", "vallist01.txt", "testlist01.txt"), _rewritten),
    (tuple(f"{part.capitalize()}.csv" for part in _PARTS), _later),
)
