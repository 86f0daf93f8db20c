"""Streams of a skeleton: where joints lie, how bones point, and how either moves.

================  ==========================================================================
stream            what stands at joint j in frame t
================  ==========================================================================
``joint``         its position
``bone``          its position less its parent's (the root has no bone)
``joint-motion``  its position less that of the frame before (nothing moves in the first one)
``bone-motion``   its bone less that of the frame before
================  ==========================================================================

A value that is made of a missing joint is missing, and zero. Networks of one stream each are fused
by their probabilities (`onebody.evaluation.late_fusion`); a network of several gets their values
side by side.

Source: Shi, Zhang, Cheng, Lu, "Two-Stream Adaptive Graph Convolutional Networks for Skeleton-Based
Action Recognition", CVPR 2019, and their multi-stream version (TIP 2020): four streams. Theirs look
one frame ahead for motion, ours one back, so that the network can run on a stream of frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

import torch
from pydantic import AfterValidator, BeforeValidator, Field
from torch import Tensor, nn

from onebody.models.inputs import InputShape
from onebody.skeletons import get_skeleton
from onebody.types import State

Stream: TypeAlias = Literal["joint", "bone", "joint-motion", "bone-motion"]


def _listed(value: object) -> object:
    """Take one name for a list of one."""
    return (value,) if isinstance(value, str) else value


def _once(value: tuple[Stream, ...]) -> tuple[Stream, ...]:
    """Refuse a stream that is named twice."""
    if len(set(value)) < len(value):
        raise ValueError(f"expected each stream once, found {', '.join(value)}")
    return value


Streams: TypeAlias = Annotated[
    tuple[Stream, ...], BeforeValidator(_listed), AfterValidator(_once), Field(min_length=1)
]
"""One stream, or several side by side."""


class JointStreams(nn.Module):
    """Makes streams of joints; nothing is learned here.

    Attributes:
        streams: their names.
    """

    parents: Tensor
    child: Tensor

    def __init__(self, shape: InputShape, streams: Sequence[Stream]) -> None:
        super().__init__()
        parents = torch.tensor(get_skeleton(shape.skeleton).parents())
        self.register_buffer("parents", parents, persistent=False)
        self.register_buffer("child", parents != torch.arange(len(parents)), persistent=False)
        self.streams = tuple(streams)
        self.moves = any(stream.endswith("motion") for stream in streams)

    def forward(
        self, x: Tensor, known: Tensor, state: State
    ) -> tuple[list[tuple[Tensor, Tensor]], State]:
        """Make the streams of some frames.

        Args:
            x: joints ``[B, T, J, D]``, zero where unknown.
            known: ``[B, T, J]`` bool.
            state: what the frames before left; empty at the beginning.

        Returns:
            Per stream its values ``[B, T, J, D]``, zero where unknown, and which are known
            ``[B, T, J]``; what these frames leave.
        """
        if not self.moves:
            return [self._still(stream, x, known) for stream in self.streams], {}
        before = state.get("joints", torch.zeros_like(x[:, :1]))
        seen = state.get("known", torch.zeros_like(known[:, :1]))
        whole, all_known = torch.cat((before, x), 1), torch.cat((seen, known), 1)
        found = []
        for stream in self.streams:
            if stream.endswith("motion"):
                values, there = self._still(stream.removesuffix("-motion"), whole, all_known)
                both = there[:, 1:] & there[:, :-1]
                found.append(((values[:, 1:] - values[:, :-1]) * both.unsqueeze(-1), both))
            else:
                found.append(self._still(stream, x, known))
        return found, {"joints": whole[:, -1:], "known": all_known[:, -1:]}

    def _still(self, stream: str, x: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Return joints or bones, and which are known."""
        if stream == "joint":
            return x, known
        both = known & known[:, :, self.parents] & self.child
        return (x - x[:, :, self.parents]) * both.unsqueeze(-1), both
