"""A kind of scene in the making: draws, colors, surfaces and boxes, for many clips at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from onebody.simulate.draws import uniform
from onebody.simulate.scene import BACK, CEILING, SIDE, Room

THINGS = 16
"""Boxes of a scene, besides those that may hide the person."""

_OPEN_MM = 1e5
"""Where the walls of the outdoors are: beyond what is drawn, so that sky is seen."""

_NO_LINES = -1e6  # a line is drawn where the height over this has a small fraction part: nowhere
_DRAWS = 160

Number = Tensor | float


class Draft:
    """A kind of scene in the making, for B clips at once.

    Args:
        base: rooms whose light, and whose first box, stay.
        seeds: ``[B]``.
        kind: name of the kind; other kinds draw independently of these.
    """

    def __init__(self, base: Room, seeds: Sequence[int], kind: str) -> None:
        self.room = base
        self._draws = iter(uniform(seeds, f"surroundings {kind}", _DRAWS).T)
        self._count = len(base.heading)
        self._boxes: list[tuple[Tensor, Tensor, Tensor, Tensor, Tensor]] = []

    def draw(self, low: float, high: float) -> Tensor:
        """Draw ``[B]`` numbers between two."""
        return low + (high - low) * next(self._draws)

    def color(
        self,
        hue: tuple[float, float] = (0.0, 1.0),
        strength: tuple[float, float] = (0.1, 0.7),
        value: tuple[float, float] = (0.25, 0.9),
    ) -> Tensor:
        """Draw ``[B, 3]`` colors from ranges of hue, saturation and value."""
        wheel = (self.draw(*hue)[:, None] + torch.tensor([0.0, 2 / 3, 1 / 3])) % 1
        pure = ((wheel - 0.5).abs() * 6 - 1).clamp(0, 1)
        strong = self.draw(*strength)[:, None]
        return self.draw(*value)[:, None] * (1 - strong * (1 - pure))

    def size(self, *, wall: Tensor, side: Tensor, ceiling: Tensor, turn: float = 0.9) -> None:
        """Set how large a room is, and how far it may be turned in all."""
        heading = self.room.heading * (turn / 0.9)
        self.room = replace(
            self.room, heading=heading, wall_mm=wall, side_mm=side, ceiling_mm=ceiling
        )

    def surface(
        self,
        index: int,
        first: Tensor,
        second: Tensor | None = None,
        *,
        period: tuple[Number, Number] = (500.0, 500.0),
        share: tuple[Number, Number] = (0.0, 0.0),
        grain: Number = 0.1,
    ) -> None:
        """Color floor, walls or ceiling: two colors in stripes or checks."""
        colors, pattern = self.room.colors.clone(), self.room.pattern.clone()
        strength = self.room.grain.clone()
        colors[:, index, 0], colors[:, index, 1] = first, first if second is None else second
        for at, value in enumerate((period[0], share[0], period[1], share[1])):
            pattern[:, index, at] = value
        strength[:, index] = grain
        self.room = replace(self.room, colors=colors, pattern=pattern, grain=strength)

    def sky(self) -> None:
        """Open the scene: no walls, a sky of any weather, even light."""
        far = torch.full((self._count,), _OPEN_MM)
        self.size(wall=far, side=far, ceiling=far)
        clear = self.color((0.52, 0.62), (0.15, 0.6), (0.7, 1.0))
        grey = self.color((0.5, 0.7), (0.0, 0.12), (0.55, 0.95))
        dusk = self.color((0.0, 0.12), (0.15, 0.5), (0.7, 0.95))
        kind = self.draw(0, 1)[:, None]
        sky = torch.where(kind < 0.55, clear, torch.where(kind < 0.85, grey, dusk))
        for index in (BACK, SIDE, CEILING):
            self.surface(index, sky, grain=0.02)
        self.room = replace(self.room, ambient=0.6 + 0.3 * self.room.ambient)

    def box(
        self,
        place: tuple[Number, Number, Number],
        half: tuple[Number, Number, Number],
        color: Tensor,
        *,
        lines: Number = _NO_LINES,
        yaw: Number = 0.0,
        there: Tensor | None = None,
    ) -> None:
        """Add a box: its center, half its size, its color, the distance of dark lines, its turn."""
        center, size = self._stack(place), self._stack(half)
        if there is not None:
            size = size * there[:, None]
        stripe, turn = (self._stack((value,))[:, 0] for value in (lines, yaw))
        self._boxes.append((center, size, turn, color, stripe))

    def upright(
        self,
        x: Number,
        z: Number,
        half: tuple[Number, Number, Number],
        color: Tensor,
        *,
        lines: Number = _NO_LINES,
        yaw: Number = 0.0,
    ) -> None:
        """Add a box that stands on the floor."""
        self.box((x, half[1], z), half, color, lines=lines, yaw=yaw)

    def finish(self) -> Room:
        """Return the rooms: the first box of the base, then the things, then nothing."""
        room = self.room
        center, half = torch.zeros(2, self._count, 1 + THINGS, 3)
        yaw, stripe = torch.zeros(2, self._count, 1 + THINGS)
        color = torch.zeros(self._count, 1 + THINGS, 3)
        stripe[:] = _NO_LINES
        center[:, 0], half[:, 0], yaw[:, 0] = (
            value[:, 0] for value in (room.box_center, room.box_half, room.box_yaw)
        )
        color[:, 0], stripe[:, 0] = room.box_color[:, 0], room.box_stripe[:, 0]
        for number, found in enumerate(self._boxes, start=1):
            (
                center[:, number],
                half[:, number],
                yaw[:, number],
                color[:, number],
                stripe[:, number],
            ) = found
        return replace(
            room, box_center=center, box_half=half, box_yaw=yaw, box_color=color, box_stripe=stripe
        )

    def _stack(self, values: tuple[Number, ...]) -> Tensor:
        """Return ``[B, n]`` of numbers that may be alike for all clips."""
        return torch.stack([torch.as_tensor(v).expand(self._count) for v in values], dim=1).float()
