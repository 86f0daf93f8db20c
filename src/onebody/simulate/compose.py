"""From surfaces to pixels: tone, shadows, outlines, noise."""

from __future__ import annotations

import torch
from torch import Tensor

from onebody.simulate.body import BODY
from onebody.simulate.raster import Surface
from onebody.simulate.room import Backdrop
from onebody.simulate.scene import Room, Sensor
from onebody.simulate.texture import add_noise, noise_at

DEPTH_MIDDLE, DEPTH_STEPS, DEPTH_SPAN_MM = 136.0, 119.0, 900.0
"""Grey of the reference distance, greys per span, span: what the depth pictures encode."""

_SHADOW_MM = 150.0


def find_edges(surface: Surface, inside: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Find how much of each pixel a body covers.

    Args:
        surface: M pixels.
        inside: ``[M]`` pixels between the pixel's center and the outline of the part that it sees,
            the part being drawn half a pixel too large.
        shape: N, H, W.

    Returns:
        ``[M]`` 0 to 1; less than 1 only where a body meets what is behind it.
    """
    mask = torch.zeros(shape, dtype=torch.bool, device=inside.device)
    mask.view(-1)[surface.pixel] = True
    inner = mask.clone()
    inner[:, 1:] &= mask[:, :-1]
    inner[:, :-1] &= mask[:, 1:]
    inner[:, :, 1:] &= mask[:, :, :-1]
    inner[:, :, :-1] &= mask[:, :, 1:]
    return inside.clamp(0, 1).masked_fill_(inner.view(-1)[surface.pixel], 1.0)


def expose(color: Tensor, gain: Tensor, curve: Tensor) -> Tensor:
    """Turn light into picture values.

    Args:
        color: any shape, 0 to about 1.
        gain: factor; broadcasts against ``color``.
        curve: bend of the tone curve, see `Sensor.curve`; broadcasts against ``color``.

    Returns:
        0 to 255.
    """
    value = (color * gain).clamp_(0, 1)
    return value.mul_(curve * (1 - value) + 1).mul_(255)


def find_shadows(joints_mm: Tensor, backdrop: Backdrop, room: Room, clip: Tensor) -> Tensor:
    """Find how bright the bodies leave the floor, at every second row and column.

    Args:
        joints_mm: ``[N, 20, 3]`` camera frame.
        backdrop: B rooms.
        room: N rooms (one per frame).
        clip: ``[N]`` index of the room.

    Returns:
        ``[N, ceil(H / 2), ceil(W / 2)]`` 0 to 1.
    """
    names = ("l_ankle", "r_ankle", "hip_center", "shoulder_center")
    points = joints_mm[:, [BODY.index(name) for name in names], None]
    places = (points * backdrop.axes[clip][:, None]).sum(dim=-1) + backdrop.origin[clip][:, None]
    # Where the light throws the trunk's shadow.
    light = room.light[:, None]
    thrown = places - light * (places[..., 1:2] / light[..., 1:2])
    left, right = places[:, 0, ::2], places[:, 1, ::2]
    low, high = thrown[:, 2, ::2], thrown[:, 3, ::2]
    floor = backdrop.floor.index_select(0, clip)
    contact = _near_segment(floor, left, right)
    direct = (1 - room.ambient)[:, None, None]
    cast = _near_segment(floor, (left + right) / 2, low).maximum(_near_segment(floor, low, high))
    return (1 - 0.4 * contact) * (1 - 0.75 * direct * cast)


def _near_segment(floor: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Return 1 on a segment of the floor ``[N, 2]`` to ``[N, 2]``, falling to 0 away from it."""
    dx, dz = (end - start)[:, :, None, None].unbind(dim=1)
    px = floor[:, 0] - start[:, :1, None]
    pz = floor[:, 1] - start[:, 1:, None]
    length = (dx * dx + dz * dz).clamp(min=1.0)
    share = (px * (dx / length)).add_(pz * (dz / length)).clamp_(0, 1)
    away = (px - share * dx).square_().add_((pz - share * dz).square_())
    fall = away.mul_(1 / _SHADOW_MM**2).add_(1).reciprocal_()
    return fall.mul_(fall)


def paint_color(
    picture: Tensor,
    clip: Tensor,
    shadows: Tensor,
    surface: Surface,
    color: Tensor,
    cover: Tensor,
    noise: Tensor,
    seeds: Tensor,
) -> Tensor:
    """Put bodies into their rooms and add noise.

    Args:
        picture: ``[B, 3, H, W]`` rooms, 0 to 255.
        clip: ``[N]`` index of the room of each frame.
        shadows: ``[N, h, w]`` brightness of the floor at every second row and column.
        surface: M pixels that see a body.
        color: ``[3, M]`` their color, 0 to 255.
        cover: ``[M]`` share of the pixel that the body covers.
        noise: ``[N]`` standard deviation, 0 to 1 scale.
        seeds: ``[N]`` which noise.

    Returns:
        ``[N, 3, H, W]`` uint8.
    """
    height, width = picture.shape[2:]
    count, rows, columns = shadows.shape
    full = shadows[:, :, None, :, None].expand(count, rows, 2, columns, 2)
    full = full.reshape(count, 1, 2 * rows, 2 * columns)[..., :height, :width]
    frames = picture.index_select(0, clip).mul_(full)
    flat = frames.view(-1)
    for channel in range(3):
        place = surface.pixel + (2 * surface.frame + channel) * (height * width)
        behind = flat.index_select(0, place)
        flat.index_copy_(0, place, torch.lerp(behind, color[channel], cover))
    add_noise(frames, seeds, 255 * noise)
    return frames.add_(0.5).clamp_(0, 255).to(torch.uint8)


def paint_depth(
    surface: Surface,
    cover: Tensor,
    reference_mm: Tensor,
    sensor: Sensor,
    seeds: Tensor,
    size: tuple[int, int],
) -> Tensor:
    """Encode depth as grey, as a depth camera would see it.

    Args:
        surface: M pixels that bodies of true size cover.
        cover: ``[M]`` share of the pixel that the body covers; less than 1 at its outline.
        reference_mm: ``[N]`` distance of the middle grey.
        sensor: N cameras' faults.
        seeds: ``[N]`` which noise.
        size: (rows, columns).

    Returns:
        ``[N, 1, H, W]`` uint8: 17 (far) to 255 (near); 0 where there is no body or no depth.
    """
    frame, count = surface.frame, len(reference_mm)
    place = surface.pixel - frame * (size[0] * size[1])
    spread = sensor.depth_noise_mm[frame] * (surface.depth / 3000).square_()
    depth = surface.depth + spread * noise_at(seeds[frame], place)
    grey = DEPTH_MIDDLE + (reference_mm[frame] - depth) * (DEPTH_STEPS / DEPTH_SPAN_MM)
    # The share of normal numbers whose fraction part lies below p is p, nearly.
    luck = noise_at(seeds[frame] + 5, place) * 8
    hole = (cover < 1) & (luck - luck.floor() < sensor.depth_holes[frame])
    grey = grey.add_(0.5).clamp_(17, 255).masked_fill_(hole, 0)
    picture = torch.zeros(count, 1, *size, dtype=torch.uint8, device=grey.device)
    picture.view(-1)[surface.pixel] = grey.to(torch.uint8)
    return picture


def paint_silhouette(surface: Surface, count: int, size: tuple[int, int]) -> Tensor:
    """Return ``[N, 1, H, W]`` uint8: 255 where a body is seen, else 0."""
    picture = torch.zeros(count, 1, *size, dtype=torch.uint8, device=surface.pixel.device)
    picture.view(-1)[surface.pixel] = 255
    return picture
