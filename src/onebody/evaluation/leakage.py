"""`Split`, and the refusal of one in which training knows the test."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from onebody.data import SampleTable
from onebody.types import Array, Bools, Ints

PARTS = ("training", "validation", "test")

_ROWS = re.compile(r"^(?P<file>.*\.npy)#(?P<first>\d*):(?P<stop>\d*)$", re.IGNORECASE | re.DOTALL)
_NUMBERED = re.compile(
    r"^(?P<file>.*/)[^/%]*%0?\d{0,2}d[^/%]*?(?:#(?P<first>\d+):(?P<stop>\d+))?$", re.DOTALL
)
"""Numbered pictures: the medium is the folder, whose other series show the same moments."""


class LeakageError(ValueError):
    """The same recording, group or person stands on both sides of a split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Which rows of a table serve for what. Rows in no part are not used.

    Attributes:
        train, validation, test: ``[N]`` masks, disjoint.
        name: of a fold (``subject=3``); empty for a single split.
    """

    train: Bools
    validation: Bools
    test: Bools
    name: str = ""

    @property
    def part(self) -> Ints:
        """``[N]`` index into `PARTS`; -1: not used."""
        part = np.full(len(self.train), -1, np.int64)
        for index, rows in enumerate((self.train, self.validation, self.test)):
            part[rows] = index
        return part


def check_leakage(table: SampleTable, split: Split, *, subjects: bool = False) -> None:
    """Refuse a split that puts what belongs together on different sides.

    Looked at are: rows in two parts, groups, and spans of one medium that overlap (windows of one
    recording), between any two parts; and subjects, between the test and the rest (validation may
    be taken from the training subjects).

    Args:
        table: the rows.
        split: the parts.
        subjects: whether subjects must be apart.

    Raises:
        LeakageError: names what stands on both sides, with a row of each.
        ValueError: if subjects must be apart and a used row has none.
    """
    masks = np.stack([split.train, split.validation, split.test])
    if masks.shape[1] != len(table):
        raise ValueError(f"A split of {masks.shape[1]} rows for a table of {len(table)}.")
    twice = np.flatnonzero(masks.sum(0) > 1)
    if len(twice):
        raise LeakageError(f"{_title(table, split)} {table.row_names[twice[0]]} is in two parts.")
    part = split.part
    faults = [f"group {text}" for text in _divided(table, table.group, part)]
    if subjects:
        unknown = np.flatnonzero((part >= 0) & (table.subject == ""))
        if len(unknown):
            raise ValueError(
                f"{_title(table, split)} {table.row_names[unknown[0]]} names no subject "
                f"({len(unknown)} rows), so subjects cannot be kept apart. Fill them in."
            )
        sides = np.where(part == 1, 0, part)
        faults += [f"subject {text}" for text in _divided(table, table.subject, sides)]
    faults += [f"overlapping spans of {text}" for text in _overlaps(table, part)]
    if faults:
        more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise LeakageError(
            f"{_title(table, split)} {'; '.join(faults[:3])}{more}. Give rows that belong together "
            "one group, and split by group."
        )


def _title(table: SampleTable, split: Split) -> str:
    """Begin a message."""
    return f"Split {split.name + ' ' if split.name else ''}of table {table.name!r}:"


def _divided(table: SampleTable, values: Array, part: Ints) -> Iterator[str]:
    """Describe values that stand in more than one part; empty ones are unknown, not equal."""
    used = np.flatnonzero((part >= 0) & (values != ""))
    names, index = np.unique(values[used], return_inverse=True)
    found = np.zeros((len(names), len(PARTS)), np.bool_)
    found[index, part[used]] = True
    for i in np.flatnonzero(found.sum(1) > 1):
        rows = used[index == i]
        yield f"{str(names[i])!r} stands in {_places(table, rows, part)}"


def _places(table: SampleTable, rows: Ints, part: Ints) -> str:
    """Name each part with its first row: ``training (a:1) and test (a:7)``."""
    places = [
        f"{PARTS[p]} ({table.row_names[rows[part[rows] == p][0]]})" for p in np.unique(part[rows])
    ]
    return " and ".join(places)


def _overlaps(table: SampleTable, part: Ints) -> Iterator[str]:
    """Describe media of which overlapping spans stand in different parts, one fault per medium."""
    for medium, rows in _divided_media(table, part).items():
        spans = _spans(table, rows)
        order = sorted(range(len(rows)), key=lambda i: spans[i])
        last: dict[int, tuple[float, int]] = {}  # part to the latest end so far, and whose it is
        for i in order:
            start, stop = spans[i]
            own = int(part[rows[i][0]])
            other = [row for p, (end, row) in last.items() if p != own and end > start]
            if other:
                pair = np.array([other[0], rows[i][0]])
                yield f"{medium!r} stand in {_places(table, pair, part)}"
                break
            if own not in last or stop > last[own][0]:
                last[own] = (stop, rows[i][0])


def _divided_media(table: SampleTable, part: Ints) -> dict[str, list[tuple[int, str]]]:
    """Return media that more than one part reads: (row, rows of the array ``a:b`` or empty)."""
    readers: dict[str, list[tuple[int, str]]] = {}
    for sources in table.media.values():
        for row in np.flatnonzero((part >= 0) & (sources != "")).tolist():
            name, rows = medium_rows(str(sources[row]))
            readers.setdefault(name, []).append((row, rows))
    return {m: r for m, r in readers.items() if len({int(part[row]) for row, _ in r}) > 1}


def medium_rows(source: str) -> tuple[str, str]:
    """Return a source's medium, spelled one way, and which rows or pictures of it, if not all."""
    match = _ROWS.match(source) or _NUMBERED.match(source)
    if match is None or match["first"] is None:
        return os.path.normpath(match["file"] if match else source), ""
    return os.path.normpath(match["file"]), f"{match['first']}:{match['stop']}"


def _spans(table: SampleTable, readers: list[tuple[int, str]]) -> list[tuple[float, float]]:
    """Return what each reader takes of a medium: in frames where any names frames, else seconds."""
    in_frames = any(rows for _, rows in readers)
    spans = []
    for row, rows in readers:
        start, stop = float(table.start_s[row]), float(table.end_s[row])
        start, stop = (0.0 if np.isnan(start) else start), (np.inf if np.isnan(stop) else stop)
        if in_frames:
            first, _, end = rows.partition(":")
            low, high = float(first or 0), float(end or np.inf)
            rate = float(table.fps[row])
            known = np.isfinite(rate)  # without a clock the whole range counts
            start = low + start * rate if known else low
            stop = min(high, low + stop * rate) if known else high
        spans.append((start, stop))
    return spans
