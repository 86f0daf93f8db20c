"""What all kinds of media share: how a source is spelled, what is known of it, how it fails."""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm"})
"""Files that are read as pictures. Any other file that is no array is taken for a video."""

MAX_MEMBER_BYTES = 4 << 30
"""Largest unpacked zip member that is read (a member is held in memory whole)."""

_ARRAY = re.compile(r"^(?P<file>.*\.np[zy])(?:#(?P<part>.*))?$", re.IGNORECASE | re.DOTALL)
_MEMBER = re.compile(r"^(?P<file>.*?\.zip)!(?P<member>.+)$", re.IGNORECASE | re.DOTALL)
_NUMBERED = re.compile(
    r"^(?P<folder>.*/|)(?P<name>[^/%]*%0?\d{0,2}d[^/%]*?)(?P<range>#[^/#]*)?$",
    re.ASCII | re.DOTALL,
)
_DIGITS = re.compile(r"([0-9]+)")

Kind = Literal["video", "image", "folder", "npz", "npy"]
Stamp = tuple[int, int]


class MediaError(ValueError):
    """A medium is missing, empty, shorter than it says, or damaged.

    Attributes:
        source: the source string.
        expected, found: what the reader wanted and what there was.
    """

    def __init__(self, source: str, expected: str, found: str) -> None:
        # The arguments go to the base class so that workers can send the error home.
        super().__init__(source, expected, found)
        self.source = source
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        text = f"{self.source}: expected {self.expected}, found {self.found}"
        return text if text.endswith((".", "?")) else f"{text}."


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a medium says of itself.

    Attributes:
        num_frames: frames that can be asked for.
        fps: mean frames per second; NaN where the medium has no clock (pictures, arrays).
        height, width: size in pixels as displayed (rotation applied); 0 for arrays that are not
            pictures.
    """

    num_frames: int
    fps: float
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class Place:
    """A source, taken apart.

    Attributes:
        source: as it was spelled, for messages.
        path: the file or folder on disk.
        member: name within the zip archive ``path``; empty: ``path`` itself.
        part: what follows ``#``: an npz key or rows ``a:b``; empty: all. Of numbered pictures:
            their pattern and, after a further ``#``, their numbers.
        kind: how it is read.
    """

    source: str
    path: str
    member: str
    part: str
    kind: Kind

    @property
    def name(self) -> str:
        """The name that the suffix is taken from."""
        return self.member or self.path

    def stamp(self) -> Stamp:
        """Return (time of change, size) of the file: cached answers are kept by it.

        Raises:
            MediaError: if there is no such file.
        """
        try:
            found = os.stat(self.path)
        except (OSError, ValueError):
            parent = Path(self.path).parent
            hint = "" if parent.is_dir() else f" (nor a folder {str(parent)!r})"
            raise MediaError(self.source, "a file or folder", f"nothing there{hint}") from None
        return found.st_mtime_ns, found.st_size

    def read_bytes(self) -> bytes:
        """Read a zip member whole.

        Raises:
            MediaError: if the archive or the member cannot be read.
        """
        archive = open_archive(self)
        try:
            info = archive.getinfo(self.member)
            if info.file_size > MAX_MEMBER_BYTES:
                raise MediaError(
                    self.source,
                    f"a member of at most {MAX_MEMBER_BYTES} bytes",
                    f"{info.file_size} bytes",
                )
            return archive.read(info)
        except KeyError:
            raise MediaError(self.source, "a member of the archive", "no such name") from None
        except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError) as error:
            raise MediaError(self.source, "a readable zip member", str(error)) from None
        except Exception as error:
            if type(error).__module__ in ("zlib", "lzma"):
                raise MediaError(self.source, "a readable zip member", str(error)) from None
            raise

    def open(self) -> str | io.BytesIO:
        """Return what decoders open: the path, or a zip member in memory."""
        return io.BytesIO(self.read_bytes()) if self.member else self.path


def parse(source: str) -> Place:
    """Take a source apart.

    ``!`` and ``#`` separate only after ``.zip`` and ``.npz`` / ``.npy`` (and a pattern of numbered
    pictures): both occur in the file names of published datasets.

    Raises:
        MediaError: if the source is empty.
    """
    if not source or "\0" in source:
        raise MediaError(repr(source), "a source", "an empty text or a NUL character")
    path, member, part = source, "", ""
    numbered = _NUMBERED.match(source)
    if numbered and os.path.splitext(numbered["name"])[1].lower() not in IMAGE_SUFFIXES:
        numbered = None
    if numbered:
        path, part = numbered["folder"] or "./", numbered["name"] + (numbered["range"] or "")
    elif array := _ARRAY.match(path):
        path, part = array["file"], array["part"] or ""
    if zipped := _MEMBER.match(path):
        path, member = zipped["file"], zipped["member"]
    name = member or path
    suffix = os.path.splitext(name)[1].lower()
    kind: Kind = "video"
    if numbered:
        kind = "folder"
    elif suffix in (".npz", ".npy"):
        kind = "npz" if suffix == ".npz" else "npy"
    elif member.endswith("/") if member else os.path.isdir(path):
        kind = "folder"
    elif suffix in IMAGE_SUFFIXES:
        kind = "image"
    return Place(source, path, member, part, kind)


def natural_key(name: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Sort ``frame 2`` before ``frame 10``; equal but for leading zeros: by the plain text."""
    parts = tuple(_natural_part(part) for part in _DIGITS.split(name) if part)
    return parts, name


def natural_sorted(names: Iterable[str]) -> list[str]:
    """Return names in natural order, the same on every machine."""
    return sorted(names, key=natural_key)


def open_archive(place: Place) -> zipfile.ZipFile:
    """Return the open zip archive of a place; kept open within this process.

    Raises:
        MediaError: if it is missing or no zip archive.
    """
    stamp = place.stamp()
    try:
        return _archive(place.path, stamp, os.getpid())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise MediaError(place.source, "a zip archive", str(error)) from None


@lru_cache(maxsize=8)
def _archive(path: str, stamp: Stamp, process: int) -> zipfile.ZipFile:
    """Open an archive. The process is part of the key: forked workers share a file's position."""
    del stamp, process
    return zipfile.ZipFile(path)


def _natural_part(part: str) -> tuple[int, int, str]:
    """Make a number comparable as text by its length, so that any number of digits is fine."""
    if not _DIGITS.fullmatch(part):
        return 1, 0, part
    digits = part.lstrip("0")
    return 0, len(digits), digits
