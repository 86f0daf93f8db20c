"""Own data without Python: a CSV or JSONL manifest, one row a sample (see docs/own-data.md)."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from onebody.config import Config
from onebody.data.media import natural_sorted
from onebody.data.table import (
    ClassColumn,
    Column,
    JointsColumn,
    Numbers,
    SampleTable,
    Text,
    make_table,
)
from onebody.datasets.defects import ManifestError
from onebody.datasets.rows import BOX, CAMERA, TEXTS, Row, RowReader, rows_of
from onebody.labels import UNLABELED


class OwnConfig(Config):
    """Where own data lie.

    Attributes:
        manifest: the CSV or JSONL file; what stands beside it (``.yaml``) is read with it.
        name: name of the dataset; empty: what the sidecar says, else the file's name.
    """

    kind: Literal["own"] = "own"
    manifest: Path
    name: str = ""


def build_own(config: OwnConfig) -> SampleTable:
    """Read a manifest into a table. Media are not opened: `check_manifest` does that.

    Raises:
        ValueError: naming file, line, column, what was expected and found, and the remedy.
    """
    reader = RowReader(config.manifest)
    gathered = _Gathered()
    for row in rows_of(reader):
        gathered.add(row)
    if not gathered.lines:
        remedy = "Write one row per sample below the header."
        raise ManifestError(reader.defect(0, "", "rows", "none", remedy))
    return _to_table(config, reader, gathered)


class _Texts:
    """A growing column of texts, each distinct one kept once."""

    def __init__(self) -> None:
        self.codes = array("q")
        self.known: dict[str, int] = {"": 0}

    def put(self, row: int, text: str) -> None:
        """Set the text of a row; rows passed over are empty."""
        self.codes.extend([0] * (row - len(self.codes)))
        self.codes.append(self.known.setdefault(text, len(self.known)))

    def full(self, size: int) -> Text:
        """Return ``[size]`` texts."""
        return np.array(list(self.known), dtype=np.str_)[self._codes(size)]

    def indices(
        self, size: int, classes: tuple[str, ...]
    ) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Return ``[size]`` places among the classes; `UNLABELED` where empty."""
        place = {name: i for i, name in enumerate(classes)}
        table = np.array([place.get(name, UNLABELED) for name in self.known], np.int64)
        return table[self._codes(size)]

    def _codes(self, size: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        codes = np.zeros(size, np.int64)
        codes[: len(self.codes)] = self.codes
        return codes


class _Gathered:
    """Rows on their way into columns."""

    def __init__(self) -> None:
        self.lines = array("q")
        self.media: dict[str, _Texts] = {}
        self.texts: dict[str, _Texts] = {}
        self.classes: dict[str, _Texts] = {}
        self.joints: dict[str, _Texts] = {}
        self.numbers: dict[str, array[float]] = {}

    def add(self, row: Row) -> None:
        """Add a row."""
        at = len(self.lines)
        self.lines.append(row.line)
        for mine, its in (
            (self.media, row.media),
            (self.texts, row.texts),
            (self.classes, row.classes),
            (self.joints, row.joints),
        ):
            for name, text in its.items():
                mine.setdefault(name, _Texts()).put(at, text)
        for name, value in row.numbers.items():
            column = self.numbers.setdefault(name, array("d"))
            column.extend([np.nan] * (at - len(column)))
            column.append(value)

    def number(self, name: str) -> Numbers:
        """Return ``[N]`` numbers; NaN where a row has none."""
        values = np.full(len(self.lines), np.nan)
        found = self.numbers.get(name, array("d"))
        values[: len(found)] = found
        return values


def _to_table(config: OwnConfig, reader: RowReader, rows: _Gathered) -> SampleTable:
    """Build the table."""
    size = len(rows.lines)
    name = config.name or reader.sidecar.name or config.manifest.stem
    order = [c for c, role in reader.roles.items() if role in ("class", "joints")]
    # Any: a checker cannot know which of the table's arguments these names are.
    given: dict[str, Any] = {text: column.full(size) for text, column in rows.texts.items()}
    file = config.manifest.name
    layouts = reader.sidecar.layouts
    return make_table(
        name,
        {modality: column.full(size) for modality, column in rows.media.items()},
        columns={column: _column(column, name, reader, rows) for column in order},
        layouts={modality: layouts[modality] for modality in rows.media if modality in layouts},
        start_s=rows.number("start"),
        end_s=rows.number("end"),
        fps=rows.number("fps"),
        depth_ref_mm=rows.number("depth_ref_mm"),
        camera_matrix=np.stack([rows.number(c) for c in CAMERA], axis=1),
        box=np.stack([rows.number(c) for c in BOX], axis=1),
        head_px=rows.number("head_px"),
        row_names=np.array([f"{file}:{line}" for line in rows.lines], dtype=np.str_),
        **{text: given[text] for text in TEXTS if text in given},
    )


def _column(name: str, dataset: str, reader: RowReader, rows: _Gathered) -> Column:
    """Build one label column."""
    label = reader.label(name)
    size = len(rows.lines)
    if reader.roles[name] == "joints":
        sources = rows.joints.get(name, _Texts()).full(size)
        return JointsColumn(sources=sources, skeleton=label.skeleton, unit=label.unit)
    texts = rows.classes.get(name, _Texts())
    classes = label.classes or class_names(texts.known)
    try:
        space = label.space(f"{dataset}.{name}", classes)
    except ValueError as error:
        found, remedy = str(error), "Correct 'mirror' in the sidecar."
        raise ManifestError(reader.defect(0, name, "a mirror", found, remedy)) from None
    return ClassColumn(values=texts.indices(size, classes), space=space)


def class_names(found: Iterable[str]) -> tuple[str, ...]:
    """Return the classes that occur, in natural order ("2" before "10"), without the empty one."""
    return tuple(natural_sorted(name for name in set(found) if name))
