"""Arrays in npz and npy files. Object arrays (pickles) are refused: they can run code."""

from __future__ import annotations

import io
import os
import re
import zipfile
import zlib
from functools import lru_cache
from typing import Any

import numpy as np

from onebody.config import nearest
from onebody.data.media import MediaError, Place, Stamp
from onebody.types import Array, Frames, Ints

_ROWS = re.compile(r"^(\d*):(\d*)$", re.ASCII)
_BROKEN = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, MemoryError)


def load_array(place: Place) -> Array:
    """Read an array; npy files are memory-mapped and stay on disk until rows are touched.

    Raises:
        MediaError: if the file, the key or the rows do not exist, or the array holds objects.
    """
    stamp = place.stamp()
    if stamp[1] == 0:
        raise MediaError(place.source, "an array", "an empty file")
    return _from_npz(place, stamp) if place.kind == "npz" else _from_npy(place)


def array_frames(place: Place, indices: Ints, channels: int) -> Frames:
    """Read frames out of a uint8 array ``[T, H, W]``, ``[T, H, W, 1]`` or ``[T, H, W, 3]``.

    Returns:
        ``[T, H, W, channels]`` uint8.

    Raises:
        MediaError: if the array is no pictures.
    """
    pictures = frame_array(place)[indices]
    if pictures.ndim == 3:
        pictures = pictures[..., None]
    if pictures.shape[-1] == channels:
        return np.ascontiguousarray(pictures)
    return np.repeat(pictures, 3, axis=-1) if channels == 3 else to_grey(pictures)


def frame_array(place: Place) -> Frames:
    """Return an array of pictures as it lies on disk, checked to be one."""
    array = load_array(place)
    is_pictures = array.ndim == 3 or (array.ndim == 4 and array.shape[-1] in (1, 3))
    if array.dtype != np.uint8 or not is_pictures:
        raise MediaError(
            place.source,
            "pictures: uint8 [T, H, W], [T, H, W, 1] or [T, H, W, 3]",
            f"{array.dtype} {list(array.shape)}",
        )
    return array.view(np.uint8)


def to_grey(pictures: Frames) -> Frames:
    """Turn RGB into luma (ITU-R BT.601), rounded as Pillow does.

    Args:
        pictures: ``[..., 3]``.

    Returns:
        ``[..., 1]``.
    """
    weights = np.array([19595, 38470, 7471], np.uint32)
    return ((pictures @ weights + 0x8000) >> 16).astype(np.uint8)[..., None]


def _from_npz(place: Place, stamp: Stamp) -> Array:
    try:
        if place.member:
            with np.load(io.BytesIO(place.read_bytes()), allow_pickle=False) as file:
                return _entry(place, file)
        return _entry(place, _open_npz(place.path, stamp, os.getpid()))
    except MediaError:
        raise
    except _BROKEN as error:
        raise MediaError(place.source, "a readable npz file", _reason(error)) from None


def _entry(place: Place, file: Any) -> Array:
    """Take one array of an open npz file; without a key it must be the only one."""
    if not hasattr(file, "files"):  # np.load looks at the content, not at the name
        raise MediaError(place.source, "an npz file", "an npy file")
    if not place.part and len(file.files) != 1:
        raise MediaError(
            place.source, "a key after '#'", f"{len(file.files)} arrays: {', '.join(file.files)}"
        )
    key = place.part or file.files[0]
    if key not in file.files:
        raise MediaError(place.source, f"an array {key!r}", f"none. {nearest(key, file.files)}")
    return np.asarray(file[key])


def _from_npy(place: Place) -> Array:
    try:
        if place.member:
            array = np.load(io.BytesIO(place.read_bytes()), allow_pickle=False)
        else:
            array = np.load(place.path, mmap_mode="r", allow_pickle=False)
    except MediaError:
        raise
    except _BROKEN as error:
        raise MediaError(place.source, "a readable npy file", _reason(error)) from None
    if not isinstance(array, np.ndarray):
        raise MediaError(place.source, "an npy file", "an npz file")
    return np.asarray(_rows(place, array))


def _rows(place: Place, array: Array) -> Array:
    """Cut rows ``a:b`` out of an array."""
    if not place.part:
        return array
    match = _ROWS.match(place.part)
    if match is None or array.ndim == 0:
        raise MediaError(place.source, "rows as '#a:b'", f"#{place.part} of {list(array.shape)}")
    first = int(match[1]) if match[1] else 0
    stop = int(match[2]) if match[2] else len(array)
    if not first <= stop <= len(array):
        raise MediaError(place.source, f"rows {first}:{stop}", f"{len(array)} rows")
    return array[first:stop]


@lru_cache(maxsize=8)
def _open_npz(path: str, stamp: Stamp, process: int) -> Any:
    """Open an npz file. The process is part of the key: forked workers share a file's position."""
    del stamp, process
    zipfile.ZipFile(path).close()  # np.load leaves a file that is none open
    return np.load(path, allow_pickle=False)


def _reason(error: BaseException) -> str:
    """Say in plain words what numpy found."""
    text = str(error) or type(error).__name__
    return "Python objects (pickle), which are not read" if "pickle" in text.lower() else text
