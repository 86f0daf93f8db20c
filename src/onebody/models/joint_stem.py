"""A stem that gives every joint of every frame a vector of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from onebody.models.base import Stem, prefixed, scoped
from onebody.models.inputs import InputShape, take_joints
from onebody.models.norms import BatchNorm1d
from onebody.models.streams import JointStreams, Stream
from onebody.skeletons import get_skeleton
from onebody.types import Feature, State


class JointStem(Stem):
    """Maps the streams of each joint to a vector; says which joint it is and whether it is there.

    What is missing has the same vector wherever it lies, but for the joint's own part.
    """

    def __init__(
        self, modality: str, shape: InputShape, width: int, streams: Sequence[Stream]
    ) -> None:
        super().__init__()
        self.modality, self.shape, self.width = modality, shape, width
        joints = len(get_skeleton(shape.skeleton))
        values = len(streams) * shape.channels
        self.streams = JointStreams(shape, streams)
        # As ST-GCN: every coordinate of every joint has a scale of its own.
        self.scale = BatchNorm1d(joints * values)
        self.join = nn.Linear(values + len(streams), width)
        self.which = nn.Parameter(0.02 * torch.randn(joints, width))

    def forward(
        self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor], state: State
    ) -> tuple[Feature, State]:
        """Map skeletons ``[B, T, J, D]`` to ``[B, width, T, J]``, channels-last."""
        x, known = take_joints(inputs, valid, self.modality, self.shape)
        found, left = self.streams(x, known, scoped(state, "streams"))
        values = torch.cat([value for value, _ in found], -1)  # [B, T, J, S * D]
        there = torch.stack([one for _, one in found], -1)  # [B, T, J, S]
        scaled = self.scale(values.flatten(0, 1).flatten(1)).view(values.shape)
        scaled = scaled * there.repeat_interleave(self.shape.channels, -1)
        y = self.join(torch.cat((scaled, there.to(scaled.dtype)), -1)) + self.which
        return y.permute(0, 3, 1, 2), prefixed(left, "streams")
