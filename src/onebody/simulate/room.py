"""Pictures of empty rooms: floor, walls and boxes, one ray per pixel. Drawn once per clip."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from onebody.simulate.camera import Cameras
from onebody.simulate.scene import BACK, CEILING, FLOOR, SIDE, Room
from onebody.simulate.texture import fraction, mottle

FAR_MM = 1e5
"""Where a pixel that does not see the floor is said to see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backdrop:
    """What the cameras see without the people.

    Attributes:
        depth: ``[B, H, W]`` z in mm of the nearest surface.
        picture: ``[B, 3, H, W]`` color, 0 to about 1, before the sensor.
        floor: ``[B, 2, h, w]`` room x and z where a pixel sees the floor, else `FAR_MM`; of every
            second row and column.
        axes: ``[B, 3, 3]`` the room's x, y and z axes in the camera frame.
        origin: ``[B, 3]`` place of the camera in the room.
    """

    depth: Tensor
    picture: Tensor
    floor: Tensor
    axes: Tensor
    origin: Tensor


def draw_rooms(
    room: Room, cameras: Cameras, anchor_mm: Tensor, size: tuple[int, int], *, colored: bool
) -> Backdrop:
    """Draw the rooms of B clips.

    Args:
        room: B rooms.
        cameras: B cameras.
        anchor_mm: ``[B, 3]`` camera-frame point under or above the room's origin.
        size: (rows, columns).
        colored: False: only depth is wanted (picture and floor are empty).
    """
    axes, origin = room_frame(room, cameras, anchor_mm)
    height, width = size
    device = origin.device
    x = (torch.arange(width, device=device) + 0.5 - cameras.cx[:, None]) / cameras.fx[:, None]
    y = (torch.arange(height, device=device) + 0.5 - cameras.cy[:, None]) / cameras.fy[:, None]
    ray = [
        axes[:, k, 0, None, None] * x[:, None, :]
        + (axes[:, k, 1, None] * y + axes[:, k, 2, None])[..., None]
        for k in range(3)
    ]  # three of [B, H, W]
    depth, surface = _walls(room, origin, ray)
    if not colored:
        depth = _boxes(room, origin, ray, depth, None)
        nothing = depth.new_zeros(0)
        return Backdrop(depth=depth, picture=nothing, floor=nothing, axes=axes, origin=origin)
    hit = [origin[:, k, None, None] + depth * ray[k] for k in range(3)]
    picture = _paint(room, surface, hit)
    nearest = _boxes(room, origin, ray, depth, picture)
    on_floor = (surface == FLOOR) & (nearest == depth)
    floor = torch.where(on_floor[:, None], torch.stack([hit[0], hit[2]], dim=1), FAR_MM)
    floor = floor[:, :, ::2, ::2].contiguous()
    return Backdrop(depth=nearest, picture=picture, floor=floor, axes=axes, origin=origin)


def room_frame(room: Room, cameras: Cameras, anchor_mm: Tensor) -> tuple[Tensor, Tensor]:
    """Return the room's axes in the camera's frame ``[B, 3, 3]`` and its place there ``[B, 3]``."""
    up = cameras.rotation[:, :, 1]
    ahead = torch.zeros_like(up)
    ahead[:, 2] = 1
    ahead = ahead - up * up[:, 2:]
    ahead = ahead / (ahead * ahead).sum(dim=1, keepdim=True).sqrt()
    right = torch.linalg.cross(ahead, up)
    turn = room.heading.double()[:, None]
    cosine, sine = turn.cos().float(), turn.sin().float()
    axes = torch.stack([cosine * right + sine * ahead, up, cosine * ahead - sine * right], dim=1)
    origin = -(axes * anchor_mm[:, None]).sum(dim=2)
    origin[:, 1] = cameras.position[:, 1]
    return axes, origin


