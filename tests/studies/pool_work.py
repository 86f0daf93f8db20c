"""Work for other processes, which import it by name."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def work(given: tuple[str, str]) -> str:
    """Return a text, fail, or be killed the first time."""
    name, folder = given
    mark = Path(folder) / name
    if name == "fails":
        raise ValueError("no rows")
    if name == "breaks":
        raise KeyError("gone")
    if name == "killed once" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return f"{name} done in {os.getpid()}"
