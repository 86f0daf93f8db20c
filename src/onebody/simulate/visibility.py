"""Which joints a camera can see."""

from __future__ import annotations

import torch
from torch import Tensor

from onebody.simulate.body import BODY, BodyShape
from onebody.simulate.camera import Cameras
from onebody.simulate.raster import Surface

_TRUNK = ("spine", "shoulder_center", "hip_center")
_SLACK, _SLACK_MM = 1.35, 30.0


def find_visible(
    joints_mm: Tensor,
    shape: BodyShape,
    looseness: Tensor,
    cameras: Cameras,
    surface: Surface,
    backdrop: Tensor,
    clip: Tensor,
) -> Tensor:
    """Find the joints that lie in the picture with nothing but their own flesh before them.

    Args:
        joints_mm: ``[N, 20, 3]`` camera frame.
        shape: N bodies.
        looseness: ``[N]`` how wide the clothes are.
        cameras: N cameras.
        surface: M pixels that see a body.
        backdrop: ``[B, H, W]`` depth of the rooms.
        clip: ``[N]`` index of the room.

    Returns:
        ``[N, 20]`` bool.
    """
    height, width = backdrop.shape[1:]
    depth = torch.full((len(clip), height * width), torch.inf, device=joints_mm.device)
    depth.view(-1)[surface.pixel] = surface.depth
    column, row = cameras.project(joints_mm).nan_to_num(-1.0).floor().unbind(dim=-1)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    place = (row * width + column).masked_fill_(~inside, 0).long()
    room = backdrop.flatten(1)[clip[:, None], place]
    front = depth.gather(1, place).minimum(room)
    return inside & (front >= joints_mm[..., 2] - flesh_mm(shape, looseness))


def flesh_mm(shape: BodyShape, looseness: Tensor) -> Tensor:
    """Return how far before each joint its own flesh and clothes may lie ``[N, 20]``."""
    thick = torch.zeros(len(shape), len(BODY), device=looseness.device)
    for bone, (a, b) in enumerate(BODY.bones):
        radius = shape.radii_mm[:, bone]
        # The trunk's bones reach to shoulders and hips, its thickness does not.
        if BODY.joints[a] not in _TRUNK or BODY.joints[b] in _TRUNK:
            thick[:, a] = thick[:, a].maximum(radius)
        thick[:, b] = thick[:, b].maximum(radius)
    thick[:, BODY.index("head")] = shape.head_radius_mm
    return thick * (_SLACK * looseness)[:, None] + _SLACK_MM
