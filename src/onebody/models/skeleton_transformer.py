"""`skeleton-transformer`: attention over the joints of each frame, then over each joint's time.

======  ========================================  =================  ==========================
stage   what                                      Feature            default width
======  ========================================  =================  ==========================
stem    streams of each joint, its name and mask  ``[B, C, T, J]``   64
0 ..    ``blocks`` of attention over joints and   ``[B, C, T', J]``  64 (class heads: the last)
        over time; strides join frames
last    joints side by side (``readout``)          ``[B, C, T']``     ``readout``
======  ========================================  =================  ==========================

Which joint a vector is of is learned, as is how much joints look at one another. Of time only
distances are known, so clips may have any number of frames. A missing joint is a vector that says
so: it is looked at like any other, and tells nothing of the value that was not valid.

Source: Plizzari, Cannici, Matteucci, "Skeleton-based action recognition via spatial and temporal
transformer networks" (ST-TR), CVIU 2021, and Do, Kim, "SkateFormer", ECCV 2024: attention divided
into joints and time, and biases by joint and distance. Ours: one after the other in every block,
normalized beforehand, on all joints and frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, NonNegativeInt, PositiveInt, model_validator
from torch import Tensor, nn

from onebody.config import Config
from onebody.models.attention import AxisAttention, DistanceBias, JointBias
from onebody.models.base import Encoder, Stage, StageInfo
from onebody.models.inputs import InputShape, single_skeleton
from onebody.models.joint_readout import add_readout
from onebody.models.joint_stem import JointStem
from onebody.models.streams import Streams
from onebody.skeletons import get_skeleton
from onebody.types import Feature, State


class SkeletonTransformerConfig(Config):
    """Options of the transformer over joints and time.

    Attributes:
        stream: what of the skeleton is read: ``joint``, ``bone``, ``joint-motion``,
            ``bone-motion``, or several side by side.
        width: multiplies ``channels``; the product is rounded to a multiple of ``heads``.
        channels: of the stem and every stage.
        depth: how many stages there are.
        blocks: of each stage.
        strides: in time, at the beginning of the stages (further stages have 1).
        heads: of every attention.
        reach: distance in frames (of the stage) from which on all count as equally far.
        expansion: hidden channels of the blocks' two-layer networks, as a multiple.
        dropout: after attention and the two-layer networks.
        readout: channels of a last stage that lays the joints side by side; 0: none, and heads
            take the mean over joints.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"readout"})

    kind: Literal["skeleton-transformer"] = "skeleton-transformer"
    stream: Streams = ("joint",)
    width: float = Field(1.0, gt=0)
    channels: PositiveInt = 64
    depth: PositiveInt = 3
    blocks: PositiveInt = 1
    strides: tuple[PositiveInt, ...] = (1, 2, 2)
    heads: PositiveInt = 4
    reach: PositiveInt = 32
    expansion: float = Field(2.0, gt=0)
    dropout: float = Field(0.1, ge=0, lt=1)
    readout: NonNegativeInt = 0

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.channels % self.heads:
            raise ValueError(
                f"expected 'channels' that {self.heads} 'heads' share evenly, found {self.channels}"
            )
        return self

    def size(self) -> int:
        """Return the channels of every stage."""
        return max(1, round(self.channels * self.width / self.heads)) * self.heads


class JointTimeBlock(nn.Module):
    """Attention over joints, attention over time, a network of two layers; each is added."""

    def __init__(self, width: int, joints: int, config: SkeletonTransformerConfig) -> None:
        super().__init__()
        hidden = max(1, round(width * config.expansion))
        within = AxisAttention(width, config.heads, "joints", JointBias(config.heads, joints))
        along = AxisAttention(
            width, config.heads, "frames", DistanceBias(config.heads, config.reach)
        )
        think = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.parts = nn.ModuleList((within, along, think))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in self.parts)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, T, J, C]`` to the same."""
        for norm, part in zip(self.norms, self.parts, strict=True):
            x = x + self.dropout(part(norm(x)))
        return x


class JoinFrames(nn.Module):
    """Every ``stride``-th frame, made of itself and its two neighbors."""

    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.norm = nn.LayerNorm(width)
        self.join = nn.Linear(3 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, T, J, C]`` to ``[B, ceil(T / stride), J, C]``."""
        around = F.pad(self.norm(x), (0, 0, 0, 0, 1, 1))
        frames = x.shape[1]
        near = [around[:, k : k + frames : self.stride] for k in range(3)]
        joined: Tensor = self.join(torch.cat(near, -1))
        return x[:, :: self.stride] + joined


class JointTimeStage(Stage):
    """Joins frames where it has a stride, then a run of blocks, then a norm."""

    def __init__(
        self, width: int, joints: int, stride: int, config: SkeletonTransformerConfig
    ) -> None:
        super().__init__()
        self.join = JoinFrames(width, stride) if stride > 1 else nn.Identity()
        self.blocks = nn.Sequential(
            *(JointTimeBlock(width, joints, config) for _ in range(config.blocks))
        )
        self.norm = nn.LayerNorm(width)

    @property
    def last(self) -> nn.Module:
        """The last block's network of two layers."""
        return self.blocks[-1].get_submodule("parts.2")

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:  # noqa: ARG002
        """Map ``[B, C, T, J]`` to ``[B, C, ceil(T / stride), J]``."""
        y: Tensor = self.norm(self.blocks(self.join(x.permute(0, 2, 3, 1))))
        return y.permute(0, 3, 1, 2), {}


def build_skeleton_transformer(
    config: SkeletonTransformerConfig, *, inputs: Mapping[str, InputShape]
) -> Encoder:
    """Build the transformer for one modality."""
    modality, shape = single_skeleton(inputs, config.kind)
    width, joints = config.size(), len(get_skeleton(shape.skeleton))
    stages: list[Stage] = []
    info: list[StageInfo] = []
    total = 1
    for stride in [*config.strides, *(1,) * config.depth][: config.depth]:
        total *= stride
        stages.append(JointTimeStage(width, joints, stride, config))
        info.append(StageInfo(width=width, space="joints", stride_t=total, points=joints))
    add_readout(stages, info, config.readout)
    stem = JointStem(modality, shape, width, config.stream)
    return Encoder(stem, stages, info, causal=False)
