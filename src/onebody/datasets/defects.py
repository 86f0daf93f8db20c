"""`Defect`: one thing that is wrong with a file, said so that it can be put right."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """One thing that is wrong.

    Attributes:
        file: the file as the user named it.
        record: line number within it, from 1; 0: the file as a whole.
        field: column or key; empty: the record as a whole.
        expected, found: what the reader wanted and what there was.
        remedy: what to do about it, a sentence.
        warning: it can be read all the same, but is probably a mistake.
    """

    file: str
    record: int
    field: str
    expected: str
    found: str
    remedy: str
    warning: bool = False

    def __str__(self) -> str:
        place = f"{self.file}:{self.record}" if self.record else self.file
        column = f" column {self.field!r}:" if self.field else ""
        found = self.found if self.found.endswith(("?", ".")) else f"{self.found}."
        return f"{place}:{column} expected {self.expected}, found {found} {self.remedy}"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


class ManifestError(ValueError):
    """A manifest cannot be read; ``defect`` says why.

    Attributes:
        defect: the first thing that is wrong.
    """

    def __init__(self, defect: Defect) -> None:
        super().__init__(defect)
        self.defect = defect

    def __str__(self) -> str:
        return str(self.defect)


def shown(value: object, limit: int = 80) -> str:
    """Quote a found value, shortened, for a message."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
