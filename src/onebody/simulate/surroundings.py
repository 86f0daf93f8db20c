"""Kinds of scenes: rooms and outdoors that differ by layout, colors and things, all drawn by seed.

Within a kind sizes, colors and places vary widely, so that no single color tells which it is.
Units and axes are those of `onebody.simulate.scene`: mm, x right, y up, z away from the camera.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields

import torch

from onebody.config import lookup
from onebody.simulate.draft import Draft
from onebody.simulate.scene import BACK, CEILING, FLOOR, SIDE, Room


def _living_room(draft: Draft) -> None:
    """A sofa, a shelf and pictures; papers, a rug and a wooden or carpeted floor."""
    wall, side = draft.draw(1700, 3200), draft.draw(2200, 3200)
    draft.size(wall=wall, side=side, ceiling=draft.draw(2400, 2900))
    paper = draft.color(strength=(0.1, 0.55), value=(0.5, 0.95))
    stripes = torch.where(draft.draw(0, 1) < 0.5, 0.4, 0.0)
    for index in (BACK, SIDE):
        draft.surface(index, paper, 0.8 * paper, period=(draft.draw(150, 400), 500.0))
        draft.room.pattern[:, index, 1] = stripes
    draft.surface(CEILING, draft.color(strength=(0, 0.1), value=(0.8, 1.0)))
    draft.surface(FLOOR, draft.color((0.03, 0.12), (0.2, 0.6), (0.25, 0.7)), grain=0.35)
    draft.box((0.0, 6.0, 200.0), (draft.draw(700, 1300), 6.0, draft.draw(600, 1000)), draft.color())
    cloth, x = draft.color(strength=(0.2, 0.8)), draft.draw(-900, 900)
    draft.upright(x, wall - 480, (950.0, 230.0, 380.0), cloth)
    draft.upright(x, wall - 150, (1050.0, 430.0, 110.0), 0.85 * cloth)
    for edge in (-1000.0, 1000.0):
        draft.upright(x + edge, wall - 480, (110.0, 320.0, 400.0), 0.9 * cloth)
    shelf = torch.where(draft.draw(0, 1) < 0.5, -1.0, 1.0) * draft.draw(1500, 2000)
    draft.upright(shelf, wall - 180, (420.0, 950.0, 170.0), draft.color((0.03, 0.12)), lines=340.0)
    for _ in range(3):
        place = (draft.draw(-1800, 1800), draft.draw(1350, 1750), wall)
        draft.box(place, (draft.draw(150, 420), draft.draw(150, 320), 25.0), draft.color())


def _kitchen(draft: Draft) -> None:
    """Tiles, a worktop with cupboards below and above, a fridge, a stove."""
    wall = draft.draw(1300, 2100)
    draft.size(wall=wall, side=draft.draw(2000, 2900), ceiling=draft.draw(2300, 2700))
    tile = draft.color(strength=(0, 0.35), value=(0.65, 1.0))
    each = draft.draw(140, 260)
    for index in (BACK, SIDE):
        draft.surface(index, tile, 0.55 * tile, period=(each, each), share=(0.1, 0.1), grain=0.02)
    draft.surface(CEILING, draft.color(strength=(0, 0.05), value=(0.8, 1.0)))
    slab = draft.color(strength=(0, 0.4), value=(0.55, 0.95))
    flag = draft.draw(350, 600)
    draft.surface(
        FLOOR, slab, draft.draw(0.25, 0.6)[:, None] * slab, period=(flag, flag), share=(0.5, 0.5)
    )
    front, top = draft.color(value=(0.4, 0.95)), draft.color(strength=(0, 0.3), value=(0.15, 0.6))
    draft.upright(0.0, wall - 320, (2600.0, 430.0, 300.0), front)
    draft.box((0.0, 890.0, wall - 330), (2600.0, 30.0, 330.0), top)
    for x in (-1900.0, -1100.0, -300.0, 500.0, 1300.0):  # gaps between doors
        draft.box((x, 430.0, wall - 621), (12.0, 400.0, 3.0), 0.4 * front)
    draft.box((draft.draw(-500, 500), 1750.0, wall - 170), (1700.0, 320.0, 170.0), front)
    aside = torch.where(draft.draw(0, 1) < 0.5, -1.0, 1.0)
    white = draft.color(strength=(0, 0.1), value=(0.7, 1.0))
    draft.upright(aside * draft.draw(1500, 1900), wall - 340, (340.0, 930.0, 345.0), white)
    draft.box((-aside * draft.draw(300, 900), 600.0, wall - 625), (270.0, 240.0, 12.0), 0.2 * white)
    for _ in range(3):
        place = (draft.draw(-1300, 1300), 1000.0, wall - 300)
        draft.box(place, (draft.draw(50, 120), 90.0, 80.0), draft.color(strength=(0.3, 0.9)))


def _gym(draft: Draft) -> None:
    """A high hall: a wooden floor with lines, wall bars, mats, benches and a hoop."""
    wall = draft.draw(3200, 5500)
    draft.size(wall=wall, side=draft.draw(4500, 6500), ceiling=draft.draw(5000, 7000))
    wood = draft.color((0.05, 0.12), (0.25, 0.65), (0.45, 0.9))
    line = draft.color(strength=(0.0, 0.9), value=(0.3, 1.0))
    draft.surface(
        FLOOR,
        wood,
        line,
        period=(draft.draw(1200, 2400), draft.draw(1200, 2400)),
        share=(0.05, 0.05),
    )
    for index in (BACK, SIDE, CEILING):
        draft.surface(index, draft.color(strength=(0.0, 0.25), value=(0.5, 0.95)))
    band = draft.color(strength=(0.3, 0.9))
    draft.box((0.0, 900.0, wall), (7000.0, 900.0, 20.0), band)
    for x in (-2600.0, 0.0, 2600.0):
        bars = draft.color((0.05, 0.12), (0.3, 0.6), (0.4, 0.8))
        there = (draft.draw(0, 1) < 0.75).float()
        half = (900.0, 1250.0, 60.0)
        draft.box((x, 1250.0, wall - 60), half, bars, lines=230.0, there=there)
    mat = draft.color(strength=(0.5, 1.0))
    for sign in (-1.0, 1.0):
        place = (sign * draft.draw(1300, 2600), draft.draw(900, 2400))
        draft.upright(*place, (draft.draw(600, 1000), draft.draw(40, 160), 500.0), mat)
        draft.upright(sign * draft.draw(1800, 3200), wall - 500, (800.0, 190.0, 150.0), 0.6 * wood)
    hoop = draft.draw(-1500, 1500)
    draft.box((hoop, 3000.0, wall - 200), (700.0, 480.0, 25.0), draft.color(strength=(0, 0.1)))
    draft.box(
        (hoop, 2750.0, wall - 420), (230.0, 20.0, 200.0), draft.color((0.0, 0.08), (0.8, 1.0))
    )


def _corridor(draft: Draft) -> None:
    """Long and narrow: doors on both sides, lamps along the ceiling."""
    wall, side = draft.draw(7000, 14000), draft.draw(1250, 1650)
    height = draft.draw(2350, 2700)
    draft.size(wall=wall, side=side, ceiling=height, turn=0.16)
    paint = draft.color(strength=(0, 0.45), value=(0.45, 0.95))
    for index in (BACK, SIDE):
        draft.surface(index, paint, grain=0.05)
    draft.surface(CEILING, draft.color(strength=(0, 0.1), value=(0.6, 0.95)))
    lino = draft.color(strength=(0, 0.5), value=(0.25, 0.8))
    draft.surface(FLOOR, lino, 0.8 * lino, period=(600.0, 600.0), share=(0.1, 0.1))
    door = draft.color(strength=(0.2, 0.8), value=(0.2, 0.8))
    first = draft.draw(300, 1500)
    for step in range(3):
        for sign in (-1.0, 1.0):
            place = (sign * side, 1000.0, first + 2300.0 * step + 500 * sign)
            draft.box(place, (45.0, 1000.0, 480.0), door)
    for number in range(4):
        lamp = draft.color(strength=(0.0, 0.1), value=(1.0, 1.3))
        draft.box((0.0, height, 900.0 + 2200.0 * number), (220.0, 40.0, 550.0), lamp)
    draft.box((0.0, 1000.0, wall), (600.0, 1000.0, 40.0), draft.color(value=(0.4, 1.0)))


def _street(draft: Draft) -> None:
    """Houses in a row behind a road, parked cars, lamp posts."""
    draft.sky()
    road = draft.color((0.5, 0.7), (0.0, 0.15), (0.25, 0.6))
    draft.surface(
        FLOOR, road, 1.35 * road, period=(500.0, draft.draw(4000, 6000)), share=(0.0, 0.1)
    )
    x, z = draft.draw(-9000, -6500), draft.draw(5000, 7500)
    for _ in range(5):
        half, height = draft.draw(1300, 2600), draft.draw(1800, 4500)
        house = draft.color((0.0, 0.17), (0.05, 0.6), (0.35, 0.9))
        draft.upright(
            x + half, z + 1500, (half, height, 1500.0), house, lines=draft.draw(700, 1300)
        )
        door = 0.35 * house
        draft.box((x + half, 950.0, z - 5), (380.0, 950.0, 12.0), door)
        x = x + 2 * half + 40.0
    for sign in (-1.0, 1.0):
        place, paint = sign * draft.draw(1700, 3800), draft.color(strength=(0.1, 0.95))
        near = draft.draw(2600, 4000)
        draft.box((place, 520.0, near), (1700.0, 270.0, 650.0), paint)
        draft.box((place, 980.0, near), (900.0, 230.0, 600.0), 0.45 * paint)
    post = draft.color(strength=(0.0, 0.3), value=(0.1, 0.4))
    draft.upright(draft.draw(-3000, 3000), draft.draw(1800, 3000), (55.0, 2400.0, 55.0), post)


def _park(draft: Draft) -> None:
    """Grass, trees, a hedge and a bench."""
    draft.sky()
    grass = draft.color((0.18, 0.36), (0.35, 0.85), (0.25, 0.75))
    path = draft.color((0.05, 0.15), (0.1, 0.5), (0.4, 0.8))
    there = torch.where(draft.draw(0, 1) < 0.5, 0.35, 0.0)
    draft.surface(FLOOR, grass, path, period=(500.0, draft.draw(3500, 6000)), grain=0.5)
    draft.room.pattern[:, FLOOR, 3] = there
    leaves = draft.color((0.15, 0.38), (0.3, 0.9), (0.2, 0.65))
    for sign in (-1.0, 1.0, -1.8, 1.8, 0.2):
        x, z = sign * draft.draw(1300, 2600), draft.draw(2000, 6500)
        bark, tall = draft.color((0.03, 0.1), (0.2, 0.6), (0.15, 0.45)), draft.draw(700, 1200)
        draft.upright(x, z, (draft.draw(80, 170), tall, 110.0), bark)
        crown = (draft.draw(600, 1100), draft.draw(600, 1100), 700.0)
        green = draft.draw(0.7, 1.2)[:, None] * leaves
        draft.box((x, 2 * tall + 0.8 * crown[1], z), crown, green, yaw=draft.draw(-0.7, 0.7))
    hedge = draft.draw(0.6, 1.0)[:, None] * leaves
    draft.upright(0.0, draft.draw(7000, 9000), (12000.0, draft.draw(300, 900), 300.0), hedge)
    seat, x, z = draft.color((0.03, 0.12)), draft.draw(-1800, 1800), draft.draw(1500, 2600)
    draft.box((x, 430.0, z), (700.0, 35.0, 200.0), seat)
    draft.box((x, 680.0, z + 180), (700.0, 140.0, 25.0), seat)


def _beach(draft: Draft) -> None:
    """Sand, the sea up to the horizon, parasols, towels, a hut."""
    draft.sky()
    sand = draft.color((0.08, 0.14), (0.1, 0.5), (0.6, 1.0))
    draft.surface(FLOOR, sand, 0.9 * sand, period=(900.0, 700.0), share=(0.3, 0.3), grain=0.35)
    shore, sea = draft.draw(2600, 7000), draft.color((0.45, 0.62), (0.3, 0.9), (0.3, 0.8))
    draft.box((0.0, 0.0, shore + 20000), (40000.0, 15.0, 20000.0), sea)
    foam = draft.color(strength=(0.0, 0.1), value=(0.9, 1.1))
    draft.box((0.0, 0.0, shore), (40000.0, 17.0, draft.draw(60, 200)), foam)
    for sign in (-1.0, 1.0):
        x, z, cloth = sign * draft.draw(1300, 3000), draft.draw(900, 2500), draft.color()
        draft.upright(x, z, (35.0, 950.0, 35.0), foam)
        draft.box((x, 1950.0, z), (750.0, 100.0, 750.0), cloth, yaw=draft.draw(0, 1.5))
        draft.box((x, 10.0, z - 400), (350.0, 10.0, 800.0), draft.color(strength=(0.4, 1.0)))
    there = (draft.draw(0, 1) < 0.6).float()
    hut, x = draft.color(strength=(0.2, 0.9), value=(0.4, 1.0)), draft.draw(-3500, 3500)
    draft.box((x, 1100.0, 2600.0), (800.0, 1100.0, 600.0), hut, lines=260.0, there=there)
    boat = (draft.draw(-6000, 6000), 300.0, shore + 6000)
    draft.box(boat, (1200.0, 300.0, 400.0), draft.color(value=(0.6, 1.0)))


SURROUNDINGS: dict[str, Callable[[Draft], None]] = {
    "living_room": _living_room,
    "kitchen": _kitchen,
    "gym": _gym,
    "corridor": _corridor,
    "street": _street,
    "park": _park,
    "beach": _beach,
}
"""Kinds of scenes by name."""


def make_surroundings(base: Room, seeds: Sequence[int], names: Sequence[str]) -> Room:
    """Furnish rooms, or open them.

    Args:
        base: B rooms, whose light and first box (the one that may hide the person) stay.
        seeds: ``[B]`` non-negative integers.
        names: keys of `SURROUNDINGS`, one for each room.

    Raises:
        ValueError: if there is no such kind.
    """
    for name in names:
        lookup(SURROUNDINGS, name, "kind of scene")
    kinds = sorted(set(names))
    made = []
    for kind in kinds:
        draft = Draft(base, seeds, kind)
        SURROUNDINGS[kind](draft)
        made.append(draft.finish())
    which = torch.tensor([kinds.index(name) for name in names])
    rows = torch.arange(len(which))
    return Room(
        **{
            f.name: torch.stack([getattr(r, f.name) for r in made])[which, rows]
            for f in fields(Room)
        }
    )
