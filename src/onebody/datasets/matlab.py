"""Variables of official .mat files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

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
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise ImportError("Reading .mat files needs: pip install 'onebody[matlab]'") from error
    if not file.exists():
        raise ValueError(f"{file}: missing. Fetch it, or leave out everything else of the clip.")
    try:
        content = loadmat(file, variable_names=list(names))
    except Exception as error:  # scipy raises many kinds on damaged files; each means the same here
        raise ValueError(f"{file}: not a readable .mat file ({error}). Fetch it again.") from None
    return {name: content[name] for name in names if name in content}


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
