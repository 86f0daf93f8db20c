"""`light`: a small 2D trunk on every frame, keypoint pooling, convolutions over time. For a CPU.

======  ==================================  =====================  ====================
stage   what                                Feature (112 px)       default width
======  ==================================  =====================  ====================
stem    5x5 convolution, stride 2           ``[B, C, T, 56, 56]``  16
0       residual 2D blocks, stride 2        ``[B, C, T, 28, 28]``  24
1       residual 2D blocks, stride 2        ``[B, C, T, 14, 14]``  48 (joints head)
2       residual 2D blocks, stride 2        ``[B, C, T, 7, 7]``    96
3       keypoint pooling                    ``[B, C, T]``          128
4       dilated temporal convolutions       ``[B, C, T]``          128 (class heads)
======  ==================================  =====================  ====================

By default 0.71 M parameters and about 38 M multiplications a frame of 112 x 112 pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor

from onebody.config import Config
from onebody.models.base import Encoder, Stage, StageInfo, Stem
from onebody.models.frames import channels_last, fold_frames, unfold_frames, use_channels_last
from onebody.models.inputs import InputShape, single_picture, take_input
from onebody.models.pooling import KeypointPool
from onebody.models.temporal import Norm, TemporalStage
from onebody.models.trunk2d import FrameStage, conv_norm
from onebody.types import Feature, State


class LightConfig(Config):
    """Options of the light encoder.

    Attributes:
        width: multiplies all other widths.
        stem: channels after the stem.
        widths, blocks, strides: one entry per map stage.
        keypoints: K learned keypoints; 0: average and maximum only.
        point_width: features gathered at each keypoint.
        temporal_width: channels after pooling.
        dilations: one temporal block each; none: no temporal stage.
        norm: of pooling and temporal blocks: ``batch``, or ``layer`` (per frame).
        dropout: within the temporal blocks.
        causal: look back only, so that the network can run on a stream.
        motion: give the differences between successive frames as further channels.
    """

    kind: Literal["light"] = "light"
    width: float = Field(default=1.0, gt=0)
    stem: PositiveInt = 16
    widths: tuple[PositiveInt, ...] = Field(default=(24, 48, 96), min_length=1)
    blocks: tuple[PositiveInt, ...] = (1, 2, 2)
    strides: tuple[PositiveInt, ...] = (2, 2, 2)
    keypoints: int = Field(default=16, ge=0)
    point_width: PositiveInt = 16
    temporal_width: PositiveInt = 128
    dilations: tuple[PositiveInt, ...] = (1, 2, 4, 8)
    norm: Norm = "batch"
    dropout: float = Field(default=0.0, ge=0, lt=1)
    causal: bool = False
    motion: bool = False

    @model_validator(mode="after")
    def _same_length(self) -> LightConfig:
        lengths = [len(self.widths), len(self.blocks), len(self.strides)]
        if len(set(lengths)) > 1:
            raise ValueError(
                f"widths, blocks and strides need one entry per map stage, found {lengths} entries"
            )
        return self


class LightStem(Stem):
    """Takes one modality, adds motion if asked, and halves the picture."""

    def __init__(self, modality: str, channels: int, width: int, *, motion: bool) -> None:
        super().__init__()
        self.modality = modality
        self.channels = channels
        self.motion = motion
        self.width = width
        self.conv = conv_norm(channels * (2 if motion else 1), width, 5, stride=2)
        use_channels_last(self)

    def forward(
        self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor], state: State
    ) -> tuple[Feature, State]:
        """Map clips ``[B, C, T, H, W]`` to ``[B, width, T, ceil(H / 2), ceil(W / 2)]``."""
        x = take_input(inputs, valid, self.modality, self.channels)
        left: State = {}
        if self.motion:
            # A stream's first frame is its own predecessor: nothing has moved yet.
            before = torch.cat((state.get("last", x[:, :, :1]), x[:, :, :-1]), 2)
            left = {"last": x[:, :, -1:]}
            x = torch.cat((x, x - before), 1)
        frames = channels_last(fold_frames(x))
        return unfold_frames(torch.relu(self.conv(frames)), len(x)), left


def build_light(config: LightConfig, *, inputs: Mapping[str, InputShape]) -> Encoder:
    """Build the light encoder for one modality."""
    modality, count = single_picture(inputs, config.kind)
    given = (config.stem, *config.widths, config.temporal_width)
    stem_width, *widths, temporal = (max(1, round(w * config.width)) for w in given)
    stem = LightStem(modality, count, stem_width, motion=config.motion)
    stages: list[Stage] = []
    info: list[StageInfo] = []
    before, stride_s = stem_width, 2
    for width, blocks, stride in zip(widths, config.blocks, config.strides, strict=True):
        stages.append(FrameStage(before, width, blocks, stride))
        before, stride_s = width, stride_s * stride
        info.append(StageInfo(width=width, space="map", stride_s=stride_s))
    vector = StageInfo(width=temporal, space="vector")
    stages.append(KeypointPool(before, temporal, config.keypoints, config.point_width, config.norm))
    info.append(vector)
    if config.dilations:
        stages.append(
            TemporalStage(
                temporal,
                config.dilations,
                norm=config.norm,
                dropout=config.dropout,
                causal=config.causal,
            )
        )
        info.append(vector)
    # Without a temporal stage no frame sees another one that is later.
    return Encoder(stem, stages, info, causal=config.causal or not config.dilations)
