"""Variables of official .mat files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from onebody.types import Array


def mat_content(file: Path, names: Sequence[str]) -> dict[str, Array]:
    """Read several variables of a .mat file at once.

    Args:
        file: the file.
        names: the variables; those that it lacks are left out.

    Raises:
        ImportError: if scipy is not installed; names the extra.
        ValueError: if the file is missing or damaged.
    """
    return _load(file, names)


def mat_variable(file: Path, name: str, axes: int) -> Array:
    """Read one variable of a .mat file.

    Args:
        file: the file.
        name: the variable.
        axes: how many axes it must have.

    Raises:
        ImportError: if scipy is not installed; names the extra.
        ValueError: if the file is missing or damaged, or the variable is not as expected.
    """
    content = mat_content(file, [name])
    if name not in content or content[name].ndim != axes:
        raise ValueError(f"{file}: expected a variable {name!r} with {axes} axes.")
    values = content[name]
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{file}: expected numbers in {name!r}, found {values.dtype}.")
    return values


def mat_struct(file: Path, name: str) -> object:
    """Read one struct of a .mat file, nested ones within it too.

    Arrays of one element come as that element, whatever it is: see `mat_items` and `mat_field`.

    Raises:
        ImportError: if scipy is not installed; names the extra.
        ValueError: if the file is missing or damaged, or holds no such struct.
    """
    content = _load(file, [name], structs=True)
    if not hasattr(content.get(name), "_fieldnames"):
        found = "none" if name not in content else type(content[name]).__name__
        raise ValueError(
            f"{file}: expected a struct {name!r}, found {found}. Is it the right file?"
        )
    found_struct: object = content[name]
    return found_struct


def mat_field(struct: object, name: str) -> Any:
    """Return a field of a struct; None where it has none or an empty one."""
    value = getattr(struct, name, None) if hasattr(struct, "_fieldnames") else None
    is_empty = isinstance(value, np.ndarray) and value.size == 0
    return None if is_empty or (isinstance(value, str) and not value) else value


def mat_items(value: Any) -> list[Any]:
    """Return the elements of an array that came as one element, several or none."""
    if value is None:
        return []
    return list(value.ravel()) if isinstance(value, np.ndarray) else [value]


def _load(file: Path, names: Sequence[str], *, structs: bool = False) -> dict[str, Any]:
    """Read variables of a file; structs: as objects, arrays of one element as the element."""
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise ImportError("Reading .mat files needs: pip install 'onebody[matlab]'") from error
    if not file.exists():
        raise ValueError(f"{file}: missing. Fetch it, or leave out everything else of the clip.")
    if not file.is_file():
        raise ValueError(f"{file}: expected a .mat file, found a folder. Fetch it again.")
    try:
        content = loadmat(
            file, variable_names=list(names), struct_as_record=not structs, squeeze_me=structs
        )
    except Exception as error:  # scipy raises many kinds on damaged files; each means the same here
        raise ValueError(f"{file}: not a readable .mat file ({error}). Fetch it again.") from None
    return {name: content[name] for name in names if name in content}
