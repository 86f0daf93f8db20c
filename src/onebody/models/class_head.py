"""`class`: one answer for a clip (vector form). `frame`: one for every frame (frames form)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field, PositiveInt
from torch import Tensor, nn

from onebody.config import Config
from onebody.models.base import Head, StageInfo
from onebody.models.frames import average_frames, restore_frames
from onebody.models.heads import average_space, check_form, find_stage
from onebody.tasks import Task
from onebody.types import Feature, State


class ClassHeadConfig(Config):
    """Options of the clip classifier.

    Attributes:
        stage: which stage it reads; -1: the last.
        dropout: before the linear layer.
        window: average the last so many input frames instead of all of them. A stream never ends,
            so a causal head needs one; on clips no longer than it nothing changes.
    """

    kind: Literal["class"] = "class"
    stage: int = -1
    dropout: float = Field(default=0.2, ge=0, lt=1)
    window: PositiveInt | None = None


class FrameHeadConfig(Config):
    """Options of the frame classifier.

    Attributes:
        stage: which stage it reads; -1: the last.
        dropout: before the linear layer.
    """

    kind: Literal["frame"] = "frame"
    stage: int = -1
    dropout: float = Field(default=0.2, ge=0, lt=1)


class ClassHead(Head):
    """Averages space and time, then dropout and a linear layer: ``[N, C]`` logits."""

    def __init__(
        self, stage: int, info: StageInfo, outputs: int, *, dropout: float, window: int | None
    ) -> None:
        super().__init__()
        self.stages = (stage,)
        self.window = None if window is None else -(-window // info.stride_t)
        self.causal = window is not None and info.stride_t == 1
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(info.width, outputs)

    def forward(
        self,
        features: Mapping[int, Feature],
        num_frames: int,  # noqa: ARG002
        state: State,
    ) -> tuple[tuple[Tensor, ...], State]:
        """Map a Feature of N rows to ``[N, C]``; remembers the window's earlier frames."""
        x, left = average_frames(average_space(features[self.stages[0]]), self.window, state)
        return (self.linear(self.dropout(x)).float(),), left


class FrameHead(Head):
    """Averages space, then dropout and a linear layer on each frame: ``[N, T, C]`` logits."""

    def __init__(self, stage: int, info: StageInfo, outputs: int, *, dropout: float) -> None:
        super().__init__()
        self.stages = (stage,)
        self.stride_t = info.stride_t
        self.causal = info.stride_t == 1
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(info.width, outputs)

    def forward(
        self,
        features: Mapping[int, Feature],
        num_frames: int,
        state: State,  # noqa: ARG002
    ) -> tuple[tuple[Tensor, ...], State]:
        """Map a Feature of N rows to ``[N, T, C]``."""
        x = average_space(features[self.stages[0]]).transpose(1, 2)  # [N, T', C]
        logits = self.linear(self.dropout(x)).float()
        return (restore_frames(logits, num_frames, self.stride_t),), {}


def build_class_head(
    config: ClassHeadConfig, *, task: Task, info: Sequence[StageInfo]
) -> ClassHead:
    """Build the clip classifier of a task."""
    check_form(task, "vector", config.kind)
    stage = find_stage(config.stage, info, task.name)
    return ClassHead(
        stage, info[stage], task.num_outputs, dropout=config.dropout, window=config.window
    )


def build_frame_head(
    config: FrameHeadConfig, *, task: Task, info: Sequence[StageInfo]
) -> FrameHead:
    """Build the frame classifier of a task."""
    check_form(task, "frames", config.kind)
    stage = find_stage(config.stage, info, task.name)
    return FrameHead(stage, info[stage], task.num_outputs, dropout=config.dropout)
