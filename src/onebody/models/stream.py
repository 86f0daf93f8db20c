"""`stream`: pose and actions from every frame of a stream as it comes, on a laptop's processor.

======  ======================================  =======================  =====================
stage   what                                    Feature (256 px)         width (size ``m``)
======  ======================================  =======================  =====================
stem    one convolution over 4x4 patches        ``[B, C, T, 64, 64]``    32
0       residual 2D block, stride 2             ``[B, C, T, 32, 32]``    48
1       down to 1/32 and back up to 1/8         ``[B, C, T, 32, 32]``    48
2       soft-argmax points                      ``[B, 4 + P, T, K]``     4 + 16 (joints heads)
3       points to one vector per frame          ``[B, C, T]``            160
4       dilated convolutions, looking back      ``[B, C, T]``            160 (class heads)
======  ======================================  =======================  =====================

It is `points` cut down to what a frame costs by itself, and it always looks back only: a clip is a
stream of many frames, and a frame's cost does not depend on how many came before. Its state begins
as zeros and has fixed shapes, so that a step can be exported (`onebody.models.blank`).

Time was the measure, not multiplications: large early maps are bound by memory, hence the patches;
dense 3x3 convolutions take half the time per multiplication that inverted residuals take.

Source: the idea is that of Luvizon, Picard, Tabia, "Multi-task Deep Learning for Real-Time 3D Human
Pose Estimation and Action Recognition", TPAMI 2020: joints by soft-argmax; actions from poses and
from appearance gathered at the joints, both through time. Ours: one set of points and no prediction
blocks, causal temporal convolutions over joined points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, PositiveInt

from onebody.config import Config
from onebody.models.base import Encoder, Stage, StageInfo
from onebody.models.inputs import InputShape, single_picture
from onebody.models.points import COORDINATES
from onebody.models.stream_parts import HalveStage, MergeStage, PatchStem, PathsStage, ReadStage
from onebody.models.temporal import TemporalStage


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSize:
    """Widths and depths of one size.

    Attributes:
        stem, fine, middle, deep: channels at 1/4, 1/8, 1/16 and 1/32 of the input.
        blocks: residual blocks at 1/8, 1/16 and 1/32.
        temporal: channels after the points are joined.
    """

    stem: int
    fine: int
    middle: int
    deep: int
    blocks: tuple[int, int, int]
    temporal: int


SIZES: dict[str, StreamSize] = {
    "s": StreamSize(stem=16, fine=32, middle=64, deep=96, blocks=(1, 1, 1), temporal=128),
    "m": StreamSize(stem=32, fine=48, middle=80, deep=128, blocks=(1, 1, 2), temporal=160),
    "l": StreamSize(stem=32, fine=64, middle=128, deep=192, blocks=(2, 2, 2), temporal=192),
}
"""By name: for the slowest machines, for laptops, for accuracy."""


class StreamConfig(Config):
    """Options of the stream encoder.

    Attributes:
        size: how wide and deep (`SIZES`).
        width: multiplies all channels.
        patch: stride of the first convolution. 4 suits inputs of 192 pixels and more; 2, at the
            cost of four times as many pixels, those of half that size.
        points: K; at least as many as the joints of the pose tasks that read them.
        appearance: P, features gathered from the picture at every point.
        dilations: one temporal block each; 1, 2, 4, 8 see 31 frames. A clip should be as long, or
            a stream shows what training never did.
        dropout: of the points' values and within the temporal blocks.
    """

    kind: Literal["stream"] = "stream"
    size: Literal["s", "m", "l"] = "m"
    width: float = Field(1.0, gt=0)
    patch: Literal[2, 4] = 4
    points: PositiveInt = 20
    appearance: PositiveInt = 16
    dilations: tuple[PositiveInt, ...] = Field((1, 2, 4, 8), min_length=1)
    dropout: float = Field(0.2, ge=0, lt=1)


def build_stream(config: StreamConfig, *, inputs: Mapping[str, InputShape]) -> Encoder:
    """Build the stream encoder for one modality, RGB or depth."""
    modality, channels = single_picture(inputs, config.kind)
    size = SIZES[config.size]
    stem, fine, middle, deep, temporal = (
        max(1, round(width * config.width))
        for width in (size.stem, size.fine, size.middle, size.deep, size.temporal)
    )
    stages: list[Stage] = [
        HalveStage(stem, fine, size.blocks[0]),
        MergeStage(fine, middle, deep, size.blocks[1:]),
        ReadStage(fine, config.points, config.appearance),
        PathsStage(config.points, config.appearance, temporal, config.dropout),
        TemporalStage(
            temporal, config.dilations, norm="batch", dropout=config.dropout, causal=True
        ),
    ]
    stride = 2 * config.patch
    maps = StageInfo(width=fine, space="map", stride_s=stride)
    points = StageInfo(
        width=COORDINATES + config.appearance,
        space="joints",
        points=config.points,
        coordinates=COORDINATES,
    )
    vector = StageInfo(width=temporal, space="vector")
    first = PatchStem(modality, channels, stem, config.patch)
    return Encoder(first, stages, [maps, maps, points, vector, vector], causal=True)
