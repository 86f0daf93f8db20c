"""`hierarchy`: features at several time scales, each made of those below, all side by side.

======  ==============================================  ===================  ===================
stage   what                                            Feature              default width
======  ==============================================  ===================  ===================
..      stages of the trunk: `light` without temporal   ``[B, C, T, H, W]``  16, 24, 48, 96
        convolutions, keypoint pooling                  ``[B, C, T]``        128
next    the first scale                                 ``[B, C, T]``        128
..      one scale more each                             ``[B, 2 C, T]`` ..   256, 384
last    all scales                                      ``[B, S * C, T]``    512 (class heads)
======  ==============================================  ===================  ===================

A scale of n frames looks at averages over n frames of what the scale below says, n frames apart.
With 1, 2, 4, 8 the last sees about 40 frames. All scales keep the frame rate, so that the network
can look back only and run on a stream. Each is a part of the last stages' Features: the head
``parts`` answers from every scale and from all; a head ``class`` reads all of them at once. The
flat twin is the trunk with its own temporal convolutions, whose head reads the last of them only.

Source: ours, after networks whose layers of different temporal scale are all read: Yu, Koltun,
"Multi-Scale Context Aggregation by Dilated Convolutions", ICLR 2016, and the coarse-to-fine
ensemble of Singhania, Rahaman, Yao, "Coarse to Fine Multi-Resolution Temporal Convolutional
Network", 2021 (arXiv 2105.10859). The survey names Kong's "temporal hierarchy of features", which
we have not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from onebody.config import Config
from onebody.models.base import Encoder, Stage, prefixed, scoped
from onebody.models.inputs import InputShape
from onebody.models.light import LightConfig
from onebody.models.on_trunk import AnyTrunk, build_trunk
from onebody.models.temporal import Norm, TemporalBlock
from onebody.types import Feature, State


class HierarchyConfig(Config):
    """Options of the hierarchy.

    Attributes:
        scales: in frames, from the fastest to the slowest; a stage each.
        norm: of the scales' blocks: ``batch``, or ``layer`` (per frame).
        dropout: within the scales' blocks.
        causal: scales look back only; with a trunk that does so too, the network runs on a stream.
        trunk: any encoder that ends in one vector per frame.
    """

    kind: Literal["hierarchy"] = "hierarchy"
    scales: tuple[PositiveInt, ...] = Field((1, 2, 4, 8), min_length=1)
    norm: Norm = "batch"
    dropout: float = Field(0.0, ge=0, lt=1)
    causal: bool = False
    trunk: AnyTrunk = LightConfig(dilations=())


class MovingAverage(nn.Module):
    """Averages some frames around each, or the last ones; of a clip's end those that there are."""

    def __init__(self, frames: int, *, causal: bool) -> None:
        super().__init__()
        self.frames, self.causal = frames, causal

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Map ``[B, C, T]`` to the same."""
        if self.frames == 1:
            return x, {}
        reach = self.frames - 1
        counted = torch.cat((x, torch.ones_like(x[:, :1])), 1)  # how many frames there are
        if self.causal:
            past = state.get("past", x.new_zeros(len(x), counted.shape[1], reach))
            padded = torch.cat((past, counted), 2)
            state = {"past": padded[:, :, -reach:]}
        else:
            padded, state = F.pad(counted, (reach // 2, reach - reach // 2)), {}
        sums = F.avg_pool1d(padded, self.frames, 1)
        return sums[:, :-1] / sums[:, -1:], state


class ScaleStage(Stage):
    """Adds one time scale to those that there are."""

    def __init__(
        self, width: int, scale: int, *, first: bool, norm: Norm, dropout: float, causal: bool
    ) -> None:
        super().__init__()
        self.width, self.first = width, first
        self.average = MovingAverage(scale, causal=causal)
        self.block = TemporalBlock(width, scale, norm=norm, dropout=dropout, causal=causal)

    @property
    def last(self) -> nn.Module:
        """The last layer."""
        return self.block.mix

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:
        """Map ``[B, C, T]`` (first), or ``[B, S * C, T]`` to ``[B, (S + 1) * C, T]``."""
        y, averaged = self.average(x[:, -self.width :], scoped(state, "average"))
        y, kept = self.block(y, scoped(state, "block"))
        left = prefixed(averaged, "average") | prefixed(kept, "block")
        return y if self.first else torch.cat((x, y), 1), left


def build_hierarchy(config: HierarchyConfig, *, inputs: Mapping[str, InputShape]) -> Encoder:
    """Build a trunk for one modality, and time scales on it."""
    trunk = build_trunk(config.trunk, inputs, config.kind)
    below = trunk.info[-1]
    stages: list[Stage] = [*trunk.stages]
    info = [*trunk.info]
    for number, scale in enumerate(config.scales):
        stages.append(
            ScaleStage(
                below.width,
                scale,
                first=number == 0,
                norm=config.norm,
                dropout=config.dropout,
                causal=config.causal,
            )
        )
        count = number + 1
        info.append(replace(below, width=count * below.width, parts=count))
    return Encoder(trunk.stem, stages, info, causal=config.causal and trunk.causal)
