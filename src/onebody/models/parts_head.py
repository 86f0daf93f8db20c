"""`parts`: an answer from each part of a Feature (stream, time scale, plane), and their fusion.

Every part is an equal run of channels with a linear classifier of its own, whose answer is an
output with a loss; the last output, which counts, is made of all of them:

============  ===================================================================================
``product``   the sum of the parts' logits. Its softmax is the normalized product of the parts'
              probabilities (multiplicative score fusion), and unlike a sum of log-probabilities
              it can stand in a union of tasks, where logits of several tasks meet.
``joint``     a linear classifier over the channels of all parts
============  ===================================================================================

Source: scores of separate networks were fused by Simonyan, Zisserman, "Two-Stream Convolutional
Networks for Action Recognition in Videos", NIPS 2014 (mean), and Wang, Li, Hou, Li, "Action
Recognition Based on Joint Trajectory Maps Using Convolutional Neural Networks", ACM MM 2016
(product); auxiliary classifiers with losses are those of Lee et al., "Deeply-Supervised Nets",
AISTATS 2015. Ours: the fusion has a loss too, and all are trained together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Self

import torch
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn

from onebody.config import Config
from onebody.models.base import Head, StageInfo
from onebody.models.frames import average_frames
from onebody.models.heads import average_space, check_form, find_stage
from onebody.tasks import Task
from onebody.types import Feature, State


class PartsHeadConfig(Config):
    """Options of the classifier of parts.

    Attributes:
        stage: which stage it reads; -1: the last.
        parts: how many equal runs of channels; null: as many as the stage says that it has.
        fusion: ``product`` or ``joint``; see above.
        part_loss: what each part's loss counts.
        fused_loss: what the loss of the fused answer counts; 0: parts learn by themselves.
        dropout: before the linear layers.
        window: as of the head ``class``.
    """

    kind: Literal["parts"] = "parts"
    stage: int = -1
    parts: PositiveInt | None = None
    fusion: Literal["product", "joint"] = "product"
    part_loss: float = Field(1.0, ge=0)
    fused_loss: float = Field(1.0, ge=0)
    dropout: float = Field(0.2, ge=0, lt=1)
    window: PositiveInt | None = None

    @model_validator(mode="after")
    def _learned(self) -> Self:
        if not self.part_loss and not (self.fused_loss and self.fusion == "product"):
            raise ValueError("part_loss: 0 leaves the parts unlearned, but for fusion: product")
        if not self.fused_loss and self.fusion == "joint":
            raise ValueError("fusion: joint learns a classifier; it needs a fused_loss above 0")
        return self


class PartsHead(Head):
    """Averages space and time, then a classifier for each part, and their fusion."""

    def __init__(
        self, stage: int, info: StageInfo, outputs: int, parts: int, config: PartsHeadConfig
    ) -> None:
        super().__init__()
        self.stages = (stage,)
        window = config.window
        self.window = None if window is None else -(-window // info.stride_t)
        self.causal = window is not None and info.stride_t == 1
        self.weights = (config.part_loss, config.fused_loss)
        self.dropout = nn.Dropout(config.dropout)
        self.linears = nn.ModuleList(nn.Linear(info.width // parts, outputs) for _ in range(parts))
        joint = config.fusion == "joint"
        self.joint = nn.Linear(info.width, outputs) if joint else None

    def output_weights(self, count: int) -> tuple[float, ...]:
        """Return what the parts' losses and that of the fused answer count."""
        part, fused = self.weights
        return (*(part,) * (count - 1), fused)

    def forward(
        self,
        features: Mapping[int, Feature],
        num_frames: int,  # noqa: ARG002
        state: State,
    ) -> tuple[tuple[Tensor, ...], State]:
        """Map a Feature of N rows to ``[N, C]`` per part and, last, of all parts."""
        x, left = average_frames(average_space(features[self.stages[0]]), self.window, state)
        x = self.dropout(x)  # [N, C]
        shares = x.chunk(len(self.linears), 1)
        found = [linear(share).float() for linear, share in zip(self.linears, shares, strict=True)]
        fused = torch.stack(found).sum(0) if self.joint is None else self.joint(x).float()
        return (*found, fused), left


def build_parts_head(
    config: PartsHeadConfig, *, task: Task, info: Sequence[StageInfo]
) -> PartsHead:
    """Build the classifier of parts of a task.

    Raises:
        ValueError: if the stage has no parts, or its channels cannot be divided so.
    """
    check_form(task, "vector", config.kind)
    stage = find_stage(config.stage, info, task.name)
    parts = config.parts or info[stage].parts
    if parts == 1 or info[stage].width % parts:
        raise ValueError(
            f"The head of task {task.name!r} answers from parts of stage {stage}, but that has "
            f"{info[stage].width} channels and {info[stage].parts} part(s), and {parts} were asked "
            "for. Take an encoder with parts (hierarchy, jtm, two-stream with fuse: null), state "
            "'parts', or take the head 'class'."
        )
    return PartsHead(stage, info[stage], task.num_outputs, parts, config)
