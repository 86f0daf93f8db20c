"""Light and color of bodies: only the pixels that see one are computed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from onebody.simulate.figure import HEAD, PART_NAMES, Figure, part_table
from onebody.simulate.raster import Surface
from onebody.simulate.scene import HAIR, SKIN, Outfit
from onebody.simulate.texture import fraction, mottle

_LIMBS_FROM = PART_NAMES.index("l_upper_arm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facing:
    """How the surface lies at each of M pixels.

    Attributes:
        normal: three of ``[M]``: x, y and z of the outward unit normal, camera frame.
        place: ``[M]`` where along its part the pixel lies, 0 to 1.
        along_mm: ``[M]`` the same in mm.
        toward: ``[M]`` cosine between the normal and the way to the camera.
        inside: ``[M]`` pixels between the pixel's center and the part's outline.
    """

    normal: tuple[Tensor, Tensor, Tensor]
    place: Tensor
    along_mm: Tensor
    toward: Tensor
    inside: Tensor


def find_facing(surface: Surface, figure: Figure, focal: Tensor) -> Facing:
    """Compute how the surface lies.

    Args:
        surface: M pixels.
        figure: the N bodies that they see.
        focal: ``[N]`` in pixels.
    """
    frame, depth = surface.frame, surface.depth
    axis = figure.end - figure.start
    length2 = (axis * axis).sum(dim=-1, keepdim=True)
    taper = (figure.start_mm - figure.end_mm)[..., None]
    cone = (length2 - taper * taper).clamp(min=1e-3)
    shift = taper * figure.start_mm[..., None]
    table = torch.cat([figure.start, axis, shift, cone, length2.sqrt()], dim=-1).flatten(0, 1)
    row = frame * figure.start_mm.shape[1] + surface.part
    sx, sy, sz, ax, ay, az, shift, cone, length = _gather(table, row)
    ox, oy, oz = surface.x * depth - sx, surface.y * depth - sy, depth - sz
    place = ((ox * ax + oy * ay + oz * az - shift) / cone).clamp_(0, 1)
    ox, oy, oz = ox - ax * place, oy - ay * place, oz - az * place
    radius = (ox * ox + oy * oy + oz * oz).sqrt().clamp_(min=1e-3)
    nx, ny, nz = ox / radius, oy / radius, oz / radius
    slant = (surface.x * surface.x + surface.y * surface.y + 1).sqrt()
    toward = (-(nx * surface.x + ny * surface.y + nz) / slant).clamp_(0, 1)
    missed = (1 - toward * toward).clamp_(min=0).sqrt()  # distance of ray and axis over the radius
    return Facing(
        normal=(nx, ny, nz),
        place=place,
        along_mm=place * length,
        toward=toward,
        inside=(1 - missed) * radius * focal.index_select(0, frame) / depth,
    )


def shade(
    surface: Surface,
    facing: Facing,
    figure: Figure,
    outfit: Outfit,
    light: Tensor,
    ambient: Tensor,
) -> Tensor:
    """Color the pixels that see a body.

    Args:
        surface: M pixels.
        facing: how the surface lies there.
        figure: N bodies.
        outfit: N outfits.
        light: ``[N, 3]`` unit vector toward the light, camera frame.
        ambient: ``[N]`` share of light from everywhere.

    Returns:
        Color ``[3, M]``, 0 to about 1.
    """
    frame = surface.frame
    nx, ny, nz = facing.normal
    lx, ly, lz, glow = _gather(torch.cat([light, ambient[:, None]], dim=1), frame)
    direct = (nx * lx + ny * ly + nz * lz).clamp_(min=0)
    bright = (glow + 1.15 * (1 - glow) * direct) * (0.7 + 0.3 * facing.toward)
    color, cloth = _colors(surface, facing, figure, outfit)
    _paint_heads(color, surface, facing, figure, outfit)
    return color * (bright * (1 + 0.16 * cloth))


def _colors(
    surface: Surface, facing: Facing, figure: Figure, outfit: Outfit
) -> tuple[Tensor, Tensor]:
    """Return the color of cloth or skin ``[3, M]`` and the mottling of cloth ``[M]``."""
    frame, part = surface.frame, surface.part
    cover, materials = part_table(outfit)
    covered = facing.place < cover.flatten().index_select(0, frame * cover.shape[1] + part)
    material = torch.where(covered, materials.index_select(0, part), SKIN)
    along, across = _cloth_places(surface, figure)
    along = torch.where(part >= _LIMBS_FROM, facing.along_mm, along)
    row = frame * outfit.colors.shape[1] + material
    period, share, period2, share2 = _gather(outfit.pattern.flatten(0, 1), row)
    checks = (fraction(along / period) < share) ^ (fraction(across / period2) < share2)
    color = _gather(outfit.colors.flatten(0, 2), row * 2 + checks)
    return color, mottle(along, across) * (material != SKIN)


def _cloth_places(surface: Surface, figure: Figure) -> tuple[Tensor, Tensor]:
    """Return where on the trunk's cloth the pixels lie: mm up and mm to the left."""
    table = torch.cat([figure.axes[:, :2].flatten(1), figure.center], dim=1)
    lx, ly, lz, ux, uy, uz, cx, cy, cz = _gather(table, surface.frame)
    px = surface.x * surface.depth - cx
    py = surface.y * surface.depth - cy
    pz = surface.depth - cz
    return ux * px + uy * py + uz * pz, lx * px + ly * py + lz * pz


def _paint_heads(
    color: Tensor,
    surface: Surface,
    facing: Facing,
    figure: Figure,
    outfit: Outfit,
) -> None:
    """Give heads hair and eyes, by the direction in which the skin faces."""
    rows = (surface.part == HEAD).nonzero().squeeze(1)
    frame = surface.frame[rows]
    normal = torch.stack([value[rows] for value in facing.normal])
    left, up, ahead = (_gather(figure.axes.flatten(1), frame).view(3, 3, -1) * normal).sum(dim=1)
    hair = (0.75 * up - 0.62 * ahead > 0.08) | ((ahead < -0.1) & (up > -0.75))
    eyes = (ahead > 0.3) & ((up - 0.08).abs() < 0.09) & (((left.abs()) - 0.36).abs() < 0.15)
    eyes &= facing.place[rows] < 0.15  # on the skull, not on the chin
    color[:, rows[hair]] = outfit.colors[frame[hair], HAIR, 0].T
    color[:, rows[eyes & ~hair]] *= 0.3


def _gather(table: Tensor, rows: Tensor) -> Tensor:
    """Return columns ``[C, M]`` of some rows of a table ``[K, C]``."""
    return table.T.contiguous().index_select(1, rows)
