"""`joints`: joint positions as the expectation of heat maps (soft-argmax), 2D or 3D.

Source: SPNet (Luvizon et al., "Multi-task Deep Learning for Real-Time 3D Human Pose Estimation and
Action Recognition", TPAMI 2020) for soft-argmax with a depth map and the 2x2 confidence. Unlike
there, pixel centers lie at ``(i + 0.5) / n``, so maps of every size agree, and depth is linear by
default, so that a body may be further from the reference than its sigmoid allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from onebody.config import Config
from onebody.models.base import Head, StageInfo
from onebody.models.frames import fold_frames, restore_frames
from onebody.models.heads import check_form, map_stages
from onebody.models.softargmax import (
    expected_position,
    expected_value,
    spatial_softmax,
    window_confidence,
)
from onebody.tasks import Task
from onebody.types import Feature, State


class JointHeadConfig(Config):
    """Options of the joints head.

    Attributes:
        stages: map stages that it reads; the first gives the grid, further ones are projected and
            resized to it (they need ``hidden``). None: the deepest map of at most 1/8 of the input.
        hidden: channels of a 3x3 convolution before the heat maps; 0: none.
        depth: 3D: ``linear`` (unbounded) or ``sigmoid`` (within 1 m of the reference).
    """

    kind: Literal["joints"] = "joints"
    stages: tuple[int, ...] | None = Field(default=None, min_length=1)
    hidden: int = Field(default=0, ge=0, multiple_of=8)
    depth: Literal["linear", "sigmoid"] = "linear"


class MapMixer(nn.Module):
    """Brings several maps to the first one's grid, adds them and mixes neighboring pixels."""

    def __init__(self, widths: Sequence[int], hidden: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(width, hidden, 1) for width in widths)
        self.norm = nn.GroupNorm(hidden // 8, hidden)
        self.conv = nn.Conv2d(hidden, hidden, 3, padding=1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Map ``[N, C_i, H_i, W_i]`` of equal N to ``[N, hidden, H_0, W_0]``."""
        grid = maps[0].shape[2:]
        total = self.lateral[0](maps[0])
        for layer, coarse in zip(self.lateral[1:], maps[1:], strict=True):
            total = total + F.interpolate(layer(coarse), size=grid, mode="bilinear")
        return F.relu(self.conv(F.relu(self.norm(total))))


class JointHead(Head):
    """Heat maps, spatial softmax, expectation: ``[N, T, J, D + 1]``, last channel confidence."""

    def __init__(
        self,
        stages: Sequence[int],
        info: Sequence[StageInfo],
        joints: int,
        dims: int,
        config: JointHeadConfig,
    ) -> None:
        super().__init__()
        self.stages = tuple(stages)
        self.stride_t = info[0].stride_t
        self.causal = self.stride_t == 1
        self.joints = joints
        self.sigmoid = config.depth == "sigmoid"
        self.mixer = MapMixer([i.width for i in info], config.hidden) if config.hidden else None
        self.heat = nn.Conv2d(config.hidden or info[0].width, joints, 1)
        self.depth: nn.Conv2d | None = None
        if dims == 3:
            self.depth = nn.Conv2d(config.hidden or info[0].width, joints, 1)
            # Both start at 0.5, the reference depth.
            nn.init.constant_(self.depth.bias, 0.0 if self.sigmoid else 0.5)  # type: ignore[arg-type]

    def forward(
        self,
        features: Mapping[int, Feature],
        num_frames: int,
        state: State,  # noqa: ARG002
    ) -> tuple[tuple[Tensor, ...], State]:
        """Map Features of N rows to ``[N, T, J, D + 1]``: x, y, (z,) confidence."""
        rows = len(features[self.stages[0]])
        maps = [fold_frames(features[stage]) for stage in self.stages]  # [N*T', C, H, W]
        x = maps[0] if self.mixer is None else self.mixer(maps)
        probability = spatial_softmax(self.heat(x))
        parts = [expected_position(probability)]
        if self.depth is not None:
            depth = self.depth(x).float()
            z = expected_value(probability, depth.sigmoid() if self.sigmoid else depth)
            parts.append(z.unsqueeze(-1))
        parts.append(window_confidence(probability).unsqueeze(-1))
        joints = torch.cat(parts, -1)  # [N*T', J, D + 1]
        joints = joints.view(rows, len(joints) // rows, *joints.shape[1:])
        return (restore_frames(joints, num_frames, self.stride_t),), {}


def build_joint_head(
    config: JointHeadConfig, *, task: Task, info: Sequence[StageInfo]
) -> JointHead:
    """Build the joints head of a task.

    Raises:
        ValueError: if a stage has no map, or stages cannot be joined.
    """
    check_form(task, "joints", config.kind)
    stages = map_stages(config.stages, info, task.name, kind=config.kind, hidden=config.hidden)
    read = [info[stage] for stage in stages]
    return JointHead(stages, read, task.num_outputs, task.dims, config)
