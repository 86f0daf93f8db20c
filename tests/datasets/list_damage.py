"""Damage to list files, and what a reader may make of it: an error that names a file, or all."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st

from onebody.data import SampleTable
from onebody.datasets.defects import ManifestError


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Cut, repeat, move, insert or replace something in a file."""
    lines = content.splitlines(keepends=True)
    kind = draw(st.sampled_from(["truncate", "delete", "insert", "replace", "repeat", "swap"]))
    if kind == "truncate":
        return content[: draw(st.integers(0, len(content)))]
    if kind in ("repeat", "swap"):
        a, b = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        moved = lines[a]
        lines[a : a + 1] = [moved, lines[b]] if kind == "repeat" else [lines[b]]
        if kind == "swap":
            lines[b] = moved
        return b"".join(lines)
    start = draw(st.integers(0, len(content)))
    length = draw(st.integers(1, 12)) if kind != "insert" else 0
    text = st.text('0123456789 \t\r\n;,"/._-abgvYé\0', min_size=1, max_size=4)
    new = b"" if kind == "delete" else draw(st.one_of(text.map(str.encode), st.binary(max_size=3)))
    return content[:start] + new + content[start + length :]


def outcome(read: Callable[[], SampleTable], folder: Path) -> tuple[SampleTable | None, str]:
    """Read damaged lists.

    Returns:
        The table and what was warned of; or None and the error, which names a file of the folder.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            return read(), "\n".join(str(warning.message) for warning in caught)
        except ManifestError as error:
            fault = error
    assert fault.defect.file.startswith(str(folder))
    return None, str(fault)


def written_lines(*files: Path) -> int:
    """Count the lines that say something, as an editor shows them."""
    return sum(
        bool(line.strip()) for file in files for line in file.read_bytes().decode().split("\n")
    )
