"""`points`: a small 2D trunk finds K points in every frame; what moves is read from the points.

======  ======================================  =======================  =====================
stage   what                                    Feature (112 px)         default width
======  ======================================  =======================  =====================
stem    5x5 convolution, stride 2               ``[B, C, T, 56, 56]``    24
0       residual 2D block, stride 2             ``[B, C, T, 28, 28]``    32
1       down to 1/16 and back up to 1/4         ``[B, C, T, 28, 28]``    64
2       soft-argmax points                      ``[B, 4 + P, T, K]``     4 + 32 (joints heads)
3       points to one vector per frame          ``[B, C, T]``            160
4       dilated temporal convolutions           ``[B, C, T]``            160 (class heads)
======  ======================================  =======================  =====================

Where a pose task supervises the first J points they are the body's joints, and actions are read
from their paths and from what the picture shows there, which is SPNet's idea at a hundredth of its
cost; without one they are whatever the other tasks find worth following.

Source: Luvizon, Picard, Tabia, "Multi-task Deep Learning for Real-Time 3D Human Pose Estimation and
Action Recognition", TPAMI 2020. Ours: one shared set of points, temporal convolutions instead of
2D ones over the time-by-joint grid (so the order of joints does not matter), no prediction blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from onebody.config import Config
from onebody.models.base import Encoder, Stage, StageInfo
from onebody.models.frames import fold_frames, unfold_frames, use_channels_last
from onebody.models.inputs import InputShape, single_picture
from onebody.models.light import LightStem
from onebody.models.softargmax import (
    expected_position,
    spatial_softmax,
    window_confidence,
)
from onebody.models.temporal import Norm, TemporalStage
from onebody.models.trunk2d import FrameStage, ResidualBlock2D, conv_norm
from onebody.types import Feature, State

COORDINATES = 4
"""Leading channels of a point's Feature: x, y (fractions of the crop), z, confidence."""


class PointsConfig(Config):
    """Options of the points encoder.

    Attributes:
        width: multiplies all other widths.
        stem, widths: channels after the stem and at 1/4, 1/8 and 1/16 of the input.
        points: K; at least as many as the joints of the pose tasks that read them.
        appearance: P, features gathered from the picture at every point.
        temporal_width: channels after the points are joined.
        dilations: one temporal block each.
        norm: of the temporal blocks: ``layer`` (per frame) or ``batch``.
        dropout: of the points' values and within the temporal blocks.
        causal: look back only, so that the network can run on a stream.
        motion: give the differences between successive frames as further channels.
    """

    kind: Literal["points"] = "points"
    width: float = Field(1.0, gt=0)
    stem: PositiveInt = 24
    widths: tuple[PositiveInt, PositiveInt, PositiveInt] = (32, 64, 96)
    points: PositiveInt = 20
    appearance: PositiveInt = 32
    temporal_width: PositiveInt = 160
    dilations: tuple[PositiveInt, ...] = Field((1, 2, 4, 8), min_length=1)
    norm: Norm = "batch"
    dropout: float = Field(0.2, ge=0, lt=1)
    causal: bool = False
    motion: bool = False


class PyramidStage(Stage):
    """Down two octaves and back up, adding what each resolution saw."""

    def __init__(self, inputs: int, middle: int, deep: int) -> None:
        super().__init__()
        self.down = nn.Sequential(
            ResidualBlock2D(inputs, middle, 2), ResidualBlock2D(middle, middle, 1)
        )
        self.deep = nn.Sequential(ResidualBlock2D(middle, deep, 2), ResidualBlock2D(deep, deep, 1))
        self.from_deep = nn.Conv2d(deep, middle, 1)
        self.mix = ResidualBlock2D(middle, middle, 1)
        self.from_fine = nn.Conv2d(inputs, middle, 1)
        # depthwise: at this resolution a dense 3x3 would cost more than the rest of the trunk
        self.smooth = nn.Conv2d(middle, middle, 3, padding=1, groups=middle)
        self.out = conv_norm(middle, middle, 1)
        use_channels_last(self)

    @property
    def last(self) -> nn.Module:
        """The last layer."""
        return self.out

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:  # noqa: ARG002
        """Map ``[B, C, T, H, W]`` to ``[B, C', T, H, W]``; nothing to remember."""
        fine = fold_frames(x)
        half = self.down(fine)
        half = self.mix(half + _resize(self.from_deep(self.deep(half)), half))
        full = self.from_fine(fine) + _resize(half, fine)
        return unfold_frames(F.relu(self.out(self.smooth(full))), len(x)), {}


