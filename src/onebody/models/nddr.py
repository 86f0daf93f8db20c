"""`nddr`: a trunk per task; after every stage but the last each is made anew from all channels.

The channels of all trunks are joined and mapped back to a trunk's width by one linear map per task
(a 1x1 convolution), then normalized. Cross-stitch sharing is the case where the map is diagonal.

Source: Gao, Ma, Zhao, Liu, Yuille, "NDDR-CNN: Layerwise Feature Fusing in Multi-Task CNNs by Neural
Discriminative Dimensionality Reduction", CVPR 2019 (https://arxiv.org/abs/1801.08297), with its
diagonal start. Ours: positions are stages of any encoder; a stage that gives places of points is
not normalized, or they would be no places any more; no weight decay on the maps, which pulls them
away from the diagonal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import torch
from pydantic import Field
from torch import nn

from onebody.config import Config
from onebody.models.base import Encoder, StageInfo
from onebody.models.pointwise import Pointwise
from onebody.models.trunks import Mixer, TrunkSharing, make_trunks, starting_share
from onebody.types import Feature


class NddrConfig(Config):
    """Options of NDDR sharing.

    Attributes:
        same: diagonal of a task's own channels at the start; those of the others share the rest.
        rate: factor on the maps' learning rate.
        trunks: start all trunks from the ``same`` weights, or each from ``different`` ones.
    """

    kind: Literal["nddr"] = "nddr"
    same: float = Field(0.9, ge=0, le=1)
    rate: float = Field(1.0, gt=0)
    trunks: Literal["same", "different"] = "same"


class ChannelFusion(Mixer):
    """Joins the channels of all trunks and maps them to the width of one."""

    def __init__(self, width: int, shares: Sequence[float], *, norm: bool) -> None:
        super().__init__()
        self.map = Pointwise(len(shares) * width, width, norm=norm)
        with torch.no_grad():
            self.map.linear.weight.copy_(torch.cat([s * torch.eye(width) for s in shares], 1))
        if self.map.linear.bias is not None:
            nn.init.zeros_(self.map.linear.bias)

    def forward(self, features: Sequence[Feature]) -> Feature:
        """Map T Features ``[B, C, T, *space]`` to one."""
        return self.map(torch.cat(tuple(features), 1))


def build_nddr(
    config: NddrConfig, *, make_encoder: Callable[[], Encoder], tasks: Sequence[str]
) -> TrunkSharing:
    """Build trunks and fusions; one task alone is a plain encoder."""

    def fusion(info: StageInfo, own: int) -> ChannelFusion:
        shares = [starting_share(i == own, config.same, len(tasks)) for i in range(len(tasks))]
        return ChannelFusion(info.width, shares, norm=not info.coordinates)

    trunks = make_trunks(make_encoder, tasks, same=config.trunks == "same")
    sharing = TrunkSharing(trunks, fusion, rate=config.rate)
    sharing.info = tuple(replace(stage, media=0) for stage in sharing.info)  # channels are mixed
    return sharing
