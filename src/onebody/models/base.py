"""The contracts of the model room: Stage, Stem, Encoder, Sharing, Head and Network.

A `Network` is all that higher rooms see. `MultiTask` (encoder, sharing, heads) is one; a published
system with its own wiring can be another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import torch
from torch import Tensor, nn

from onebody.config import lookup
from onebody.data import Batch
from onebody.tasks import Task
from onebody.types import Feature, Space, State

Outputs: TypeAlias = dict[str, tuple[Tensor, ...]]
"""Per task the predictions from coarse to final, for the rows asked of it; the last one counts."""

Rows: TypeAlias = Mapping[str, Tensor]
"""Per task ``[B]`` bool: whose answers are wanted. A task that is not named is not run."""


def scoped(state: State, prefix: str) -> State:
    """Return the part of a state that belongs to one layer, without its prefix."""
    start = prefix + "."
    return {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}


def prefixed(state: State, prefix: str) -> State:
    """Return a layer's state under its prefix."""
    return {f"{prefix}.{k}": v for k, v in state.items()}


def run_blocks(blocks: Iterable[nn.Module], x: Feature, state: State) -> tuple[Feature, State]:
    """Run layers ``(x, state) -> (x, state)`` in series; each has the state under its number."""
    left: State = {}
    for number, block in enumerate(blocks):
        x, kept = block(x, scoped(state, str(number)))
        left |= prefixed(kept, str(number))
    return x, left


@dataclass(frozen=True, slots=True, kw_only=True)
class StageInfo:
    """What a stage's Feature looks like.

    Attributes:
        width: channels C.
        space: kind of space.
        stride_t: input frames per feature frame (ceil: T may be odd).
        stride_s: input pixels per feature pixel (map), else 1.
        points: J of a joints space, else 0.
        coordinates: leading channels that say where a point is; the others are features.
        parts: equal runs of channels that are Features of their own, side by side (streams, time
            scales, planes), so that a head can answer from each.
        media: parts that are media, of which any may be missing: the first channel of each is not 0
            where it is there. 0: there are none such.
    """

    width: int
    space: Space
    stride_t: int = 1
    stride_s: int = 1
    points: int = 0
    coordinates: int = 0
    parts: int = 1
    media: int = 0


class Stem(nn.Module, ABC):
    """Turns raw modalities into the first Feature; fusing modalities happens here.

    Attributes:
        width: channels C of that Feature.
    """

    width: int

    @abstractmethod
    def forward(
        self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor], state: State
    ) -> tuple[Feature, State]:
        """Map inputs (see `Batch.inputs`) and what of them is valid to ``[B, C, T, *space]``."""

    def after_backward(self) -> None:
        """Adjust gradients before the optimizer's step: the place of a penalty on weights."""


class Stage(nn.Module, ABC):
    """One step of an encoder: a Feature to a Feature, remembering ``state`` if causal in time.

    A clip is a stream step of many frames from empty state; a stage that looks ahead ignores state.
    """

    @property
    def last(self) -> nn.Module:
        """The last layer, part of all that leaves the stage; the whole stage if none is."""
        return self

    @abstractmethod
    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:
        """Map ``[B, C, T, *space]`` and the state left by earlier frames to the same kinds."""


class Encoder(nn.Module):
    """A stem and a list of stages.

    Attributes:
        stem: raw inputs to the first Feature.
        stages: run in order.
        info: one entry per stage.
        causal: no output frame depends on later input frames.
    """

    def __init__(
        self, stem: Stem, stages: Sequence[Stage], info: Sequence[StageInfo], *, causal: bool
    ) -> None:
        super().__init__()
        if len(stages) != len(info):
            raise ValueError(f"{len(stages)} stages but {len(info)} descriptions of them.")
        self.stem = stem
        self.stages = nn.ModuleList(stages)
        self.info = tuple(info)
        self.causal = causal

    def run(
        self,
        inputs: Mapping[str, Tensor],
        valid: Mapping[str, Tensor],
        depth: int,
        state: State,
        left: State,
    ) -> Iterator[Feature]:
        """Run the stem and the first stages, and give each stage's Feature in turn.

        Args:
            inputs: as of `Stem`.
            valid: as of `Stem`.
            depth: how many stages to run.
            state: what earlier frames left.
            left: takes up what these frames leave.
        """
        x, kept = self.stem(inputs, valid, scoped(state, "stem"))
        left |= prefixed(kept, "stem")
        for number in range(depth):
            name = f"stages.{number}"
            x, kept = self.stages[number](x, scoped(state, name))
            left |= prefixed(kept, name)
            yield x


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What one task wants of the shared part.

    Attributes:
        stages: which stages' Features its head reads.
        rows: ``[B]`` bool; None: every row.
    """

    stages: tuple[int, ...]
    rows: Tensor | None = None


Features: TypeAlias = dict[str, dict[int, Feature]]
"""Per task the Features of the stages it asked for, of the rows it asked for (N of B)."""


NO_REPRESENTATION = (
    "This way of sharing gives every task Features of its own: there is no representation that all "
    "outputs are made from. Take gradient.source=shared or all, or the sharing 'hard'."
)


class Sharing(nn.Module, ABC):
    """How tasks share an encoder.

    Attributes:
        info: one entry per stage, as heads see them.
        causal: as of `Encoder`, for the whole.
        lookahead: if it is not causal, which part is to blame and what is needed instead.
        passes: as of `Network`.
    """

    info: tuple[StageInfo, ...]
    causal: bool
    lookahead: str = "the encoder (a causal one is needed)"
    passes: int = 1

    @abstractmethod
    def forward(
        self,
        inputs: Mapping[str, Tensor],
        valid: Mapping[str, Tensor],
        asks: Mapping[str, Ask],
        state: State,
    ) -> tuple[Features, State]:
        """Compute just what the asked tasks need; state is keyed per copy of a layer."""

    @abstractmethod
    def shared(self, asks: Mapping[str, Ask]) -> list[nn.Parameter]:
        """Return the deepest parameters that all asked tasks' losses reach.

        Raises:
            ValueError: if they share none.
        """

    def representation(self, asks: Mapping[str, Ask]) -> Stage:  # noqa: ARG002
        """Return the deepest stage from whose Feature all asked tasks' outputs are made.

        Raises:
            ValueError: if there is none.
        """
        raise ValueError(NO_REPRESENTATION)

    def trim(self, stages: Mapping[str, Sequence[int]]) -> None:
        """Drop layers that no head reaches; ``stages`` says which ones each task's head reads."""

    def rates(self) -> dict[str, float]:
        """Return the mixing coefficients' factors on the learning rate; see `Network.rates`."""
        return {}

    def before_step(self, score: Callable[[], Tensor], tasks: Sequence[str]) -> None:
        """Prepare a training step; see `Network.before_step` (composite tasks are taken apart)."""

    def after_backward(self) -> None:
        """Adjust gradients before the optimizer's step."""

    def freeze(self) -> None:
        """Fix routes that are read from arrays to plain integers, for export."""


