"""`jtm`: a skeleton's paths as three pictures, and a small 2D network for each.

======  ==============================================  ======================  ==================
stage   what                                            Feature                 default width
======  ==============================================  ======================  ==================
stem    trajectory maps of 64 x 64 pixels, and a 5x5    ``[B, C, T', 3 * K]``   16, K = 32 * 32
        convolution with stride 2 for each plane
0 ..    residual 2D blocks, stride 2, for each plane    ``[B, C, T', 3 * K]``   24, 48, 96; the
                                                                                last: K = 4 * 4
last    keypoint pooling for each plane, side by side   ``[B, 3 C, T']``        3 x 64 (class heads)
======  ==============================================  ======================  ==================

A map shows ``window`` frames, so that a clip no longer than that has T' = 1; a longer one has
several, which heads average. The pixels of the planes are the points of a ``joints`` space: they
are no places in a video that a head could find joints at. The planes are the parts of the last
stage: the head ``parts`` gives each a classifier and a loss, and multiplies their probabilities.
A map is drawn when its last frame is there, so the network cannot run on a stream.

Source: Wang, Li, Hou, Li, ACM MM 2016; see `onebody.models.trajectory_maps`. Theirs are three
AlexNets with weights from ImageNet, ours learn from nothing and are small.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn

from onebody.config import Config
from onebody.models.base import Encoder, Stage, StageInfo, Stem
from onebody.models.frames import channels_last, unfold_frames, use_channels_last
from onebody.models.inputs import InputShape, single_skeleton, take_joints
from onebody.models.pooling import KeypointPool
from onebody.models.temporal import Norm
from onebody.models.trajectory_maps import COLORS, TrajectoryMaps
from onebody.models.trunk2d import FrameStage, conv_norm
from onebody.types import Feature, State


class JtmConfig(Config):
    """Options of the network of joint trajectory maps.

    Attributes:
        size: side of a map in pixels.
        reach: how far from the origin a map shows, in the skeletons' unit (mean bone lengths unless
            ``input.scale`` says otherwise: a body is about 8 tall).
        window: frames that a map shows.
        width: multiplies all other widths.
        stem: channels after the stem.
        widths, blocks: one entry per map stage; each halves the maps.
        keypoints: K learned keypoints of a plane; 0: average and maximum only.
        point_width: features gathered at each keypoint.
        plane_width: channels of a plane after pooling.
        norm: of pooling: ``batch`` or ``layer`` (per map).
    """

    kind: Literal["jtm"] = "jtm"
    size: int = Field(64, ge=16, le=512)
    reach: float = Field(5.0, gt=0)
    window: PositiveInt = 64
    width: float = Field(1.0, gt=0)
    stem: PositiveInt = 16
    widths: tuple[PositiveInt, ...] = Field((24, 48, 96), min_length=1)
    blocks: tuple[PositiveInt, ...] = (1, 1, 1)
    keypoints: int = Field(8, ge=0)
    point_width: PositiveInt = 16
    plane_width: PositiveInt = 64
    norm: Norm = "batch"

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if len(self.widths) != len(self.blocks):
            raise ValueError(
                "widths and blocks need one entry per map stage, found "
                f"{[len(self.widths), len(self.blocks)]} entries"
            )
        return self


class JtmStem(Stem):
    """Draws maps of every window, and halves them."""

    def __init__(self, modality: str, shape: InputShape, width: int, config: JtmConfig) -> None:
        super().__init__()
        self.modality, self.shape, self.width = modality, shape, width
        self.window = config.window
        self.maps = TrajectoryMaps(shape, config.size, config.reach)
        self.convs = nn.ModuleList(
            conv_norm(COLORS, width, 5, stride=2) for _ in range(self.maps.planes)
        )
        use_channels_last(self)

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        valid: Mapping[str, Tensor],
        state: State,  # noqa: ARG002
    ) -> tuple[Feature, State]:
        """Map skeletons ``[B, T, J, D]`` to ``[B, C, ceil(T / window), P * K]``."""
        x, known = take_joints(inputs, valid, self.modality, self.shape)
        with torch.autocast(x.device.type, enabled=False):  # places need all digits
            maps = self.draw(x, known).flatten(0, 1)  # [B * T', P, 3, size, size]
        found = [
            torch.relu(conv(channels_last(maps[:, plane]))) for plane, conv in enumerate(self.convs)
        ]
        return _beside([unfold_frames(y, len(x)) for y in found]), {}

    def draw(self, x: Tensor, known: Tensor) -> Tensor:
        """Return the maps of every window ``[B, T', P, 3, size, size]``."""
        frames = x.shape[1]
        length = min(frames, self.window)
        missing = -frames % length
        x = F.pad(x, (0, 0, 0, 0, 0, missing))
        known = F.pad(known, (0, 0, 0, missing))
        time = (torch.arange(length, device=x.device) + 0.5) / length
        drawn: Tensor = self.maps(*(v.reshape(-1, length, *v.shape[2:]) for v in (x, known)), time)
        return drawn.view(len(x), -1, *drawn.shape[1:])


class PlaneStage(Stage):
    """A stage of maps for each plane."""

    def __init__(self, planes: Sequence[Stage], side: int) -> None:
        """Take over the planes' stages.

        Args:
            planes: one each.
            side: of the maps that they are given.
        """
        super().__init__()
        self.planes = nn.ModuleList(planes)
        self.side = side

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:  # noqa: ARG002
        """Map ``[B, C, T', P * K]`` to ``[B, C', T', P * K']``, or to ``[B, P * C', T']``."""
        maps = x.reshape(*x.shape[:3], len(self.planes), self.side, self.side)
        found = [stage(maps[:, :, :, plane], {})[0] for plane, stage in enumerate(self.planes)]
        return (_beside(found) if found[0].dim() == 5 else torch.cat(found, 1)), {}


def build_jtm(config: JtmConfig, *, inputs: Mapping[str, InputShape]) -> Encoder:
    """Build the network of joint trajectory maps for one modality."""
    modality, shape = single_skeleton(inputs, config.kind)
    given = (config.stem, *config.widths, config.plane_width)
    before, *widths, last = (max(1, round(w * config.width)) for w in given)
    stem = JtmStem(modality, shape, before, config)
    planes, side = stem.maps.planes, -(-config.size // 2)
    stages: list[Stage] = []
    info: list[StageInfo] = []
    for width, blocks in zip(widths, config.blocks, strict=True):
        own = [FrameStage(before, width, blocks, 2) for _ in range(planes)]
        stages.append(PlaneStage(own, side))
        before, side = width, -(-side // 2)
        points = planes * side * side
        info.append(StageInfo(width=width, space="joints", stride_t=config.window, points=points))
    pools = [
        KeypointPool(before, last, config.keypoints, config.point_width, config.norm)
        for _ in range(planes)
    ]
    stages.append(PlaneStage(pools, side))
    vector = StageInfo(width=planes * last, space="vector", stride_t=config.window, parts=planes)
    return Encoder(stem, stages, [*info, vector], causal=False)


def _beside(planes: list[Tensor]) -> Feature:
    """Lay maps ``[B, C, T', H, W]`` of planes side by side: ``[B, C, T', P * H * W]``."""
    return torch.stack(planes, 3).flatten(3)
