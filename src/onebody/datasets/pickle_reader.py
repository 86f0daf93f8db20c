"""Pickles of plain values and numpy arrays, read without running anything that they name.

A pickle is a program: it may call whatever it can import. Published skeleton sets come as pickles
all the same, so this reader lets them name a handful of numpy's own functions, answers each of
these with a harmless stand-in, and refuses everything else before it is imported. Not even numpy's
functions are called: they trust their arguments, and a wrong length would read foreign memory.
"""

from __future__ import annotations

import io
import pickle
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from onebody.types import Array

_TYPE = re.compile(r"[<>=|]?(?:b1|[iu][1248]|f[248]|[SU]\d{1,6}|\?)")
_BYTE_ORDERS = ("<", ">", "=", "|")
_OBJECT_TYPES = ("O", "|O", "O4", "O8")
_ARRAY_CLASS = "numpy.ndarray"  # stands for the class where a pickle passes it on


def read_pickle(path: Path) -> Any:
    """Read a pickle of numbers, texts, bytes, lists, tuples, mappings, sets and numpy arrays.

    Files of protocol 0 to 5 and of numpy 1 and 2 are read, also those of Python 2.

    Raises:
        ValueError: if the pickle is damaged, or names anything else (which is not imported).
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        found = "a folder" if path.is_dir() else str(error.strerror)
        raise ValueError(f"{path}: expected a pickle file, found: {found}.") from None
    return unpickle(content, str(path))


def unpickle(content: bytes, where: str, *, objects: bool = False) -> Any:
    """Read a pickle that is held in memory.

    Args:
        content: the pickle.
        where: it comes from, for messages.
        objects: whether it may hold arrays of objects, which must be plain values themselves.

    Raises:
        ValueError: as `read_pickle`.
    """
    try:
        return _plain(_Reader(content, objects).load())
    except _Refused as error:
        raise ValueError(
            f"{where}: expected a pickle of plain values and numpy arrays, found {error}. Pickles "
            "can run any code, so nothing else is read: convert the file where you trust it."
        ) from None
    except Exception as error:  # a damaged pickle may fail in any operation
        found = f"{type(error).__name__}: {error}"
        raise ValueError(
            f"{where}: expected a whole pickle, found {found}. Fetch it again."
        ) from None


class _Refused(Exception):
    """Something that is not read; says what."""


class _Type:
    """Stand-in for ``numpy.dtype``: one of plain numbers or texts, or of objects."""

    def __init__(self, name: str, objects: bool = False) -> None:
        known = isinstance(name, str) and (
            _TYPE.fullmatch(name) or (objects and name in _OBJECT_TYPES)
        )
        if not known:
            raise _Refused(f"arrays of type {name!r}")
        self.found: np.dtype[Any] = np.dtype(name)

    def __setstate__(self, state: object) -> None:
        """Take the byte order; fields and sub-arrays are refused."""
        if not isinstance(state, tuple) or len(state) < 5 or any(v is not None for v in state[2:5]):
            raise _Refused("arrays of records")
        if state[1] not in _BYTE_ORDERS:
            raise _Refused(f"the byte order {state[1]!r}")
        self.found = self.found.newbyteorder(state[1])


class _ArrayState:
    """Stand-in for an array whose content follows (protocols 0 to 4)."""

    def __init__(self) -> None:
        self.found: Array | None = None

    def __setstate__(self, state: object) -> None:
        """Take (version, shape, type, is in Fortran order, bytes)."""
        if not isinstance(state, tuple) or len(state) != 5:
            raise _Refused("an array without content")
        _, shape, kind, fortran, content = state
        make = _to_objects if isinstance(content, list) else _to_array
        self.found = make(content, kind, shape, "F" if fortran else "C")


class _Reader(pickle._Unpickler):
    """Loads one pickle; every name in it is answered with a stand-in.

    It is Python's own loader that is written in Python: the one in C sets aside as much memory as
    a damaged file asks for.
    """

    def __init__(self, content: bytes, objects: bool = False) -> None:
        super().__init__(io.BytesIO(content), encoding="latin1")  # bytes of Python 2 keep values
        self._objects = objects

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in of a known name.

        Raises:
            _Refused: for any other.
        """
        core = re.sub(r"^numpy\._?core\.", "numpy.core.", module)
        known: dict[tuple[str, str], Callable[..., Any] | str] = {
            ("numpy", "ndarray"): _ARRAY_CLASS,
            ("numpy", "dtype"): partial(_make_type, objects=self._objects),
            ("numpy.core.multiarray", "_reconstruct"): _make_state,
            ("numpy.core.multiarray", "scalar"): _make_scalar,
            ("numpy.core.numeric", "_frombuffer"): _to_array,
            ("_codecs", "encode"): _encode,
            ("builtins", "bytes"): _empty_bytes,
            ("__builtin__", "bytes"): _empty_bytes,
        }
        if (core, name) not in known:
            raise _Refused(f"the name {f'{module}.{name}'[:120]!r}")
        answer = known[core, name]
        # A pickle may set attributes of what it is given, so it gets an object of its own.
        return partial(answer) if callable(answer) else answer


