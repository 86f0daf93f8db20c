"""Cameras around a simulated person.

World frame: x to the left of a person who faces the camera at yaw 0, y up, z toward that camera;
floor at y = 0. Camera frame: x right, y down, z forward. Both right-handed, in mm. So a person who
faces the camera has the left hand at larger image x.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from onebody.simulate.draws import uniform

BODY_MARGIN_MM = 150.0
"""How far flesh, clothes and hair reach beyond the joints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cameras:
    """B pinhole cameras without distortion.

    Attributes:
        fx, fy, cx, cy: ``[B]`` focal lengths and principal point in pixels; the center of the
            pixel in column i is at i + 0.5.
        rotation: ``[B, 3, 3]`` world axes to camera axes.
        position: ``[B, 3]`` place of the camera in the world in mm.
    """

    fx: Tensor
    fy: Tensor
    cx: Tensor
    cy: Tensor
    rotation: Tensor
    position: Tensor

    def __len__(self) -> int:
        return len(self.fx)

    @property
    def matrix(self) -> Tensor:
        """``[B, 4]`` fx, fy, cx, cy."""
        return torch.stack([self.fx, self.fy, self.cx, self.cy], dim=1)

    def to_camera(self, points_mm: Tensor) -> Tensor:
        """Bring world points ``[B, ..., 3]`` into the camera frames."""
        extra = points_mm.ndim - 2
        offset = points_mm - _expand(self.position, extra)
        rotation = _expand(self.rotation, extra)
        return (rotation * offset[..., None, :]).sum(dim=-1)

    def project(self, points_mm: Tensor) -> Tensor:
        """Project camera-frame points ``[B, ..., 3]`` to pixels ``[B, ..., 2]``.

        Points behind the camera have no image: they become NaN.
        """
        extra = points_mm.ndim - 2
        x, y, z = points_mm.unbind(dim=-1)
        z = torch.where(z > 0, z, torch.nan)
        column = _expand(self.fx, extra) * x / z + _expand(self.cx, extra)
        row = _expand(self.fy, extra) * y / z + _expand(self.cy, extra)
        return torch.stack([column, row], dim=-1)

    def select(self, rows: Tensor) -> Cameras:
        """Return the cameras chosen by a bool mask or by indices (which may repeat)."""
        return Cameras(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def to(self, device: torch.device | str) -> Cameras:
        """Return a copy on a device."""
        return Cameras(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})


def make_cameras(
    seeds: Sequence[int],
    size: int | tuple[int, int],
    *,
    joints_mm: Tensor | None = None,
    yaw_degrees: float = 35.0,
    fill: tuple[float, float] = (0.7, 0.96),
    place: tuple[float, float] = (0.15, 0.85),
    turn_degrees: float = 0.0,
    device: torch.device | str = "cpu",
) -> Cameras:
    """Place cameras at random, 2.5 to 4.5 m away and 0.8 to 2.2 m high, aimed at the person.

    Args:
        seeds: ``[B]`` non-negative integers.
        size: side of the square picture in pixels, or (rows, columns).
        joints_mm: ``[B, T, J, 3]`` world frame: where the person goes; all of it stays inside
            the picture. None: room for a tall person with stretched arms on the spot.
        yaw_degrees: cameras stand within this angle to either side of the frontal one (0 to 180).
        fill: range of the share of the picture's side that the person's whole movement takes.
        place: range of where the person is within what is left of the picture: 0 at its left and
            upper border, 1 at the others. Small people may so be far from the middle.
        turn_degrees: how much farther around the person they stand than drawn, to the person's
            left. With the same seeds it is a further view: as far, as high, framed alike.
        device: where the tensors shall be.

    Raises:
        ValueError: if an argument is out of its range.
    """
    if not 0 <= place[0] <= place[1] <= 1:
        raise ValueError(f"place should be two shares, 0 <= low <= high <= 1, found {place}.")
    if not 0 <= yaw_degrees <= 180:
        raise ValueError(f"yaw_degrees should be between 0 and 180, found {yaw_degrees}.")
    if not 0 < fill[0] <= fill[1] <= 1:
        raise ValueError(f"fill should be two shares, 0 < low <= high <= 1, found {fill}.")
    rows, columns = picture_size(size)
    # float64: a person's place in a batch must not change a picture by rounding.
    draw = uniform(seeds, "camera", 10).double()
    points = _standing_room(len(draw)) if joints_mm is None else joints_mm.detach().cpu().double()
    if len(points) != len(draw):
        raise ValueError(
            f"Expected joints of {len(draw)} clips (one per seed), found {len(points)}."
        )
    points = points.flatten(1, -2)
    turn = math.radians(turn_degrees)
    position, rotation = _aim(draw, points, math.radians(yaw_degrees), turn)
    low, high = _extent(points, position, rotation)
    share = fill[0] + (fill[1] - fill[0]) * draw[:, 6]
    picture = torch.tensor([columns, rows], dtype=torch.float64)
    focal = (share[:, None] * picture / (high - low)).amin(dim=1)
    free = picture - focal[:, None] * (high - low)
    center = free * (place[0] + (place[1] - place[0]) * draw[:, 7:9]) - focal[:, None] * low
    return Cameras(
        fx=focal.float(),
        fy=focal.float(),
        cx=center[:, 0].float(),
        cy=center[:, 1].float(),
        rotation=rotation.float(),
        position=position.float(),
    ).to(device)


