"""Joint trajectory maps: the paths of a clip's joints, drawn as pictures of three planes.

Each map is black, and every joint draws on it the way that it went, frame by frame:

=============  ==============================================================================
hue            time: blue to red for the left side's joints, red to blue for the right side's;
               the body's middle is gray and brightens with time
saturation,    speed of the joint, as a part of the fastest of the clip, from ``FAINT`` to 1
brightness
=============  ==============================================================================

Planes are front (x, y), top (x, z) and side (z, y); joints in 2D have the front alone. Where paths
cross, the later one outweighs the earlier. A missing joint draws nothing, nor is a way drawn to or
from it.

Source: Wang, Li, Hou, Li, "Action Recognition Based on Joint Trajectory Maps Using Convolutional
Neural Networks", ACM MM 2016 (arXiv 1611.02447): planes, hue as direction in time, color maps for
the parts of the body, saturation and brightness as speed. Ours: points set along the ways by
bilinear weights in the place of drawn lines, a fixed size (so that tall movements look tall), and
mixed colors at crossings.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from onebody.models.inputs import InputShape
from onebody.skeletons import get_skeleton

COLORS = 3
FAINT = 0.3
"""Saturation and brightness of a joint that stands still."""

LATER = 3.0
"""The end of a clip outweighs its beginning by e to this."""

POINTS = 4
"""Points on the way from one frame to the next."""

_LEFT, _RIGHT, _MIDDLE = range(3)


class TrajectoryMaps(nn.Module):
    """Draws; nothing is learned here.

    Attributes:
        planes: how many.
    """

    sides: Tensor

    def __init__(self, shape: InputShape, size: int, reach: float) -> None:
        """Prepare to draw.

        Args:
            shape: of the skeletons.
            size: side of a map in pixels.
            reach: how far from the origin a map shows, in the skeletons' unit.
        """
        super().__init__()
        skeleton = get_skeleton(shape.skeleton)
        sides = torch.full((len(skeleton),), _MIDDLE)
        for left, right in skeleton.pairs:
            sides[left], sides[right] = _LEFT, _RIGHT
        self.register_buffer("sides", sides, persistent=False)
        self.size, self.reach = size, reach
        axes = [(0, 1), (0, 2), (2, 1)] if shape.channels == 3 else [(0, 1)]
        self.axes, self.planes = axes, len(axes)

    def forward(self, x: Tensor, known: Tensor, time: Tensor) -> Tensor:
        """Draw clips.

        Args:
            x: joints ``[N, T, J, D]``, zero where unknown.
            known: ``[N, T, J]`` bool.
            time: ``[T]`` of each frame, from 0 to 1.

        Returns:
            ``[N, P, 3, size, size]`` in [0, 1]: per plane a picture in color.
        """
        x = x.float()
        start = torch.cat((x[:, :1], x[:, :-1]), 1)
        both = known & torch.cat((known[:, :1], known[:, :-1]), 1)
        start = torch.where(both.unsqueeze(-1), start, x)  # a path begins where it is first seen
        share = torch.arange(1, POINTS + 1, device=x.device) / POINTS
        ways = start.unsqueeze(3) + (x - start).unsqueeze(3) * share.view(-1, 1)  # [N, T, J, P, D]
        speed = (x - start).norm(dim=-1)
        fastest = speed.amax((1, 2), keepdim=True).clamp(min=1e-6)
        colors = self._colors(time, speed / fastest)  # [N, T, J, 3]
        strength = known.to(x.dtype) * torch.exp(LATER * (time - 1)).view(-1, 1)
        # What is spread over the pixels: weighted colors, their weight, and how much is covered.
        ink = torch.cat(
            (colors * strength.unsqueeze(-1), strength.unsqueeze(-1), known.unsqueeze(-1)), -1
        )
        ink = ink.unsqueeze(3).expand(*ink.shape[:3], POINTS, -1).flatten(1, 3)
        places = ((ways / self.reach + 1) / 2 * self.size - 0.5).flatten(1, 3)  # [N, T*J*P, D]
        return torch.stack([self._draw(places[..., axes], ink) for axes in self.axes], 1)

    def _colors(self, time: Tensor, speed: Tensor) -> Tensor:
        """Return ``[N, T, J, 3]`` colors of times ``[T]`` and speeds ``[N, T, J]``."""
        strong = FAINT + (1 - FAINT) * speed
        early = (1 - time).view(-1, 1)
        hue = (2 / 3) * torch.where(self.sides == _RIGHT, 1 - early, early)  # 0: red, 2/3: blue
        gray = self.sides == _MIDDLE
        saturation = strong * ~gray
        bright = strong * torch.where(gray, 1 - (1 - FAINT) * early, torch.ones_like(early))
        wheel = 6 * hue.unsqueeze(-1) + hue.new_tensor([0.0, 4.0, 2.0])  # [T, J, 3]
        pure = ((wheel.remainder(6) - 3).abs() - 1).clamp(0, 1)
        return bright.unsqueeze(-1) * (1 - saturation.unsqueeze(-1) * (1 - pure))

    def _draw(self, places: Tensor, ink: Tensor) -> Tensor:
        """Spread ink ``[N, K, 5]`` over the four pixels around places ``[N, K, 2]`` (x, y)."""
        # A margin takes up what lies outside, and is cut off.
        side = self.size + 3
        places = (places + 1).clamp(0, self.size + 1)
        corner = places.floor()
        rest = places - corner
        whole = corner.long()
        found = ink.new_zeros(len(ink), side * side, ink.shape[-1])
        for right in (0, 1):
            for down in (0, 1):
                weight = (rest[..., 0] if right else 1 - rest[..., 0]) * (
                    rest[..., 1] if down else 1 - rest[..., 1]
                )
                index = (whole[..., 1] + down) * side + whole[..., 0] + right
                index = index.unsqueeze(-1).expand(*index.shape, ink.shape[-1])
                found = found.scatter_add(1, index, weight.unsqueeze(-1) * ink)
        mixed = found[..., :COLORS] / found[..., COLORS : COLORS + 1].clamp(min=1e-8)
        drawn = mixed * found[..., -1:].clamp(max=1)
        picture = drawn.view(len(ink), side, side, COLORS).permute(0, 3, 1, 2)
        return picture[:, :, 1:-2, 1:-2]