def _make_type(
    name: str, align: object = False, copy: object = False, *, objects: bool = False
) -> _Type:
    """Answer ``numpy.dtype(name, align, copy)``."""
    del align, copy
    return _Type(name, objects)


def _make_state(cls: object, shape: object, kind: object) -> _ArrayState:
    """Answer ``numpy._reconstruct``."""
    del shape, kind
    if cls != _ARRAY_CLASS:
        raise _Refused("an array of another class")
    return _ArrayState()


def _make_scalar(kind: object, content: object) -> Any:
    """Answer ``numpy.scalar``."""
    return _to_array(content, kind, (), "C").item()


def _to_array(content: object, kind: object, shape: object, order: object) -> Array:
    """Make an array of bytes, whose number must be right."""
    if isinstance(content, str):
        content = content.encode("latin1")
    if not isinstance(kind, _Type) or not isinstance(content, bytes | bytearray):
        raise _Refused("an array that is not made of bytes")
    flat = np.frombuffer(bytes(content), kind.found)
    return flat.reshape(_shape(shape), order="F" if order == "F" else "C")


def _to_objects(content: object, kind: object, shape: object, order: object) -> Array:
    """Make an array of objects, whose number must be right."""
    if not isinstance(kind, _Type) or not kind.found.hasobject or not isinstance(content, list):
        raise _Refused("an array that is not made of bytes")
    flat = np.empty(len(content), np.object_)
    for i, value in enumerate(content):
        flat[i] = value
    return flat.reshape(_shape(shape), order="F" if order == "F" else "C")


def _shape(shape: object) -> tuple[int, ...]:
    """Refuse what is no shape."""
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise _Refused(f"an array of shape {shape!r}")
    return shape


def _encode(text: str, encoding: str) -> bytes:
    """Answer ``_codecs.encode``, which is how protocol 2 spells bytes."""
    if encoding != "latin1":
        raise _Refused(f"the encoding {encoding!r}")
    return text.encode("latin1")


def _empty_bytes() -> bytes:
    """Answer ``bytes()``."""
    return b""


def _plain(value: Any) -> Any:
    """Put arrays in the place of their stand-ins, throughout."""
    if isinstance(value, _ArrayState):
        if value.found is None:
            raise _Refused("an array without content")
        return _plain_objects(value.found) if value.found.dtype.hasobject else value.found
    if isinstance(value, dict):
        return {_plain(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, tuple):
        return tuple(_plain(inner) for inner in value)
    if isinstance(value, _Type) or callable(value):
        raise _Refused("a type or function as a value")
    return value


def _plain_objects(array: Array) -> Array:
    """Do as `_plain` with what an array of objects holds."""
    plain = np.empty(array.size, np.object_)
    for i, value in enumerate(array.ravel()):
        plain[i] = _plain(value)
    return plain.reshape(array.shape)
