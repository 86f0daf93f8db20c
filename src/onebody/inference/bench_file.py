"""How fast a file is read, looked at and answered for: decode, crop, network, smoothing, events.

The file is a 1280x720 H.264 video of a simulated person in the middle of a grey picture. Nothing
is drawn. Frames are decoded in a thread of its own, so one thread is left to it, and the network
has those that remain. An untrained network sees nobody: joints of a person are put in the place of
its own, so that a box follows them and they are smoothed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
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
from onebody.types import Floats, Frames

HEIGHT, WIDTH, FPS = 720, 1280, 30.0

_WARM = 20
"""Frames that are not counted."""

_TALL = 0.8
"""Height of a made-up person, in parts of the picture's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """What a stream did with a file.

    Attributes:
        model, runtime, precision: the network, what ran it, what it computed in.
        frames: that were counted.
        frames_per_s: of the whole: frames over seconds that passed.
        cpu_ms: processor time of a frame, all threads together; at best as many frames are done in
            a second as this goes into the processors' time.
        stages_ms: median of each stage; ``decode`` beside the others, not before them.
        seen: share of the frames in which a person was seen: else the whole picture is cropped.
        trained: whether the network is; else its joints were made up.
    """

    model: str
    runtime: str
    precision: str
    frames: int
    frames_per_s: float
    cpu_ms: float
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
    """Run a stream through a file as fast as it goes, decoded ahead in a thread of its own.

    Args:
        model: the network's name.
        saved: the network.
        runner: runs it.
        path: the file, of more than 20 frames.
        trained: whether the network is.
    """
    stream = Stream(saved, runner=runner if trained else _Seeing(runner, saved.input.box_scale))
    stages: dict[str, list[float]] = {}
    seen: list[bool] = []
    start = spent = 0.0
    for number, (_, made) in enumerate(stream.run(open_capture(path, channels=stream.channels))):
        if number == _WARM:
            start, spent = time.perf_counter(), time.process_time()
        if number > _WARM:
            seen.append(made.seen)
            for name, taken in made.stages_ms.items():
                stages.setdefault(name, []).append(taken)
    seconds, spent = time.perf_counter() - start, time.process_time() - spent
    stream.finish()
    if not seen:
        raise ValueError(f"{path}: expected more than {_WARM + 1} frames.")
    return FileRow(
        model=model,
        runtime=runner.name,
        precision=runner.precision,
        frames=len(seen),
        frames_per_s=len(seen) / seconds,
        cpu_ms=1e3 * spent / len(seen),
        stages_ms={name: median(taken) for name, taken in stages.items()},
        seen=float(np.mean(seen)),
        trained=trained,
    )


class _Seeing:
    """Runs a network and puts a person's joints in the place of its own.

    The person is as tall as `_TALL` says and stays, so that after the first frame, which is seen as
    a whole, the box around them is what the network looks at.

    Args:
        runner: runs the network.
        box_scale: of its input.
    """

    def __init__(self, runner: StepRunner, box_scale: float) -> None:
        self.name, self.precision = runner.name, runner.precision
        self._runner = runner
        self._share, self._begun = 1 / box_scale, False
        self._joints: dict[tuple[tuple[int, ...], bool], Floats] = {}

    def step(
        self, frame: Floats, state: Sequence[Floats] | None
    ) -> tuple[dict[str, Floats], list[Floats]]:
        """Run on the next frame; see `StepRunner.step`. A stream begins anew after the first."""
        outputs, left = self._runner.step(frame, state)
        for name, found in outputs.items():
            if found.ndim == 4:
                outputs[name] = self._person(found.shape)
        self._begun = True
        return outputs, left

    def _person(self, shape: tuple[int, ...]) -> Floats:
        """Return joints of the person, made once: making them is no part of what is measured."""
        key = (shape, self._begun)
        if key not in self._joints:
            extent = self._share if self._begun else _TALL * HEIGHT / WIDTH
            joints = np.full(shape, 0.5, np.float32)
            line = np.linspace(-0.5, 0.5, shape[2], dtype=np.float32)
            joints[0, 0, :, 0] = 0.5 + 0.4 * extent * line[::-1]
            joints[0, 0, :, 1] = 0.5 + extent * line
            joints[..., -1] = 1.0
            self._joints[key] = joints
        return self._joints[key]


def _pictures(few: list[Frames], count: int) -> Iterator[Frames]:
    """Yield wide pictures: the simulated ones in the middle, forward and back."""
    round_trip = [*few, *few[-2:0:-1]]
    side = len(few[0])
    top, left = (HEIGHT - side) // 2, (WIDTH - side) // 2
    for number in range(count):
        wide = np.full((HEIGHT, WIDTH, 3), 96, np.uint8)
        wide[top : top + side, left : left + side] = round_trip[number % len(round_trip)]
        yield wide
