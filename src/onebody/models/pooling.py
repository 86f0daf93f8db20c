"""From maps to one vector per frame without forgetting where things are."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from onebody.models.base import Stage
from onebody.models.frames import fold_frames
from onebody.models.softargmax import expected_position, spatial_softmax, window_confidence
from onebody.models.temporal import Norm, make_norm
from onebody.types import Feature, State


class KeypointPool(Stage):
    """Pools maps by learned keypoints beside the average and the maximum.

    Average pooling forgets whether the moving hand is up or down. Each of K learned maps becomes
    a spatial softmax; its mean position, its confidence and the feature found under it go on.

    Source: the spatial softmax of Levine et al., "End-to-End Training of Deep Visuomotor
    Policies", JMLR 2016; the features and the confidence are our additions.
    """

    def __init__(
        self, inputs: int, outputs: int, keypoints: int, point_width: int, norm: Norm
    ) -> None:
        super().__init__()
        self.keypoints = keypoints
        if keypoints:
            self.maps = nn.Conv2d(inputs, keypoints, 1)
            self.points = nn.Conv2d(inputs, point_width, 1)
        self.project = nn.Linear(2 * inputs + keypoints * (3 + point_width), outputs)
        self.norm = make_norm(norm, outputs)

    @property
    def last(self) -> nn.Module:
        """The last layer."""
        return self.project

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:  # noqa: ARG002
        """Map ``[B, C, T, H, W]`` to ``[B, C', T]``; nothing to remember."""
        frames = fold_frames(x)  # [B*T, C, H, W]
        parts = [frames.mean((2, 3)), frames.amax((2, 3))]
        if self.keypoints:
            parts.append(self._look(frames))
        pooled = self.project(torch.cat([part.float() for part in parts], 1))  # [B*T, C']
        vectors = pooled.view(len(x), x.shape[2], -1).transpose(1, 2)
        return torch.relu(self.norm(vectors)), {}

    def _look(self, frames: Tensor) -> Tensor:
        """Return ``[B*T, K * (3 + P)]``: per keypoint x, y, confidence and P features."""
        probability = spatial_softmax(self.maps(frames))  # [B*T, K, H, W]
        where = 2 * expected_position(probability) - 1  # centered, so that weights start neutral
        sure = window_confidence(probability).unsqueeze(-1)
        with torch.autocast(frames.device.type, enabled=False):
            values = self.points(frames.float()).flatten(2)  # [B*T, P, H*W]
            found = probability.flatten(2) @ values.transpose(1, 2)  # [B*T, K, P]
        return torch.cat((where, sure, found), -1).flatten(1)
