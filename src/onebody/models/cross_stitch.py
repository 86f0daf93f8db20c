"""`cross-stitch`: a trunk per task; after every stage but the last each takes a bit of the others.

    x'_a = w_aa x_a + w_ag x_g        x'_g = w_ga x_a + w_gg x_g

with one weight per channel or per layer. Every row passes through all trunks, so it costs about as
much as one network per task, whatever is asked.

Source: Misra et al., "Cross-stitch Networks for Multi-task Learning", CVPR 2016
(https://arxiv.org/abs/1604.03539). As there, trunks start from equal weights (``trunks: same``;
there, those of a network trained before), without which channels of equal number have nothing to do
with each other. Ours: positions are stages of any encoder; the learning-rate factor (see ``rate``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from onebody.config import Config
from onebody.models.base import Encoder, StageInfo
from onebody.models.trunks import Mixer, TrunkSharing, make_trunks, starting_share
from onebody.types import Feature


class CrossStitchConfig(Config):
    """Options of cross-stitch sharing.

    Attributes:
        per: whether a weight mixes one ``channel`` or a whole ``layer``.
        same: what a task begins with of its own trunk; the others share the rest equally.
        rate: factor on the weights' learning rate. The paper is said to take a higher one than the
            network's (unverified); a step of Adam is about as long as its rate, however small the
            gradient, so that 10 times 0.001 already moves a weight of 0.9 by a hundredth a step.
        trunks: start all trunks from the ``same`` weights, or each from ``different`` ones.
    """

    kind: Literal["cross-stitch"] = "cross-stitch"
    per: Literal["channel", "layer"] = "channel"
    same: float = Field(0.9, ge=0, le=1)
    rate: float = Field(10.0, gt=0)
    trunks: Literal["same", "different"] = "same"


class Stitch(Mixer):
    """One task's row of the mixing matrix: a weight per trunk and channel (or one for all)."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, features: Sequence[Feature]) -> Feature:
        """Return the weighted sum of T Features ``[B, C, T, *space]``."""
        shape = (1, -1) + (1,) * (features[0].dim() - 2)
        parts = [w.view(shape) * x for w, x in zip(self.weight, features, strict=True)]
        return torch.stack(parts).sum(0)


def build_cross_stitch(
    config: CrossStitchConfig, *, make_encoder: Callable[[], Encoder], tasks: Sequence[str]
) -> TrunkSharing:
    """Build trunks and stitches; one task alone is a plain encoder."""

    def stitch(info: StageInfo, own: int) -> Stitch:
        shares = [starting_share(i == own, config.same, len(tasks)) for i in range(len(tasks))]
        width = info.width if config.per == "channel" else 1
        return Stitch(torch.tensor(shares).unsqueeze(1).repeat(1, width))

    trunks = make_trunks(make_encoder, tasks, same=config.trunks == "same")
    return TrunkSharing(trunks, stitch, rate=config.rate)
