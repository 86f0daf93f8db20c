"""Files of plain values that a run or a study keeps, each there whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any


def write_values(path: Path, values: Any, *, indent: int | None = None) -> None:
    """Write plain values as JSON under another name, and move them into place.

    Args:
        path: of the file; its folder is there.
        values: of strings, numbers, lists and dictionaries.
        indent: spaces a level; None: all on one line.
    """
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(json.dumps(values, indent=indent) + "\n", encoding="utf-8")
    fresh.replace(path)


def read_values(path: Path, remedy: str) -> dict[str, Any]:
    """Read a file of named values.

    Args:
        path: of the file, which exists.
        remedy: what to do about a damaged one, a sentence.

    Raises:
        ValueError: if it is no JSON, or holds something else than named values.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: damaged, expected JSON, found: {error}. {remedy}") from None
    if not isinstance(values, dict):
        found = type(values).__name__
        raise ValueError(f"{path}: damaged, expected named values, found {found}. {remedy}")
    return values


def check_fields(path: Path, values: Mapping[str, Any], kind: type, remedy: str) -> None:
    """Refuse values of which a dataclass cannot be made.

    Args:
        path: of the file they were read from, for the message.
        values: by the name of the field.
        kind: the dataclass; fields with a default may lack.
        remedy: what to do, a sentence.

    Raises:
        ValueError: names the fields that lack, and the values that are no field.
    """
    needed = {f.name: (f.default, f.default_factory) == (MISSING, MISSING) for f in fields(kind)}
    lacking = {name for name, must in needed.items() if must} - set(values)
    wrong = sorted(lacking | (set(values) - set(needed)))
    if wrong:
        raise ValueError(
            f"{path}: not a file of this version (differs in {', '.join(wrong)}). {remedy}"
        )
