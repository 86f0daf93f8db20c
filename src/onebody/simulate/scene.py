"""What surrounds a simulated person and what the person wears, drawn at random by seed.

Room frame: origin on the floor under the person, x right, y up, z away from the camera (turned by
``Room.heading``), in mm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor

from onebody.simulate.draws import uniform

if TYPE_CHECKING:
    from onebody.simulate.held import Held

SKIN, HAIR, TOP, BOTTOM, SHOE = range(5)
"""Materials: indices into `Outfit.colors`."""

MATERIALS = 5
"""How many of them a body has; cones of a thing that is held come after them."""

FLOOR, BACK, SIDE, CEILING = range(4)
"""Surfaces of a room: indices into `Room.colors`."""

BOXES = 7
"""Boxes per room: one that may hide the person, three pieces of furniture, three wall hangings."""

ValueT = TypeVar("ValueT", "Outfit", "Room", "Sensor", "Scenes")

_SKINS = ((0.98, 0.82, 0.72), (0.90, 0.70, 0.56), (0.72, 0.52, 0.38), (0.42, 0.27, 0.19))
_HAIRS = ((0.07, 0.06, 0.06), (0.24, 0.15, 0.09), (0.45, 0.28, 0.12), (0.80, 0.66, 0.38))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outfit:
    """Clothes, skin and hair.

    Attributes:
        colors: ``[B, 5, 2, 3]`` two colors (RGB, 0 to 1) per material; of people who hold things
            also of each cone of these, ``[B, 5 + SLOTS, 2, 3]``.
        pattern: ``[B, 5, 4]`` (or more, likewise) per material: period in mm and share of the
            second color, along the limb (or up the trunk) and across the trunk. Share 0: no
            stripes.
        sleeves: ``[B, 2]`` share of upper arm and forearm that the sleeve covers.
        legs: ``[B, 2]`` share of thigh and calf that the trousers cover.
        skirt: ``[B]`` bool.
        hair_length: ``[B]`` in head radii below the head's center; 0: short.
        looseness: ``[B]`` factor on the radii of clothed limbs.
    """

    colors: Tensor
    pattern: Tensor
    sleeves: Tensor
    legs: Tensor
    skirt: Tensor
    hair_length: Tensor
    looseness: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Floor, walls, things and light.

    Attributes:
        heading: ``[B]`` radians between the camera's heading and the room's z axis.
        wall_mm: ``[B]`` from the person to the back wall.
        side_mm: ``[B]`` from the person to either side wall.
        ceiling_mm: ``[B]`` height of the ceiling.
        colors: ``[B, 4, 2, 3]`` two colors per surface.
        pattern: ``[B, 4, 4]`` per surface: period in mm and share of the second color, twice.
        grain: ``[B, 4]`` strength of the surface's mottling.
        box_center, box_half: ``[B, BOXES, 3]`` place and half size; half size 0: no such box.
        box_yaw: ``[B, BOXES]`` radians.
        box_color: ``[B, BOXES, 3]``.
        box_stripe: ``[B, BOXES]`` distance of dark lines (shelves, drawers) in mm.
        light: ``[B, 3]`` unit vector toward the light.
        ambient: ``[B]`` share of light that comes from everywhere.
        tint: ``[B, 3]`` color of the light.
    """

    heading: Tensor
    wall_mm: Tensor
    side_mm: Tensor
    ceiling_mm: Tensor
    colors: Tensor
    pattern: Tensor
    grain: Tensor
    box_center: Tensor
    box_half: Tensor
    box_yaw: Tensor
    box_color: Tensor
    box_stripe: Tensor
    light: Tensor
    ambient: Tensor
    tint: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """How a camera spoils a picture.

    Attributes:
        brightness: ``[B]`` factor.
        curve: ``[B]`` bend of the tone curve x (1 + curve (1 - x)); positive: brighter shadows.
        noise: ``[B]`` standard deviation of the noise of a color (0 to 1 scale).
        depth_noise_mm: ``[B]`` standard deviation of a depth at 3 m (grows with its square).
        depth_holes: ``[B]`` probability that a pixel at the body's edge has no depth.
        noise_seed: ``[B]`` integers that choose the noise.
    """

    brightness: Tensor
    curve: Tensor
    noise: Tensor
    depth_noise_mm: Tensor
    depth_holes: Tensor
    noise_seed: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenes:
    """B scenes; ``held``: what the people hold, None: nothing."""

    outfit: Outfit
    room: Room
    sensor: Sensor
    held: Held | None = None

    def __len__(self) -> int:
        return len(self.room.heading)

    def select(self, rows: Tensor) -> Scenes:
        """Return the scenes chosen by a bool mask or by indices (which may repeat)."""
        return Scenes(
            outfit=_pick(self.outfit, rows),
            room=_pick(self.room, rows),
            sensor=_pick(self.sensor, rows),
            held=None if self.held is None else self.held.select(rows),
        )

    def to(self, device: torch.device | str) -> Scenes:
        """Return a copy on a device."""
        return Scenes(
            outfit=_move(self.outfit, device),
            room=_move(self.room, device),
            sensor=_move(self.sensor, device),
            held=None if self.held is None else self.held.to(device),
        )


