"""The action block: two streams over the grid of time and joints, their fusion, and its scores.

Shapes: B clips, T frames, J joints, n classes of a set; grids ``[B, channels, T, J]``. The grid is
padded to even sizes and halved once along the joints (and once along time from 16 frames): T' x J'.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from onebody.models.spnet.config import SPNetConfig
from onebody.models.spnet.layers import (
    Conv,
    Norm,
    Residual,
    global_max_min,
    max_min_pool,
    max_pool,
)
from onebody.models.spnet.pose_block import Joints

LONG = 16
"""Clips of so many frames are halved over time."""


class ActionBlock(nn.Module):
    """Scores of every set of actions from joints and from what the picture shows at them.

    Args:
        config: of the network.
        appearance: channels of the feature map that appearance is read from.
        continued: an earlier block's state comes in.
        returns: whether a later block takes this one's state.
    """

    def __init__(
        self, config: SPNetConfig, appearance: int, *, continued: bool, returns: bool
    ) -> None:
        super().__init__()
        pose, visual = config.num_pose_features, config.num_visual_features
        width = config.state_width
        self.p_conv0a = Conv(config.dim, pose // 16, (3, 1))
        self.p_conv0b = Conv(config.dim, pose // 8, (3, 3))
        self.p_conv0c = Conv(config.dim, pose // 4, (3, 5))
        streams = pose // 16 + pose // 8 + pose // 4
        self.r1 = Residual(streams, pose, 3, separable=False)
        self.v_conv0 = Conv(appearance, visual, 1)
        self.r2 = Residual(pose + visual + width * continued, width, 3, separable=False, divide=4)
        self.pred = ActionScores(width, config.num_actions, returns=returns)

    def forward(
        self, joints: Joints, features: Tensor, state: Tensor | None, num_frames: int
    ) -> tuple[list[Tensor], Tensor | None]:
        """Score clips.

        Args:
            joints: of ``N = B * T`` frames.
            features: ``[N, C, H, W]``, as large as the joints' maps.
            state: ``[B, width, T', J']`` of the block before, if it has one.
            num_frames: T.

        Returns:
            Logits ``[B, n]`` of each set; the state for a later block.
        """
        places = (joints.places * joints.confidence.unsqueeze(-1)).to(features.dtype)
        pose = over_time(places, num_frames)  # [B, dim, T, J]
        pose = torch.cat([self.p_conv0a(pose), self.p_conv0b(pose), self.p_conv0c(pose)], 1)
        seen = over_time(appearance_at(joints.maps, features), num_frames)  # [B, C, T, J]
        streams = [halve(self.r1(pose)), halve(self.v_conv0(seen))]
        if state is not None:
            streams.append(state)
        return self.pred(self.r2(torch.cat(streams, 1)))


class ActionScores(nn.Module):
    """A head per set of actions, and its class maps put back into the state."""

    def __init__(self, width: int, num_actions: Sequence[int], *, returns: bool) -> None:
        super().__init__()
        self.bn1 = Norm(width)
        self.conv1 = Conv(width, width, 3)
        self.bn2 = Norm(width)
        self.sets = len(num_actions)
        for number, classes in enumerate(num_actions):
            self.add_module(f"conv2h{number}", Conv(width, classes, 3))
        self.conv3 = Conv(sum(num_actions), width, 3) if returns else None

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor | None]:
        """Map the fused state ``[B, width, T', J']`` to logits of each set and the next state."""
        x1 = self.conv1(F.relu(self.bn1(x)))
        y = F.relu(self.bn2(max_min_pool(x1)))
        maps = [self.get_submodule(f"conv2h{number}")(y) for number in range(self.sets)]
        logits = [global_max_min(found) for found in maps]
        if self.conv3 is None:
            return logits, None
        large = F.relu(torch.cat(maps, 1)).repeat_interleave(2, -1).repeat_interleave(2, -2)
        return logits, x + x1 + self.conv3(large)


def appearance_at(maps: Tensor, features: Tensor) -> Tensor:
    """Return the features under each joint's map.

    Args:
        maps: ``[N, J, H, W]``, each summing to 1.
        features: ``[N, C, H, W]``.

    Returns:
        ``[N, J, C]``.
    """
    return maps.flatten(2).to(features.dtype) @ features.flatten(2).transpose(1, 2)


def over_time(x: Tensor, num_frames: int) -> Tensor:
    """Lay ``[B * T, J, C]`` out as grids ``[B, C, T, J]``."""
    return x.view(-1, num_frames, *x.shape[1:]).permute(0, 3, 1, 2)


def halve(x: Tensor) -> Tensor:
    """Pool a grid ``[B, C, T, J]`` to half as many joints, and frames if it is long.

    Zeros around it make the frames a multiple of 2 (of 4, if it is long) and the joints of 4, so
    that the grid can be halved once more and doubled again.
    """
    frames, joints = x.shape[2:]
    stride = 2 if frames >= LONG else 1
    more, wider = -frames % (2 * stride), -joints % 4
    if more or wider:
        x = F.pad(x, (wider // 2, wider - wider // 2, more // 2, more - more // 2))
    if stride == 2:
        return max_pool(x)
    later = torch.cat([x[:, :, 1:], x[:, :, -1:]], 2)  # windows of two frames; the last has one
    return F.max_pool2d(torch.maximum(x, later), (1, 2))
