"""Shared fixtures: videos whose every frame carries its own number."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import settings

# The same examples every time: a change must not fail by what another one left to chance. To search
# for new ones: HYPOTHESIS_PROFILE=default.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

BLOCK = 16
COLUMNS, ROWS = 4, 3


def numbered_picture(number: int) -> np.ndarray:
    """Draw a number as 12 black or white blocks, ``[48, 64, 3]`` uint8."""
    bits = (number >> np.arange(COLUMNS * ROWS)) & 1
    blocks = (16 + 208 * bits).astype(np.uint8).reshape(ROWS, COLUMNS)
    grey = np.kron(blocks, np.ones((BLOCK, BLOCK), np.uint8))
    return np.repeat(grey[..., None], 3, axis=-1)


def read_numbers(frames: np.ndarray) -> list[int]:
    """Read the numbers back from ``[T, 48, 64, C]``."""
    centers = frames[:, BLOCK // 2 :: BLOCK, BLOCK // 2 :: BLOCK, 0]
    bits = (centers > 120).reshape(len(frames), -1).astype(int)
    return [int(number) for number in bits @ (1 << np.arange(COLUMNS * ROWS))]


def write_numbered(
    path: Path,
    count: int,
    *,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    fps: int = 25,
    times_ms: Sequence[int] | None = None,
    rotation: int = 0,
) -> Path:
    """Write a video of ``count`` numbered frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps, options=dict(options or {}))
        stream.width, stream.height = COLUMNS * BLOCK, ROWS * BLOCK
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.thread_count = 1
        if times_ms is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if rotation:
            stream.set_display_rotation(rotation)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(numbered_picture(number), format="rgb24")
            if times_ms is None:
                frame.pts, frame.time_base = number, Fraction(1, fps)
            else:
                frame.pts, frame.time_base = times_ms[number], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="session")
def make_video() -> Callable[..., Path]:
    """Return the writer of numbered videos."""
    return write_numbered


@pytest.fixture(scope="session")
def numbers_in() -> Callable[[np.ndarray], list[int]]:
    """Return the reader of the numbers."""
    return read_numbers


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real recordings beside the repository; tests are skipped without it."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the folder 'shared' with real recordings is not beside the repository")
    return folder
