"""How fast a file is read, looked at and answered for: decode, crop, network, smoothing, events.

The file is a 1280x720 H.264 video of a simulated person in the middle of a grey picture. Nothing
is drawn.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from onebody.data import InputSpec
from onebody.inference.capture import open_capture
from onebody.inference.step import StepRunner
from onebody.inference.step_frames import simulated_frames
from onebody.inference.stream import Stream
from onebody.inference.video import write_video
from onebody.models import SavedNetwork
from onebody.types import Frames

HEIGHT, WIDTH, FPS = 720, 1280, 30.0

_WARM = 20
"""Frames that are not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """What a stream did with a file.

    Attributes:
        model, runtime, precision: the network, what ran it, what it computed in.
        frames: that were counted.
        frames_per_s: of the whole: frames over seconds that passed.
        stages_ms: median of each stage.
        seen: share of the frames in which the network saw a person: else the whole picture is
            cropped, and nothing is smoothed.
        trained: whether the network is.
    """

    model: str
    runtime: str
    precision: str
    frames: int
    frames_per_s: float
    stages_ms: Mapping[str, float]
    seen: float
    trained: bool


def write_sample(path: Path, count: int = 240, side: int = HEIGHT) -> Path:
    """Write the file.

    Args:
        path: ends in ``.mp4``.
        count: frames; a few are simulated and come again, forward and back.
        side: of the simulated square, at most `HEIGHT`.
    """
    few = simulated_frames(InputSpec(size=side), 16)
    pictures = [np.rint(255 * x[0].transpose(1, 2, 0)).astype(np.uint8) for x in few]
    write_video(path, _pictures(pictures, count), FPS)
    return path


def bench_file(
    model: str, saved: SavedNetwork, runner: StepRunner, path: Path, *, trained: bool
) -> FileRow:
    """Run a stream through a file as fast as it goes.

    Args:
        model: the network's name.
        saved: the network.
        runner: runs it.
        path: the file, of more than 20 frames.
        trained: whether the network is.
    """
    stream = Stream(saved, runner=runner)
    stages: dict[str, list[float]] = {}
    seen: list[bool] = []
    start = 0.0
    for number, (_, made) in enumerate(stream.run(open_capture(path, channels=stream.channels))):
        if number == _WARM:
            start = time.perf_counter()
        if number > _WARM:
            seen.append(made.seen)
            for name, taken in made.stages_ms.items():
                stages.setdefault(name, []).append(taken)
    seconds = time.perf_counter() - start
    stream.finish()
    if not seen:
        raise ValueError(f"{path}: expected more than {_WARM + 1} frames.")
    return FileRow(
        model=model,
        runtime=runner.name,
        precision=runner.precision,
        frames=len(seen),
        frames_per_s=len(seen) / seconds,
        stages_ms={name: median(taken) for name, taken in stages.items()},
        seen=float(np.mean(seen)),
        trained=trained,
    )


def _pictures(few: list[Frames], count: int) -> Iterator[Frames]:
    """Yield wide pictures: the simulated ones in the middle, forward and back."""
    round_trip = [*few, *few[-2:0:-1]]
    side = len(few[0])
    top, left = (HEIGHT - side) // 2, (WIDTH - side) // 2
    for number in range(count):
        wide = np.full((HEIGHT, WIDTH, 3), 96, np.uint8)
        wide[top : top + side, left : left + side] = round_trip[number % len(round_trip)]
        yield wide
