"""`late`: an answer from each medium, and their mean over the media that are there.

Every medium has a linear classifier of its own, whose logits are an output with a loss; the last
output, which counts, is the mean of the logits of the media that a row has. What a row lacks gets
the mean in its place, cut off from learning, so that its loss moves nothing.

Source: late fusion as in Snoek, Worring, Smeulders, "Early versus Late Fusion in Semantic Video
Analysis", ACM MM 2005. Ours: a loss on each medium and on their mean, and media that are missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from onebody.config import Config
from onebody.models.base import Head, StageInfo
from onebody.models.frames import average_frames
from onebody.models.heads import check_form, find_stage
from onebody.tasks import Task
from onebody.types import Feature, State


class LateHeadConfig(Config):
    """Options of the late fusion of media.

    Attributes:
        stage: which stage it reads; -1: the last.
        each_loss: what the loss of each medium's own answer counts.
        mean_loss: what the loss of their mean counts.
        dropout: before the linear layers.
        window: as of the head ``class``.
    """

    kind: Literal["late"] = "late"
    stage: int = -1
    each_loss: float = Field(1.0, ge=0)
    mean_loss: float = Field(1.0, gt=0)
    dropout: float = Field(0.2, ge=0, lt=1)
    window: PositiveInt | None = None


class LateHead(Head):
    """Averages time, then a classifier for each medium, and the mean of those that are there."""

    def __init__(self, stage: int, info: StageInfo, outputs: int, config: LateHeadConfig) -> None:
        super().__init__()
        self.stages = (stage,)
        self.window = config.window
        self.causal = config.window is not None
        self.weights = (config.each_loss, config.mean_loss)
        self.dropout = nn.Dropout(config.dropout)
        size = info.width // info.media - 1
        self.linears = nn.ModuleList(nn.Linear(size, outputs) for _ in range(info.media))

    def output_weights(self, count: int) -> tuple[float, ...]:
        """Return what the media's losses and that of their mean count."""
        each, mean = self.weights
        return (*(each,) * (count - 1), mean)

    def forward(
        self,
        features: Mapping[int, Feature],
        num_frames: int,  # noqa: ARG002
        state: State,
    ) -> tuple[tuple[Tensor, ...], State]:
        """Map ``[N, M * (1 + C), T]`` to ``[N, K]`` of each medium and, last, of all."""
        x = features[self.stages[0]]
        parts = x.reshape(len(x), len(self.linears), -1, x.shape[2])  # [N, M, 1 + C, T]
        here = (parts[:, :, :1] != 0).to(parts.dtype)
        told = torch.cat((here, parts[:, :, 1:] * here), 2).flatten(1, 2)
        mean, left = average_frames(told, self.window, state)
        mean = mean.view(len(x), len(self.linears), -1)  # [N, M, 1 + C]
        share = mean[:, :, 0]  # of the frames that show the medium
        seen = self.dropout(mean[:, :, 1:] / share.clamp(min=1e-6).unsqueeze(-1))
        logits = torch.stack([f(seen[:, n]).float() for n, f in enumerate(self.linears)], 1)
        there = (share > 0).unsqueeze(-1)
        own = torch.where(there, logits, logits.new_zeros(()))
        answer = own.sum(1) / there.sum(1).clamp(min=1)
        rest = answer.detach().unsqueeze(1)
        return (*torch.where(there, own, rest).unbind(1), answer), left


def build_late_head(config: LateHeadConfig, *, task: Task, info: Sequence[StageInfo]) -> LateHead:
    """Build the late fusion of a task.

    Raises:
        ValueError: if the stage does not keep media side by side.
    """
    check_form(task, "vector", config.kind)
    stage = find_stage(config.stage, info, task.name)
    if not info[stage].media:
        raise ValueError(
            f"The late head of task {task.name!r} answers from each medium, but stage {stage} does "
            "not keep media apart. Take the encoder 'fusion' with how: late, and a way of sharing "
            "that does not mix channels (all but 'nddr'), or the head 'class'."
        )
    return LateHead(stage, info[stage], task.num_outputs, config)