def make_scenes(
    seeds: Sequence[int],
    *,
    outfit_seeds: Sequence[int] | None = None,
    occluders: float = 0.25,
    clutter: float = 0.6,
    noise: float = 1.0,
    device: torch.device | str = "cpu",
) -> Scenes:
    """Draw scenes.

    Args:
        seeds: ``[B]`` non-negative integers.
        outfit_seeds: ``[B]`` seeds of skin, hair and clothes (a person's identity, say); None:
            those of the scenes.
        occluders: share of the clips in which a box stands in front of the person.
        clutter: probability of each piece of furniture and wall hanging.
        noise: factor on the noise of color and depth; 0: clean pictures.
        device: where the tensors shall be.
    """
    wearers = seeds if outfit_seeds is None else outfit_seeds
    if len(wearers) != len(seeds):
        raise ValueError(
            f"Expected {len(seeds)} outfit seeds (one per scene), found {len(wearers)}."
        )
    scenes = Scenes(
        outfit=_make_outfits(wearers),
        room=_make_rooms(seeds, occluders, clutter),
        sensor=_make_sensors(seeds, noise),
    )
    return scenes.to(device)


def _make_outfits(seeds: Sequence[int]) -> Outfit:
    """Draw skin, hair and clothes."""
    draw = uniform(seeds, "outfit", 40)
    count = len(draw)
    skin = _between(_SKINS, draw[:, 0])
    hair = _between(_HAIRS, draw[:, 1] ** 1.5)
    clothes = hsv_to_rgb(
        draw[:, 2:10].reshape(count, 4, 2),  # top, top's second, bottom, shoe
        scale=torch.tensor([1.0, 1.0, 0.7, 0.5]),
        draw=draw[:, 10:14],
    )
    top, second, bottom, shoe = clothes.unbind(dim=1)
    pairs = [(skin, skin), (hair, hair), (top, second), (bottom, bottom * 0.6), (shoe, shoe)]
    pattern = torch.zeros(count, 5, 4)
    pattern[..., 0], pattern[..., 2] = 100.0, 100.0
    style = draw[:, 20]
    pattern[:, TOP, 0] = 60 + 140 * draw[:, 21]
    pattern[:, TOP, 2] = 60 + 140 * draw[:, 22]
    pattern[:, TOP, 1] = torch.where(style < 0.45, 0.25 + 0.35 * draw[:, 23], 0.0)
    pattern[:, TOP, 3] = torch.where((style > 0.3) & (style < 0.6), 0.25 + 0.3 * draw[:, 24], 0.0)
    return Outfit(
        colors=torch.stack([torch.stack(pair, dim=1) for pair in pairs], dim=1),
        pattern=pattern,
        sleeves=_cover(draw[:, 25], draw[:, 26], bare=0.12, short=0.55),
        legs=_cover(draw[:, 27], draw[:, 28], bare=0.05, short=0.3),
        skirt=draw[:, 29] < 0.12,
        hair_length=torch.where(draw[:, 30] < 0.35, 0.8 + 1.6 * draw[:, 31], 0.0),
        looseness=1 + 0.22 * draw[:, 32],
    )


def _cover(kind: Tensor, share: Tensor, *, bare: float, short: float) -> Tensor:
    """Draw how much of the upper and lower part of a limb is covered ``[B, 2]``."""
    upper = torch.where(kind < bare, 0.15 + 0.2 * share, 0.55 + 0.4 * share)
    upper = torch.where(kind < short, upper, 1.0)
    return torch.stack([upper, torch.where(kind < short, 0.0, 0.75 + 0.25 * share)], dim=1)


def _make_rooms(seeds: Sequence[int], occluders: float, clutter: float) -> Room:
    """Draw rooms with their things and light."""
    draw = uniform(seeds, "room", 60)
    count = len(draw)
    wall = 900 + 3600 * draw[:, 0]
    side = 2700 + 2300 * draw[:, 1]
    colors = hsv_to_rgb(
        draw[:, 2:18].reshape(count, 8, 2),
        scale=torch.tensor([0.4, 0.4, 0.32, 0.32, 0.32, 0.32, 0.12, 0.12]),
        draw=0.25 + 0.75 * draw[:, 18:26],
    ).reshape(count, 4, 2, 3)
    # The second color stays near the first one: floors and papers are rarely garish.
    mix = 0.25 + 0.6 * draw[:, 26:30, None]
    colors = torch.stack(
        [colors[:, :, 0], torch.lerp(colors[:, :, 1], colors[:, :, 0], mix)], dim=2
    )
    period = 180 + 900 * draw[:, 30:38].reshape(count, 4, 2) ** 2
    share = torch.where(draw[:, 38:46] < 0.4, 0.1 + draw[:, 38:46], 0.0).reshape(count, 4, 2)
    light = torch.stack([2 * draw[:, 46] - 1, 0.6 + draw[:, 47], -0.2 - draw[:, 48]], dim=1)
    center, half, yaw = _make_boxes(seeds, wall, side, occluders, clutter)
    look = uniform(seeds, "boxes, look", 5 * BOXES).reshape(count, BOXES, 5)
    return Room(
        heading=(draw[:, 49] - 0.5) * 0.9,
        wall_mm=wall,
        side_mm=side,
        ceiling_mm=2500 + 900 * draw[:, 50],
        colors=colors,
        pattern=torch.stack([period[..., 0], share[..., 0], period[..., 1], share[..., 1]], dim=-1),
        grain=0.05 + 0.35 * draw[:, 51:55] ** 2,
        box_center=center,
        box_half=half,
        box_yaw=yaw,
        box_color=hsv_to_rgb(look[..., :2], scale=torch.full((BOXES,), 0.8), draw=look[..., 2]),
        box_stripe=150 + 600 * look[..., 3],
        light=light / light.norm(dim=1, keepdim=True),
        ambient=0.4 + 0.35 * draw[:, 55],
        tint=1 + (draw[:, 56:59] - 0.5) * 0.2,
    )


