"""Motion in pictures without optical flow: differences between frames."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from onebody.types import State


class FrameDifferences(nn.Module):
    """What differs from some frames before; nothing is learned here.

    Frames before a stream's first one are not known: there nothing has moved. What is kept begins
    as zeros, so that a step of a stream can be exported.

    Source: stacked differences in the place of flow as in Wang et al., "Temporal Segment Networks",
    ECCV 2016.
    """

    def __init__(self, lags: Sequence[int]) -> None:
        super().__init__()
        self.lags = tuple(lags)
        self.reach = max(lags)

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Subtract earlier frames.

        Args:
            x: clips ``[B, C, T, H, W]``.
            state: the last `reach` frames, and which of them there were; empty at the beginning.

        Returns:
            ``[B, L * C, T, H, W]``: for each lag of L each channel's difference.
        """
        frames = x.shape[2]
        seen = torch.ones_like(x[:, :1, :, :1, :1])
        past = state.get("past", x.new_zeros(*x.shape[:2], self.reach, *x.shape[3:]))
        known = state.get("known", seen.new_zeros(len(x), 1, self.reach, 1, 1))
        whole, there = torch.cat((past, x), 2), torch.cat((known, seen), 2)
        found = []
        for lag in self.lags:
            start = self.reach - lag
            before = whole[:, :, start : start + frames]
            found.append((x - before) * there[:, :, start : start + frames])
        left = {"past": whole[:, :, -self.reach :], "known": there[:, :, -self.reach :]}
        return torch.cat(found, 1), left
