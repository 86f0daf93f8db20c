"""From a manifest's texts to typed rows: what each column means, and what is wrong with a value."""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from onebody.config import nearest
from onebody.data.media import parse
from onebody.datasets.defects import Defect, ManifestError, shown
from onebody.datasets.manifest import Record, is_jsonl, read_header, read_records
from onebody.datasets.sidecar import LabelConfig, Sidecar, load_sidecar, sidecar_path

MODALITIES = ("rgb", "depth", "silhouette", "skeleton", "imu")
TEXTS = ("subject", "camera", "source", "group", "split")
TIMES = ("start", "end")
CAMERA = ("fx", "fy", "cx", "cy")
BOX = ("box_x0", "box_y0", "box_x1", "box_y1")
POSITIVE = ("fps", "depth_ref_mm", "fx", "fy", "head_px")
NUMBERS = (*TIMES, "fps", *CAMERA, "depth_ref_mm", *BOX, "head_px")
JOINTS = ("joints2d", "joints3d")
"""Columns that hold joints by their name; others do so if the sidecar gives them a skeleton."""

MAX_TEXT = 4096
"""Longest text of a field: columns are arrays as wide as their longest text."""

Role = Literal["media", "text", "number", "class", "joints"]
_SEEMS_MEANT = 0.8
"""Likeness from which an unknown column is taken for a misspelled known one."""


@dataclass(slots=True, kw_only=True)
class Row:
    """One typed row; what is not said is not in the dictionaries.

    Attributes:
        line: where it stands in the manifest.
        media: modality to source (joined to the manifest's folder).
        texts, numbers: by column.
        classes: class name by label column.
        joints: source by label column.
    """

    line: int
    media: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)
    joints: dict[str, str] = field(default_factory=dict)


