"""`skeleton`: joints, bones, motion and distances of a body, and dilated convolutions over time.

======  =======================================  ==============  =============
stage   what                                     Feature         default width
======  =======================================  ==============  =============
stem    features of each frame, joined           ``[B, C, T]``   128
0 ..    dilated temporal convolutions, a stage   ``[B, C, T]``   128 (class heads: the last)
        for each of ``depth``
======  =======================================  ==============  =============

Every frame is described by what is known of it: where joints lie, how bones point, how joints moved
since some frames ago, how far they are apart, and which joints there are. A missing joint leaves
zeros in its place and in that of everything measured from it. With another stream than joints
(``stream``) all of this is said of bones or motions in their place, and with several, of each.

Source: Yang, Wu, Sakti, Nakamura, "Make Skeleton-based Action Recognition Model Smaller, Faster and
Better" (DD-Net), MMAsia 2019: distances between joints and motion at two speeds as features. Ours:
positions and bones beside them (where a body points is a class here), masks, residual dilated
convolutions without pooling, so that the network can run on a stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from onebody.config import Config
from onebody.models.base import Encoder, Stage, StageInfo, Stem, prefixed, scoped
from onebody.models.inputs import InputShape, single_skeleton, take_joints
from onebody.models.streams import JointStreams, Streams
from onebody.models.temporal import Norm, TemporalStage, make_norm
from onebody.skeletons import get_skeleton
from onebody.types import Feature, State

Part = Literal["joints", "bones", "motion", "distances"]


class SkeletonConfig(Config):
    """Options of the skeleton encoder.

    Attributes:
        width: multiplies ``channels``.
        channels: of every stage.
        depth: how many stages there are.
        blocks: temporal blocks of a stage.
        dilations: of the stages' blocks, in turn (a deeper network begins anew).
        parts: what describes a frame; which joints there are is always told.
        strides: how many frames ago motion is measured from, one set of features each.
        norm: ``batch``, or ``layer`` (per frame).
        input_dropout: share of a frame's features that are left out in training.
        dropout: within the temporal blocks.
        causal: look back only, so that the network can run on a stream.
        stream: what is described: ``joint``, ``bone``, ``joint-motion``, ``bone-motion``, or
            several side by side.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"stream"})

    kind: Literal["skeleton"] = "skeleton"
    width: float = Field(1.0, gt=0)
    channels: PositiveInt = 128
    depth: PositiveInt = 4
    blocks: PositiveInt = 1
    dilations: tuple[PositiveInt, ...] = Field((1, 2, 4, 8), min_length=1)
    parts: tuple[Part, ...] = Field(("joints", "bones", "motion", "distances"), min_length=1)
    strides: tuple[PositiveInt, ...] = (1, 3)
    norm: Norm = "batch"
    input_dropout: float = Field(0.0, ge=0, lt=1)
    dropout: float = Field(0.1, ge=0, lt=1)
    causal: bool = False
    stream: Streams = ("joint",)


