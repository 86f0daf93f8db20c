"""`shared-private`: experts that all tasks share, and experts of each task's own.

    feature_t = sum_e gate_t(input)_e * expert_e(input),  e: the shared experts and those of task t

The experts are copies of the encoder after a common stem; a task's gate is a softmax of a linear
map of the stem's Feature over the shared experts and its own. No task reads another's own experts,
which run for the rows of their task alone. With sets of data as tasks (one label space each) the
shared experts are what the domains have in common, the others what each has for itself.

Source: Tang, Liu, Zhao, Gong, "Progressive Layered Extraction (PLE): A Novel Multi-Task Learning
Model for Personalized Recommendations", RecSys 2020: its single layer, customized gate control
(CGC). Ours: experts share a stem, whose average is what gates read; every stage that a head reads
is mixed by the same gate; and a gate may decide per frame, which is the only kind that can run on a
stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

from pydantic import PositiveInt
from torch import Tensor, nn

from onebody.config import Config
from onebody.models.asked import (
    common_depth,
    last_layers,
    pick_rows,
    run_depth,
    take_rows,
    trainable_or_refuse,
)
from onebody.models.base import Ask, Encoder, Features, Sharing, prefixed, scoped
from onebody.models.copies import Copies, NoStem, make_copies
from onebody.models.heads import average_space
from onebody.models.mmoe import mix
from onebody.models.seeds import drawn_for
from onebody.types import Feature, State


class SharedPrivateConfig(Config):
    """Options of shared and private experts.

    Attributes:
        shared: experts that all tasks share.
        private: experts of each task's own.
        gate: decide once per ``clip``, as published, or for every ``frame``.
    """

    kind: Literal["shared-private"] = "shared-private"
    shared: PositiveInt = 1
    private: PositiveInt = 1
    gate: Literal["clip", "frame"] = "clip"


class SharedPrivateSharing(Sharing):
    """Runs shared experts on the union of rows, private ones on their task's, and mixes them."""

    lookahead = "the encoder or the gate (a causal one and 'gate: frame' are needed)"

    def __init__(self, common: Copies, private: Mapping[str, Copies], gate: str) -> None:
        super().__init__()
        self.common = common
        self.private = nn.ModuleDict(private)
        first = common.encoder(0)
        self.info = first.info
        self.per_frame = gate == "frame"
        self.causal = first.causal and self.per_frame
        self.gates = nn.ModuleDict()
        for task, own in private.items():
            with drawn_for(task):
                self.gates[task] = nn.Linear(first.stem.width, len(common) + len(own))

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        valid: Mapping[str, Tensor],
        asks: Mapping[str, Ask],
        state: State,
    ) -> tuple[Features, State]:
        """Return each task's Features; see `Sharing`."""
        rows, inputs, valid = take_rows(inputs, valid, asks, state)
        stem, kept = self.common.encoder(0).stem(inputs, valid, scoped(state, "stem"))
        left = prefixed(kept, "stem")
        everyone = list(_run(self.common, "common", stem, run_depth(asks), state, left))
        features: Features = {}
        for task, ask in asks.items():
            own = pick_rows(stem, rows, ask.rows)
            gate = self._gate(task, own)
            name, depth = f"private.{task}", 1 + max(ask.stages)
            runs = zip(everyone, _run(self._own(task), name, own, depth, state, left), strict=False)
            features[task] = {
                number: mix([*(pick_rows(x, rows, ask.rows) for x in common), *private], gate)
                for number, (common, private) in enumerate(runs)
                if number in ask.stages
            }
        return features, left

    def shared(self, asks: Mapping[str, Ask]) -> list[nn.Parameter]:
        """Return the last trainable parameters of the shared experts that all losses reach."""
        experts = [self.common.encoder(number) for number in range(len(self.common))]
        depths = range(common_depth(asks), -1, -1)
        levels: list[list[nn.Module]] = [[expert.stages[n] for expert in experts] for n in depths]
        return trainable_or_refuse(last_layers([*levels, [experts[0].stem]]), asks)

    def trim(self, stages: Mapping[str, Sequence[int]]) -> None:
        """Drop the stages of private experts after the last one that their task's head reads."""
        for task, read in stages.items():
            own = self._own(task)
            for number in range(len(own)):
                del own.encoder(number).stages[1 + max(read) :]

    def _gate(self, task: str, stem: Feature) -> Tensor:
        """Return a task's shares of the shared experts and its own ``[N, T or 1, E]``."""
        seen = average_space(stem).float().transpose(1, 2)  # [N, T, C]
        if not self.per_frame:
            seen = seen.mean(1, keepdim=True)
        gate: Tensor = self.gates[task](seen)
        return gate.float().softmax(-1)

    def _own(self, task: str) -> Copies:
        """Return a task's private experts."""
        own: Copies = self.private[task]  # type: ignore[assignment]
        return own


def build_shared_private(
    config: SharedPrivateConfig, *, make_encoder: Callable[[], Encoder], tasks: Sequence[str]
) -> SharedPrivateSharing:
    """Build experts and gates."""
    common = make_copies(make_encoder, config.shared)
    private = {task: _private(make_encoder, task, config.private) for task in tasks}
    return SharedPrivateSharing(common, private, config.gate)


def _private(make_encoder: Callable[[], Encoder], task: str, count: int) -> Copies:
    """Make a task's experts, which start from weights that depend on its name and their number."""
    own: list[Encoder] = []
    for number in range(count):
        with drawn_for(f"private {number} {task}"):
            own.append(make_encoder())
        own[-1].stem = NoStem()
    return Copies(own)


def _run(
    experts: Copies, name: str, stem: Feature, depth: int, state: State, left: State
) -> Iterator[list[Feature]]:
    """Run the first stages of some experts, and give the Features of each stage in turn."""
    xs = [stem] * len(experts)
    for number in range(depth):
        for place in range(len(xs)):
            at = f"{name}.{place}.stages.{number}"
            xs[place], kept = experts.encoder(place).stages[number](xs[place], scoped(state, at))
            left |= prefixed(kept, at)
        yield list(xs)
