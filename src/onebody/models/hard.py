"""`hard`: one encoder for all tasks. Costs nothing, and is the baseline of everything else.

Source: Caruana, "Multitask Learning: A Knowledge-Based Source of Inductive Bias", ICML 1993.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from onebody.config import Config
from onebody.models.base import Ask, Encoder, Features, Sharing, prefixed, scoped
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
        rows = union_rows(asks)
        if rows is not None:
            if state:
                raise ValueError("A stream must ask the same rows, all of them, at every step.")
            inputs = {name: x[rows] for name, x in inputs.items()}
            valid = {name: x[rows] for name, x in valid.items()}
        features: Features = {task: {} for task in asks}
        x, kept = self.encoder.stem(inputs, valid, scoped(state, "stem"))
        left = prefixed(kept, "stem")
        for number in range(1 + max(stage for ask in asks.values() for stage in ask.stages)):
            name = f"stages.{number}"
            x, kept = self.encoder.stages[number](x, scoped(state, name))
            left |= prefixed(kept, name)
            for task, ask in asks.items():
                if number in ask.stages:
                    features[task][number] = x if _same(ask.rows, rows) else x[_within(ask, rows)]
        return features, left

    def shared(self, asks: Mapping[str, Ask]) -> list[nn.Parameter]:
        """Return the trainable parameters of the deepest stage that every task reads or passes."""
        deepest = min(max(ask.stages) for ask in asks.values())
        for part in (*reversed(list(self.encoder.stages)[: deepest + 1]), self.encoder.stem):
            found = [p for p in part.parameters() if p.requires_grad]
            if found:
                return found
        raise ValueError(
            f"Tasks {', '.join(asks)} share no trainable parameters: the encoder is frozen."
        )


def build_hard(
    config: HardConfig,  # noqa: ARG001
    *,
    make_encoder: Callable[[], Encoder],
    tasks: Sequence[str],  # noqa: ARG001
) -> HardSharing:
    """Build hard sharing: one copy of the encoder."""
    return HardSharing(make_encoder())


def union_rows(asks: Mapping[str, Ask]) -> Tensor | None:
    """Return ``[B]`` bool: rows that some task asks for; None: all of them."""
    masks = [ask.rows for ask in asks.values()]
    known = [rows for rows in masks if rows is not None]
    if len(known) < len(masks):
        return None
    rows = torch.stack(known).any(0)
    return None if bool(rows.all()) else rows


def _same(rows: Tensor | None, union: Tensor | None) -> bool:
    """Tell whether a task asks for just the rows that were run."""
    if rows is None or union is None:
        return rows is union
    return torch.equal(rows, union)


def _within(ask: Ask, union: Tensor | None) -> Tensor:
    """Return which of the rows that were run a task asks for."""
    if ask.rows is None:
        raise ValueError("A task asked for every row, but not every row was run.")
    return ask.rows if union is None else ask.rows[union]
