"""Tiny files in the official layout of Penn Action."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

FRAMES, SIZE = 6, (90, 120)


def fields(frames: int = FRAMES) -> dict[str, Any]:
    """Make a label: joint j of frame t at (20 + 5 j + t, 10 + 5 j), counted from 1."""
    j, t = np.arange(13.0), np.arange(float(frames))
    x = (20 + 5 * j)[None] + t[:, None]
    y = np.tile(10 + 5 * j, (frames, 1))
    return {
        "action": "bowl",
        "pose": "front",
        "x": x,
        "y": y,
        "visibility": np.ones((frames, 13), np.uint8),
        "train": 1,
        "bbox": np.tile([5.0, 5.0, 60.0, 80.0], (frames, 1)),
        "dimensions": np.array([[*SIZE, frames]], np.uint16),
        "nframes": frames,
    }


def write_label(folder: Path, name: str, *, whole: bool = True, **given: Any) -> Path:
    """Write ``labels``' file; given fields replace those of `fields`."""
    from scipy.io import savemat

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.mat"
    savemat(file, {**(fields() if whole else {}), **given})
    return file