class Head(nn.Module, ABC):
    """Turns Features into one task's output; restores the input's T; no batch statistics.

    Attributes:
        stages: which stages it reads.
        causal: as of `Encoder`.
    """

    stages: tuple[int, ...]
    causal: bool

    def output_weights(self, count: int) -> tuple[float, ...]:
        """Return how much each of its outputs weighs in the loss; see `Network`."""
        return (1.0,) * count

    @abstractmethod
    def forward(
        self, features: Mapping[int, Feature], num_frames: int, state: State
    ) -> tuple[tuple[Tensor, ...], State]:
        """Map Features of N rows to predictions from coarse to final (`Form` gives the shape)."""


class Network(nn.Module, ABC):
    """Everything that training, evaluation and prediction know of a model.

    Attributes:
        tasks: by name.
        causal: whether `stream` works.
        choices: by task, among how many of its outputs the answer can be chosen; see `choose`.
    """

    tasks: Mapping[str, Task]
    causal: bool
    choices: Mapping[str, int] = MappingProxyType({})

    @property
    def passes(self) -> int:
        """How often a training step runs its Batches before its one backward.

        More than once where every run draws something new; the loss is the mean over the runs.
        """
        return 1

    @property
    def bodies(self) -> list[nn.Module]:
        """The parts that public weights are for: all copies of the encoder."""
        return [module for module in self.modules() if isinstance(module, Encoder)]

    @abstractmethod
    def forward(
        self, batches: Sequence[Batch], rows: Sequence[Rows] | None = None
    ) -> list[Outputs]:
        """Run a whole step at once (one call, so that DDP sees one forward).

        Args:
            batches: the step.
            rows: per Batch, which tasks are asked of which rows; None: all tasks of all rows.

        Returns:
            Per Batch the outputs of the asked tasks, for the asked rows only (N of B, in order). A
            task asked of no row has no entry.
        """

    @abstractmethod
    def stream(self, frame: Batch, state: State) -> tuple[Outputs, State]:
        """Run on the next frame or frames of a stream; the empty state begins one.

        Raises:
            ValueError: if the network is not causal; names the part that looks ahead.
        """

    @abstractmethod
    def shared(self, tasks: Sequence[str]) -> list[nn.Parameter]:
        """Return the deepest parameters that all of these tasks reach.

        Raises:
            ValueError: if there are none.
        """

    def representation(self, tasks: Sequence[str]) -> Stage:  # noqa: ARG002
        """Return the deepest stage from whose Feature all these tasks' outputs are made.

        Raises:
            ValueError: if there is none.
        """
        raise ValueError(NO_REPRESENTATION)

    def output_weights(self, task: str, count: int) -> tuple[float, ...]:  # noqa: ARG002
        """Return how much each of a task's ``count`` outputs weighs in its loss."""
        return (1.0,) * count

    def rates(self) -> dict[str, float]:
        """Return which parameters are mixing coefficients, not weights.

        Returns:
            The beginning of their names, and their factor on the learning rate. They never decay.
        """
        return {}

    def before_step(self, score: Callable[[], Tensor], tasks: Sequence[str]) -> None:
        """Prepare a training step. Random draws here are the same on every process.

        Args:
            score: runs the step in evaluation mode, without gradient, and returns its summed loss.
            tasks: which carry labels in this step, on any process.
        """

    def after_backward(self) -> None:
        """Adjust gradients before the optimizer's step."""

    def choose(self, task: str, output: int) -> None:
        """Answer a task with one of its outputs, outside of training.

        That output then comes last. The choice is part of the network's state; it must be made on
        validation rows.

        Args:
            task: one of ``choices``.
            output: number of the output, from coarse to final.

        Raises:
            ValueError: if there is no such task or output.
        """
        count = lookup(self.choices, task, "task with outputs to choose from")
        if not 0 <= output < count:
            raise ValueError(f"Task {task!r} has outputs 0 to {count - 1}, found {output}.")

    def freeze(self) -> None:
        """Fix routes that are read from arrays to plain integers, for export."""


def all_rows(batch: Batch, tasks: Sequence[str]) -> dict[str, Tensor]:
    """Ask every task of every row."""
    # Written out: an exporter knows the values of such a tensor, so that code may ask for them.
    everyone = torch.tensor([True] * len(batch), dtype=torch.bool, device=batch.context.row.device)
    return dict.fromkeys(tasks, everyone)
