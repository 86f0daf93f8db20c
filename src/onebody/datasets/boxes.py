"""A row's box from what a set says of its frames: joints, or boxes frame by frame."""

from __future__ import annotations

import numpy as np

from onebody.data.table import Numbers

_LEAST_PX = 1.0
"""What is narrower encloses nobody."""


def enclosing_box(places: Numbers, size: tuple[int, int]) -> Numbers:
    """Return the smallest box that holds places, cut to the picture.

    Source: SPNet's authors take the box around the joints in the first, middle and last frame of
    the frames that they read. A row's box is one for whatever frames are read, hence all count.

    Args:
        places: ``[..., 2]`` pixels (0: the picture's left or upper border); NaN: none.
        size: height and width of the picture.

    Returns:
        ``[4]`` x0, y0, x1, y1; NaN where they enclose nothing inside the picture.
    """
    flat = np.asarray(places, np.float64).reshape(-1, 2)
    flat = flat[np.isfinite(flat).all(axis=1)]
    if not len(flat):
        return np.full(4, np.nan)
    edge = np.array([size[1], size[0]], np.float64)
    low, high = flat.min(axis=0).clip(0, edge), flat.max(axis=0).clip(0, edge)
    return np.r_[low, high] if (high - low >= _LEAST_PX).all() else np.full(4, np.nan)
