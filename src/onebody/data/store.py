"""Tables on disk.

A saved table is ``table.json`` and, named in it, ``table-<hash>.npz`` (the arrays, no pickle).
Sources that lie below the folder are stored relative to it, so that the whole can be moved.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from onebody.data.cache import cache_media
from onebody.data.table import ClassColumn, Column, JointsColumn, SampleTable, Text
from onebody.labels import LabelSpace

__all__ = ["cache_media", "load_table", "save_table"]

FORMAT = 1
"""Version of the layout on disk."""

_PLAIN = (
    *("start_s", "end_s", "fps", "subject", "camera", "source", "group", "split"),
    *("camera_matrix", "depth_ref_mm", "box", "head_px", "row_names"),
)
_LATER = {"box": (4,), "head_px": ()}
"""Columns that tables of earlier versions lack, and the shape of a row: nothing is known of it."""
_HERE = "./"


def save_table(table: SampleTable, folder: Path) -> None:
    """Write a table into a folder, beside whatever else is there (its media, usually).

    The JSON file names the array file and takes its place last, in one step: a reader sees the
    old table or the new one, never half of each.

    Raises:
        ValueError: if the table holds soft labels.
    """
    if table.soft:
        raise ValueError(
            f"Table {table.name!r} holds soft labels ({', '.join(table.soft)}), which are made for "
            "one training. Save it without them."
        )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, npt.NDArray[Any]] = {f"row/{n}": getattr(table, n) for n in _PLAIN}
    for name, sources in table.media.items():
        arrays[f"media/{name}"] = _map_sources(sources, lambda s: _to_relative(s, folder))
    for name, column in table.columns.items():
        arrays[f"column/{name}"] = (
            column.values
            if isinstance(column, ClassColumn)
            else _map_sources(column.sources, lambda s: _to_relative(s, folder))
        )
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    content = buffer.getvalue()
    file_name = f"table-{hashlib.sha256(content).hexdigest()[:16]}.npz"
    header = {
        "format": FORMAT,
        "name": table.name,
        "arrays": file_name,
        "media": list(table.media),
        "layouts": dict(table.layouts),
        "rates": dict(table.rates),
        "columns": {name: _describe(column) for name, column in table.columns.items()},
    }
    text = json.dumps(header, indent=2, ensure_ascii=False) + "\n"
    _replace_file(folder / file_name, content)
    _replace_file(folder / "table.json", text.encode())
    for old in folder.glob("table-*.npz"):
        if old.name != file_name:
            old.unlink(missing_ok=True)


def load_table(folder: Path) -> SampleTable:
    """Read a saved table.

    Raises:
        ValueError: if the folder holds none, or one of another version, or a damaged one.
    """
    folder = Path(folder)
    try:
        header = json.loads((folder / "table.json").read_text(encoding="utf-8"))
        if not isinstance(header, dict) or header.get("format") != FORMAT:
            found = header.get("format") if isinstance(header, dict) else type(header).__name__
            raise ValueError(f"expected format {FORMAT}, found {found!r}")
        with np.load(folder / Path(header["arrays"]).name, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        return _assemble(header, arrays, folder)
    except FileNotFoundError as error:
        raise ValueError(
            f"{folder}: expected a saved table (table.json, table-*.npz), found no "
            f"{error.filename!r}. Save the table there, or name its folder."
        ) from None
    except Exception as error:  # zip, zlib, JSON, numpy and a missing key each have their own
        raise ValueError(
            f"{folder}: the saved table cannot be read ({error}). Save it anew."
        ) from None


def _replace_file(path: Path, content: bytes) -> None:
    """Write a file in one step."""
    work = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        work.write_bytes(content)
        os.replace(work, path)
    finally:
        work.unlink(missing_ok=True)


def _describe(column: Column) -> dict[str, Any]:
    """Return what of a column goes into the JSON file."""
    if isinstance(column, JointsColumn):
        return {"skeleton": column.skeleton, "unit": column.unit}
    space = column.space
    return {"space": space.name, "classes": list(space.classes), "mirror": dict(space.mirror)}


def _assemble(
    header: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]], folder: Path
) -> SampleTable:
    """Build the table of what was read."""
    columns: dict[str, Column] = {}
    for name, about in header["columns"].items():
        values = arrays[f"column/{name}"]
        if "skeleton" in about:
            sources = _map_sources(values, lambda s: _to_absolute(s, folder))
            columns[name] = JointsColumn(
                sources=sources, skeleton=about["skeleton"], unit=about["unit"]
            )
        else:
            space = LabelSpace(about["space"], tuple(about["classes"]), about["mirror"])
            if len(values) and not -1 <= values.min() <= values.max() < len(space):
                raise ValueError(f"column {name!r} has labels outside its classes")
            columns[name] = ClassColumn(values=values, space=space)
    media = {
        name: _map_sources(arrays[f"media/{name}"], lambda s: _to_absolute(s, folder))
        for name in header["media"]
    }
    size = len(arrays["row/row_names"])
    for name, shape in _LATER.items():
        arrays = {f"row/{name}": np.full((size, *shape), np.nan), **arrays}
    rows = {name: arrays[f"row/{name}"] for name in _PLAIN}
    return SampleTable(
        name=header["name"],
        media=media,
        columns=columns,
        layouts=header.get("layouts", {}),  # tables of earlier versions have none
        rates=header.get("rates", {}),
        soft={},
        **rows,
    )


def _map_sources(sources: Text, function: Callable[[str], str]) -> Text:
    """Apply a function to every source that is there."""
    return np.array([function(s) if s else "" for s in sources.tolist()], dtype=np.str_)


def _to_relative(source: str, folder: Path) -> str:
    """Spell a source below the folder relative to it; any other in full."""
    root = os.path.join(os.path.abspath(folder), "")
    path = os.path.abspath(source) + ("/" if source.endswith("/") else "")
    return _HERE + path.removeprefix(root) if path.startswith(root) else path


def _to_absolute(source: str, folder: Path) -> str:
    """Undo `_to_relative`."""
    if not source.startswith(_HERE):
        return source
    return os.path.join(os.path.abspath(folder), source.removeprefix(_HERE))
