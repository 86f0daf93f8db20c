"""Attention over the joints of a frame and over the frames of a joint, with learned biases."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

Axis: TypeAlias = Literal["joints", "frames"]


class JointBias(nn.Module):
    """How much each joint looks at each other, before anything is known of them."""

    def __init__(self, heads: int, joints: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(heads, joints, joints))

    def forward(self, length: int) -> Tensor:  # noqa: ARG002 - every frame has all joints
        """Return ``[heads, J, J]``."""
        return self.table


class DistanceBias(nn.Module):
    """How much a frame looks at those so many frames before or after it, whatever T is.

    Frames further off than ``reach`` are all treated as that far.

    Source: Shaw, Uszkoreit, Vaswani, "Self-Attention with Relative Position Representations",
    NAACL 2018 (clipped distances); Raffel et al., T5, JMLR 2020 (as biases of the scores).
    """

    def __init__(self, heads: int, reach: int) -> None:
        super().__init__()
        self.reach = reach
        self.table = nn.Parameter(torch.zeros(heads, 2 * reach + 1))

    def forward(self, length: int) -> Tensor:
        """Return ``[heads, T, T]``."""
        frame = torch.arange(length, device=self.table.device)
        apart = (frame - frame[:, None]).clamp(-self.reach, self.reach) + self.reach
        return self.table[:, apart]


class AxisAttention(nn.Module):
    """Multi-head self-attention along one axis of ``[B, T, J, C]``; the other one is batch."""

    def __init__(self, width: int, heads: int, axis: Axis, bias: nn.Module) -> None:
        super().__init__()
        self.heads, self.axis, self.bias = heads, axis, bias
        self.ask = nn.Linear(width, 3 * width)
        self.join = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, T, J, C]`` to the same."""
        swapped = x if self.axis == "joints" else x.transpose(1, 2)
        outer, inner, length, width = swapped.shape
        asked: Tensor = self.ask(swapped)
        split = asked.view(outer * inner, length, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)  # [N, heads, L, C / heads] each
        scale = (width // self.heads) ** -0.5
        scores = (query * scale) @ key.transpose(-1, -2) + self.bias(length)
        seen = (scores.softmax(-1) @ value).transpose(1, 2).reshape(swapped.shape)
        joined: Tensor = self.join(seen)
        return joined if self.axis == "joints" else joined.transpose(1, 2)
