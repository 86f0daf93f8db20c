"""Things that simulated people hold in a hand, as round cones like their bodies.

Every thing is larger than a real one, so that it can be told apart in small pictures. A thing of
the forearm's frame turns with it; others hang or stand upright whatever the arm does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from onebody.config import lookup
from onebody.simulate.body import BODY
from onebody.simulate.draws import uniform
from onebody.simulate.scene import hsv_to_rgb

SLOTS = 9
"""Round cones of a thing: as many as the depth buffer can name besides those of a body."""

Point = tuple[float, float, float]
Cone = tuple[Point, Point, float, float, int]
"""Centers of both balls (x, y, z), their radii in mm, and the color (0, 1, or 2: white)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A kind of thing.

    Attributes:
        upright: whether y is up; else y goes along the forearm, beyond the hand, z is ahead of a
            hanging arm and x to the person's left.
        cones: at most `SLOTS`, around the middle of the hand.
    """

    upright: bool
    cones: tuple[Cone, ...]


def _box() -> tuple[Cone, ...]:
    """Rods side by side, three by three, of which the middle ones are a ribbon."""
    return tuple(
        ((-125.0, 160.0 + y, z), (125.0, 160.0 + y, z), 52.0, 52.0, int(z == 0))
        for y in (-90.0, 0.0, 90.0)
        for z in (-90.0, 0.0, 90.0)
    )


def _umbrella() -> tuple[Cone, ...]:
    """A shaft under a canopy of eight thick ribs."""
    ribs = [(math.cos(angle), math.sin(angle)) for angle in (2 * math.pi * k / 8 for k in range(8))]
    return (
        ((0.0, -130.0, 0.0), (0.0, 560.0, 0.0), 16.0, 16.0, 1),
        *(((70 * x, 540.0, 70 * z), (285 * x, 480.0, 285 * z), 95.0, 92.0, 0) for x, z in ribs),
    )


OBJECTS: dict[str, Thing] = {
    "ball": Thing(
        upright=False,
        cones=(
            ((0.0, 115.0, 0.0), (0.0, 117.0, 0.0), 130.0, 130.0, 0),
            ((0.0, 150.0, 0.0), (0.0, 152.0, 0.0), 130.0, 130.0, 1),
        ),
    ),
    "stick": Thing(
        upright=False,
        cones=(
            ((0.0, 10.0, -260.0), (0.0, 10.0, 640.0), 22.0, 22.0, 0),
            ((0.0, 10.0, 640.0), (0.0, 10.0, 900.0), 26.0, 26.0, 1),
        ),
    ),
    "box": Thing(upright=False, cones=_box()),
    "bag": Thing(
        upright=True,
        cones=(
            ((0.0, 0.0, 0.0), (120.0, -230.0, 0.0), 16.0, 16.0, 1),
            ((0.0, 0.0, 0.0), (-120.0, -230.0, 0.0), 16.0, 16.0, 1),
            *(((x, -270.0, 0.0), (x, -460.0, 0.0), 78.0, 88.0, 0) for x in (-114.0, -38.0)),
            *(((x, -270.0, 0.0), (x, -460.0, 0.0), 78.0, 88.0, 0) for x in (38.0, 114.0)),
        ),
    ),
    "cup": Thing(
        upright=True,
        cones=(
            ((0.0, -40.0, 0.0), (0.0, 90.0, 0.0), 62.0, 84.0, 0),
            ((0.0, 120.0, 0.0), (0.0, 124.0, 0.0), 74.0, 74.0, 2),
            ((130.0, -20.0, 0.0), (130.0, 70.0, 0.0), 22.0, 22.0, 1),
            ((60.0, 90.0, 0.0), (130.0, 80.0, 0.0), 20.0, 20.0, 1),
            ((60.0, -30.0, 0.0), (130.0, -20.0, 0.0), 20.0, 20.0, 1),
        ),
    ),
    "book": Thing(
        upright=False,
        cones=tuple(
            ((x, 10.0, 0.0), (x, 330.0, 0.0), 28.0, 28.0, color)
            for x, color in ((-112.0, 1), (-56.0, 0), (0.0, 0), (56.0, 0), (112.0, 2))
        ),
    ),
    "umbrella": Thing(upright=True, cones=_umbrella()),
}
"""What can be held, by name."""

_WHITE = 0.93


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What B people hold.

    Attributes:
        kind: ``[B]`` index into `OBJECTS`.
        left: ``[B]`` bool: in the left hand, else in the right.
        size: ``[B]`` factor on its size.
        colors: ``[B, 3, 3]`` its two colors and white, RGB from 0 to 1.
    """

    kind: Tensor
    left: Tensor
    size: Tensor
    colors: Tensor

    def select(self, rows: Tensor) -> Held:
        """Return the things chosen by a bool mask or by indices (which may repeat)."""
        return Held(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def to(self, device: torch.device | str) -> Held:
        """Return a copy on a device."""
        return Held(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})

    def paint(self) -> Tensor:
        """Return ``[B, SLOTS, 2, 3]`` two equal colors of every cone, as an outfit has them."""
        places = torch.tensor([_colors(thing) for thing in OBJECTS.values()]).to(self.kind.device)
        chosen = self.colors.gather(1, places[self.kind][:, :, None].expand(-1, -1, 3))
        return chosen[:, :, None].expand(-1, -1, 2, -1)


