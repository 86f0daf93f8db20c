"""Files within zip archives, also within archives in archives, checked before they are read."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

MAX_MEMBER_BYTES = 256 << 20
"""Largest unpacked member."""

MAX_TOTAL_BYTES = 4 << 30
"""Largest sum of all unpacked members of one archive, those of inner archives included."""

MAX_DEPTH = 2
"""Archives in archives in archives are refused."""

_ENCRYPTED = 0x1
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)


def archive_files(path: Path, suffix: str = ".csv") -> Iterator[tuple[str, bytes]]:
    """Read the files of an archive one by one, in name order.

    Args:
        path: a zip file.
        suffix: of the files; members of other names are passed over, archives are opened.

    Yields:
        Name within the archive (``inner.zip!a.csv`` in an archive within it) and content.

    Raises:
        ValueError: if the archive is damaged, encrypted, nested deeper than two, a member's name
            leads out of it, or more would be unpacked than a recording can be.
    """
    budget = [MAX_TOTAL_BYTES]
    try:
        with path.open("rb") as file:
            yield from _walk(file, str(path), "", suffix, 1, budget)
    except _DAMAGED as error:
        raise ValueError(
            f"{path}: expected a readable zip archive, found: {error}. Fetch it again."
        ) from None


def _walk(
    file: IO[bytes], place: str, prefix: str, suffix: str, depth: int, budget: list[int]
) -> Iterator[tuple[str, bytes]]:
    """Read one archive."""
    with zipfile.ZipFile(file) as archive:
        for member in sorted(archive.infolist(), key=lambda m: m.filename):
            name = member.filename
            inner = name.lower().endswith(".zip")
            if member.is_dir() or not (inner or name.lower().endswith(suffix)):
                continue
            _check(member, place)
            if _ignored(name):
                continue
            content = _read(archive, member, place, budget)
            if not inner:
                yield prefix + name, content
            elif depth == MAX_DEPTH:
                raise ValueError(f"{place}!{name}: archives are nested deeper than {MAX_DEPTH}.")
            else:
                nested = io.BytesIO(content)
                yield from _walk(
                    nested, f"{place}!{name}", f"{prefix}{name}!", suffix, depth + 1, budget
                )


def _ignored(name: str) -> bool:
    """Whether a member is what a Mac adds to archives."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or parts[-1].startswith("._")


def _check(member: zipfile.ZipInfo, place: str) -> None:
    """Refuse members that no recording is."""
    parts = PurePosixPath(member.filename.replace("\\", "/")).parts
    if not parts or parts[0].startswith("/") or ".." in parts or ":" in parts[0]:
        raise ValueError(f"{place}: the member {member.filename!r} leads out of the archive.")
    if member.flag_bits & _ENCRYPTED:
        raise ValueError(f"{place}: the member {member.filename!r} is encrypted. Unpack it first.")
    if member.file_size > MAX_MEMBER_BYTES:
        raise ValueError(
            f"{place}: expected members of at most {MAX_MEMBER_BYTES >> 20} MiB, found "
            f"{member.filename!r} of {member.file_size >> 20} MiB."
        )


def _read(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, place: str, budget: list[int]
) -> bytes:
    """Unpack one member, never more than it says nor than is left to unpack."""
    with archive.open(member) as file:
        content = file.read(member.file_size + 1)
    budget[0] -= len(content)
    if len(content) > member.file_size or budget[0] < 0:
        raise ValueError(
            f"{place}: unpacks to more than it says, or to more than {MAX_TOTAL_BYTES >> 30} GiB, "
            f"at {member.filename!r}. Fetch it again."
        )
    return content
