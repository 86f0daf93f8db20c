"""Memory of one frame kept for the next."""

from __future__ import annotations

import numpy as np

KEPT_BYTES = 31 << 20
"""Below 32 MiB, the most that glibc learns from."""


def keep_memory() -> None:
    """Have the C library keep freed memory, rather than give it back with every frame.

    A stream takes and frees some buffers of a megabyte for every frame. glibc gives such memory
    back to the system when it is freed and gets it back page by page, which takes longer than what
    is done in it, until it has seen one larger piece freed: from then on it keeps that much. Other
    C libraries are not impressed. No page of the piece is touched, so it takes no memory itself.
    """
    np.empty(KEPT_BYTES, np.uint8)
