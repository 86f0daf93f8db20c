"""The prediction block: heat maps, the joints read off them, and the maps put back into the flow.

Shapes: N frames, C channels at this level, J joints; maps ``[N, C, H, W]``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from onebody.models.softargmax import expected_value, window_confidence
from onebody.models.spnet.config import SPNetConfig
from onebody.models.spnet.layers import Conv, Norm, Residual, SeparableConv


@dataclass(frozen=True, slots=True)
class Joints:
    """Joints read off one set of maps.

    Attributes:
        maps: ``[N, J, H, W]`` probability of each place; each map sums to 1.
        places: ``[N, J, dim]`` x, y (, z) in [0, 1].
        confidence: ``[N, J]`` in (0, 1].
    """

    maps: Tensor
    places: Tensor
    confidence: Tensor

    @property
    def pose(self) -> Tensor:
        """Return ``[N, J, dim + 1]``: the places, then the confidence."""
        return torch.cat([self.places, self.confidence.unsqueeze(-1)], -1)


class MapBranch(nn.Module):
    """Maps of joints from features, and features from maps.

    Args:
        channels: C.
        joints: J.
        forward_maps: J further maps go back into the flow, and both kinds pass a ReLU.
        replica: make a second set of maps, for actions alone.
        returns: whether anything needs the way back.
    """

    def __init__(
        self, channels: int, joints: int, *, forward_maps: bool, replica: bool, returns: bool
    ) -> None:
        super().__init__()
        self.conv1 = Conv(channels, joints, 1)
        self.conv1_replica = Conv(channels, joints, 1) if replica else None
        self.fw_maps = Conv(channels, joints, 1) if forward_maps and returns else None
        self.conv2 = Conv(joints * (1 + forward_maps), channels, 1) if returns else None
        self.forward_maps = forward_maps
        if self.conv1_replica is not None:  # decoupled maps begin as a copy
            self.conv1_replica.load_state_dict(self.conv1.state_dict())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Map active features to their maps, the replica's, and what goes back into the flow."""
        maps = self.conv1(x)
        replica = None if self.conv1_replica is None else self.conv1_replica(x)
        if self.conv2 is None:
            return maps, replica, None
        if self.fw_maps is None:
            return maps, replica, self.conv2(maps)
        return maps, replica, self.conv2(F.relu(torch.cat([self.fw_maps(x), maps], 1)))


class PredictionBlock(nn.Module):
    """One prediction of the pose, and the features that go on."""

    def __init__(self, config: SPNetConfig, channels: int, *, acts: bool, returns: bool) -> None:
        super().__init__()
        replica = config.pose_replica and acts
        size, joints = config.kernel_size, config.num_joints
        self.alpha = config.sam_alpha
        self.r1 = Residual(channels, channels, size)
        self.bn1 = Norm(channels)
        self.conv1 = SeparableConv(channels, channels, size)
        self.bn2 = Norm(channels)
        self.heatmaps = MapBranch(
            channels, joints, forward_maps=True, replica=replica, returns=returns
        )
        self.depthmaps: MapBranch | None = None
        if config.dim == 3:
            self.depthmaps = MapBranch(
                channels, joints, forward_maps=False, replica=replica, returns=returns
            )

    def forward(self, x: Tensor) -> tuple[Joints, Joints, Tensor | None]:
        """Map features to the joints, those for actions, and the features that go on.

        Args:
            x: ``[N, C, H, W]``.

        Returns:
            The pose; the joints that actions are read from (the same ones without a replica);
            ``[N, C, H, W]``, None where nothing comes after.
        """
        x1 = self.r1(x)
        x2 = self.conv1(F.relu(self.bn1(x1)))
        active = F.relu(self.bn2(x2))
        heat, own_heat, x3 = self.heatmaps(active)
        depth, own_depth, x4 = (
            (None, None, None) if self.depthmaps is None else self.depthmaps(active)
        )
        joints = read_joints(heat, depth, self.alpha)
        own = joints if own_heat is None else read_joints(own_heat, own_depth, self.alpha)
        if x3 is None:
            return joints, own, None
        flow = x1 + x2 + x3
        return joints, own, flow if x4 is None else flow + x4


def read_joints(heat: Tensor, depth: Tensor | None, alpha: float) -> Joints:
    """Read joints off maps, in float32.

    Args:
        heat: ``[N, J, H, W]`` logits of each joint's place.
        depth: ``[N, J, H, W]`` logits of its depth; None: 2D.
        alpha: factor on the heat maps.
    """
    maps = (alpha * heat.float()).flatten(2).softmax(-1).view(heat.shape)
    x = (maps.sum(2) * grid(maps, -1)).sum(-1)
    y = (maps.sum(3) * grid(maps, -2)).sum(-1)
    places = [x, y] if depth is None else [x, y, expected_value(maps, depth.sigmoid())]
    return Joints(maps, torch.stack(places, -1), window_confidence(maps))


def grid(maps: Tensor, axis: int) -> Tensor:
    """Return where the authors put pixels: the first center at 0, the last at 1; a lone one at 0.5.

    The house elsewhere puts centers at ``(i + 0.5) / n``; weights are trained with one of the two.
    """
    n = maps.shape[axis]
    if n == 1:
        return maps.new_full((1,), 0.5)
    return torch.arange(n, device=maps.device, dtype=maps.dtype) / (n - 1)