class RowReader:
    """Reads a manifest together with its sidecar.

    Attributes:
        path: the manifest.
        sidecar: what is stated beside it.
        roles: what every column met so far means.
        rows: records met so far, readable or not.
    """

    def __init__(self, path: Path) -> None:
        """Read the sidecar.

        Raises:
            ValueError: if the sidecar cannot be read.
        """
        self.path = path
        self.sidecar: Sidecar = load_sidecar(path)
        self.roles: dict[str, Role] = {}
        self.rows = 0
        self._refused: set[str] = set()
        self._folder = os.path.abspath(path.parent)

    def read(self) -> Iterator[Row | Defect]:
        """Read row by row.

        Yields:
            Every row that can be used, after whatever is wrong with it; rows with a wrong value
            are not yielded.
        """
        header = read_header(self.path)
        for name in header or ():
            yield from self._meet(name, 1)
        for record in read_records(self.path):
            if isinstance(record, Defect):
                self.rows += record.record > 1 or is_jsonl(self.path)
                yield record
                continue
            self.rows += 1
            for name in record.values:
                yield from self._meet(name, record.line)
            row = Row(line=record.line)
            defects = [*self._fill(row, record), *self._whole(row)]
            yield from defects
            if not defects:
                yield row
        yield from self._unseen()

    def column_of(self, modality: str) -> str:
        """Return the column that a modality stands in."""
        return "media" if modality == "rgb" and "media" in self.roles else modality

    def place(self, line: int) -> str:
        """Say which row a line is, within a message."""
        return f"line {line}"

    def label(self, column: str) -> LabelConfig:
        """Return what is stated of a label column."""
        return self.sidecar.labels.get(column, LabelConfig())

    def defect(
        self,
        line: int,
        field: str,
        expected: str,
        found: str,
        remedy: str,
        *,
        warning: bool = False,
    ) -> Defect:
        """Make a defect of this manifest."""
        return Defect(
            file=str(self.path),
            record=line,
            field=field,
            expected=expected,
            found=found,
            remedy=remedy,
            warning=warning,
        )

    def _meet(self, name: str, line: int) -> Iterator[Defect]:
        """Find out what a column means when it is first met."""
        if name in self.roles or name in self._refused:
            return
        fault = self._place(name)
        if fault:
            self._refused.add(name)
            yield self.defect(line, name, *fault)

    def _place(self, name: str) -> tuple[str, str, str] | None:
        """Give a column its role, or say (expected, found, remedy)."""
        base, _, view = name.partition("/")
        if name == "media" or (base in MODALITIES and (not view or view.isalnum())):
            other = {"media": "rgb", "rgb": "media"}.get(name)
            if other in self.roles:
                return "one column of pictures", f"{name!r} beside {other!r}", "Drop one of them."
            self.roles[name] = "media"
        elif name in TEXTS:
            self.roles[name] = "text"
        elif name in NUMBERS:
            self.roles[name] = "number"
        elif name in self.sidecar.labels:
            self.roles[name] = "joints" if self.label(name).joints else "class"
        else:
            return self._place_unstated(name)
        return None

    def _place_unstated(self, name: str) -> tuple[str, str, str] | None:
        """Place a column that neither has a fixed meaning nor is stated beside the manifest."""
        beside = sidecar_path(self.path).name
        if name in JOINTS:
            return (
                "a stated joint layout",
                "none",
                f"State 'labels: {{{name}: {{skeleton: ..., unit: ...}}}}' in {beside}.",
            )
        fixed = ("media", *MODALITIES, *TEXTS, *NUMBERS)
        if self.sidecar.labels:
            known = (*fixed, *self.sidecar.labels)
            remedy = f"{nearest(name, known)} A label column is stated in {beside}."
            return "a known column", shown(name), remedy
        close = difflib.get_close_matches(name.lower(), fixed, n=1, cutoff=_SEEMS_MEANT)
        if close:
            remedy = f"Rename it, or state it as a label in {beside}."
            return f"{close[0]!r}, it seems", shown(name), remedy
        self.roles[name] = "class"
        return None

    def _fill(self, row: Row, record: Record) -> Iterator[Defect]:
        """Turn texts into values."""
        for name, text in record.values.items():
            role = self.roles.get(name)
            if len(text) > MAX_TEXT:
                expected, found = f"at most {MAX_TEXT} characters", f"{len(text)}"
                yield self.defect(row.line, name, expected, found, "Is a quote left open?")
            elif role == "media":
                row.media["rgb" if name == "media" else name] = self._join(text)
            elif role == "text":
                row.texts[name] = text
            elif role == "number":
                yield from self._number(row, name, text)
            elif role == "class":
                yield from self._class(row, name, text)
            elif role == "joints":
                if parse(text).kind not in ("npz", "npy"):
                    remedy = "Name the array: 'file.npz#key' or 'file.npy#a:b'."
                    yield self.defect(row.line, name, "joints in an array", shown(text), remedy)
                row.joints[name] = self._join(text)

    def _number(self, row: Row, name: str, text: str) -> Iterator[Defect]:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        smallest = "above 0" if name in POSITIVE else "from 0 on" if name in TIMES else ""
        good = math.isfinite(value) and not (
            (name in POSITIVE and value <= 0) or (name in TIMES and value < 0)
        )
        if not good:
            expected = f"a number {smallest}".strip()
            remedy = "Write it with a decimal point, or leave it empty."
            yield self.defect(row.line, name, expected, shown(text), remedy)
        row.numbers[name] = value

    def _class(self, row: Row, name: str, text: str) -> Iterator[Defect]:
        classes = self.label(name).classes
        if classes and text not in classes:
            remedy = nearest(text, classes)
            expected = f"one of {len(classes)} stated classes"
            yield self.defect(row.line, name, expected, shown(text), remedy)
        row.classes[name] = text

    def _whole(self, row: Row) -> Iterator[Defect]:
        """Check what concerns several columns."""
        if not row.media:
            remedy = "Name at least one file, or drop the row."
            yield self.defect(row.line, "", "media", "none", remedy)
        start, end = (row.numbers.get(name, math.nan) for name in TIMES)
        if end <= start or end == 0:
            expected = f"an end after {start:g} s" if end <= start else "an end after 0 s"
            yield self.defect(row.line, "end", expected, f"{end:g} s", "Correct the span.")
        for group, whose in ((CAMERA, "the camera"), (BOX, "the box")):
            given = [name for name in group if name in row.numbers]
            if given and len(given) < len(group):
                remedy = f"Give {', '.join(group)}, or none of them."
                yield self.defect(
                    row.line, given[0], f"all four of {whose}", ", ".join(given), remedy
                )
        x0, y0, x1, y1 = (row.numbers.get(name, math.nan) for name in BOX)
        for name, low, high in (("box_x1", x0, x1), ("box_y1", y0, y1)):
            if high <= low:
                expected, found = f"more than {low:g}, where the box begins", f"{high:g}"
                yield self.defect(row.line, name, expected, found, "Correct the box.")

    def _unseen(self) -> Iterator[Defect]:
        """Name label columns that are stated but nowhere in the manifest."""
        for name in self.sidecar.labels:
            if name not in self.roles and name not in self._refused:
                known = [n for n, role in self.roles.items() if role in ("class", "joints")]
                hint = nearest(name, known) if known else "It has no label columns."
                expected, found = "the column that the sidecar states", "none"
                yield self.defect(0, name, expected, found, f"{hint} Rename or drop one of them.")

    def _join(self, source: str) -> str:
        """Spell a source from the manifest's folder on."""
        return os.path.join(self._folder, source)


def rows_of(reader: RowReader) -> Iterator[Row]:
    """Read rows up to the first fault.

    Raises:
        ManifestError: at the first thing that is wrong.
    """
    for row in reader.read():
        if isinstance(row, Defect):
            raise ManifestError(row)
        yield row
