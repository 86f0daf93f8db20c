"""A last stage for networks of joints: what every joint says, laid side by side in its order.

The mean over joints that such networks end with forgets which joint said what, unless the network
has learned to keep it; with a few hundred clips it has not. Here every joint keeps a place of its
own: its channels are reduced to a few, all joints are joined to one vector per frame.

Source: ours, after how `points` joins its points; the mean is that of ST-GCN and its successors.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import nn

from onebody.models.base import Stage, StageInfo
from onebody.models.pointwise import Pointwise
from onebody.types import Feature, State

KEPT = 16
"""Channels that a joint keeps when it is joined with the others."""


class JointReadout(Stage):
    """Joins the joints of a frame to one vector."""

    def __init__(self, inputs: int, joints: int, outputs: int) -> None:
        super().__init__()
        self.reduce = Pointwise(inputs, KEPT)
        self.join = Pointwise(KEPT * joints, outputs)

    @property
    def last(self) -> nn.Module:
        """The layer that joins."""
        return self.join

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:  # noqa: ARG002
        """Map ``[B, C, T, J]`` to ``[B, C', T]``; nothing to remember."""
        kept = F.relu(self.reduce(x)).transpose(2, 3).flatten(1, 2)  # [B, 16 * J, T]
        return F.relu(self.join(kept)), {}


def add_readout(stages: list[Stage], info: list[StageInfo], width: int) -> None:
    """Append a readout of ``width`` channels to the stages of a network of joints; 0: none."""
    if width:
        last = info[-1]
        stages.append(JointReadout(last.width, last.points, width))
        info.append(StageInfo(width=width, space="vector", stride_t=last.stride_t))
