"""Records of a CSV or JSONL file, one at a time, with every fault of form named.

CSV: UTF-8 with or without a byte order mark, LF or CRLF, a header line, commas, quotes doubled
within quoted fields. Blank lines (of nothing but commas, too) are passed over; blanks around a
field are dropped. JSONL: one object per line; numbers and texts; null or no key: empty.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onebody.datasets.defects import Defect, shown

MAX_LINE = 1 << 20
"""Longest line in bytes: a broken file must not fill the memory."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row.

    Attributes:
        line: where it begins in the file, from 1.
        values: what it says by column; empty fields are left out.
    """

    line: int
    values: dict[str, str]


class LineError(Exception):
    """A line that is no text; carries its defect."""

    def __init__(self, defect: Defect) -> None:
        super().__init__(defect)
        self.defect = defect


def read_records(path: Path) -> Iterator[Record | Defect]:
    """Read a manifest row by row.

    Yields:
        A record, or what is wrong with the line; a fault of the whole file ends the reading.
    """
    try:
        with path.open("rb") as file:
            lines = decoded_lines(path, file)
            yield from _jsonl(path, lines) if is_jsonl(path) else _csv(path, lines)
    except LineError as error:
        yield error.defect
    except OSError as error:
        found = "a folder" if path.is_dir() else str(error.strerror)
        yield _defect(path, 0, "", "a readable CSV or JSONL file", found, "Name the manifest.")


def is_jsonl(path: Path) -> bool:
    """Is it read as JSON lines?"""
    return path.suffix.lower() in (".jsonl", ".ndjson")


def read_header(path: Path) -> tuple[str, ...] | None:
    """Return a CSV file's column names; None where there are none to be had (JSONL, faults)."""
    if is_jsonl(path):
        return None
    try:
        with path.open("rb") as file:
            header = next(csv.reader(decoded_lines(path, file), strict=True), None)
    except (OSError, csv.Error, LineError):
        return None
    return tuple(name.strip() for name in header) if header else None


def decoded_lines(path: Path, file: Any) -> Iterator[str]:
    """Decode a file line by line, so that a stray byte is named with its line.

    Raises:
        LineError: at a line that is too long or no UTF-8 text.
    """
    number = 0
    while raw := file.readline(MAX_LINE + 1):
        number += 1
        if len(raw) > MAX_LINE:
            found = f"more than {MAX_LINE} bytes"
            raise LineError(_defect(path, number, "", "a line", found, "Is it a text file?"))
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            found = f"byte 0x{raw[error.start]:02x} at position {error.start + 1}"
            raise LineError(
                _defect(path, number, "", "UTF-8 text", found, "Save the file as UTF-8.")
            ) from None
        if "\0" in text:
            raise LineError(
                _defect(path, number, "", "UTF-8 text", "a NUL character", "Save it as UTF-8.")
            )
        yield text


def _csv(path: Path, lines: Iterator[str]) -> Iterator[Record | Defect]:
    reader = csv.reader(lines, strict=True)
    header: tuple[str, ...] = ()
    while True:
        line = reader.line_num + 1
        try:
            fields = [field.strip() for field in next(reader)]
        except StopIteration:
            break
        except csv.Error as error:
            if not header:
                yield _defect(path, line, "", "a CSV header", str(error), "See docs/own-data.md.")
                return
            remedy = "Close every quote, and double the quotes within quoted fields."
            yield _defect(path, line, "", "a CSV row", str(error), remedy)
            continue
        if not any(fields):
            continue
        if not header:
            fault = _header_fault(path, line, fields)
            if fault:
                yield fault
                return
            header = tuple(fields)
        elif len(fields) != len(header):
            yield _count_fault(path, line, header, fields)
        else:
            values = {n: v for n, v in zip(header, fields, strict=True) if v}
            yield Record(line, values)
    if not header:
        yield _defect(path, 0, "", "a header line", "an empty file", "See docs/own-data.md.")


def _header_fault(path: Path, line: int, names: list[str]) -> Defect | None:
    """Say what is wrong with a header, if anything is."""
    twice = sorted({name for name in names if names.count(name) > 1 and name})
    if twice:
        return _defect(
            path, line, twice[0], "each column once", "it twice", "Rename or drop one of them."
        )
    if "" in names:
        where = f"none for column {names.index('') + 1}"
        return _defect(path, line, "", "a name for every column", where, "Name or drop it.")
    for mark, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(names) == 1 and mark in names[0]:
            remedy = "Save the file as CSV with commas."
            return _defect(path, line, "", "commas between columns", name, remedy)
    return None


def _count_fault(path: Path, line: int, header: tuple[str, ...], fields: list[str]) -> Defect:
    """Say how a row's columns differ from the header's."""
    remedy = "Quote fields that contain commas, and leave empty fields empty."
    found = f"{len(fields)} ({shown(','.join(fields))})"
    return _defect(path, line, "", f"{len(header)} columns", found, remedy)


def _jsonl(path: Path, lines: Iterator[str]) -> Iterator[Record | Defect]:
    empty = True
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        empty = False
        yield _json_record(path, number, text)
    if empty:
        yield _defect(path, 0, "", "a JSON object per line", "an empty file", "Add rows to it.")


def _json_record(path: Path, number: int, text: str) -> Record | Defect:
    """Read one JSON line."""
    try:
        found = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        return _defect(path, number, "", "a JSON object", str(error), "Write one object per line.")
    if not isinstance(found, dict):
        kind = type(found).__name__
        return _defect(path, number, "", "a JSON object", kind, "Write one object per line.")
    values = {}
    for name, value in found.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float | None):
            remedy = "Write the class as a text, in quotes."
            return _defect(path, number, name, "a text or number", shown(value), remedy)
        if not name.strip() or not _is_plain(f"{name}{value}"):
            remedy = "Give every key a name; no NUL characters and no lone surrogates."
            return _defect(path, number, name, "texts", shown(value), remedy)
        if value is not None and (text := str(value).strip()):
            values[name.strip()] = text
    return Record(number, values)


def _is_plain(text: str) -> bool:
    """Can the text be stored and be part of a path (JSON escapes can spell what cannot)?"""
    try:
        return b"\0" not in text.encode("utf-8")
    except UnicodeEncodeError:
        return False


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that says one thing twice."""
    names = [name for name, _ in pairs]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"the key {twice[0]!r} twice")
    return dict(pairs)


def _refuse(constant: str) -> None:
    """Refuse NaN and Infinity, which JSON does not have."""
    raise ValueError(f"{constant}, which is no JSON (leave the key out)")


def _defect(path: Path, record: int, field: str, expected: str, found: str, remedy: str) -> Defect:
    return Defect(
        file=str(path), record=record, field=field, expected=expected, found=found, remedy=remedy
    )
