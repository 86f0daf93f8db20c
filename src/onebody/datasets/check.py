"""Read every record of a manifest, or row of a table, and list everything that is wrong with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from onebody.data import SampleTable
from onebody.datasets.check_media import box_defects, joints_defects, media_defects
from onebody.datasets.defects import Defect
from onebody.datasets.rows import BOX, TIMES, Row, RowReader
from onebody.datasets.sidecar import sidecar_path
from onebody.datasets.table_rows import TableReader


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What was read and what is wrong.

    Attributes:
        file: the manifest, or the name of the table.
        rows: records that were read; ``usable``: those without an error.
        frames: frames of the pictures within the rows' spans.
        media: rows by modality.
        labels: rows by label column.
        defects: everything that is wrong: row by row, then what concerns the whole.
    """

    file: str
    rows: int
    usable: int
    frames: int
    media: dict[str, int]
    labels: dict[str, int]
    defects: list[Defect]

    @property
    def errors(self) -> list[Defect]:
        """What has to be put right."""
        return [defect for defect in self.defects if not defect.warning]

    @property
    def warnings(self) -> list[Defect]:
        """What is probably a mistake."""
        return [defect for defect in self.defects if defect.warning]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def check_manifest(path: Path, *, deep: bool = False) -> CheckReport:
    """Check a manifest, its sidecar, its media and its joints.

    Rows are read one at a time: the memory taken is some hundred bytes a row.

    Args:
        path: the CSV or JSONL file.
        deep: decode every frame (slow); else headers and packets are read.
    """
    path = Path(path)
    try:
        reader = RowReader(path)
    except ValueError as error:
        beside = str(sidecar_path(path))
        found = str(error).removeprefix(f"{beside}: ")
        remedy = "See docs/own-data.md."
        sidecar = Defect(
            file=beside,
            record=0,
            field="",
            expected="a sidecar that can be read",
            found=found,
            remedy=remedy,
        )
        return CheckReport(
            file=str(path), rows=0, usable=0, frames=0, media={}, labels={}, defects=[sidecar]
        )
    return _Check(reader, deep=deep).run()


def check_table(table: SampleTable, *, deep: bool = False) -> CheckReport:
    """Check the media and joints of a table, whatever it was read from.

    Args:
        table: the rows; reports name them as the table does.
        deep: decode every frame (slow); else headers and packets are read.
    """
    return _Check(TableReader(table), deep=deep).run()


class _Check:
    """One run over a manifest: what has to be remembered from row to row."""

    def __init__(self, reader: RowReader, *, deep: bool) -> None:
        self.reader = reader
        self.deep = deep
        self.defects: list[Defect] = []
        self.usable = self.frames = 0
        self.media: Counter[str] = Counter()
        self.labels: Counter[str] = Counter()
        self.classes: dict[str, Counter[str]] = {}
        self.first_class: dict[tuple[str, str], int] = {}
        self.seen: dict[int, tuple[int, int]] = {}
        self.sides: dict[tuple[str, str], tuple[str, int] | None] = {}

    def run(self) -> CheckReport:
        """Read everything."""
        for row in self.reader.read():
            if isinstance(row, Defect):
                self.defects.append(row)
                continue
            self._row(row)
        if not self.reader.rows and not self.defects:
            remedy = "Write one row per sample below the header."
            self.defects.append(self.reader.defect(0, "", "rows", "none", remedy))
        self._classes()
        return CheckReport(
            file=str(self.reader.path),
            rows=self.reader.rows,
            usable=self.usable,
            frames=self.frames,
            media=dict(self.media),
            labels=dict(self.labels),
            defects=self.defects,
        )

    def _row(self, row: Row) -> None:
        """Check one row and remember what concerns others."""
        defects, span, size = media_defects(self.reader, row, deep=self.deep)
        defects += box_defects(self.reader, row, size)
        for column in row.joints:
            defects += joints_defects(self.reader, row, column, span, size)
        defects += self._repeats(row)
        defects += self._splits(row)
        self.usable += all(defect.warning for defect in defects)
        self.frames += span[1] - span[0] if span else 0
        self.media.update(list(row.media))
        self.labels.update([*row.classes, *row.joints])
        for column, name in row.classes.items():
            self.classes.setdefault(column, Counter())[name] += 1
            self.first_class.setdefault((column, name), row.line)
        self.defects += defects

    def _repeats(self, row: Row) -> list[Defect]:
        """Is the row, or the same piece of media under other labels, already there?"""
        where = (row.numbers.get(name) for name in (*TIMES, *BOX))
        what = (*sorted(row.media.items()), *where)
        labels = (*sorted(row.classes.items()), *sorted(row.joints.items()))
        key, said = hash(what), hash(labels)
        if key not in self.seen:
            self.seen[key] = (row.line, said)
            return []
        line, before = self.seen[key]
        if before == said:
            found, remedy = f"the same sample as {self.reader.place(line)}", "Drop one of the two."
            return [self.reader.defect(row.line, "", "each sample once", found, remedy)]
        found = f"the media and span of {self.reader.place(line)} with other labels"
        remedy = "Put all labels of a sample into one row, or correct one of them."
        return [self.reader.defect(row.line, "", "each sample once", found, remedy, warning=True)]

    def _splits(self, row: Row) -> list[Defect]:
        """Does a group or subject of the row stand in another split as well?"""
        split = row.texts.get("split")
        if not split:
            return []
        found = []
        for field in ("group", "subject"):
            name = row.texts.get(field)
            side = self.sides.setdefault((field, name), (split, row.line)) if name else None
            if name and side and side[0] != split:
                self.sides[field, name] = None  # said once
                first = self.reader.place(side[1])
                text = f"{name!r} in {side[0]!r} ({first}) and in {split!r}"
                remedy = "Keep it on one side, or results tell less than they seem to."
                defect = self.reader.defect(
                    row.line, field, f"each {field} in one split", text, remedy, warning=True
                )
                found.append(defect)
        return found

    def _classes(self) -> None:
        """Name classes too rare to be learned and tested."""
        for column, role in self.reader.roles.items():
            if role != "class":
                continue
            counts = self.classes.get(column, Counter())
            for name in dict.fromkeys([*self.reader.label(column).classes, *sorted(counts)]):
                if counts[name] > 1:
                    continue
                line = self.first_class.get((column, name), 0)
                found = f"{counts[name]} of {name!r}"
                remedy = "Add samples, or drop or merge the class."
                self.defects.append(
                    self.reader.defect(
                        line, column, "two samples or more of a class", found, remedy, warning=True
                    )
                )
