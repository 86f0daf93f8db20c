"""`two-stream`: one trunk for how things look, one for how they move, joined at a stated place.

======  ==================================  =========================  ====================
stage   what                                Feature (112 px)           default width
======  ==================================  =========================  ====================
stem    5x5 convolutions of the pictures    ``[B, 2 C, T, 56, 56]``    2 x 16
        and of differences, or flow
0       residual 2D blocks, stride 2        ``[B, 2 C, T, 28, 28]``    2 x 24
1       residual 2D blocks, stride 2        ``[B, 2 C, T, 14, 14]``    2 x 48
2       residual 2D blocks, stride 2, and   ``[B, C, T, 7, 7]``        96
        the streams joined (``fuse: 2``)
3       keypoint pooling                    ``[B, C, T]``              128
4       dilated temporal convolutions       ``[B, C, T]``              128 (class heads)
======  ==================================  =========================  ====================

Up to stage ``fuse`` the streams lie side by side in the channels and do not hear each other. With
``fuse: null`` they never join: every stage has both, a head ``class`` adds what each says, and the
head ``parts`` gives each a loss of its own and multiplies their probabilities. `light` is the twin
with one stream (of pictures; with ``motion: true``, of pictures and differences from the
beginning).

Given pictures and their optical flow (``input.also: [{modality: flow/depth}]``), the second stream
reads the flow; given pictures alone, their differences.

Source: Simonyan, Zisserman, "Two-Stream Convolutional Networks for Action Recognition in Videos",
NIPS 2014; Feichtenhofer, Pinz, Zisserman, "Convolutional Two-Stream Network Fusion for Video Action
Recognition", CVPR 2016 (where and how to join: ``sum``, ``max``, ``conv``); differences between
frames in the place of flow are those of Temporal Segment Networks (ECCV 2016). Ours: small trunks
that learn together, and flow of one frame, not of a stack.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Self, TypeAlias

import torch
from pydantic import Field, NonNegativeInt, PositiveInt, model_validator
from torch import Tensor, nn

from onebody.config import Config
from onebody.data.flow import CHANNELS as FLOW_CHANNELS
from onebody.data.flow import is_flow, pictured
from onebody.models.base import Encoder, Stage, StageInfo, Stem, prefixed, scoped
from onebody.models.differences import FrameDifferences
from onebody.models.frames import channels_last, fold_frames, unfold_frames, use_channels_last
from onebody.models.inputs import InputShape, single_picture, take_input
from onebody.models.pointwise import Pointwise
from onebody.models.pooling import KeypointPool
from onebody.models.temporal import Norm, TemporalStage
from onebody.models.trunk2d import FrameStage, conv_norm
from onebody.types import Feature, State

Fusion: TypeAlias = Literal["sum", "max", "conv"]

STREAMS = 2
"""Appearance, then motion."""


class TwoStreamConfig(Config):
    """Options of the two-stream encoder.

    Attributes:
        fuse: number of the stage at whose end the streams are joined; null: never.
        fusion: ``sum`` or ``max`` of what lies at the same channel and place, or ``conv``: a 1x1
            convolution over the channels of both.
        lags: how many frames ago motion is measured from, one set of differences each; of no use
            where flow is given.
        width: multiplies all other widths; each stream has them.
        stem: channels after the stem.
        widths, blocks, strides: one entry per map stage.
        keypoints: K learned keypoints; 0: average and maximum only.
        point_width: features gathered at each keypoint.
        temporal_width: channels after pooling.
        dilations: one temporal block each; none: no temporal stage.
        norm: of pooling and temporal blocks: ``batch``, or ``layer`` (per frame).
        dropout: within the temporal blocks.
        causal: look back only, so that the network can run on a stream.
    """

    kind: Literal["two-stream"] = "two-stream"
    fuse: NonNegativeInt | None = 2
    fusion: Fusion = "conv"
    lags: tuple[PositiveInt, ...] = Field((1,), min_length=1)
    width: float = Field(1.0, gt=0)
    stem: PositiveInt = 16
    widths: tuple[PositiveInt, ...] = Field((24, 48, 96), min_length=1)
    blocks: tuple[PositiveInt, ...] = (1, 2, 2)
    strides: tuple[PositiveInt, ...] = (2, 2, 2)
    keypoints: int = Field(16, ge=0)
    point_width: PositiveInt = 16
    temporal_width: PositiveInt = 128
    dilations: tuple[PositiveInt, ...] = (1, 2, 4, 8)
    norm: Norm = "batch"
    dropout: float = Field(0.0, ge=0, lt=1)
    causal: bool = False

    @model_validator(mode="after")
    def _possible(self) -> Self:
        lengths = [len(self.widths), len(self.blocks), len(self.strides)]
        if len(set(lengths)) > 1:
            raise ValueError(
                f"widths, blocks and strides need one entry per map stage, found {lengths} entries"
            )
        stages = len(self.widths) + 1 + bool(self.dilations)
        if self.fuse is not None and self.fuse >= stages:
            raise ValueError(
                f"the stages are 0 to {stages - 1}, and 'fuse' is one of them or null, found "
                f"{self.fuse}"
            )
        return self


class TwoStreamStem(Stem):
    """Takes pictures, and their flow or differences that it makes, and halves both."""

    def __init__(
        self, modality: str, channels: int, width: int, motion: FrameDifferences | str
    ) -> None:
        super().__init__()
        self.modality, self.channels, self.width = modality, channels, STREAMS * width
        self.differences = motion if isinstance(motion, FrameDifferences) else None
        self.flow = motion if isinstance(motion, str) else ""
        count = FLOW_CHANNELS if isinstance(motion, str) else channels * len(motion.lags)
        self.appearance = conv_norm(channels, width, 5, stride=2)
        self.motion = conv_norm(count, width, 5, stride=2)
        use_channels_last(self)

    def forward(
        self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor], state: State
    ) -> tuple[Feature, State]:
        """Map clips ``[B, C, T, H, W]`` to ``[B, 2 C', T, ceil(H / 2), ceil(W / 2)]``."""
        x = take_input(inputs, valid, self.modality, self.channels)
        left: State = {}
        if self.differences is not None:
            moved, left = self.differences(x, state)
        else:
            moved = take_input(inputs, valid, self.flow, FLOW_CHANNELS)
            if moved.shape[2:] != x.shape[2:]:
                raise ValueError(
                    f"Pictures are {list(x.shape[2:])} (frames, height, width), their flow "
                    f"{list(moved.shape[2:])}. Give both the same 'frames' and 'size'."
                )
        looks = self.appearance(channels_last(fold_frames(x)))
        moves = self.motion(channels_last(fold_frames(moved)))
        return unfold_frames(torch.relu(torch.cat((looks, moves), 1)), len(x)), left


class StreamFusion(nn.Module):
    """Joins two streams that lie side by side in the channels."""

    def __init__(self, width: int, how: Fusion) -> None:
        super().__init__()
        self.how = how
        self.mix = Pointwise(STREAMS * width, width) if how == "conv" else None

    def forward(self, x: Feature) -> Feature:
        """Map ``[B, 2 C, T, *space]`` to ``[B, C, T, *space]``."""
        if self.mix is not None:
            return torch.relu(self.mix(x))
        first, second = x.chunk(STREAMS, 1)
        return first + second if self.how == "sum" else torch.maximum(first, second)


class SideBySide(Stage):
    """A stage of each stream, on its channels; joins them in the end if asked."""

    def __init__(self, streams: Sequence[Stage], fusion: StreamFusion | None) -> None:
        super().__init__()
        self.streams = nn.ModuleList(streams)
        self.fusion = fusion

    @property
    def last(self) -> nn.Module:
        """What joins the streams, if that learns; else all of it."""
        return self if self.fusion is None or self.fusion.mix is None else self.fusion

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:
        """Map ``[B, 2 C, T, *space]`` to ``[B, 2 C', T, *space]``, or joined to ``[B, C', ..]``."""
        found: list[Feature] = []
        left: State = {}
        for number, part in enumerate(x.chunk(STREAMS, 1)):
            y, kept = self.streams[number](part, scoped(state, str(number)))
            found.append(y)
            left |= prefixed(kept, str(number))
        both = torch.cat(found, 1)
        return (both if self.fusion is None else self.fusion(both)), left


def build_two_stream(config: TwoStreamConfig, *, inputs: Mapping[str, InputShape]) -> Encoder:
    """Build the two-stream encoder for pictures, or for pictures and their optical flow.

    Raises:
        ValueError: if the network is given anything else.
    """
    flows = [name for name in inputs if is_flow(name) and pictured(name) in inputs]
    plain = {name: shape for name, shape in inputs.items() if name not in flows}
    modality, count = single_picture(plain, config.kind)
    given = (config.stem, *config.widths, config.temporal_width)
    stem, *widths, temporal = (max(1, round(w * config.width)) for w in given)
    stages: list[Stage] = []
    info: list[StageInfo] = []
    before, stride_s = stem, 2
    last = len(config.widths) + bool(config.dilations)
    for number in range(last + 1):
        width = widths[number] if number < len(widths) else temporal
        apart = config.fuse is None or number <= config.fuse
        own = [_stage(config, number, before, width) for _ in range(STREAMS if apart else 1)]
        fusion = StreamFusion(width, config.fusion) if number == config.fuse else None
        stages.append(SideBySide(own, fusion) if apart else own[0])
        space: Literal["map", "vector"] = "map" if number < len(widths) else "vector"
        stride_s *= config.strides[number] if space == "map" else 1
        parts = STREAMS if apart and fusion is None else 1
        info.append(
            StageInfo(
                width=parts * width,
                space=space,
                stride_s=stride_s if space == "map" else 1,
                parts=parts,
            )
        )
        before = width
    first = TwoStreamStem(
        modality, count, stem, flows[0] if flows else FrameDifferences(config.lags)
    )
    return Encoder(first, stages, info, causal=config.causal or not config.dilations)


def _stage(config: TwoStreamConfig, number: int, before: int, width: int) -> Stage:
    """Make one stage of one stream."""
    if number < len(config.widths):
        return FrameStage(before, width, config.blocks[number], config.strides[number])
    if number == len(config.widths):
        return KeypointPool(before, width, config.keypoints, config.point_width, config.norm)
    return TemporalStage(
        width, config.dilations, norm=config.norm, dropout=config.dropout, causal=config.causal
    )
