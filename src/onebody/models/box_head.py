"""`box`: the box of a person in every frame, read off a map.

Every pixel of the map says how far the four borders of the person's box are from it, and a heat map
says how much each pixel is to be believed: the answer is the mean of what they say. Borders are
never exchanged, since all distances are positive.

Source: distances from a place to the four borders as in Tian et al., "FCOS: fully convolutional
one-stage object detection", ICCV 2019; there each place is a box of its own, here there is one
person, and the expectation over a spatial softmax (see `onebody.models.softargmax`) takes the place
of scores and their suppression.
"""

from __future__ import annotations

import math
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
from onebody.models.joint_head import MapMixer
from onebody.models.softargmax import expected_position, spatial_softmax
from onebody.tasks import Task
from onebody.types import Feature, State

FIRST_DISTANCE = 0.2
"""Where all pixels say that the borders are before anything is learned, in sides of the crop."""


class BoxHeadConfig(Config):
    """Options of the box head.

    Attributes:
        stages: map stages that it reads; the first gives the grid, further ones are projected and
            resized to it (they need ``hidden``). None: the deepest map of at most 1/8 of the input
            and all deeper ones of its frames: whoever shall tell where a body ends must see it.
        hidden: channels of a 3x3 convolution before the answer; 0: none.
    """

    kind: Literal["box"] = "box"
    stages: tuple[int, ...] | None = Field(default=None, min_length=1)
    hidden: int = Field(default=32, ge=0, multiple_of=8)


class BoxHead(Head):
    """Heat map and distances to borders: ``[N, T, 4]`` x0, y0, x1, y1 as crop fractions."""

    def __init__(
        self, stages: Sequence[int], info: Sequence[StageInfo], config: BoxHeadConfig
    ) -> None:
        super().__init__()
        self.stages = tuple(stages)
        self.stride_t = info[0].stride_t
        self.causal = self.stride_t == 1
        self.mixer = MapMixer([i.width for i in info], config.hidden) if config.hidden else None
        width = config.hidden or info[0].width
        self.heat = nn.Conv2d(width, 1, 1)
        self.borders = nn.Conv2d(width, 4, 1)
        # the inverse of softplus, so that distances begin there
        nn.init.constant_(self.borders.bias, math.log(math.expm1(FIRST_DISTANCE)))  # type: ignore[arg-type]

    def forward(
        self,
        features: Mapping[int, Feature],
        num_frames: int,
        state: State,  # noqa: ARG002
    ) -> tuple[tuple[Tensor, ...], State]:
        """Map Features of N rows to ``[N, T, 4]``."""
        rows = len(features[self.stages[0]])
        maps = [fold_frames(features[stage]) for stage in self.stages]  # [N*T', C, H, W]
        x = maps[0] if self.mixer is None else self.mixer(maps)
        belief = spatial_softmax(self.heat(x))  # [N*T', 1, H, W]
        center = expected_position(belief)[:, 0]  # [N*T', 2]
        away = (belief * F.softplus(self.borders(x).float())).sum((2, 3))  # [N*T', 4]
        box = torch.cat((center - away[:, :2], center + away[:, 2:]), 1)
        box = box.view(rows, len(box) // rows, 4)
        return (restore_frames(box, num_frames, self.stride_t),), {}


def build_box_head(config: BoxHeadConfig, *, task: Task, info: Sequence[StageInfo]) -> BoxHead:
    """Build the box head of a task.

    Raises:
        ValueError: if a stage has no map, or stages cannot be joined.
    """
    check_form(task, "box", config.kind)
    stages = map_stages(config.stages, info, task.name, kind=config.kind, hidden=config.hidden)
    if config.stages is None and config.hidden:
        first = stages[0]
        deeper = range(first + 1, len(info))
        same = (info[first].space, info[first].stride_t)
        stages += [n for n in deeper if (info[n].space, info[n].stride_t) == same]
    return BoxHead(stages, [info[stage] for stage in stages], config)