class PointStage(Stage):
    """K points per frame: position, depth, confidence, and features gathered under each."""

    def __init__(self, inputs: int, points: int, appearance: int) -> None:
        super().__init__()
        self.heat = nn.Conv2d(inputs, points, 1)
        self.depth = nn.Conv2d(inputs, points, 1)
        nn.init.constant_(self.depth.bias, 0.5)  # type: ignore[arg-type]  # the reference depth
        self.look = nn.Conv2d(inputs, appearance, 1)

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:  # noqa: ARG002
        """Map ``[B, C, T, H, W]`` to ``[B, 4 + P, T, K]``; nothing to remember."""
        frames = fold_frames(x)
        probability = spatial_softmax(self.heat(frames))  # [B*T, K, H, W]
        z = (probability * self.depth(frames).float()).sum((2, 3))  # [B*T, K]
        sure = window_confidence(probability)
        with torch.autocast(frames.device.type, enabled=False):
            seen = self.look(frames.float()).flatten(2)  # [B*T, P, H*W]
            found = probability.flatten(2) @ seen.transpose(1, 2)  # [B*T, K, P]
        where = expected_position(probability)
        values = torch.cat((where, z.unsqueeze(-1), sure.unsqueeze(-1), found), -1)
        return values.view(len(x), -1, *values.shape[1:]).permute(
            0, 3, 1, 2
        ), {}  # [B, 4 + P, T, K]


class PathStage(Stage):
    """Joins the points of a frame: places around their center, velocities, appearance."""

    def __init__(self, points: int, appearance: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(appearance, 8, 1)
        self.dropout = nn.Dropout(dropout)
        self.project = nn.Linear(points * (3 + 3 + 8) + 3, outputs)
        self.norm = nn.LayerNorm(outputs)

    @property
    def last(self) -> nn.Module:
        """The last layer."""
        return self.project

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:
        """Map ``[B, 4 + P, T, K]`` to ``[B, C, T]``; remembers the last frame's places."""
        places = x[:, :3].float()  # [B, 3, T, K]
        before = torch.cat((state.get("places", places[:, :, :1]), places[:, :, :-1]), 2)
        center = places.mean(3, keepdim=True)
        # Factors bring all parts to about unit size: joints spread over a quarter of the crop,
        # and move by a tenth of that from frame to frame.
        parts = (
            4 * (places - center),
            12 * (places - before),
            F.relu(self.reduce(x[:, COORDINATES:].float())),
        )
        values = [part.permute(0, 2, 1, 3).flatten(2) for part in parts]  # [B, T, *]
        values.append(2 * center.squeeze(3).transpose(1, 2) - 1)
        joined = self.norm(self.project(self.dropout(torch.cat(values, 2))))
        return joined.transpose(1, 2), {"places": places[:, :, -1:]}


def build_points(config: PointsConfig, *, inputs: Mapping[str, InputShape]) -> Encoder:
    """Build the points encoder for one modality."""
    modality, count = single_picture(inputs, config.kind)
    widths = (config.stem, *config.widths, config.temporal_width)
    stem, fine, middle, deep, temporal = (max(1, round(w * config.width)) for w in widths)
    stages: list[Stage] = [
        FrameStage(stem, fine, 1, 2),
        PyramidStage(fine, middle, deep),
        PointStage(middle, config.points, config.appearance),
        PathStage(config.points, config.appearance, temporal, config.dropout),
        TemporalStage(
            temporal,
            config.dilations,
            norm=config.norm,
            dropout=config.dropout,
            causal=config.causal,
        ),
    ]
    vector = StageInfo(width=temporal, space="vector")
    info = [
        StageInfo(width=fine, space="map", stride_s=4),
        StageInfo(width=middle, space="map", stride_s=4),
        StageInfo(
            width=COORDINATES + config.appearance,
            space="joints",
            points=config.points,
            coordinates=COORDINATES,
        ),
        vector,
        vector,
    ]
    stem_stage = LightStem(modality, count, stem, motion=config.motion)
    return Encoder(stem_stage, stages, info, causal=config.causal)


def _resize(x: Tensor, like: Tensor) -> Tensor:
    """Resize maps to another's grid."""
    return F.interpolate(x, size=like.shape[2:], mode="bilinear")
