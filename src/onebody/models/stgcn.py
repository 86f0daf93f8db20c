"""`stgcn`: convolutions over the graph of a body's joints, and several convolutions over time.

======  ============================================  =================  ======================
stage   what                                          Feature            default width
======  ============================================  =================  ======================
stem    streams of each joint, its name and mask      ``[B, C, T, J]``   48
0 ..    ``blocks`` of graph and temporal convolution  ``[B, C, T', J]``  48, 72, 108 (class
                                                                         heads: the last)
last    joints side by side (``readout``)             ``[B, C, T']``     ``readout``
======  ============================================  =================  ======================

Joints hear themselves, their parent and their children; which others they hear is learned
(``topology``), or made anew for every clip and channel. Any joint layout has such a graph.

Source: Yan, Xiong, Lin, ST-GCN, AAAI 2018 (the graph); Duan, Wang, Chen, Lin, "PYSKL: Towards Good
Practices for Skeleton Action Recognition" (ST-GCN++), ACM MM 2022 (learned edges, residual graph
convolutions, branches in time); Chen et al., CTR-GCN, ICCV 2021 (``refined``). Ours: a mask beside
the values, narrower stages and shorter clips, so that a core trains it in minutes; and looking back
only, so that it can run on a stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, NonNegativeInt, PositiveInt, model_validator
from torch import Tensor, nn

from onebody.config import Config
from onebody.models.base import Encoder, Stage, StageInfo, run_blocks
from onebody.models.graph import GraphConvolution, Topology, spatial_partitions
from onebody.models.inputs import InputShape, single_skeleton
from onebody.models.joint_readout import add_readout
from onebody.models.joint_stem import JointStem
from onebody.models.norms import BatchNorm2d
from onebody.models.pointwise import Pointwise
from onebody.models.streams import Streams
from onebody.skeletons import get_skeleton
from onebody.types import Feature, State


class StgcnConfig(Config):
    """Options of the graph encoder.

    Attributes:
        stream: what of the skeleton is read: ``joint``, ``bone``, ``joint-motion``,
            ``bone-motion``, or several side by side.
        width: multiplies ``channels``.
        channels: of the stem and the first stage.
        growth: factor on the channels of each further stage.
        depth: how many stages there are.
        blocks: of each stage.
        strides: in time, of the stages' first blocks (further stages have 1).
        topology: ``fixed`` (the skeleton's edges), ``learned`` (a learned matrix is added in every
            block), ``refined`` (and another one that depends on clip and channel).
        dilations: in frames, of the temporal branches; beside them are a maximum over 3 frames and
            one that looks at its frame alone.
        dropout: after the temporal branches.
        causal: look back only, so that the network can run on a stream.
        readout: channels of a last stage that lays the joints side by side; 0: none, and heads
            take the mean over joints.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"readout"})

    kind: Literal["stgcn"] = "stgcn"
    stream: Streams = ("joint",)
    width: float = Field(1.0, gt=0)
    channels: PositiveInt = 48
    growth: float = Field(1.5, ge=1)
    depth: PositiveInt = 3
    blocks: PositiveInt = 2
    strides: tuple[PositiveInt, ...] = (1, 2, 2)
    topology: Topology = "learned"
    dilations: tuple[PositiveInt, ...] = Field((1, 2), min_length=1)
    dropout: float = Field(0.0, ge=0, lt=1)
    causal: bool = False
    readout: NonNegativeInt = 0

    @model_validator(mode="after")
    def _looks_back(self) -> Self:
        if self.causal and max(self.stage_strides()) > 1:
            raise ValueError("a causal network answers every frame; it needs strides: [1]")
        if self.causal and self.topology == "refined":
            raise ValueError("edges made of the whole clip look ahead; take topology: learned")
        return self

    def stage_strides(self) -> list[int]:
        """Return the stride in time of each stage."""
        return [*self.strides, *(1,) * self.depth][: self.depth]


