"""Prepared folders: a saved table beside its media, as several readers and commands write them."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from onebody.config import Config
from onebody.data import SampleTable
from onebody.data.store import load_table, save_table
from onebody.data.table import Text
from onebody.types import Array

_ORIGIN = "made_from.txt"


class PreparedConfig(Config):
    """A prepared folder: ``table.json`` beside media in arrays.

    Attributes:
        folder: what ``onebody import-poses`` and ``onebody extract`` write, for instance.
        subject_prefix: put before every subject's name, so that the people of several sets stay
            apart.
    """

    kind: Literal["prepared"] = "prepared"
    folder: Path
    subject_prefix: str = ""


def read_prepared(config: PreparedConfig) -> SampleTable:
    """Read a prepared folder.

    Raises:
        ValueError: if it holds no table, or a damaged one.
    """
    return prefix_subjects(load_table(config.folder), config.subject_prefix)


def prefix_subjects(table: SampleTable, prefix: str) -> SampleTable:
    """Put a text before the names of the subjects that are known."""
    if not prefix:
        return table
    named = [f"{prefix}{subject}" if subject else "" for subject in table.subject.tolist()]
    return replace(table, subject=np.array(named, np.str_))


def store_arrays(file: Path, parts: Sequence[Array]) -> Text:
    """Write arrays one after the other into one npy file; return where each of them lies.

    Args:
        file: the npy file.
        parts: arrays ``[T, ...]`` that differ in T alone.

    Returns:
        ``[N]`` sources ``file.npy#a:b``.
    """
    np.save(file, np.concatenate(parts))
    ends = np.cumsum([len(part) for part in parts])
    places = [f"{file}#{end - len(part)}:{end}" for part, end in zip(parts, ends, strict=True)]
    return np.array(places, np.str_)


def kept_table(place: Path, make: Callable[[Path], SampleTable]) -> SampleTable:
    """Return the table of a prepared folder, made now if it was not made before.

    Args:
        place: the folder; its name should say all that the table depends on.
        make: writes arrays into the folder that it is given, and returns the table.
    """
    if not (place / "table.json").exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".making-", dir=place.parent))
        try:
            save_table(make(work), work)
            move_into_place(work, place)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return load_table(place)


def move_into_place(work: Path, folder: Path) -> None:
    """Give finished work its name in one step, unless someone else was faster."""
    try:
        os.replace(work, folder)
    except OSError:
        if not (folder / "table.json").exists():
            raise


def digest(files: Iterable[Path], *options: object) -> str:
    """Name what arrays are made from: files as they are now, and options."""
    made = hashlib.sha256(repr(options).encode())
    for file in sorted(files):
        stat = file.stat()
        name = "/".join(file.parts[-4:])  # the folder may be moved
        made.update(f"{name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return made.hexdigest()[:16]


def keep_origin(folder: Path, files: Iterable[Path]) -> None:
    """Keep beside a prepared folder's table what it was made from."""
    (folder / _ORIGIN).write_text(digest(files) + "\n", encoding="ascii")


def is_made_from(folder: Path, files: Iterable[Path]) -> bool:
    """Say whether files are as they were when a folder was prepared (earlier ones do not tell)."""
    origin = folder / _ORIGIN
    return not origin.exists() or origin.read_text(encoding="ascii").strip() == digest(files)
