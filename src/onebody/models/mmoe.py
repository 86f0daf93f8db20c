"""`mmoe`: experts that all tasks share, and per task a gate that says how much each counts.

    feature_t = sum_e gate_t(input)_e * expert_e(input)

The experts are copies of the encoder after a common stem; the gate is a softmax of a linear map of
the stem's Feature. All experts run, whatever is asked.

Source: Ma et al., "Modeling Task Relationships in Multi-task Learning with Multi-gate
Mixture-of-Experts", KDD 2018. Ours: experts share a stem, whose average is what gates read; every
stage that a head reads is mixed by the same gate; and a gate may decide per frame, which is the
only kind that can run on a stream (the average over a clip looks ahead).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import torch
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
from onebody.models.copies import Copies, make_copies
from onebody.models.heads import average_space
from onebody.models.seeds import drawn_for
from onebody.types import Feature, State


class MmoeConfig(Config):
    """Options of the mixture of experts.

    Attributes:
        experts: how many; null: as many as there are tasks.
        gate: decide once per ``clip``, as published, or for every ``frame``.
    """

    kind: Literal["mmoe"] = "mmoe"
    experts: PositiveInt | None = None
    gate: Literal["clip", "frame"] = "clip"


class MmoeSharing(Sharing):
    """Runs all experts on the union of rows, and mixes their Features for each task."""

    lookahead = "the encoder or the gate (a causal one and 'gate: frame' are needed)"

    def __init__(self, experts: Copies, tasks: Sequence[str], width: int, gate: str) -> None:
        super().__init__()
        self.experts = experts
        self.info = self.experts.encoder(0).info
        self.per_frame = gate == "frame"
        self.causal = self.experts.encoder(0).causal and self.per_frame
        self.gates = nn.ModuleDict()
        for task in tasks:
            with drawn_for(task):
                self.gates[task] = nn.Linear(width, len(experts))

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        valid: Mapping[str, Tensor],
        asks: Mapping[str, Ask],
        state: State,
    ) -> tuple[Features, State]:
        """Return each task's Features; see `Sharing`."""
        rows, inputs, valid = take_rows(inputs, valid, asks, state)
        features: Features = {task: {} for task in asks}
        stem, kept = self.experts.encoder(0).stem(inputs, valid, scoped(state, "stem"))
        left = prefixed(kept, "stem")
        gates = self._gates(stem, rows, asks)
        xs = [stem] * len(self.experts)
        for number in range(run_depth(asks)):
            for place in range(len(xs)):
                name = f"experts.{place}.stages.{number}"
                stage = self.experts.encoder(place).stages[number]
                xs[place], kept = stage(xs[place], scoped(state, name))
                left |= prefixed(kept, name)
            for task, ask in asks.items():
                if number in ask.stages:
                    own = [pick_rows(x, rows, ask.rows) for x in xs]
                    features[task][number] = mix(own, gates[task])
        return features, left

    def shared(self, asks: Mapping[str, Ask]) -> list[nn.Parameter]:
        """Return the last trainable parameters of all experts that all tasks' losses reach."""
        experts = [self.experts.encoder(number) for number in range(len(self.experts))]
        depths = range(common_depth(asks), -1, -1)
        levels: list[list[nn.Module]] = [[expert.stages[n] for expert in experts] for n in depths]
        return trainable_or_refuse(last_layers([*levels, [experts[0].stem]]), asks)

    def _gates(
        self, stem: Feature, rows: Tensor | None, asks: Mapping[str, Ask]
    ) -> dict[str, Tensor]:
        """Return each task's shares of the experts ``[N, T or 1, E]`` for its rows."""
        seen = average_space(stem).float().transpose(1, 2)  # [B, T, C]
        if not self.per_frame:
            seen = seen.mean(1, keepdim=True)
        return {
            task: self.gates[task](pick_rows(seen, rows, ask.rows)).float().softmax(-1)
            for task, ask in asks.items()
        }


def build_mmoe(
    config: MmoeConfig, *, make_encoder: Callable[[], Encoder], tasks: Sequence[str]
) -> MmoeSharing:
    """Build experts and gates."""
    experts = make_copies(make_encoder, config.experts or len(tasks))
    return MmoeSharing(experts, tasks, experts.encoder(0).stem.width, config.gate)


def mix(features: Sequence[Feature], gate: Tensor) -> Feature:
    """Return the gated sum of the experts' Features.

    Args:
        features: E times ``[N, C, T, *space]``.
        gate: ``[N, T', E]``; its frames are spread evenly over the Features', as each of which
            looks at ``T' / T`` of them or, with one, at the same.
    """
    frames = features[0].shape[2]
    place = torch.arange(frames, device=gate.device) * gate.shape[1] // frames
    shares = gate[:, place].to(features[0].dtype)  # [N, T, E]
    shape = (len(shares), 1, frames) + (1,) * (features[0].dim() - 3)
    parts = [shares[..., e].reshape(shape) * x for e, x in enumerate(features)]
    return torch.stack(parts).sum(0)
