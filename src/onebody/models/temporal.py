"""Dilated convolutions over time, looking both ways or, for streams, only back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from onebody.models.base import Stage, run_blocks
from onebody.models.norms import BatchNorm1d
from onebody.types import Feature, State

Norm: TypeAlias = Literal["layer", "batch"]


class FrameNorm(nn.Module):
    """LayerNorm over the channels of each frame: unlike GroupNorm over ``[C, T]`` it is causal."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, C, T]`` to the same."""
        return self.norm(x.transpose(1, 2)).transpose(1, 2)


def make_norm(norm: Norm, width: int) -> nn.Module:
    """Make a norm for ``[B, width, T]``.

    ``batch`` takes away what all frames have in common, so that small movements stand out, and
    learns faster where a pose task shares the trunk; ``layer`` needs no batch statistics.
    """
    return BatchNorm1d(width) if norm == "batch" else FrameNorm(width)


class TemporalBlock(nn.Module):
    """Residual block: convolution of 3 frames, ``dilation`` apart, then a 1x1 convolution."""

    def __init__(
        self, width: int, dilation: int, *, norm: Norm, dropout: float, causal: bool
    ) -> None:
        super().__init__()
        self.dilation = dilation
        self.causal = causal
        self.conv = nn.Conv1d(width, width, 3, dilation=dilation)
        self.norm = make_norm(norm, width)
        self.dropout = nn.Dropout(dropout)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Map ``[B, C, T]`` and what is remembered of earlier frames to the same kinds."""
        reach = 2 * self.dilation
        if self.causal:
            past = state.get("past", x.new_zeros(len(x), x.shape[1], reach))
            padded = torch.cat((past, x), 2)
            state = {"past": padded[:, :, -reach:]}
        else:
            padded, state = F.pad(x, (self.dilation, self.dilation)), {}
        y = F.relu(self.norm(self.conv(padded)))
        return x + self.mix(self.dropout(y)), state


class TemporalStage(Stage):
    """A run of dilated residual blocks; dilations 1, 2, 4, 8 see 31 frames."""

    def __init__(
        self, width: int, dilations: Sequence[int], *, norm: Norm, dropout: float, causal: bool
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            TemporalBlock(width, d, norm=norm, dropout=dropout, causal=causal) for d in dilations
        )

    @property
    def last(self) -> nn.Module:
        """The last layer."""
        return self.blocks[-1].get_submodule("mix")

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:
        """Map ``[B, C, T]`` to the same."""
        return run_blocks(self.blocks, x, state)