def _walls(room: Room, origin: Tensor, ray: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Return depth and index of the surface that each ray meets first ``[B, H, W]``."""
    zero = torch.zeros_like(room.wall_mm)
    planes = (
        (FLOOR, 1, zero),
        (CEILING, 1, room.ceiling_mm),
        (BACK, 2, room.wall_mm),
        (SIDE, 0, room.side_mm),
        (SIDE, 0, -room.side_mm),
    )
    depth = torch.full_like(ray[0], 30000.0)
    surface = torch.full_like(ray[0], BACK, dtype=torch.long)
    for index, axis, place in planes:
        there = (place - origin[:, axis])[:, None, None] / ray[axis]
        nearer = (there > 0) & (there < depth)
        depth = torch.where(nearer, there, depth)
        surface = surface.masked_fill_(nearer, index)
    return depth, surface


def _paint(room: Room, surface: Tensor, hit: list[Tensor]) -> Tensor:
    """Color floor, walls and ceiling ``[B, 3, H, W]``: two colors in stripes or checks, mottled."""
    first = torch.where(surface == SIDE, hit[2], hit[0])
    second = torch.where((surface == FLOOR) | (surface == CEILING), hit[2], hit[1])
    clip = (
        torch.arange(len(surface), device=surface.device)[:, None, None] * 4 + surface
    ).flatten()
    table = torch.cat([room.pattern.flatten(0, 1), room.grain.flatten()[:, None]], dim=1).T
    period, share, period2, share2, grain = table.index_select(1, clip).view(5, *surface.shape)
    checks = (fraction(first / period) < share) ^ (fraction(second / period2) < share2)
    colors = room.colors * room_light(room)[..., None, None]
    color = colors.flatten(0, 2).T.contiguous().index_select(1, clip * 2 + checks.flatten())
    color = color.view(3, *surface.shape) * (1 + grain * mottle(first, second))
    return color.transpose(0, 1).contiguous()


def room_light(room: Room) -> Tensor:
    """Return how bright each surface is ``[B, 4]``."""
    x, y, z = room.light.unbind(dim=1)
    facing = torch.stack([y, -z, 0.5 * x.abs(), 0.6 * y], dim=1)  # floor, back, side, ceiling
    return room.ambient[:, None] + (1 - room.ambient[:, None]) * facing.clamp(min=0)


def _boxes(
    room: Room, origin: Tensor, ray: list[Tensor], depth: Tensor, picture: Tensor | None
) -> Tensor:
    """Put boxes before the walls: returns the depth and writes into the picture."""
    yaw = room.box_yaw.double()
    cosines, sines = yaw.cos().float(), yaw.sin().float()
    # Boxes that no clip of the batch has cost nothing.
    for k in (room.box_half[..., 0] > 0).any(dim=0).nonzero().flatten().tolist():
        cosine, sine = cosines[:, k, None, None], sines[:, k, None, None]
        offset = (room.box_center[:, k] - origin)[..., None, None]
        local = (
            (cosine * offset[:, 0] + sine * offset[:, 2], cosine * ray[0] + sine * ray[2]),
            (offset[:, 1], ray[1]),
            (cosine * offset[:, 2] - sine * offset[:, 0], cosine * ray[2] - sine * ray[0]),
        )
        half = room.box_half[:, k, :, None, None]
        slabs = [(o / d, (half[:, i] / d).abs_()) for i, (o, d) in enumerate(local)]
        near_x, near_y, near_z = (middle - reach for middle, reach in slabs)
        far_x, far_y, far_z = (middle.add_(reach) for middle, reach in slabs)
        near = torch.maximum(torch.maximum(near_x, near_y), near_z)
        far = torch.minimum(torch.minimum(far_x, far_y), far_z)
        hit = (near < far) & (near > 0) & (near < depth) & (half[:, 0] > 0)
        if picture is not None:
            _paint_box(room, k, picture, hit, near, near_x, near_y, origin, ray[1])
        depth = torch.where(hit, near, depth)
    return depth


def _paint_box(
    room: Room,
    k: int,
    picture: Tensor,
    hit: Tensor,
    near: Tensor,
    near_x: Tensor,
    near_y: Tensor,
    origin: Tensor,
    ray_y: Tensor,
) -> None:
    """Color the pixels that see a box, each face by its light, with dark lines across."""
    rows = hit.flatten().nonzero().squeeze(1)
    clip = rows // hit[0].numel()
    depth = near.flatten()[rows]
    height = origin[clip, 1] + depth * ray_y.flatten()[rows]
    line = fraction(height / room.box_stripe[clip, k]) < 0.07
    light = room_light(room)[clip]
    shade = torch.where(near_x.flatten()[rows] == depth, light[:, SIDE], light[:, BACK])
    top = near_y.flatten()[rows] == depth
    shade = torch.where(top, light[:, FLOOR], torch.where(line, 0.6 * shade, shade))
    color = (room.box_color[clip, k] * shade[:, None]).T
    pixels = hit[0].numel()
    for channel in range(3):
        picture.view(-1)[rows + (2 * clip + channel) * pixels] = color[channel]
