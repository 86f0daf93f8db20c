"""Official list files: lines that know where they stand, and the media that they name."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from onebody.config import nearest
from onebody.data import ClassColumn, SampleTable, make_table
from onebody.datasets.defects import Defect, ManifestError, shown
from onebody.datasets.manifest import LineError, decoded_lines
from onebody.labels import UNLABELED, LabelSpace

VIDEO_SUFFIXES = frozenset(
    {".avi", ".mp4", ".mkv", ".webm", ".mov", ".mpg", ".mpeg", ".m4v", ".wmv", ".flv"}
)

Missing = Literal["refuse", "drop"]
"""What becomes of clips whose media are not there: an error, or no row and a warning with their
number."""

Found = Mapping[str, Sequence[str]]
"""Media below a folder: paths by key (see `find_media`)."""


@dataclass(frozen=True, slots=True)
class ListLine:
    """One line of a list file that is not blank.

    Attributes:
        file: the list.
        number: from 1.
        text: without the blanks around it.
    """

    file: Path
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.file.name}:{self.number}"

    def fault(self, expected: str, found: str, remedy: str) -> ManifestError:
        """Make the error that names this line."""
        defect = Defect(
            file=str(self.file),
            record=self.number,
            field="",
            expected=expected,
            found=found,
            remedy=remedy,
        )
        return ManifestError(defect)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A clip that a list names.

    Attributes:
        line: where it does so.
        name: what the list calls it, for messages.
        key: what its media are found by.
        label: class name; empty: unlabeled.
        split: ``train``, ``validation`` or ``test``; empty: known to the list, but not used.
        group: clips of one group are never divided; empty: it stands alone.
        source: the recording that it was cut from.
        frames: how many frames the list promises; 0: it does not say.
    """

    line: ListLine
    name: str
    key: str
    label: str
    split: str
    group: str = ""
    source: str = ""
    frames: int = 0


def read_list(file: Path) -> list[ListLine]:
    """Read a list file (UTF-8 with or without a byte order mark, LF or CRLF).

    Raises:
        ManifestError: if it is missing, empty, or no text.
    """
    try:
        with file.open("rb") as opened:
            texts = [text.strip() for text in decoded_lines(file, opened)]
    except LineError as error:
        raise ManifestError(error.defect) from None
    except OSError as error:
        reason = "a folder" if file.is_dir() else str(error.strerror)
        raise _whole(file, "a list file", reason, "Fetch the official lists.") from None
    lines = [ListLine(file, number, text) for number, text in enumerate(texts, 1) if text]
    if not lines:
        raise _whole(file, "lines", "an empty file", "Fetch it again.")
    return lines


def numbered_classes(file: Path) -> tuple[str, ...]:
    """Read class names from lines ``1 ApplyEyeMakeup``: every number from 1 on, once.

    Raises:
        ManifestError: names the line that does not fit.
    """
    names: dict[int, str] = {}
    for line in read_list(file):
        found = re.fullmatch(r"(\d{1,9})\s+(\S.*)", line.text, re.ASCII)
        if found is None or int(found[1]) in names or found[2] in names.values():
            expected = "a number and a class name, each once"
            raise line.fault(expected, shown(line.text), "Fetch the class list again.")
        names[int(found[1])] = found[2]
    lost = sorted(set(range(1, len(names) + 1)) - set(names))
    if lost:
        expected = f"class numbers from 1 to {len(names)}"
        raise _whole(file, expected, f"none with {lost[0]}", "Fetch it again.")
    return tuple(names[number] for number in sorted(names))


def check_unique(clips: Iterable[Listed]) -> None:
    """Refuse lists that name a clip twice.

    Raises:
        ManifestError: names both lines, and what they contradict each other in.
    """
    seen: dict[str, Listed] = {}
    for clip in clips:
        other = seen.setdefault(clip.key, clip)
        if other is clip:
            continue
        said = ((other.split, clip.split), (other.label, clip.label))
        differs = "".join(f", {a!r} there and {b!r} here" for a, b in said if a != b)
        found = f"{shown(clip.name)} at {other.line} as well{differs}"
        raise clip.line.fault("each clip once", found, "Fetch the lists again.")


