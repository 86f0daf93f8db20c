"""List files of MMAction2 and its relatives: videos or folders of numbered pictures.

A list of videos has lines ``path label``; one of pictures ``folder frames label`` or, where
``with_offset`` says so, ``folder offset frames label``: pictures offset + 1 to offset + frames.
Labels count from 0; a line without one is unlabeled. Paths may hold blanks: lines are read from
the right. A row listed several times is read as often, as MMAction2 does.

A row has one class per column here, so lists with several labels a line are refused.

Source: OpenMMLab, "MMAction2" (file formats of its ``VideoDataset`` and ``RawframeDataset``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from onebody.config import Config
from onebody.data import SampleTable
from onebody.datasets.defects import shown
from onebody.datasets.listed import (
    VIDEO_SUFFIXES,
    Listed,
    ListLine,
    Missing,
    listed_table,
    place_clips,
    read_list,
)
from onebody.datasets.sidecar import LabelConfig

_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
_TEMPLATE = re.compile(r"[^{}%/]*\{:0?\d{0,2}d?\}[^{}%/]*\.[A-Za-z]+", re.ASCII)
_PARTS = ("train", "validation", "test")
_AGAIN = "Correct the list, or the keys 'media' and 'with_offset'."


class Mmaction2Config(Config):
    """MMAction2 lists.

    Attributes:
        train, validation, test: the lists; at least one.
        folder: what the paths in the lists are relative to (MMAction2: ``data_prefix``).
        media: whether the lists name videos or folders of pictures.
        classes: a file of all class names, one a line: label 0 is the first.
        mirror: what each class becomes in a mirror (``same``: itself); empty: unknown, so that
            mirrored pictures are refused.
        column: name of the label column.
        with_offset: whether lines of ``rawframes`` hold an offset (as in MMAction2).
        template: name of a picture (MMAction2: ``filename_tmpl``).
        start_index: number of a folder's first picture.
        fps: frames per second of ``rawframes``; null: unknown.
        missing: whether listed media that are not there are an error or left out.
    """

    kind: Literal["mmaction2"] = "mmaction2"
    train: Path | None = None
    validation: Path | None = None
    test: Path | None = None
    folder: Path
    media: Literal["videos", "rawframes"] = "videos"
    classes: Path
    mirror: Literal["same"] | dict[str, str | None] = Field(default_factory=dict)
    column: str = "action"
    with_offset: bool = False
    template: str = "img_{:05}.jpg"
    start_index: int = Field(1, ge=0)
    fps: float | None = Field(None, gt=0.0)
    missing: Missing = "refuse"

    @field_validator("template")
    @classmethod
    def _one_number(cls, value: str) -> str:
        if not _TEMPLATE.fullmatch(value):
            raise ValueError(
                f"expected a picture's name such as 'img_{{:05}}.jpg', found {value!r}"
            )
        return value

    @model_validator(mode="after")
    def _some_list(self) -> Mmaction2Config:
        if not (self.train or self.validation or self.test):
            raise ValueError("state at least one list: 'train', 'validation' or 'test'")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a list, taken apart.

    Attributes:
        path: of the video or the folder of pictures, as listed.
        label: class number from 0; -1: unlabeled.
        offset: pictures that are passed over.
        frames: pictures; 0 for videos.
    """

    path: str
    label: int = -1
    offset: int = 0
    frames: int = 0


def read_mmaction2(config: Mmaction2Config) -> SampleTable:
    """Read the lists and look whether their media are there; media are not opened.

    Raises:
        ValueError: naming file and line of what does not fit, or of several labels.
    """
    classes = tuple(line.text for line in read_list(config.classes))
    space = LabelConfig(classes=classes, mirror=config.mirror).space("mmaction2", classes)
    clips, sources = [], {}
    said: dict[str, Listed] = {}
    for part in _PARTS:
        file = getattr(config, part)
        for line in read_list(file) if file else ():
            entry = read_entry(line, config.media, with_offset=config.with_offset)
            clip = _clip(line, part, entry, classes)
            _check_consistent(said.setdefault(clip.key, clip), clip)
            clips.append(clip)
            path = os.path.join(config.folder, entry.path)
            if os.path.exists(path):
                sources[clip.key] = [_source(config, entry, path)]
            elif config.missing == "refuse":
                _explain_numbers(line, config.folder, entry.path)
    kept, found = place_clips("mmaction2", clips, sources, config.folder, config.missing)
    fps = config.fps if config.fps and config.media == "rawframes" else float("nan")
    return listed_table("mmaction2", config.column, space, kept, found, fps)