class TemporalBranches(nn.Module):
    """Convolutions of several dilations, a maximum and a single frame, each on its channels."""

    def __init__(
        self, width: int, dilations: Sequence[int], stride: int, *, dropout: float, causal: bool
    ) -> None:
        super().__init__()
        branches = len(dilations) + 2
        part = width // branches
        self.sizes = [part] * (branches - 1) + [width - part * (branches - 1)]
        self.stride, self.causal, self.reach = stride, causal, 2 * max(dilations)
        self.reduce = Pointwise(width, width)
        self.convs = nn.ModuleList(
            nn.Conv2d(part, part, (3, 1), stride=(stride, 1), dilation=(d, 1), bias=False)
            for d in dilations
        )
        self.dilations = tuple(dilations)
        self.norm = BatchNorm2d(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:
        """Map ``[B, C, T, J]`` to ``[B, C, ceil(T / stride), J]``."""
        y = F.relu(self.reduce(x))
        frames = y.shape[2]
        if self.causal:
            past = state.get("past", y.new_zeros(*y.shape[:2], self.reach, y.shape[3]))
            y = torch.cat((past, y), 2)
            state = {"past": y[:, :, -self.reach :]}
        parts = torch.split(y, self.sizes, 1)
        found = [
            conv(self._around(part, dilation, frames))
            for conv, part, dilation in zip(self.convs, parts, self.dilations, strict=False)
        ]
        # Nothing is negative after the rectifier, so zeros at the ends are never the maximum.
        near = self._around(parts[-2], 1, frames)
        found.append(F.max_pool2d(near, (3, 1), (self.stride, 1)))
        found.append(parts[-1][:, :, y.shape[2] - frames :: self.stride])
        return self.dropout(self.norm(torch.cat(found, 1))), state if self.causal else {}

    def _around(self, x: Tensor, dilation: int, frames: int) -> Tensor:
        """Return the frames that a kernel of 3 reaches: around, or before, every frame."""
        if self.causal:
            return x[:, :, x.shape[2] - frames - 2 * dilation :]
        return F.pad(x, (0, 0, dilation, dilation))


class GraphBlock(nn.Module):
    """Graph convolution, then temporal branches; both beside what they are given."""

    def __init__(
        self, inputs: int, outputs: int, stride: int, partitions: Tensor, config: StgcnConfig
    ) -> None:
        super().__init__()
        self.stride = stride
        self.graph = GraphConvolution(inputs, outputs, partitions, config.topology)
        self.norm = BatchNorm2d(outputs)
        self.past = nn.Identity() if inputs == outputs else Pointwise(inputs, outputs)
        self.temporal = TemporalBranches(
            outputs, config.dilations, stride, dropout=config.dropout, causal=config.causal
        )

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:
        """Map ``[B, C, T, J]`` to ``[B, C', ceil(T / stride), J]``."""
        heard = self.graph(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        y = F.relu(self.norm(heard) + self.past(x))
        z, state = self.temporal(y, state)
        return F.relu(z + y[:, :, :: self.stride]), state


class GraphStage(Stage):
    """A run of blocks; the first may leave frames out."""

    def __init__(self, blocks: Sequence[GraphBlock]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    @property
    def last(self) -> nn.Module:
        """The last block's branches in time."""
        return self.blocks[-1].get_submodule("temporal")

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:
        """Map ``[B, C, T, J]`` to ``[B, C', ceil(T / stride), J]``."""
        return run_blocks(self.blocks, x, state)


def build_stgcn(config: StgcnConfig, *, inputs: Mapping[str, InputShape]) -> Encoder:
    """Build the graph encoder for one modality."""
    modality, shape = single_skeleton(inputs, config.kind)
    skeleton = get_skeleton(shape.skeleton)
    partitions = spatial_partitions(skeleton)
    least = len(config.dilations) + 2  # a channel for each branch in time
    widths = [
        max(least, round(config.channels * config.width * config.growth**i))
        for i in range(config.depth)
    ]
    stages: list[Stage] = []
    info: list[StageInfo] = []
    before, stride = widths[0], 1
    for width, step in zip(widths, config.stage_strides(), strict=True):
        sizes = [(before, step), *[(width, 1)] * (config.blocks - 1)]
        stages.append(GraphStage([GraphBlock(c, width, s, partitions, config) for c, s in sizes]))
        before, stride = width, stride * step
        info.append(StageInfo(width=width, space="joints", stride_t=stride, points=len(skeleton)))
    add_readout(stages, info, config.readout)
    stem = JointStem(modality, shape, widths[0], config.stream)
    return Encoder(stem, stages, info, causal=config.causal)
