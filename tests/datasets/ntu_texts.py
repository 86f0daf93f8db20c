"""Texts in the official layout of NTU RGB+D, of bodies that are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from onebody.types import Floats

FIRST_ID = 72057594037944738
"""As official texts have them; the next one differs by 1, which no float64 can tell."""

FOCAL, CENTER = 1060.0, (965.0, 540.0)

Frame = Mapping[int, Floats]
"""Bodies of a frame: ``[25, 12]`` values by number, in order."""


def body(shift: float = 0.0, *, size: float = 1.0, state: int = 2) -> Floats:
    """Make ``[25, 12]`` values of a body 3 m away: a joint's pixel is where a camera puts it."""
    j = np.arange(25)
    values = np.zeros((25, 12))
    values[:, 0] = shift + size * (0.02 * (j % 5) - 0.04)
    values[:, 1] = size * (0.9 - 0.06 * j)
    values[:, 2] = 3 + size * 0.01 * (j % 7)
    values[:, 3:5] = 200.0
    pixels = values[:, :2] * [1, -1] / values[:, 2:3] * FOCAL + CENTER - 0.5
    values[:, 5:7] = pixels
    values[:, 7:11] = 0.25
    values[:, 11] = state
    return values


def text_of(frames: Sequence[Frame]) -> str:
    """Write frames as an official text."""
    lines = [str(len(frames))]
    for bodies in frames:
        lines.append(str(len(bodies)))
        for number, joints in bodies.items():
            lines += [f"{number} 0 1 1 1 1 0 0.33916 -0.5899565 2", "25"]
            lines += [" ".join(f"{v:.7g}" for v in values) for values in joints]
    return "\r\n".join(lines) + "\r\n"


def write_text(folder: Path, name: str, frames: Sequence[Frame]) -> Path:
    """Write a recording."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.skeleton"
    file.write_bytes(text_of(frames).encode())
    return file


def write_missing(folder: Path, names: Sequence[str], classes: int = 60) -> Path:
    """Write the list of recordings with missing skeletons."""
    file = folder / f"NTU_RGBD{'' if classes == 60 else classes}_samples_with_missing_skeletons.txt"
    head = f'{len(names)} of the captured samples in the "NTU RGB+D" dataset have missing data.'
    file.write_text("\n".join([head, "Please ignore these files.", "", *names]) + "\n")
    return file
