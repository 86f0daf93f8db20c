"""`mtan`: one shared trunk, and for each task and stage a soft mask over its channels and places.

    mask_p     = sigmoid(norm(W2 relu(norm(W1 [shared_p, carried_p]))))
    attended_p = mask_p * shared_p
    carried_p+1 = relu(norm(W3 attended_p)), brought to the next stage's shape

Heads read what is attended. A task costs its masks besides the shared trunk, and only as deep as
its head reads.

Source: Liu, Johns, Davison, "End-to-End Multi-Task Learning with Attention", CVPR 2019
(https://arxiv.org/abs/1803.10704); W1 has a quarter of a stage's channels, as in the authors' code
for ResNets. Ours: whole stages instead of blocks, W3 is pointwise too (so that it fits any space,
and looks at no other frame), and places of points are not scaled, only their features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import PositiveInt
from torch import Tensor, nn

from onebody.config import Config
from onebody.models.asked import pick_rows, run_depth, take_rows
from onebody.models.base import Ask, Encoder, Features, Sharing, StageInfo
from onebody.models.frames import fold_frames, unfold_frames
from onebody.models.hard import deepest
from onebody.models.heads import average_space
from onebody.models.pointwise import Pointwise
from onebody.models.seeds import drawn_for
from onebody.types import Feature, State


class MtanConfig(Config):
    """Options of attention.

    Attributes:
        reduce: a mask is computed from 1 / ``reduce`` of the stage's channels.
    """

    kind: Literal["mtan"] = "mtan"
    reduce: PositiveInt = 4


class Attention(nn.Module):
    """One task's mask at one stage, and what is carried to it from the stage before."""

    def __init__(self, info: StageInfo, before: StageInfo | None, reduce: int) -> None:
        super().__init__()
        self.coordinates = info.coordinates
        self.stride_t = info.stride_t // before.stride_t if before else 1
        self.carry = Pointwise(before.width, info.width) if before else None
        inputs = info.width * (2 if before else 1)
        hidden = max(info.width // reduce, 4)
        self.first = Pointwise(inputs, hidden)
        self.second = Pointwise(hidden, info.width - info.coordinates)

    def forward(self, shared: Feature, attended: Feature | None) -> Feature:
        """Map a stage's Feature, and the attended one of the stage before, to the attended one."""
        parts = [shared]
        if self.carry is not None and attended is not None:
            carried = F.relu(self.carry(attended[:, :, :: self.stride_t]))
            parts.append(fit_space(carried, shared))
        mask = torch.sigmoid(self.second(F.relu(self.first(torch.cat(parts, 1)))))
        places, features = shared[:, : self.coordinates], shared[:, self.coordinates :]
        return torch.cat((places, mask * features), 1) if self.coordinates else mask * features


class MtanSharing(Sharing):
    """Runs one encoder on the union of rows, and each task's masks on the rows of the task."""

    def __init__(self, encoder: Encoder, tasks: Sequence[str], reduce: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.info = encoder.info
        self.causal = encoder.causal
        self.attention = nn.ModuleDict()
        for task in tasks:
            with drawn_for(task):
                pairs = zip(self.info, (None, *self.info), strict=False)
                self.attention[task] = nn.ModuleList(Attention(i, b, reduce) for i, b in pairs)

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        valid: Mapping[str, Tensor],
        asks: Mapping[str, Ask],
        state: State,
    ) -> tuple[Features, State]:
        """Return each task's Features; see `Sharing`."""
        rows, inputs, valid = take_rows(inputs, valid, asks, state)
        features: Features = {task: {} for task in asks}
        attended: dict[str, Feature] = {}
        left: State = {}
        run = self.encoder.run(inputs, valid, run_depth(asks), state, left)
        for number, x in enumerate(run):
            for task, ask in asks.items():
                if number <= max(ask.stages):
                    own = pick_rows(x, rows, ask.rows)
                    attend: Attention = self.attention[task][number]  # type: ignore[index]
                    attended[task] = attend(own, attended.get(task))
                if number in ask.stages:
                    features[task][number] = attended[task]
        return features, left

    def shared(self, asks: Mapping[str, Ask]) -> list[nn.Parameter]:
        """Return the trainable parameters of the deepest stage that every task reads or passes."""
        return deepest(self.encoder, asks)

    def trim(self, stages: Mapping[str, Sequence[int]]) -> None:
        """Drop masks after the last stage that a task's head reads."""
        for task, read in stages.items():
            del self.attention[task][1 + max(read) :]  # type: ignore[operator]


def build_mtan(
    config: MtanConfig, *, make_encoder: Callable[[], Encoder], tasks: Sequence[str]
) -> MtanSharing:
    """Build the trunk and the masks."""
    return MtanSharing(make_encoder(), tasks, config.reduce)


def fit_space(x: Feature, like: Feature) -> Feature:
    """Bring ``[B, C, T, *space]`` to another Feature's space, of as many frames, by averaging."""
    if x.shape[3:] == like.shape[3:]:
        return x
    if x.dim() == like.dim() == 5:
        size = (like.shape[3], like.shape[4])
        return unfold_frames(F.adaptive_avg_pool2d(fold_frames(x), size), len(x))
    flat = average_space(x)
    extra = like.dim() - 3
    return flat.view(*flat.shape, *(1,) * extra).expand(*flat.shape, *like.shape[3:])
