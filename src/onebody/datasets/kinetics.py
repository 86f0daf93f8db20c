"""Kinetics-400, -600, -700: ten-second clips of web videos, named by official CSV lists.

Official lists: ``label,youtube_id,time_start,time_end,split`` and sometimes further columns (test
lists may lack labels). Clips: ``<youtube_id>_<start>_<end>.mp4``, times in whole seconds with six
digits, in class folders (with blanks or underscores), in split folders, or in one folder. Many
videos are no longer to be had, so a list and its clips never agree: what is missing is counted and
said. Times may be floats, ids may begin with ``-``.

Source: Kay et al., "The Kinetics Human Action Video Dataset", arXiv 1705.06950; Carreira et al.,
"A Short Note about Kinetics-600", 2018; "A Short Note on the Kinetics-700 Human Action Dataset",
2019.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from onebody.config import Config, nearest
from onebody.data import SampleTable
from onebody.datasets.defects import Defect, ManifestError, shown
from onebody.datasets.listed import (
    VIDEO_SUFFIXES,
    Found,
    Listed,
    ListLine,
    Missing,
    check_unique,
    listed_table,
    place_clips,
    read_list,
)
from onebody.datasets.manifest import Record, read_records
from onebody.labels import symmetric

_PARTS = {
    "train": "train",
    "val": "validation",
    "validate": "validation",
    "validation": "validation",
    "test": "test",
}
_ID = re.compile(r"[A-Za-z0-9_-]{11}", re.ASCII)


class KineticsConfig(Config):
    """Kinetics clips with official lists.

    Attributes:
        folder: what holds the clips, at any depth.
        lists: the CSV files, of one or several splits.
        classes: a file of all class names, one a line; default: the names that the lists hold.
        missing: whether listed clips that are not there are left out or an error.
    """

    kind: Literal["kinetics"] = "kinetics"
    folder: Path
    lists: tuple[Path, ...] = Field(min_length=1)
    classes: Path | None = None
    missing: Missing = "drop"


def read_kinetics(config: KineticsConfig) -> SampleTable:
    """Read the lists and find their clips; videos are not opened.

    Raises:
        ValueError: naming file and line of what does not fit; if no listed clip is there.
    """
    clips = [clip for file in config.lists for clip in kinetics_clips(file)]
    check_unique(clips)
    classes = _classes(config, clips)
    found = _clip_files(config.folder, clips)
    kept, sources = place_clips("kinetics", clips, found, config.folder, config.missing)
    return listed_table("kinetics", "action", symmetric("kinetics", classes), kept, sources)


def kinetics_clips(file: Path) -> list[Listed]:
    """Read one CSV list.

    Returns:
        Clips by ``<id>_<start>_<end>``; the video is their group and source.
    """
    clips = []
    for record in read_records(file):
        if isinstance(record, Defect):
            raise ManifestError(record)
        clips.append(_clip(file, record))
    if not clips:
        raise ListLine(file, 0, "").fault("rows below the header", "none", "Fetch it again.")
    return clips


def _clip(file: Path, record: Record) -> Listed:
    """Read one row."""
    line, values = ListLine(file, record.line, ""), record.values
    video = values.get("youtube_id", "")
    if not _ID.fullmatch(video):
        # Spreadsheets turn ids that begin with '-' or '=' into errors such as '#NAME?'.
        expected = "a youtube_id of 11 letters, digits, '-' and '_'"
        raise line.fault(expected, shown(video), "Fetch the list again; do not edit it as a sheet.")
    start, end = (_seconds(line, values, name) for name in ("time_start", "time_end"))
    if end <= start:
        raise line.fault(f"an end after {start:g} s", f"{end:g} s", "Fetch the list again.")
    split = values.get("split", "").casefold()
    if split not in _PARTS:
        remedy = nearest(split, _PARTS)
        raise line.fault("a split train, val or test", shown(split), remedy)
    label = values.get("label", "")
    if label in ("", "-1"):
        label = ""
        if split != "test":
            raise line.fault("a label", "none", "Only test lists go without labels.")
    name = f"{video}_{int(start):06d}_{int(end):06d}"
    return Listed(
        line=line,
        name=name,
        key=name,
        label=label,
        split=_PARTS[split],
        group=video,
        source=video,
    )


def _seconds(line: ListLine, values: Mapping[str, str], name: str) -> float:
    """Read a time, whole or broken."""
    text = values.get(name, "")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < 1e6:
        raise line.fault(f"{name} in seconds", shown(text), "Fetch the list again.")
    return value


def _classes(config: KineticsConfig, clips: Sequence[Listed]) -> tuple[str, ...]:
    """Return all classes, from their own file or from the lists."""
    if config.classes is None:
        return tuple(sorted({clip.label for clip in clips} - {""}))
    names = [line.text for line in read_list(config.classes)]
    for clip in clips:
        if clip.label and clip.label not in names:
            expected = f"one of {len(names)} classes of {config.classes}"
            raise clip.line.fault(expected, shown(clip.label), nearest(clip.label, names))
    return tuple(names)


def _clip_files(folder: Path, clips: Sequence[Listed]) -> Found:
    """Find clips at any depth; of several, those in the folder of their class are meant."""
    if not folder.is_dir():
        raise ValueError(f"{folder}: expected the folder of the clips, found none.")
    found: dict[str, list[str]] = {}
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            stem, suffix = os.path.splitext(name)
            if suffix.lower() in VIDEO_SUFFIXES and not name.startswith("."):
                found.setdefault(stem, []).append(os.path.join(place, name))
    folders = {_folder_name(clip.label) for clip in clips} - {""}
    chosen: dict[str, list[str]] = {}
    for clip in clips:
        paths = found.pop(clip.key, [])
        homes = [_folder_name(os.path.basename(os.path.dirname(path))) for path in paths]
        own = [p for p, home in zip(paths, homes, strict=True) if home == _folder_name(clip.label)]
        wrong = [p for p, home in zip(paths, homes, strict=True) if home in folders]
        if clip.label and wrong and not own:
            expected = f"the clip of {clip.label!r} in a folder of that class"
            raise clip.line.fault(expected, wrong[0], "Move it, or fetch the list again.")
        if paths:
            chosen[clip.key] = own or paths
    return chosen | found  # what is left stands in no list


def _folder_name(label: str) -> str:
    """Spell a class as a folder: blanks and underscores are the same."""
    return label.replace(" ", "_")