class FrameFeatures(nn.Module):
    """Describes every frame of a skeleton; nothing is learned here.

    Attributes:
        size: numbers per frame.
        reach: how many frames back it looks.
    """

    pairs: Tensor
    child: Tensor
    parent: Tensor

    def __init__(
        self, shape: InputShape, parts: tuple[Part, ...], strides: tuple[int, ...]
    ) -> None:
        super().__init__()
        skeleton = get_skeleton(shape.skeleton)
        joints, parents = len(skeleton), skeleton.parents()
        pairs = [a * joints + b for a, b in combinations(range(joints), 2)]
        bones = [(joint, parent) for joint, parent in enumerate(parents) if joint != parent]
        indices = {
            "pairs": pairs,
            "child": [joint for joint, _ in bones],
            "parent": [parent for _, parent in bones],
        }
        for name, values in indices.items():
            self.register_buffer(name, torch.tensor(values), persistent=False)
        self.parts = parts
        self.strides = strides if "motion" in parts else ()
        self.reach = max(self.strides, default=0)
        sizes = {
            "joints": joints * shape.channels,
            "bones": len(bones) * shape.channels,
            "motion": joints * shape.channels * len(strides),
            "distances": len(pairs),
        }
        self.size = joints + sum(sizes[part] for part in parts)

    def forward(self, x: Tensor, known: Tensor, past: tuple[Tensor, Tensor]) -> Tensor:
        """Describe frames.

        Args:
            x: joints ``[B, T, J, D]``, zero where unknown.
            known: ``[B, T, J]`` bool.
            past: the same of the `reach` frames before.

        Returns:
            ``[B, T, size]``.
        """
        found = [known.to(x.dtype)]
        for part in self.parts:
            if part == "joints":
                found.append(x.flatten(2))
            elif part == "bones":
                both = known[:, :, self.child] & known[:, :, self.parent]
                bones = x[:, :, self.child] - x[:, :, self.parent]
                found.append((bones * both.unsqueeze(-1)).flatten(2))
            elif part == "distances":
                both = known.unsqueeze(3) & known.unsqueeze(2)  # [B, T, J, J]
                found.append((torch.cdist(x, x) * both).flatten(2)[..., self.pairs])
            else:
                found += [self._motion(x, known, past, stride) for stride in self.strides]
        return torch.cat(found, 2)

    def _motion(self, x: Tensor, known: Tensor, past: tuple[Tensor, Tensor], stride: int) -> Tensor:
        """Return ``[B, T, J * D]``: how joints moved; zero where one end is unknown."""
        start, frames = self.reach - stride, x.shape[1]
        before = torch.cat((past[0], x), 1)[:, start : start + frames]
        there = torch.cat((past[1], known), 1)[:, start : start + frames] & known
        return ((x - before) * there.unsqueeze(-1)).flatten(2)


class SkeletonStem(Stem):
    """Describes frames and joins the description to one vector each."""

    def __init__(
        self, modality: str, shape: InputShape, width: int, config: SkeletonConfig
    ) -> None:
        super().__init__()
        self.modality, self.shape, self.width = modality, shape, width
        self.streams = JointStreams(shape, config.stream)
        self.features = FrameFeatures(shape, config.parts, config.strides)
        size = self.features.size * len(config.stream)
        self.scale = make_norm(config.norm, size)
        self.dropout = nn.Dropout(config.input_dropout)
        self.join = nn.Conv1d(size, width, 1)
        self.norm = make_norm(config.norm, width)

    def forward(
        self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor], state: State
    ) -> tuple[Feature, State]:
        """Map skeletons ``[B, T, J, D]`` to ``[B, width, T]``; remembers the last frames."""
        x, known = take_joints(inputs, valid, self.modality, self.shape)
        streams, left = self.streams(x, known, scoped(state, "streams"))
        left = prefixed(left, "streams")
        parts = []
        for name, (values, there) in zip(self.streams.streams, streams, strict=True):
            described, kept = self._describe(values, there, scoped(state, name))
            parts.append(described)
            left |= prefixed(kept, name)
        described = torch.cat(parts, 2).transpose(1, 2)  # [B, size, T]
        return torch.relu(self.norm(self.join(self.dropout(self.scale(described))))), left

    def _describe(self, x: Tensor, known: Tensor, state: State) -> tuple[Tensor, State]:
        """Describe the frames of one stream ``[B, T, size]``; remembers the last of them."""
        reach = self.features.reach
        # Before a stream's first frame nothing is known, so nothing has moved.
        past = (
            state.get("joints", x.new_zeros(len(x), reach, *x.shape[2:])),
            state.get("known", known.new_zeros(len(x), reach, known.shape[2])),
        )
        described = self.features(x, known, past)
        if not reach:
            return described, {}
        joints, seen = (torch.cat(two, 1)[:, -reach:] for two in zip(past, (x, known), strict=True))
        return described, {"joints": joints, "known": seen}


def build_skeleton(config: SkeletonConfig, *, inputs: Mapping[str, InputShape]) -> Encoder:
    """Build the skeleton encoder for one modality."""
    modality, shape = single_skeleton(inputs, config.kind)
    width = max(1, round(config.channels * config.width))
    turns = [
        config.dilations[i % len(config.dilations)] for i in range(config.depth * config.blocks)
    ]
    stages: list[Stage] = [
        TemporalStage(
            width,
            turns[start : start + config.blocks],
            norm=config.norm,
            dropout=config.dropout,
            causal=config.causal,
        )
        for start in range(0, len(turns), config.blocks)
    ]
    info = [StageInfo(width=width, space="vector")] * config.depth
    stem = SkeletonStem(modality, shape, width, config)
    return Encoder(stem, stages, info, causal=config.causal)
