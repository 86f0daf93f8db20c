"""One training at a time in a run's folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = ".lock"


@contextmanager
def locked(folder: Path, *, leads: bool) -> Iterator[None]:
    """Hold a folder for this training; the system lets it go even where the process is killed.

    Where the system has no such locks (Windows) nothing is held.

    Args:
        folder: of the run.
        leads: whether this process holds it for all that train together.

    Raises:
        ValueError: if another process holds it.
    """
    try:
        import fcntl
    except ImportError:
        leads = False
    if not leads:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(
                f"{folder}: another process is training here. Wait for it, or choose another one."
            ) from None
        yield
