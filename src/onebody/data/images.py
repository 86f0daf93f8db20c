"""Pictures and folders of pictures."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from onebody.data.media import (
    IMAGE_SUFFIXES,
    MediaError,
    Place,
    Stamp,
    natural_sorted,
    open_archive,
    parse,
)
from onebody.data.numbered import numbered_sources
from onebody.types import Frames, Ints

if TYPE_CHECKING:
    from PIL import Image

_EIGHT_BIT = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV"})


def picture_sources(place: Place) -> Sequence[str]:
    """Return the sources of a folder's pictures in natural order (other files are passed over).

    Raises:
        MediaError: if there is no picture in it, or one of a numbered series is missing.
    """
    sources = _listing(place, place.stamp())
    if not sources:
        raise MediaError(place.source, "pictures in the folder", "none")
    return numbered_sources(place, sources) if place.part else sources


def read_picture(source: str, channels: int) -> npt.NDArray[np.uint8]:
    """Read one picture, turned as its EXIF orientation says.

    Returns:
        ``[H, W, channels]`` uint8.

    Raises:
        MediaError: if it is missing, empty, truncated, or has more than 8 bits per channel
            (16-bit depth has no one right way into 8: it belongs into an array).
    """
    from PIL import ImageOps

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            with _open(parse(source)) as image:
                if image.mode not in _EIGHT_BIT:
                    raise MediaError(source, "8 bits per channel", f"mode {image.mode!r}")
                upright = ImageOps.exif_transpose(image)
                return np.asarray(upright.convert("L" if channels == 1 else "RGB")).reshape(
                    upright.height, upright.width, channels
                )
        except MediaError:
            raise
        except _failures() as error:
            raise MediaError(source, "a readable picture", _reason(error)) from None


def picture_size(source: str) -> tuple[int, int]:
    """Return (height, width) as displayed, from the header alone.

    Raises:
        MediaError: if the header cannot be read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            with _open(parse(source)) as image:
                width, height = image.size
                # Orientations 5 to 8 lie on their side.
                if image.getexif().get(0x0112, 1) in (5, 6, 7, 8):
                    width, height = height, width
                return height, width
        except _failures() as error:
            raise MediaError(source, "a readable picture", _reason(error)) from None


def read_pictures(place: Place, indices: Ints, channels: int) -> Frames:
    """Read pictures of a folder by their number.

    Returns:
        ``[T, H, W, channels]`` uint8.

    Raises:
        MediaError: if one cannot be read or they differ in size.
    """
    sources = picture_sources(place) if place.kind == "folder" else (place.source,)
    unique, where = np.unique(indices, return_inverse=True)
    pictures = [read_picture(sources[i], channels) for i in unique]
    for i, picture in zip(unique, pictures, strict=True):
        if picture.shape != pictures[0].shape:
            raise MediaError(
                sources[i],
                "{1} x {0} pixels as in {2}".format(*pictures[0].shape[:2], sources[unique[0]]),
                "{1} x {0}".format(*picture.shape),
            )
    return np.stack(pictures)[where]


@lru_cache(maxsize=512)
def _listing(place: Place, stamp: Stamp) -> tuple[str, ...]:
    """List a folder's pictures; kept until the folder changes."""
    del stamp
    if place.member:
        names = [
            name
            for name in open_archive(place).namelist()
            if name.startswith(place.member) and "/" not in name[len(place.member) :]
        ]
        return tuple(f"{place.path}!{name}" for name in natural_sorted(filter(is_picture, names)))
    try:
        names = os.listdir(place.path)
    except OSError as error:
        raise MediaError(place.source, "a readable folder", str(error.strerror)) from None
    return tuple(os.path.join(place.path, n) for n in natural_sorted(filter(is_picture, names)))


def is_picture(name: str) -> bool:
    """Is it a picture, and no hidden file (``._frame.jpg`` of macOS archives)?"""
    base = name.rsplit("/", 1)[-1]
    return not base.startswith(".") and os.path.splitext(base)[1].lower() in IMAGE_SUFFIXES


def _open(place: Place) -> Image.Image:
    """Open a picture; an empty file is named as such."""
    from PIL import Image

    _, size = place.stamp()
    if size == 0:
        raise MediaError(place.source, "a readable picture", "an empty file")
    found = place.open()
    return Image.open(found if isinstance(found, io.BytesIO) else os.fspath(found))


def _failures() -> tuple[type[Exception], ...]:
    """Return what Pillow raises for damaged files (its decoders raise rather freely)."""
    from PIL import Image

    plain = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, Warning)
    return (*plain, OverflowError, MemoryError, Image.DecompressionBombError)


def _reason(error: Exception) -> str:
    """Return what went wrong; a nested MediaError gives its own finding."""
    return error.found if isinstance(error, MediaError) else str(error) or type(error).__name__
