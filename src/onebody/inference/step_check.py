"""Whether a step answers as torch does, on real frames, over many steps; and if that says anything.

Two things agree easily where neither says anything. So torch also runs on the first frame, over
and over: what a task's answers differ by between the two runs is what the pictures change, and
agreement within a bound counts only where they change more than that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from onebody.inference.step import StepRunner
from onebody.tasks import Task
from onebody.types import PLACES, Floats

Answers = list[dict[str, Floats]]
"""Per step the raw outputs by task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How far one task's answers are apart over all steps.

    Attributes:
        raw: largest difference of outputs: logits, crop fractions.
        shown: the same of what users see: probabilities, crop fractions.
    """

    raw: float
    shown: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCheck:
    """What a check found.

    Attributes:
        frames: that were looked at.
        bound: greatest raw difference allowed.
        differences: by task, from torch.
        changes: by task, how much of torch's raw outputs the pictures change.
    """

    frames: int
    bound: float
    differences: Mapping[str, Difference]
    changes: Mapping[str, float]

    @property
    def faults(self) -> list[str]:
        """What is wrong, task by task; nothing: the check is passed."""
        apart = [
            f"{name} differs from torch by {found.raw:.1e}, more than {self.bound:g}"
            for name, found in self.differences.items()
            if not found.raw <= self.bound
        ]
        blind = [
            f"{name} hardly varies over these {self.frames} frames (by {change:.1e}, expected more "
            f"than the bound {self.bound:g}), so that agreement says nothing"
            for name, change in self.changes.items()
            if not change > self.bound
        ]
        return apart + blind


def check_step(
    runner: StepRunner,
    torch_runner: StepRunner,
    frames: Sequence[Floats],
    tasks: Mapping[str, Task],
    bound: float,
) -> StepCheck:
    """Hold a runner against torch.

    Args:
        runner: what is checked.
        torch_runner: eager float32.
        frames: ``[1, C, H, W]``, consecutive ones; at least two.
        tasks: of the network.
        bound: greatest raw difference allowed.

    Raises:
        ValueError: if there are fewer than two frames.
    """
    if len(frames) < 2:
        raise ValueError(f"Expected two frames or more to check on, found {len(frames)}.")
    expected = walk(torch_runner, frames)
    still = walk(torch_runner, [frames[0]] * len(frames))
    return StepCheck(
        frames=len(frames),
        bound=bound,
        differences=differences(walk(runner, frames), expected, tasks),
        changes={name: found.raw for name, found in differences(still, expected, tasks).items()},
    )


def walk(runner: StepRunner, frames: Sequence[Floats]) -> Answers:
    """Run a stream from its beginning; the answers are kept."""
    answers: Answers = []
    state: list[Floats] | None = None
    for frame in frames:
        outputs, state = runner.step(frame, state)
        answers.append({name: value.copy() for name, value in outputs.items()})
    return answers


def arguments_of(
    runner: StepRunner, begin: Sequence[Floats], frames: Sequence[Floats]
) -> Iterator[list[Floats]]:
    """Yield what the runner is given at each step: the frame and the states."""
    state = list(begin)
    for frame in frames:
        yield [frame, *state]
        _, state = runner.step(frame, state)


def differences(
    found: Answers, expected: Answers, tasks: Mapping[str, Task]
) -> dict[str, Difference]:
    """Return by task the largest difference over all steps; NaN counts as infinite."""
    result = {}
    for name in expected[0]:
        ours = np.concatenate([step[name] for step in found])
        theirs = np.concatenate([step[name] for step in expected])
        raw = shown = _largest(ours, theirs)
        if tasks[name].form not in PLACES:
            shown = _largest(_softmax(ours), _softmax(theirs))
        result[name] = Difference(raw=raw, shown=shown)
    return result


def _largest(a: Floats, b: Floats) -> float:
    """Return the largest difference."""
    gap = float(np.abs(a - b).max())
    return gap if np.isfinite(gap) else float("inf")


def _softmax(logits: Floats) -> Floats:
    """Return probabilities over the last axis."""
    raised = np.exp(logits - logits.max(-1, keepdims=True))
    result: Floats = raised / raised.sum(-1, keepdims=True)
    return result