def make_held(seeds: Sequence[int], names: Sequence[str]) -> Held:
    """Draw things: which, in which hand, how large and of which colors.

    Args:
        seeds: ``[B]`` non-negative integers.
        names: keys of `OBJECTS`, one for each seed.

    Raises:
        ValueError: if there is no such thing.
    """
    for name in names:
        lookup(OBJECTS, name, "thing to hold")
    draw = uniform(seeds, "held", 8)
    hue = torch.stack([draw[:, 2], (draw[:, 2] + 0.3 + 0.4 * draw[:, 3]) % 1], dim=1)
    value = 0.3 + 0.7 * draw[:, 4:6]
    pair = hsv_to_rgb(
        torch.stack([hue, value], dim=2), scale=torch.ones(2), draw=0.4 + 0.6 * draw[:, 6:8]
    )
    order = list(OBJECTS)
    return Held(
        kind=torch.tensor([order.index(name) for name in names]),
        left=draw[:, 0] < 0.5,
        size=0.88 + 0.3 * draw[:, 1],
        colors=torch.cat([pair, torch.full((len(draw), 1, 3), _WHITE)], dim=1),
    )


def held_cones(
    held: Held, joints_mm: Tensor, axes: Tensor, up: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Put things into hands.

    Args:
        held: N things.
        joints_mm: ``[N, 20, 3]`` in any right-handed frame.
        axes: ``[N, 3, 3]`` left, up and forward of the trunks in that frame.
        up: ``[N, 3]`` unit vector away from the floor.

    Returns:
        Centers of both balls ``[N, SLOTS, 3]`` twice and their radii ``[N, SLOTS]`` twice in mm; a
        cone that a thing lacks has radius 0 and lies in the hand.
    """
    device = joints_mm.device
    table = torch.tensor([_numbers(thing) for thing in OBJECTS.values()]).to(device)
    upright = torch.tensor([thing.upright for thing in OBJECTS.values()]).to(device)
    elbow, wrist, hand = (_of_side(held, joints_mm, name) for name in ("elbow", "wrist", "hand"))
    grip = torch.lerp(wrist, hand, 1.1)
    along = _unit(wrist - elbow)
    frame = torch.where(
        upright[held.kind][:, None, None], _standing(axes, up), _with_arm(axes, along)
    )  # [N, 3, 3]: x, y and z of the thing
    cones = table[held.kind] * held.size[:, None, None]  # [N, SLOTS, 8]
    start, end = (
        grip[:, None] + (cones[..., at : at + 3, None] * frame[:, None]).sum(dim=2) for at in (0, 3)
    )
    return start, end, cones[..., 6], cones[..., 7]


def _of_side(held: Held, joints_mm: Tensor, name: str) -> Tensor:
    """Return ``[N, 3]`` a joint of the arm that holds."""
    left, right = (joints_mm[:, BODY.index(f"{side}_{name}")] for side in "lr")
    return torch.where(held.left[:, None], left, right)


def _standing(axes: Tensor, up: Tensor) -> Tensor:
    """Return the frame ``[N, 3, 3]`` of what stands or hangs: x to the person's left, y up."""
    left = _unit(axes[:, 0] - (axes[:, 0] * up).sum(1, keepdim=True) * up)
    return torch.stack([left, up, torch.linalg.cross(left, up)], dim=1)


def _with_arm(axes: Tensor, along: Tensor) -> Tensor:
    """Return the frame ``[N, 3, 3]`` of what turns with the forearm, y along it.

    The smallest turn of an arm that points down and ahead takes its axes along: they are undefined
    for the opposite direction alone, up and behind, where no forearm points for long.
    """
    left, high, ahead = axes.unbind(dim=1)
    rest, third = _unit(ahead - high), _unit(ahead + high)
    both = rest + along
    scale = 1 / (1 + (rest * along).sum(1, keepdim=True)).clamp(min=1e-2)

    def turned(vector: Tensor) -> Tensor:
        shift = (vector * both).sum(1, keepdim=True) * scale * both
        return _unit(vector - shift + 2 * (vector * rest).sum(1, keepdim=True) * along)

    return torch.stack([turned(left), along, turned(third)], dim=1)


def _numbers(thing: Thing) -> list[list[float]]:
    """Return ``[SLOTS, 8]`` start, end and radii; zeros where there is no cone."""
    rows = [[*start, *end, first, last] for start, end, first, last, _ in thing.cones]
    return rows + [[0.0] * 8] * (SLOTS - len(rows))


def _colors(thing: Thing) -> list[int]:
    """Return ``[SLOTS]`` the color of each cone."""
    colors = [cone[-1] for cone in thing.cones]
    return colors + [0] * (SLOTS - len(colors))


def _unit(vectors: Tensor) -> Tensor:
    """Scale vectors to length 1; a vector of no length stays near 0."""
    return vectors / (vectors * vectors).sum(dim=-1, keepdim=True).sqrt().clamp(min=1e-3)
