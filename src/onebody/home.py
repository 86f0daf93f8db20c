"""Where the package keeps what it can make again: simulated sets, ways to run a network."""

from __future__ import annotations

import os
from pathlib import Path


def cache_root() -> Path:
    """Return ``$ONEBODY_CACHE``, else ``onebody`` in ``$XDG_CACHE_HOME`` or ``~/.cache``."""
    chosen = os.environ.get("ONEBODY_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "onebody"
