"""`points`: joints read off an encoder's points, then corrected by what came before and after.

Source: the coarse prediction is SPNet's soft-argmax joint (see `onebody.models.points`); the
correction over time is ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from onebody.config import Config
from onebody.models.base import Head, StageInfo
from onebody.models.heads import check_form
from onebody.models.points import COORDINATES
from onebody.tasks import Task
from onebody.types import Feature, State


class PointHeadConfig(Config):
    """Options of the points head.

    Attributes:
        refine: add a correction read from the last stage (a second, final prediction).
    """

    kind: Literal["points"] = "points"
    refine: bool = True


class PointHead(Head):
    """The first J points of a ``joints`` stage as ``[N, T, J, D + 1]``, coarse and refined."""

    def __init__(
        self, stages: Sequence[int], width: int, joints: int, dims: int, *, refine: bool
    ) -> None:
        super().__init__()
        self.stages = tuple(stages)
        self.causal = True
        self.joints, self.dims = joints, dims
        self.correct: nn.Linear | None = None
        if refine:
            self.correct = nn.Linear(width, joints * dims)
            # Begin with no correction: the points must learn to be right by themselves first.
            nn.init.zeros_(self.correct.weight)
            nn.init.zeros_(self.correct.bias)

    def forward(
        self,
        features: Mapping[int, Feature],
        num_frames: int,  # noqa: ARG002
        state: State,  # noqa: ARG002
    ) -> tuple[tuple[Tensor, ...], State]:
        """Map the points ``[N, 4 + P, T, K]`` and the last stage ``[N, C, T]`` to joints."""
        points = features[self.stages[0]][..., : self.joints].float()
        places = points[:, : self.dims].permute(0, 2, 3, 1)  # [N, T, J, D]
        sure = points[:, COORDINATES - 1].unsqueeze(-1)  # [N, T, J, 1]
        outputs = [torch.cat((places, sure), -1)]
        if self.correct is not None:
            move = self.correct(features[self.stages[1]].transpose(1, 2)).float()
            refined = places + 0.1 * move.unflatten(-1, (self.joints, self.dims))
            outputs.append(torch.cat((refined, sure), -1))
        return tuple(outputs), {}


def build_point_head(
    config: PointHeadConfig, *, task: Task, info: Sequence[StageInfo]
) -> PointHead:
    """Build the points head of a task.

    Raises:
        ValueError: if the encoder has no stage of points.
    """
    check_form(task, "joints", config.kind)
    found = [number for number, stage in enumerate(info) if stage.space == "joints"]
    if not found or info[-1].space != "vector" or info[-1].stride_t != 1:
        raise ValueError(
            f"The points head of task {task.name!r} needs an encoder with a stage of points "
            "(kind 'points' or 'stream'); this one's stages give "
            f"{', '.join(s.space for s in info)}."
        )
    if info[found[0]].points < task.num_outputs:
        raise ValueError(
            f"Task {task.name!r} has {task.num_outputs} joints, but the encoder finds only "
            f"{info[found[0]].points} points. Set the encoder's 'points' to {task.num_outputs}."
        )
    stages = (found[0], len(info) - 1) if config.refine else (found[0],)
    return PointHead(stages, info[-1].width, task.num_outputs, task.dims, refine=config.refine)
