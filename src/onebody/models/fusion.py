"""`fusion`: several media of one performance in one set of weights, whichever of them are there.

======  ==================================================  ==================  =============
stage   what                                                Feature             default width
======  ==================================================  ==================  =============
stem    an encoder for each medium (``branches``), brought  ``[B, C, T]``       128
        to one time axis and one space, then joined
0 ..    dilated temporal convolutions                       ``[B, C, T]``       128
======  ==================================================  ==================  =============

T is that of the first medium. How media are joined (``how``):

=============  =================================================================================
``early``      side by side and mapped to C channels, a learned vector in the place of what is
               missing, and a flag that says so
``attention``  their mean, weighed by a softmax over the media that are there, for every frame
``average``    the mean of those that are there
``late``       not at all: they stay side by side, M * (1 + C) channels, with temporal
               convolutions of each one's own, for the head ``late``
=============  =================================================================================

A medium that a row lacks influences nothing of it. ``drop`` leaves media out in training, so that
one network serves whatever is there.

Source: early and late fusion are those of Snoek, Worring, Smeulders, "Early versus Late Fusion in
Semantic Video Analysis", ACM MM 2005; leaving media out in training is the modality dropout of
Neverova, Wolf, Taylor, Nebout, "ModDrop: Adaptive Multi-Modal Gesture Recognition", TPAMI 2016.
``shared`` follows the idea of Liu et al., "Multi-Domain and Multi-Task Learning for Human Action
Recognition", TIP 2019: views have a common space, sparsely used, and parts of their own; theirs is
a linear method, this a network, whose norms' scales are penalized (as in Liu et al., "Learning
Efficient Convolutional Networks through Network Slimming", ICCV 2017) in groups over media, since a
norm behind a projection undoes what its weights shrink by. Ours: masks throughout, and each branch
is any encoder of the room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Self

from pydantic import Field, PositiveInt, model_validator

from onebody.config import Config, build, nearest
from onebody.models.base import Encoder, Stage, StageInfo
from onebody.models.fusion_branches import Branch
from onebody.models.fusion_parts import ApartStage, FusionStem, How, Join
from onebody.models.inputs import InputShape
from onebody.models.on_trunk import AnyTrunk
from onebody.models.registry import ENCODERS
from onebody.models.temporal import Norm, TemporalStage


class FusionConfig(Config):
    """Options of the fusion of several media.

    Attributes:
        branches: by medium, the encoder that reads it, up to its last vector per frame. A further
            view (``rgb/2``) that is not named has an encoder like that of its kind (``rgb``).
        how: how media are joined; see above.
        drop: probability that a medium of a row is left out in training; one always stays.
        shared: views of one kind pass the same weights, then a small adapter of each one's own.
        adapter: width of that adapter; 0: none.
        sparse: weight of a penalty that lets media use few dimensions of the common space, and the
            same ones: the sum over its dimensions of the norm of the media's scales there.
        channels: of a medium in the common space, and of every stage.
        depth: how many stages there are.
        dilations: of the stages' blocks, in turn.
        norm: of the stages: ``layer`` (per frame), or ``batch`` (not with ``how: late``).
        dropout: within the temporal blocks.
        causal: stages look back only; with branches that do so too, the network runs on a stream.
    """

    kind: Literal["fusion"] = "fusion"
    branches: Mapping[str, AnyTrunk] = Field(min_length=1)
    how: How = "attention"
    drop: float = Field(0.0, ge=0, lt=1)
    shared: bool = False
    adapter: int = Field(16, ge=0)
    sparse: float = Field(0.0, ge=0)
    channels: PositiveInt = 128
    depth: PositiveInt = 2
    dilations: tuple[PositiveInt, ...] = Field((1, 2), min_length=1)
    norm: Norm = "layer"
    dropout: float = Field(0.1, ge=0, lt=1)
    causal: bool = False

    @model_validator(mode="after")
    def _possible(self) -> Self:
        for name, branch in self.branches.items():
            if isinstance(branch, FusionConfig):
                raise ValueError(f"branch {name!r} is a fusion itself; list its branches here")
            if "." in name:
                raise ValueError(f"a medium's name holds no dot, found {name!r}")
        if self.how == "late" and self.norm == "batch":
            raise ValueError("'how: late' keeps missing media as zeros; take norm: layer")
        return self


def build_fusion(config: FusionConfig, *, inputs: Mapping[str, InputShape]) -> Encoder:
    """Build branches, join and stages.

    Raises:
        ValueError: if a medium has no branch, or a branch no medium.
    """
    serves = _served(config, inputs)
    branches = {}
    for name in serves:
        encoder = build(ENCODERS, _branch_of(config, name), "encoder", inputs={name: inputs[name]})
        branches[name] = Branch(encoder, name)
    join = Join(len(inputs), config.channels, config.how)
    stem = FusionStem(
        branches,
        serves,
        join,
        config.channels,
        drop=config.drop,
        adapter=config.adapter,
        sparse=config.sparse,
    )
    late = config.how == "late"
    media = len(inputs) if late else 1
    info = StageInfo(width=join.width, space="vector", parts=media, media=media if late else 0)
    stages = [_stage(config, number, len(inputs)) for number in range(config.depth)]
    return Encoder(stem, stages, [info] * config.depth, causal=config.causal and stem.causal)


def _stage(config: FusionConfig, number: int, media: int) -> Stage:
    """Build a stage."""
    dilations = (config.dilations[number % len(config.dilations)],)
    if config.how == "late":
        return ApartStage(
            media, config.channels, dilations, dropout=config.dropout, causal=config.causal
        )
    return TemporalStage(
        config.channels,
        dilations,
        norm=config.norm,
        dropout=config.dropout,
        causal=config.causal,
    )


def _served(config: FusionConfig, inputs: Mapping[str, InputShape]) -> dict[str, Sequence[str]]:
    """Return the media that each branch serves, by the first of them."""
    strange = [name for name in config.branches if name not in inputs]
    if strange:
        raise ValueError(
            f"Encoder 'fusion' has a branch for {strange[0]!r}, which the network is not given. "
            f"{nearest(strange[0], inputs)} State its media as 'input' and 'input.also'."
        )
    serves: dict[str, list[str]] = {}
    for name, shape in inputs.items():
        branch = _branch_of(config, name)
        for first, views in serves.items() if config.shared else ():
            alike = first.split("/")[0] == name.split("/")[0] and inputs[first] == shape
            if alike and branch == _branch_of(config, first):
                views.append(name)
                break
        else:
            serves[name] = [name]
    return dict(serves)


def _branch_of(config: FusionConfig, name: str) -> Config:
    """Return the config of a medium's branch."""
    for known in (name, name.split("/")[0]):
        if known in config.branches:
            return config.branches[known]
    raise ValueError(
        f"Encoder 'fusion' has no branch for {name!r}, which the network is given. "
        f"{nearest(name, config.branches)} Add one, or read fewer media."
    )
