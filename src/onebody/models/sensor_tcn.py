"""`tcn-imu`: dilated temporal convolutions over raw readings of worn sensors.

======  ============================================  ===================  =======================
stage   what                                          Feature              default width
======  ============================================  ===================  =======================
stem    readings and what of them is known, mapped    ``[B, C, T, S]``     64
0 ..    dilated temporal convolutions of every        ``[B, C, T, S]``     64
        sensor by itself (``pooled``)
next    sensors joined                                ``[B, C, T]``        64
..      dilated temporal convolutions                 ``[B, C, T]``        64 (heads: the last)
======  ============================================  ===================  =======================

With ``sensors: joined`` the stem joins them, and there is no stage for each by itself.

Source: temporal convolutions as in Bai, Kolter, Koltun, "An Empirical Evaluation of Generic
Convolutional and Recurrent Networks for Sequence Modeling", 2018 (arXiv 1803.01271). Ours: gravity
stays in the input, masks, weights that all sensors share, layer or batch norm in the residual
blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn

from onebody.config import Config
from onebody.data.augment_sensors import CHANNELS
from onebody.models.base import Encoder, Stage, StageInfo, Stem
from onebody.models.inputs import InputShape, single_sensors, take_sensors
from onebody.models.sensor_features import SIGNALS, signals
from onebody.models.sensors import Join, SensorJoin, by_row, per_sensor
from onebody.models.temporal import Norm, TemporalStage, make_norm
from onebody.types import Feature, State

LEVELS = CHANNELS + 2
"""What per-clip normalization takes away: six means, and two logarithms of deviations."""


class TcnImuConfig(Config):
    """Options of the temporal convolution network.

    Attributes:
        width: multiplies ``channels``.
        channels: of every stage.
        depth: stages of convolutions.
        alone: how many of them every sensor passes by itself (``sensors: pooled``).
        blocks: temporal blocks of a stage.
        dilations: of the stages' blocks, in turn.
        sensors: how several sensors become one: ``pooled`` (all pass the same weights, and count by
            what each shows, whichever it is) or ``joined`` at the beginning (each has its place).
        normalize: ``fixed``: accelerations in g, turn rates in rad/s, as they are; ``clip``: of
            each channel its mean over the clip is taken away, and of each triad its deviation; what
            was taken (gravity is in it) is told beside.
        norm: ``batch``, or ``layer`` (per frame).
        input_dropout: share of the stem's channels that are left out in training.
        dropout: within the temporal blocks.
        causal: look back only, so that the network can run on a stream.
    """

    kind: Literal["tcn-imu"] = "tcn-imu"
    width: float = Field(1.0, gt=0)
    channels: PositiveInt = 64
    depth: int = Field(4, ge=1)
    alone: int = Field(2, ge=0)
    blocks: PositiveInt = 2
    dilations: tuple[PositiveInt, ...] = Field((1, 2, 4, 8), min_length=1)
    sensors: Join = "pooled"
    normalize: Literal["fixed", "clip"] = "fixed"
    norm: Norm = "batch"
    input_dropout: float = Field(0.0, ge=0, lt=1)
    dropout: float = Field(0.1, ge=0, lt=1)
    causal: bool = False

    @model_validator(mode="after")
    def _possible(self) -> TcnImuConfig:
        if self.causal and self.normalize == "clip":
            raise ValueError("normalize: clip looks at the whole clip; 'causal' needs fixed")
        if self.alone > self.depth:
            raise ValueError(f"'alone' is at most 'depth' = {self.depth}, found {self.alone}")
        return self


class TcnStem(Stem):
    """Scales readings, and maps each frame to channels."""

    def __init__(self, modality: str, shape: InputShape, width: int, config: TcnImuConfig) -> None:
        super().__init__()
        self.modality, self.shape, self.width = modality, shape, width
        self.per_clip = config.normalize == "clip"
        inputs = SIGNALS + CHANNELS + LEVELS * self.per_clip
        joined = config.sensors == "joined"
        self.project = nn.Linear(inputs, width)
        self.join = SensorJoin(width, width, shape.sensors, how="joined") if joined else None
        self.norm = make_norm(config.norm, width)
        self.dropout = nn.Dropout(config.input_dropout)

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        valid: Mapping[str, Tensor],
        state: State,  # noqa: ARG002
    ) -> tuple[Feature, State]:
        """Map readings ``[B, T, S, 6]`` to ``[B, C, T, S]``, or joined to ``[B, C, T]``."""
        x, known = take_sensors(inputs, valid, self.modality, self.shape)
        x, there = signals(x.float(), known)
        parts = scaled(x, there) if self.per_clip else (x,)
        y = self.project(torch.cat((*parts, known.to(x.dtype)), -1)).movedim(-1, 1)  # [B, C, T, S]
        if self.join is not None:
            y = self.join(torch.relu(y))
        y = self.norm(y.flatten(2)).view(y.shape)
        return self.dropout(torch.relu(y)), {}


class SensorStage(Stage):
    """Temporal convolutions of every sensor by itself, with the same weights."""

    def __init__(self, convolutions: TemporalStage) -> None:
        super().__init__()
        self.convolutions = convolutions

    @property
    def last(self) -> nn.Module:
        """The last layer."""
        return self.convolutions.last

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:
        """Map ``[B, C, T, S]`` to the same; the state is that of B * S streams."""
        y, left = self.convolutions(per_sensor(x), state)
        return by_row(y, x.shape[3]), left


class JoinStage(Stage):
    """Joins the sensors of each frame."""

    def __init__(self, width: int, sensors: int, norm: Norm) -> None:
        super().__init__()
        self.join = SensorJoin(width, width, sensors, how="pooled")
        self.norm = make_norm(norm, width)

    @property
    def last(self) -> nn.Module:
        """The last layer with weights of its own."""
        return self.join.project

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:  # noqa: ARG002
        """Map ``[B, C, T, S]`` to ``[B, C, T]``; nothing to remember."""
        return torch.relu(self.norm(self.join(x))), {}


def scaled(x: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Take from a clip what its frames have in common.

    Args:
        x: ``[B, T, S, 8]`` signals, zero where unknown.
        known: ``[B, T, S, 8]``.

    Returns:
        Of each signal what differs from its mean, over the deviation of acceleration or of turn
        rate (over all axes), zero where unknown; and what was taken away ``[B, T, S, LEVELS]``.
    """
    count = known.sum(1, keepdim=True).clamp(min=1)
    mean = x.sum(1, keepdim=True) / count
    moving = (x - mean) * known
    power = (moving.square().sum(1, keepdim=True) / count)[..., :CHANNELS]
    size = (
        power.reshape(*power.shape[:-1], 2, -1).mean(-1) + 1e-4
    ).sqrt()  # 0.01 g or rad/s is rest
    axes = size.repeat_interleave(CHANNELS // 2, -1)
    levels = torch.cat((mean[..., :CHANNELS], size.log()), -1)
    return moving / torch.cat((axes, size), -1), levels.expand(*x.shape[:-1], LEVELS)


def build_tcn_imu(config: TcnImuConfig, *, inputs: Mapping[str, InputShape]) -> Encoder:
    """Build the temporal convolution network for one modality."""
    modality, shape = single_sensors(inputs, config.kind)
    width = max(1, round(config.channels * config.width))
    total = config.depth * config.blocks
    turns = [config.dilations[i % len(config.dilations)] for i in range(total)]
    pooled = config.sensors == "pooled"
    vector = StageInfo(width=width, space="vector")
    each = StageInfo(width=width, space="joints", points=shape.sensors)
    stages: list[Stage] = []
    info: list[StageInfo] = []
    for number in range(config.depth + 1):
        if pooled and number == config.alone:
            stages.append(JoinStage(width, shape.sensors, config.norm))
            info.append(vector)
        if number == config.depth:
            break
        own = turns[number * config.blocks : (number + 1) * config.blocks]
        stage = TemporalStage(
            width, own, norm=config.norm, dropout=config.dropout, causal=config.causal
        )
        alone = pooled and number < config.alone
        stages.append(SensorStage(stage) if alone else stage)
        info.append(each if alone else vector)
    return Encoder(TcnStem(modality, shape, width, config), stages, info, causal=config.causal)