def find_media(root: Path, depth: int, *, folders: bool = False) -> dict[str, list[str]]:
    """Find videos (or folders of pictures) below a folder, hidden ones left out.

    Args:
        root: where to look.
        depth: path parts of a key: 1 looks into ``root``, 2 into its folders.
        folders: look for folders rather than for video files.

    Returns:
        Paths by key: the path below ``root`` in lower case, without the suffix.

    Raises:
        ValueError: if there is no such folder.
    """
    if not root.is_dir():
        raise ValueError(f"{root}: expected the folder of the media, found none. Correct the path.")
    found: dict[str, list[str]] = {}
    for entry in sorted(os.scandir(root), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        if depth > 1:
            if entry.is_dir():
                below = find_media(Path(entry.path), depth - 1, folders=folders)
                for key, paths in below.items():
                    found.setdefault(f"{entry.name.casefold()}/{key}", []).extend(paths)
            continue
        stem, suffix = (entry.name, "") if folders else os.path.splitext(entry.name)
        if entry.is_dir() if folders else suffix.lower() in VIDEO_SUFFIXES:
            found.setdefault(stem.casefold(), []).append(entry.path)
    return found


def place_clips(
    name: str, clips: Sequence[Listed], found: Found, root: Path, missing: Missing
) -> tuple[list[Listed], list[str]]:
    """Find the media of listed clips; what is missing or in no list is counted and said.

    Args:
        name: of the dataset.
        clips: all that the lists know, those that are not used too.
        found: media by key.
        root: where they were looked for, for messages.
        missing: what becomes of clips without media.

    Returns:
        The clips that are used and there, and their media.

    Raises:
        ManifestError: if media are missing (and not dropped, or all are) or a clip has several.
        ValueError: if the lists use no clip.
    """
    used = [clip for clip in clips if clip.split]
    if not used:
        raise ValueError(f"{clips[0].line.file}: expected clips that are used, found none.")
    kept = [clip for clip in used if clip.key in found]
    lost = [clip for clip in used if clip.key not in found]
    if lost and (missing == "refuse" or not kept):
        text = f"no {lost[0].name!r} there ({len(lost)} of {len(used)} listed clips are missing)"
        remedy = "Fetch them, or state 'missing: drop' to go without them."
        raise lost[0].line.fault(f"media below {root}", text, remedy)
    if lost:
        _say(f"{name}: {len(lost)} of {len(used)} listed clips are not below {root} and left out")
    known = {clip.key for clip in clips}
    strange = [key for key in found if key not in known]
    if strange:
        text = f"{len(strange)} clips below {root} stand in no list (first: {strange[0]!r})"
        _say(f"{name}: {text} and are not used")
    for clip in kept:
        paths = found[clip.key]
        if len(paths) > 1:
            text = f"{len(paths)}: {', '.join(paths[:3])}"
            raise clip.line.fault("one file", text, "Remove all but one.")
    return kept, [found[clip.key][0] for clip in kept]


def listed_table(
    name: str,
    column: str,
    space: LabelSpace,
    clips: Sequence[Listed],
    sources: Sequence[str],
    fps: float = float("nan"),
) -> SampleTable:
    """Make the table of listed clips, one modality ``rgb`` and one class column."""
    index = {label: place for place, label in enumerate(space.classes)} | {"": UNLABELED}
    values = np.array([index[clip.label] for clip in clips], np.int64)
    return make_table(
        name,
        {"rgb": list(sources)},
        columns={column: ClassColumn(values=values, space=space)},
        fps=np.full(len(clips), fps),
        split=[clip.split for clip in clips],
        group=[clip.group for clip in clips],
        source=[clip.source for clip in clips],
        row_names=[str(clip.line) for clip in clips],
    )


def class_of(line: ListLine, name: str, classes: Mapping[str, str]) -> str:
    """Return the class that a line names.

    Args:
        line: for the message.
        name: as it is written there.
        classes: official name by name in lower case.

    Raises:
        ManifestError: if there is no such class; names the nearest.
    """
    if name.casefold() not in classes:
        expected = f"one of {len(classes)} classes"
        raise line.fault(expected, shown(name), nearest(name, classes.values()))
    return classes[name.casefold()]


def _whole(file: Path, expected: str, found: str, remedy: str) -> ManifestError:
    """Make the error that names a file as a whole."""
    return ListLine(file, 0, "").fault(expected, found, remedy)


def _say(text: str) -> None:
    warnings.warn(f"{text}.", stacklevel=4)
