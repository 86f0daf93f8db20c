"""SPNet for inference: the same outputs from fewer passes over memory.

Convolutions are nearly all of the arithmetic, but not of the time: batch norms, ReLUs and sums each
read and write whole feature maps. Here there are fewer, and the outputs are equal up to rounding:

- a batch norm right behind a convolution goes into its weights (the entry flow's first one, and the
  inner one of every normal unit). The others stand before a ReLU, behind a sum that is used
  as it is, and stay;
- all maps of a prediction block (forward, heat, depth, and their replicas) are one convolution of
  one input, in the order in which the way back wants them, so that nothing is copied together;
- ReLUs and sums write where they read.

It cannot be trained: what it forgets is needed to go back.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from onebody.models.fold import fold_norm
from onebody.models.spnet.layers import Conv, Residual
from onebody.models.spnet.network import SPNet
from onebody.models.spnet.pose_block import Joints, MapBranch, PredictionBlock, read_joints


def fuse(net: SPNet) -> SPNet:
    """Return a copy for inference.

    Args:
        net: any; what comes back is in evaluation mode, and its batch norms' statistics are fixed.
    """
    fused = copy.deepcopy(net).eval().requires_grad_(requires_grad=False)
    entry = fused.entry
    if entry.res0.shortcut_conv is not None:  # else the first convolution is read as it is, too
        fold_norm(entry.conv1, entry.res0.bn1)
        entry.add_module("res0", _FusedResidual(entry.res0, normed=True))
    for parent in list(fused.modules()):
        if isinstance(parent, _FusedResidual):
            continue
        for name, child in parent.named_children():
            if isinstance(child, Residual):
                parent.add_module(name, _FusedResidual(child))
            elif isinstance(child, PredictionBlock):
                parent.add_module(name, _FusedPrediction(child))
    return fused


class _FusedResidual(nn.Module):
    """A residual unit; ``normed``: its input went through its first batch norm already."""

    def __init__(self, unit: Residual, *, normed: bool = False) -> None:
        super().__init__()
        self.bn1 = None if normed else unit.bn1
        self.shortcut_conv, self.conv1, self.conv2 = unit.shortcut_conv, unit.conv1, unit.conv2
        if unit.bn2 is not None:
            assert isinstance(self.conv1, Conv)
            fold_norm(self.conv1, unit.bn2)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, C_in, H, W]`` to ``[N, C_out, H', W']``."""
        active = F.relu_(x) if self.bn1 is None else F.relu_(self.bn1(x))
        y = self.conv1(active)
        if self.conv2 is not None:
            y = self.conv2(F.relu_(y))
        result: Tensor = y.add_(x if self.shortcut_conv is None else self.shortcut_conv(active))
        return result


class _FusedPrediction(nn.Module):
    """A prediction block whose maps are one convolution."""

    def __init__(self, block: PredictionBlock) -> None:
        super().__init__()
        self.alpha = block.alpha
        self.r1 = _FusedResidual(block.r1)
        self.bn1, self.conv1, self.bn2 = block.bn1, block.conv1, block.bn2
        branches = [b for b in (block.heatmaps, block.depthmaps) if b is not None]
        self.joints = block.heatmaps.conv1.out_channels
        self.replica = block.heatmaps.conv1_replica is not None
        self.depth = len(branches) > 1
        self.returns = block.heatmaps.conv2 is not None
        self.maps = _joined([conv for branch in branches for conv in _convs(branch)])
        self.back = nn.ModuleList([b.conv2 for b in branches if b.conv2 is not None])

    def forward(self, x: Tensor) -> tuple[Joints, Joints, Tensor | None]:
        """As `PredictionBlock.forward`."""
        x1 = self.r1(x)
        x2 = self.conv1(F.relu_(self.bn1(x1)))
        maps = self.maps(F.relu_(self.bn2(x2)))
        parts = list(maps.split(self.joints, 1))
        forward = [parts.pop(0)] if self.returns else []
        heat = parts[0]
        own_heat = parts[1] if self.replica else None
        rest = parts[1 + self.replica :]
        depth = rest[0] if self.depth else None
        own_depth = rest[1] if self.depth and self.replica else None
        joints = read_joints(heat, depth, self.alpha)
        own = joints if own_heat is None else read_joints(own_heat, own_depth, self.alpha)
        if not forward:
            return joints, own, None
        flow = x1.add_(x2).add_(self.back[0](F.relu(maps[:, : 2 * self.joints])))
        return joints, own, flow if depth is None else flow.add_(self.back[1](depth))


def _convs(branch: MapBranch) -> list[Conv]:
    """Return a branch's convolutions of features to maps."""
    every = (branch.fw_maps, branch.conv1, branch.conv1_replica)
    return [conv for conv in every if conv is not None]


def _joined(convs: list[Conv]) -> Conv:
    """Return one convolution whose output is that of several, one after the other."""
    joined = Conv(convs[0].in_channels, sum(conv.out_channels for conv in convs), 1)
    joined.weight = nn.Parameter(torch.cat([conv.weight for conv in convs]), requires_grad=False)
    return joined
