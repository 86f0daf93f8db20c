"""Python objects within npz files, read without running anything that their pickle names.

numpy writes an array of objects as a pickle behind the array's header, and by default refuses to
read it. Some published sets are one such array that holds one mapping.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from onebody.config import nearest
from onebody.data.media import MAX_MEMBER_BYTES
from onebody.datasets.pickle_reader import unpickle


def read_object(file: Path, key: str) -> Any:
    """Read the one object of an array without axes.

    Args:
        file: an npz file.
        key: the array's name in it.

    Returns:
        Plain values and numpy arrays, see `onebody.datasets.pickle_reader`.

    Raises:
        ValueError: if the file is missing or damaged, has no such array, or it holds something
            else; names both.
    """
    where = f"{file}#{key}"
    member = io.BytesIO(_member(file, key))
    try:
        version = np.lib.format.read_magic(member)
        read = np.lib.format.read_array_header_1_0
        shape, _, dtype = (read if version == (1, 0) else np.lib.format.read_array_header_2_0)(
            member
        )
    except Exception as error:  # the header is a Python literal: a damaged one may fail in any way
        raise ValueError(f"{where}: expected an array ({error}). Fetch the file again.") from None
    if not dtype.hasobject or shape != ():
        raise ValueError(
            f"{where}: expected one object (an array of objects without axes), found {dtype} "
            f"{list(shape)}. Name the file of the layout that is documented."
        )
    found = unpickle(member.read(), where, objects=True)
    if not isinstance(found, np.ndarray) or found.shape != () or not found.dtype.hasobject:
        raise ValueError(f"{where}: expected one object, found {type(found).__name__}.")
    return found.item()


def _member(file: Path, key: str) -> bytes:
    """Read the bytes of one array."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            if key not in names:
                raise ValueError(f"{file}: expected an array {key!r}. {nearest(key, names)}")
            info = archive.getinfo(f"{key}.npy")
            if info.file_size > MAX_MEMBER_BYTES:
                raise ValueError(
                    f"{file}: expected at most {MAX_MEMBER_BYTES} bytes in {key!r}, found "
                    f"{info.file_size}."
                )
            return archive.read(info)
    except (OSError, EOFError, KeyError, RuntimeError, NotImplementedError) as error:
        found = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ValueError(f"{file}: expected a readable npz file, found: {found}.") from None
    except (zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{file}: expected a whole npz file, found: {error}. Fetch it again."
        ) from None
