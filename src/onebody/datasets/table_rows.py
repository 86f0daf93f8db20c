"""Rows of a table as the check of a manifest sees rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from onebody.data import JointsColumn, SampleTable
from onebody.datasets.defects import Defect
from onebody.datasets.rows import BOX, CAMERA, NUMBERS, TEXTS, Row, RowReader
from onebody.datasets.sidecar import LabelConfig, Sidecar


class TableReader(RowReader):
    """Reads a table that some other reader made; its rows count from 1.

    Attributes:
        table: the table.
    """

    def __init__(self, table: SampleTable) -> None:
        self.table = table
        self.path = Path(table.name)
        self.rows = len(table)
        self.roles = dict.fromkeys(table.media, "media")
        labels = {}
        for name, column in table.columns.items():
            if isinstance(column, JointsColumn):
                self.roles[name] = "joints"
                values = {"skeleton": column.skeleton, "unit": column.unit}
                labels[name] = LabelConfig.model_validate(values)
            else:
                self.roles[name] = "class"
                labels[name] = LabelConfig(classes=column.space.classes)
        self.sidecar = Sidecar(name=table.name, labels=labels, layouts=dict(table.layouts))

    def read(self) -> Iterator[Row | Defect]:
        """Give every row."""
        for row in range(len(self.table)):
            yield self._row(row)

    def place(self, line: int) -> str:
        """Name a row as the table does."""
        return str(self.table.row_names[line - 1])

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
        """Make a defect of this table."""
        return Defect(
            file=f"{self.table.name}: {self.place(line)}" if line else self.table.name,
            record=0,
            field=field,
            expected=expected,
            found=found,
            remedy=remedy,
            warning=warning,
        )

    def _row(self, row: int) -> Row:
        """Take one row out of the columns."""
        table = self.table
        numbers = {
            "start": table.start_s[row],
            "end": table.end_s[row],
            "fps": table.fps[row],
            "depth_ref_mm": table.depth_ref_mm[row],
            "head_px": table.head_px[row],
            **dict(zip(CAMERA, table.camera_matrix[row], strict=True)),
            **dict(zip(BOX, table.box[row], strict=True)),
        }
        texts = {name: str(getattr(table, name)[row]) for name in TEXTS}
        sources = {name: str(values[row]) for name, values in table.media.items()}
        classes, joints = {}, {}
        for name, column in table.columns.items():
            if isinstance(column, JointsColumn):
                joints[name] = str(column.sources[row])
            elif column.values[row] >= 0:
                classes[name] = column.space.classes[column.values[row]]
        return Row(
            line=row + 1,
            media={name: source for name, source in sources.items() if source},
            texts={name: text for name, text in texts.items() if text},
            numbers={name: float(numbers[name]) for name in NUMBERS if np.isfinite(numbers[name])},
            classes=classes,
            joints={name: source for name, source in joints.items() if source},
        )