def picture_size(size: int | tuple[int, int]) -> tuple[int, int]:
    """Return (rows, columns).

    Raises:
        ValueError: if one of them is not positive.
    """
    rows, columns = (size, size) if isinstance(size, int) else size
    if rows < 1 or columns < 1:
        raise ValueError(f"A picture needs at least one row and column, found {rows} x {columns}.")
    return rows, columns


def _aim(draw: Tensor, points: Tensor, yaw_range: float, turn: float) -> tuple[Tensor, Tensor]:
    """Choose where the cameras stand and which way they look: ``[B, 3]``, ``[B, 3, 3]``."""
    low, high = points.amin(dim=1), points.amax(dim=1)
    middle = (low + high) / 2
    # A person who walks needs more distance, lest they reach the camera.
    roam = ((high - low)[:, [0, 2]].norm(dim=1) / 2 - 1000).clamp(min=0)
    distance = 2500 + 2000 * draw[:, 0] + roam
    yaw = (2 * draw[:, 1] - 1) * yaw_range + turn
    position = torch.stack([yaw.sin() * distance, 800 + 1400 * draw[:, 2], yaw.cos() * distance], 1)
    position[:, [0, 2]] += middle[:, [0, 2]]
    target = middle + (draw[:, 3:6] - 0.5) * torch.tensor([300.0, 300.0, 300.0])
    forward = _unit(target - position)
    up = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64).expand_as(forward)
    right = _unit(torch.linalg.cross(forward, up))
    down = torch.linalg.cross(forward, right)
    roll = (draw[:, 9] - 0.5)[:, None] * math.radians(6)
    right, down = roll.cos() * right + roll.sin() * down, roll.cos() * down - roll.sin() * right
    return position, torch.stack([right, down, forward], dim=1)


def _extent(points: Tensor, position: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor]:
    """Return the box around the person as seen at focal length 1: corners ``[B, 2]`` twice."""
    seen = (rotation[:, None] * (points - position[:, None])[..., None, :]).sum(dim=-1)
    depth = seen[..., 2:].clamp(min=300)
    low = ((seen[..., :2] - BODY_MARGIN_MM) / depth).amin(dim=1)
    high = ((seen[..., :2] + BODY_MARGIN_MM) / depth).amax(dim=1)
    return low, high


def _standing_room(count: int) -> Tensor:
    """Return the corners ``[B, 8, 3]`` of the box that a person fills with stretched arms."""
    corners = torch.cartesian_prod(
        torch.tensor([-850.0, 850.0]), torch.tensor([20.0, 2150.0]), torch.tensor([-400.0, 400.0])
    )
    return corners.double().expand(count, 8, 3)


def _unit(vectors: Tensor) -> Tensor:
    """Scale vectors to length 1."""
    return vectors / vectors.norm(dim=-1, keepdim=True)


def _expand(values: Tensor, extra: int) -> Tensor:
    """Insert dimensions after the first one."""
    return values.reshape(len(values), *[1] * extra, *values.shape[1:])
