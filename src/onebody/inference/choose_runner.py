"""The fastest way to run a step that stays within an output error, found by trying them all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from onebody.config import nearest
from onebody.inference.export_step import (
    INT8,
    MODEL,
    ExportedStep,
    export_step,
    fused_step,
    onnx_step,
    openvino_step,
)
from onebody.inference.onnx_runtimes import file_ways, to_int8
from onebody.inference.runtimes import RUNTIMES, Precision, compiled, eager
from onebody.inference.step import RuntimeStep, StepModule, StepRunner, traced
from onebody.inference.step_check import Difference, arguments_of, differences, walk
from onebody.inference.throughput import take_turns
from onebody.models import SavedNetwork
from onebody.types import Floats

QUICK = ("eager", "onnxruntime", "openvino")
"""Ways that are made in seconds."""

PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")
"""Of PyTorch."""

EVERY = 4
"""int8 takes its ranges from one frame of so many; its error is measured on all."""

Say = Callable[[str], None]


class Walk:
    """Runs a step on and on over frames, each with the state that the ones before left."""

    def __init__(self, runner: StepRunner, frames: Sequence[Floats]) -> None:
        self.runner, self.frames = runner, frames
        self._state: list[Floats] | None = None
        self._next = 0

    def __call__(self) -> None:
        """Run the next frame; after the last comes the first."""
        _, self._state = self.runner.step(self.frames[self._next], self._state)
        self._next = (self._next + 1) % len(self.frames)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A way to run a step, and what it did.

    Attributes:
        runner: the way.
        frames_per_s: median over the rounds.
        differences: from eager float32, by task.
    """

    runner: StepRunner
    frames_per_s: float
    differences: Mapping[str, Difference]

    @property
    def error(self) -> float:
        """The largest difference of probabilities and crop fractions."""
        return max(found.shown for found in self.differences.values())


def make_runners(
    saved: SavedNetwork,
    frames: Sequence[Floats],
    folder: Path,
    names: Collection[str] = QUICK,
    say: Say | None = None,
) -> list[RuntimeStep]:
    """Make the ways that are at hand; eager float32 comes first.

    Args:
        saved: a causal network of pictures.
        frames: ``[1, C, H, W]``, consecutive ones, on which int8 finds its ranges.
        folder: where the files of an exported step go.
        names: of `RUNTIMES`.
        say: told what is done, and what is not at hand.

    Raises:
        ValueError: if there is no such way, no frame, or the network cannot run on a stream.
    """
    for name in names:
        if name not in RUNTIMES:
            raise ValueError(f"Unknown runtime {name!r}. {nearest(name, RUNTIMES)}")
    if not frames:
        raise ValueError("Expected frames to try runtimes on, found none.")
    say = say or silent
    module = StepModule(saved.network, saved.input).eval()
    fused = fused_step(saved)
    x = module.examples()
    ways = [eager(module, p) for p in PRECISIONS]
    if "channels-last" in names:
        ways += [eager(fused, p, channels_last=True) for p in PRECISIONS]
    if "compiled" in names:
        say("compiling ..")
        try:
            ways += [compiled(traced(fused, p), x, p) for p in PRECISIONS]
        except RuntimeError as error:
            say(f"compiled: not at hand ({str(error).splitlines()[0]})")
    made = [RuntimeStep(runtime=way, tasks=module.tasks, begin=module.begin) for way in ways]
    if {"onnxruntime", "openvino"} & set(names):
        try:
            say("exporting ..")
            given = list(arguments_of(made[0], module.begin, frames))[::EVERY]
            made += file_runners(export_step(saved, folder), given, names)
        except ModuleNotFoundError as error:
            say(str(error))
    return made


def file_runners(
    exported: ExportedStep, given: Sequence[Sequence[Floats]], names: Collection[str]
) -> Iterator[RuntimeStep]:
    """Make the ways that run an exported step; writes its form in 8 bits beside it.

    Args:
        exported: the step.
        given: its arguments at some steps: ranges of int8 are theirs.
        names: ``onnxruntime``, ``openvino``; others are passed over.
    """
    to_int8(exported.folder / MODEL, given, exported.folder / INT8)
    for name, precision in file_ways(names):
        run = onnx_step if name == "onnxruntime" else openvino_step
        yield run(exported, precision)


def try_runners(
    runners: Sequence[StepRunner],
    frames: Sequence[Floats],
    saved: SavedNetwork,
    rounds: int = 5,
) -> list[Trial]:
    """Measure runners in turns.

    Args:
        runners: eager float32 first.
        frames: ``[1, C, H, W]``, consecutive ones; errors are over one walk through all.
        saved: whose runners they are.
        rounds: turns of each.
    """
    answers = [walk(runner, frames) for runner in runners]
    seconds = take_turns([Walk(runner, frames) for runner in runners], rounds)
    return [
        Trial(
            runner=runner,
            frames_per_s=1 / median(taken),
            differences=differences(found, answers[0], saved.network.tasks),
        )
        for runner, found, taken in zip(runners, answers, seconds, strict=True)
    ]


def fastest(trials: Sequence[Trial], bound: float) -> Trial:
    """Return the fastest within an output error; the first (eager float32) always is.

    Args:
        trials: as of `try_runners`.
        bound: greatest difference of probabilities and crop fractions.
    """
    return max((t for t in trials if t.error <= bound), key=lambda t: t.frames_per_s)


def choose_runner(
    saved: SavedNetwork,
    frames: Sequence[Floats],
    bound: float,
    *,
    names: Collection[str] = QUICK,
    say: Say | None = None,
) -> StepRunner:
    """Return the fastest way to run a network's step within an output error on this machine.

    Args:
        saved: a causal network of pictures.
        frames: ``[1, C, H, W]``, consecutive ones of the kind that will come.
        bound: greatest difference from eager float32, of probabilities and crop fractions.
        names: of `RUNTIMES`; ``compiled`` takes up to minutes.
        say: told what is done, and what is not at hand.

    Raises:
        ValueError: if there is no such way, no frame, the network cannot run on a stream, or the
            bound is below 0.
    """
    with tempfile.TemporaryDirectory(prefix="onebody-", ignore_cleanup_errors=True) as folder:
        return search(saved, frames, bound, Path(folder), names=names, say=say).runner


def search(
    saved: SavedNetwork,
    frames: Sequence[Floats],
    bound: float,
    folder: Path,
    *,
    names: Collection[str],
    say: Say | None = None,
) -> Trial:
    """Do as `choose_runner`; files of the exported step are left in a folder.

    Returns:
        The fastest way with its speed and errors.

    Raises:
        ValueError: as of `choose_runner`.
    """
    if not bound >= 0:
        raise ValueError(f"The bound on the output error should be 0 or more, found {bound}.")
    runners = make_runners(saved, frames, folder, names, say)
    return fastest(try_runners(runners, frames, saved), bound)


def silent(_line: str) -> None:
    """Say nothing."""
