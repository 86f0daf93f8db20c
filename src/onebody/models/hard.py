"""`hard`: one encoder for all tasks. Costs nothing, and is the baseline of everything else.

Source: Caruana, "Multitask Learning: A Knowledge-Based Source of Inductive Bias", ICML 1993.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

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
from onebody.models.base import Ask, Encoder, Features, Sharing, Stage
from onebody.types import State


class HardConfig(Config):
    """Hard sharing has no options."""

    kind: Literal["hard"] = "hard"


class HardSharing(Sharing):
    """Runs one encoder on the rows that any task asks for, no deeper than asked."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.info = encoder.info
        self.causal = encoder.causal

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
        left: State = {}
        run = self.encoder.run(inputs, valid, run_depth(asks), state, left)
        for number, x in enumerate(run):
            for task, ask in asks.items():
                if number in ask.stages:
                    features[task][number] = pick_rows(x, rows, ask.rows)
        return features, left

    def shared(self, asks: Mapping[str, Ask]) -> list[nn.Parameter]:
        """Return the last trainable parameters that all the tasks' losses reach."""
        return deepest(self.encoder, asks)

    def representation(self, asks: Mapping[str, Ask]) -> Stage:
        """Return the deepest stage that is part of everything that the tasks read."""
        return self.encoder.stages[common_depth(asks)]  # type: ignore[return-value]


def build_hard(
    config: HardConfig,  # noqa: ARG001
    *,
    make_encoder: Callable[[], Encoder],
    tasks: Sequence[str],  # noqa: ARG001
) -> HardSharing:
    """Build hard sharing: one copy of the encoder."""
    return HardSharing(make_encoder())


def deepest(encoder: Encoder, asks: Mapping[str, Ask]) -> list[nn.Parameter]:
    """Return the trainable parameters of an encoder's last layer that all tasks pass.

    Raises:
        ValueError: if there are none.
    """
    stages = list(encoder.stages)[: common_depth(asks) + 1]
    levels = [[stage] for stage in (*reversed(stages), encoder.stem)]
    return trainable_or_refuse(last_layers(levels), asks)
