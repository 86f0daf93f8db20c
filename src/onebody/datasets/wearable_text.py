"""Tables of numbers in texts: read quickly, and exact about what is wrong."""

from __future__ import annotations

import io

import numpy as np

from onebody.data.table import Numbers


def read_numbers(content: str, place: str, columns: int, delimiter: str | None) -> Numbers:
    """Read lines of numbers.

    Args:
        content: the lines, without a header; blank lines mean nothing, nor does a delimiter at a
            line's end.
        place: the file, for messages.
        columns: numbers in a line.
        delimiter: between them; None: blanks.

    Returns:
        ``[n, columns]``; NaN where a text says so.

    Raises:
        ValueError: if a line holds something else; names it.
    """
    lines = [line.strip() for line in content.splitlines()]
    kept = [line.rstrip(delimiter) if delimiter else line for line in lines if line]
    if not kept:
        raise ValueError(f"{place}: expected lines of {columns} numbers, found none. {_REMEDY}")
    try:
        values = np.loadtxt(
            io.StringIO("\n".join(kept)), np.float64, delimiter=delimiter, ndmin=2, comments=None
        )
        if values.shape[1] == columns:
            return np.asarray(values)
    except ValueError:
        pass
    raise ValueError(_fault(lines, place, columns, delimiter))


_REMEDY = "Fetch the file again."


def _fault(lines: list[str], place: str, columns: int, delimiter: str | None) -> str:
    """Say which line is wrong."""
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        parts = (line.rstrip(delimiter) if delimiter else line).split(delimiter)
        try:
            good = len([float(part) for part in parts]) == columns
        except ValueError:
            good = False
        if not good:
            return (
                f"{place}: expected {columns} numbers in row {number}, found {line[:60]!r}. "
                f"{_REMEDY}"
            )
    return f"{place}: expected lines of {columns} numbers. {_REMEDY}"
