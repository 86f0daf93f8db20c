"""`imu-spectral`: statistics of sensor readings beside a small CNN on their spectrum.

======  =====================================================  ======================  =============
stage   what                                                   Feature                 default width
======  =====================================================  ======================  =============
stem    statistics, and magnitudes of a short-time Fourier     ``[B, C, T', S*(F+1)]`` 48
        transform, each mapped to C channels
0 ..    both branches, one stage for each of ``depth``: a      ``[B, C, T', S*(F+1)]`` 48
        residual convolution over segments and frequencies,
        whose number F it halves; fully connected layers
next    both branches joined, then the sensors                 ``[B, C, T']``          128
last    dilated convolutions over segments                     ``[B, C, T']``          128 (heads)
======  =====================================================  ======================  =============

T' segments, ``hop`` frames apart, each ``window`` frames long. A sensor has F + 1 places: its
frequencies, and one for its statistics (those of the segment, and those of the whole clip, which is
why this encoder cannot run on a stream). All sensors pass the same weights until they are joined. A
missing reading influences nothing but by being told of.

Source: Li, Zhang, Zhu, Wang, "Accurate human activity recognition with multi-task learning", CCF
Trans. Pervasive Comput. Interact. 2020: statistics through fully connected layers, the spectrum
through a CNN, both joined before a classifier for each of activity, position, wearer and gender.
Widths, layers and statistics are ours (theirs are not known to us), as are several segments of a
clip with convolutions over them, masks, and several sensors at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from onebody.config import Config
from onebody.models.base import Encoder, Stage, StageInfo, Stem
from onebody.models.inputs import InputShape, single_sensors, take_sensors
from onebody.models.sensor_features import (
    SIGNALS,
    STATISTICS,
    fourier_basis,
    segments,
    signals,
    spectrum,
    statistics,
)
from onebody.models.sensors import Join, SensorJoin, by_row
from onebody.models.temporal import Norm, TemporalStage, make_norm
from onebody.types import Feature, State


class ImuSpectralConfig(Config):
    """Options of the spectral encoder.

    Attributes:
        width: multiplies ``branch`` and ``channels``.
        branch: channels of the two branches.
        channels: after they are joined.
        depth: stages of the branches.
        window: frames of a segment.
        hop: frames from one segment to the next.
        dilations: of the convolutions over segments; none: each segment stays by itself.
        sensors: how several sensors become one: ``pooled`` (weighed by what each shows, whichever
            it is) or ``joined`` (each has its own place).
        norm: ``batch``, or ``layer`` (per segment).
        dropout: after the branches are joined, and within the convolutions over segments.
    """

    kind: Literal["imu-spectral"] = "imu-spectral"
    width: float = Field(1.0, gt=0)
    branch: PositiveInt = 48
    channels: PositiveInt = 128
    depth: int = Field(2, ge=1, le=6)
    window: int = Field(32, ge=4, le=1024)
    hop: int = Field(8, ge=1)
    dilations: tuple[PositiveInt, ...] = (1, 2)
    sensors: Join = "pooled"
    norm: Norm = "batch"
    dropout: float = Field(0.2, ge=0, lt=1)


class SpectralStem(Stem):
    """Measures segments, and maps what was measured to channels."""

    basis: Tensor

    def __init__(
        self, modality: str, shape: InputShape, width: int, config: ImuSpectralConfig
    ) -> None:
        super().__init__()
        self.modality, self.shape, self.width = modality, shape, width
        self.window, self.hop = config.window, config.hop
        self.register_buffer("basis", fourier_basis(config.window), persistent=False)
        bands = config.window // 2
        self.scale = make_norm(config.norm, 2 * STATISTICS)
        self.describe = nn.Linear(2 * STATISTICS, width)
        self.band_norm = make_norm(config.norm, SIGNALS * bands)
        self.bands = nn.Linear(2 * SIGNALS, width)
        self.frequency = nn.Parameter(torch.zeros(bands, width))

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        valid: Mapping[str, Tensor],
        state: State,  # noqa: ARG002
    ) -> tuple[Feature, State]:
        """Map readings ``[B, T, S, 6]`` to ``[B, C, T', S*(F+1)]``."""
        x, known = take_sensors(inputs, valid, self.modality, self.shape)
        with torch.autocast(x.device.type, enabled=False):
            there, told, bands = self._measure(x.float(), known)
        whole = self.scale(there.flatten(1, 2).transpose(1, 2)).transpose(1, 2)
        described = self.describe(whole).view(*there.shape[:3], 1, -1)
        seen = self.bands(torch.cat((self._scaled(bands), told), -1)) + self.frequency
        return torch.relu(torch.cat((seen, described), 3)).flatten(2, 3).movedim(-1, 1), {}

    def _measure(self, x: Tensor, known: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return statistics ``[B, T', S, D]``, known parts and spectra ``[B, T', S, F, 8]``."""
        x, known = (part.transpose(1, 2) for part in signals(x, known))  # [B, S, T, 8]
        flat, mask = x.flatten(0, 1), known.flatten(0, 1)
        cut, there = segments(flat, self.window, self.hop), segments(mask, self.window, self.hop)
        own = statistics(cut, there)  # [B * S, T', D]
        clip = statistics(flat, mask).unsqueeze(1).expand_as(own)
        bands = spectrum(cut, there, self.basis).transpose(-1, -2)  # [B * S, T', F, 8]
        share = there.to(x.dtype).mean(2).unsqueeze(2).expand_as(bands)
        shape = x.shape[:2]
        found = [p.reshape(*shape, *p.shape[1:]).transpose(1, 2) for p in (own, clip, share, bands)]
        return torch.cat(found[:2], -1), found[2], found[3]

    def _scaled(self, bands: Tensor) -> Tensor:
        """Normalize each frequency of each signal of ``[B, T', S, F, 8]``."""
        flat = bands.flatten(3).flatten(1, 2).transpose(1, 2)  # [B, F * 8, T' * S]
        return self.band_norm(flat).transpose(1, 2).reshape(bands.shape)


class BranchStage(Stage):
    """A residual layer of both branches; halves the frequencies."""

    def __init__(self, width: int, sensors: int, norm: Norm) -> None:
        super().__init__()
        self.sensors = sensors
        self.conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = make_norm(norm, width)
        self.pool = nn.MaxPool2d((1, 2), ceil_mode=True)
        self.linear = nn.Linear(width, width)
        self.described = make_norm(norm, width)

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:  # noqa: ARG002
        """Map ``[B, C, T', S*(F+1)]`` to ``[B, C, T', S*(ceil(F / 2)+1)]``."""
        bands, vector = split_branches(x, self.sensors)  # [B * S, C, T', F], [B * S, C, T']
        y = self.norm(self.conv(bands).flatten(2)).view(bands.shape)
        bands = self.pool(bands + torch.relu(y))
        y = self.described(self.linear(vector.transpose(1, 2)).transpose(1, 2))
        vector = vector + torch.relu(y)
        joined = torch.cat((bands, vector.unsqueeze(-1)), -1)
        apart = joined.reshape(len(x), self.sensors, *joined.shape[1:])
        return apart.permute(0, 2, 3, 1, 4).flatten(3), {}


class BranchJoin(Stage):
    """Joins spectrum and statistics of every sensor, then the sensors."""

    def __init__(
        self, width: int, outputs: int, sensors: int, *, how: Join, norm: Norm, dropout: float
    ) -> None:
        super().__init__()
        self.sensors = sensors
        self.dropout = nn.Dropout(dropout)
        self.join = SensorJoin(3 * width, outputs, sensors, how=how)
        self.norm = make_norm(norm, outputs)

    @property
    def last(self) -> nn.Module:
        """The last layer with weights of its own."""
        return self.join.project

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:  # noqa: ARG002
        """Map ``[B, C, T', S*(F+1)]`` to ``[B, C', T']``."""
        bands, vector = split_branches(x, self.sensors)
        both = torch.cat((bands.mean(-1), bands.amax(-1), vector), 1)  # [B * S, 3 * C, T']
        both = by_row(both, self.sensors)  # [B, 3 * C, T', S]
        return torch.relu(self.norm(self.join(self.dropout(both)))), {}


def split_branches(x: Feature, sensors: int) -> tuple[Tensor, Tensor]:
    """Take ``[B, C, T', S*(F+1)]`` apart: ``[B * S, C, T', F]`` and ``[B * S, C, T']``."""
    own = x.reshape(*x.shape[:3], sensors, -1).permute(0, 3, 1, 2, 4).flatten(0, 1)
    return own[..., :-1], own[..., -1]


def build_imu_spectral(config: ImuSpectralConfig, *, inputs: Mapping[str, InputShape]) -> Encoder:
    """Build the spectral encoder for one modality."""
    modality, shape = single_sensors(inputs, config.kind)
    branch, width = (max(1, round(c * config.width)) for c in (config.branch, config.channels))
    stages: list[Stage] = []
    info: list[StageInfo] = []
    bands = config.window // 2
    for _ in range(config.depth):
        stages.append(BranchStage(branch, shape.sensors, config.norm))
        bands = -(-bands // 2)
        places = shape.sensors * (bands + 1)
        info.append(StageInfo(width=branch, space="joints", stride_t=config.hop, points=places))
    stages.append(
        BranchJoin(
            branch,
            width,
            shape.sensors,
            how=config.sensors,
            norm=config.norm,
            dropout=config.dropout,
        )
    )
    stages.append(
        TemporalStage(
            width, config.dilations, norm=config.norm, dropout=config.dropout, causal=False
        )
    )
    info += [StageInfo(width=width, space="vector", stride_t=config.hop)] * 2
    stem = SpectralStem(modality, shape, branch, config)
    return Encoder(stem, stages, info, causal=False)