def read_entry(line: ListLine, media: str, *, with_offset: bool = False) -> Entry:
    """Take a line apart, from the right.

    Raises:
        ManifestError: if it does not have the form, or has several labels.
    """
    if media == "videos":
        return _video_entry(line)
    numbers = 3 if with_offset else 2
    parts = line.text.rsplit(maxsplit=numbers)
    if len(parts) <= numbers or not all(_NUMBER.fullmatch(text) for text in parts[1:]):
        parts = [*line.text.rsplit(maxsplit=numbers - 1), "-1"]  # a line without a label
    if len(parts) != numbers + 1 or not all(_NUMBER.fullmatch(text) for text in parts[1:-1]):
        form = "folder offset frames label" if with_offset else "folder frames label"
        raise line.fault(f"'{form}'", shown(line.text), _AGAIN)
    entry = Entry(
        path=parts[0],
        label=int(parts[-1]),
        offset=int(parts[1]) if with_offset else 0,
        frames=int(parts[-2]),
    )
    if not entry.frames:
        raise line.fault("1 frame or more", "0", "Drop the line, or extract the frames again.")
    return entry


def _video_entry(line: ListLine) -> Entry:
    """Take a line ``path label`` or ``path`` apart."""
    if os.path.splitext(line.text)[1].lower() in VIDEO_SUFFIXES:
        return Entry(path=line.text)
    path, *label = line.text.rsplit(maxsplit=1)
    if not label or not _NUMBER.fullmatch(label[0]):
        raise line.fault("'path label'", shown(line.text), _AGAIN)
    bare = re.sub(r"(\s+\d+)+$", "", path)
    if bare != path and os.path.splitext(bare)[1].lower() in VIDEO_SUFFIXES:
        found = line.text[len(bare) :].strip()
        remedy = "A row has one class per column: write a list per label."
        raise line.fault("one label", found, remedy)
    return Entry(path=path, label=int(label[0]))


def _clip(line: ListLine, part: str, entry: Entry, classes: Sequence[str]) -> Listed:
    """Give a label its name."""
    if entry.label >= len(classes):
        expected = f"a label from 0 to {len(classes) - 1} ({len(classes)} classes)"
        remedy = "Labels count from 0; is the class file that of another set?"
        raise line.fault(expected, str(entry.label), remedy)
    pictures = f"#{entry.offset}:{entry.offset + entry.frames}" if entry.frames else ""
    return Listed(
        line=line,
        name=entry.path,
        key=os.path.normpath(entry.path) + pictures,
        label=classes[entry.label] if entry.label >= 0 else "",
        split=part,
    )


def _check_consistent(first: Listed, clip: Listed) -> None:
    """Refuse a sample that is listed again with another label or in another list."""
    for a, b in ((first.label, clip.label), (first.split, clip.split)):
        if a != b:
            expected = f"what {first.line} says of it, {a or 'no label'!r}"
            raise clip.line.fault(expected, repr(b or "no label"), "Correct one of the two lines.")


def _source(config: Mmaction2Config, entry: Entry, path: str) -> str:
    """Spell a source: a video, or the numbered pictures of a folder."""
    if config.media == "videos":
        return path
    first = config.start_index + entry.offset
    pattern = re.sub(r"\{:(0?\d{0,2})d?\}", r"%\1d", config.template)
    return f"{path}/{pattern}#{first}:{first + entry.frames}"


def _explain_numbers(line: ListLine, folder: Path, path: str) -> None:
    """Say what is meant where a missing path is one that is there and further numbers."""
    bare = re.sub(r"(\s+\d+)+$", "", path)
    if bare != path and os.path.exists(os.path.join(folder, bare)):
        expected = "one label (and an offset only with 'with_offset: true')"
        found = f"{shown(line.text)}: further numbers after {bare!r}"
        raise line.fault(expected, found, "A row has one class per column: see 'with_offset'.")