def _make_boxes(
    seeds: Sequence[int], wall: Tensor, side: Tensor, occluders: float, clutter: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw centers and half sizes ``[B, BOXES, 3]`` and turns ``[B, BOXES]`` of boxes."""
    draw = uniform(seeds, "boxes", 8 * BOXES).reshape(len(wall), BOXES, 8)
    half = torch.stack(
        [150 + 550 * draw[..., 0], 200 + 700 * draw[..., 1], 120 + 300 * draw[..., 2]], dim=-1
    )
    center = torch.stack(
        [
            (2 * draw[..., 3] - 1) * side[:, None] * 0.8,
            half[..., 1],
            700 + (wall[:, None] - 700).clamp(min=0) * draw[..., 4],
        ],
        dim=-1,
    )
    # Box 0 stands before the person: low and off to a side, or a thin pole.
    pole = draw[:, 0, 5] < 0.3
    half[:, 0, 0] = torch.where(pole, 30 + 60 * draw[:, 0, 0], 120 + 250 * draw[:, 0, 0])
    half[:, 0, 1] = torch.where(pole, 1300.0, 150 + 230 * draw[:, 0, 1])
    center[:, 0, 0] = (2 * draw[:, 0, 3] - 1) * 600
    center[:, 0, 1] = half[:, 0, 1]
    center[:, 0, 2] = -700 - 500 * draw[:, 0, 4]
    # Boxes 4 and up hang on the back wall: pictures, windows, doors.
    half[:, 4:, 2] = 25.0
    center[:, 4:, 2] = wall[:, None]
    center[:, 4:, 1] = (600 + 1300 * draw[:, 4:, 6]).maximum(half[:, 4:, 1])
    there = draw[..., 7] < torch.tensor([occluders] + [clutter] * (BOXES - 1))
    yaw = (draw[..., 6] - 0.5) * 1.2
    yaw[:, 4:] = 0
    return center, half * there[..., None], yaw


def _make_sensors(seeds: Sequence[int], noise: float) -> Sensor:
    """Draw cameras' faults."""
    draw = uniform(seeds, "sensor", 6)
    return Sensor(
        brightness=0.75 + 0.45 * draw[:, 0],
        curve=(draw[:, 1] - 0.4) * 0.8,
        noise=noise * 0.03 * draw[:, 2] ** 2,
        depth_noise_mm=noise * 8 * draw[:, 3],
        depth_holes=(noise * 0.5 * draw[:, 4]).clamp(max=0.9),
        noise_seed=(draw[:, 5] * 2**24).long(),
    )


def hsv_to_rgb(hue_value: Tensor, *, scale: Tensor, draw: Tensor) -> Tensor:
    """Make colors.

    Args:
        hue_value: ``[B, K, 2]`` hue and value, 0 to 1.
        scale: ``[K]`` largest saturation.
        draw: ``[B, K]`` 0 to 1, saturation as a share of that.

    Returns:
        ``[B, K, 3]`` RGB, 0 to 1, never quite black.
    """
    value = 0.12 + 0.85 * hue_value[..., 1:]
    wheel = (hue_value[..., :1] + torch.tensor([0.0, 2 / 3, 1 / 3])) % 1
    pure = ((wheel - 0.5).abs() * 6 - 1).clamp(0, 1)
    saturation = (scale * draw)[..., None]
    return value * (1 - saturation * (1 - pure))


def _between(colors: Sequence[Sequence[float]], place: Tensor) -> Tensor:
    """Interpolate ``[B, 3]`` along a row of colors, at places from 0 to 1."""
    table = torch.tensor(colors)
    spot = place * (len(colors) - 1)
    below = spot.long().clamp(max=len(colors) - 2)
    return torch.lerp(table[below], table[below + 1], (spot - below)[:, None])


def _pick(value: ValueT, rows: Tensor) -> ValueT:
    """Select rows of every tensor of a value."""
    return type(value)(**{f.name: getattr(value, f.name)[rows] for f in fields(value)})


def _move(value: ValueT, device: torch.device | str) -> ValueT:
    """Move every tensor of a value."""
    return type(value)(**{f.name: getattr(value, f.name).to(device) for f in fields(value)})
