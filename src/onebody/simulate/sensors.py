"""Worn inertial sensors on moving bodies: what accelerometers and gyroscopes would show.

An accelerometer shows the acceleration of its place less gravity, in its own frame: at rest 9.81
m/s^2 upward. A gyroscope shows the turn rate of its frame, in that frame. Both follow from where a
segment of the body is over time; how a sensor is mounted, its bias and its noise are drawn by seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from onebody.simulate.body import BODY
from onebody.simulate.draws import uniform

GRAVITY = 9.80665
"""m/s^2."""

POSITIONS = ("thigh_pocket", "chest", "waist", "wrist", "ankle")
"""Where sensors sit; those on limbs on the right side."""

RANGE = (16 * GRAVITY, 2000 * torch.pi / 180)
"""Largest reading of an accelerometer (m/s^2) and a gyroscope (rad/s) on each axis."""

MOTION_HZ = 100.0
"""Bodies are moved at this rate or above, however slowly the sensors are read."""

_BIAS = (0.2, 0.02)  # greatest, m/s^2 and rad/s
_NOISE = (0.05, 0.01)  # standard deviation


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where sensors are.

    Attributes:
        origin_m: ``[B, T, S, 3]`` in the world, y up.
        frame: ``[B, T, S, 3, 3]`` rotations whose columns are the sensor's axes in the world.
    """

    origin_m: Tensor
    frame: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class _Segment:
    """A segment of the body that bears a sensor.

    Attributes:
        start, end: joints of its long axis (y of its frame points to ``end``).
        beside: (from, to) joints of a way that is about its x axis.
        forward: that way is about its z axis instead.
        place: of the sensor between start and end, 0 to 1.
        out: way from the long axis along z, in lengths of the segment.
    """

    start: str
    end: str
    beside: tuple[str, str]
    forward: bool = False
    place: float
    out: float


_SEGMENTS = {
    "thigh_pocket": _Segment(
        start="r_knee", end="r_hip", beside=("r_hip", "l_hip"), place=0.75, out=0.2
    ),
    "chest": _Segment(
        start="spine", end="shoulder_center", beside=("r_shoulder", "l_shoulder"), place=0.7,
        out=0.35,
    ),
    "waist": _Segment(
        start="hip_center", end="spine", beside=("r_hip", "l_hip"), place=0.3, out=1.8
    ),
    "wrist": _Segment(
        start="r_wrist", end="r_elbow", beside=("r_elbow", "r_shoulder"), forward=True, place=0.1,
        out=0.1,
    ),
    "ankle": _Segment(
        start="r_ankle", end="r_knee", beside=("r_ankle", "r_foot"), forward=True, place=0.05,
        out=0.1,
    ),
}  # fmt: skip


def segment_places(joints_mm: Tensor, positions: Sequence[str] = POSITIONS) -> Places:
    """Find where sensors sit on bodies, their axes along the segments.

    Args:
        joints_mm: ``[B, T, 20, 3]`` kinect-20 in the world, y up.
        positions: out of `POSITIONS`.
    """
    joint = {name: joints_mm[:, :, i].double() / 1000 for i, name in enumerate(BODY.joints)}
    origins, frames = [], []
    for name in positions:
        segment = _SEGMENTS[name]
        start, end = joint[segment.start], joint[segment.end]
        way = end - start
        hint = joint[segment.beside[1]] - joint[segment.beside[0]]
        frame = _frame(way, hint, forward=segment.forward)
        out = frame[..., 2] * way.norm(dim=-1, keepdim=True) * segment.out
        origins.append(start + segment.place * way + out)
        frames.append(frame)
    return Places(origin_m=torch.stack(origins, dim=2), frame=torch.stack(frames, dim=2))


def readings(places: Places, rate_hz: float) -> Tensor:
    """Return ``[B, T, S, 6]``: what perfect sensors show, in m/s^2 and rad/s.

    Acceleration is the second difference of the place, turn rate the rotation from the frame before
    to the one after; at the first and last frame they are those of their neighbor.

    Args:
        places: at least three frames.
        rate_hz: frames per second.

    Raises:
        ValueError: if there are fewer frames.
    """
    if places.origin_m.shape[1] < 3:
        raise ValueError(
            f"Accelerations need three frames or more, found {places.origin_m.shape[1]}."
        )
    return torch.cat([specific_force(places, rate_hz), turn_rate(places.frame, rate_hz)], dim=-1)


def specific_force(places: Places, rate_hz: float) -> Tensor:
    """Return ``[B, T, S, 3]``: acceleration less gravity in the sensor's frame, m/s^2."""
    x = places.origin_m
    inner = (x[:, 2:] - 2 * x[:, 1:-1] + x[:, :-2]) * rate_hz**2
    world = torch.cat([inner[:, :1], inner, inner[:, -1:]], dim=1)
    world = world + world.new_tensor([0.0, GRAVITY, 0.0])
    return (places.frame.transpose(-1, -2) @ world[..., None])[..., 0]


def turn_rate(frame: Tensor, rate_hz: float) -> Tensor:
    """Return ``[B, T, S, 3]``: how fast a frame turns, about its own axes, rad/s."""
    step = frame[:, :-2].transpose(-1, -2) @ frame[:, 2:]  # over two frames, seen from the first
    skew = torch.stack(
        [
            step[..., 2, 1] - step[..., 1, 2],
            step[..., 0, 2] - step[..., 2, 0],
            step[..., 1, 0] - step[..., 0, 1],
        ],
        dim=-1,
    )
    sine = skew.norm(dim=-1, keepdim=True) / 2
    cosine = (step.diagonal(dim1=-2, dim2=-1).sum(dim=-1, keepdim=True) - 1) / 2
    angle = torch.atan2(sine, cosine)
    scale = torch.where(sine > 1e-9, angle / sine.clamp(min=1e-9), 1.0)
    inner = skew / 2 * scale * (rate_hz / 2)
    return torch.cat([inner[:, :1], inner, inner[:, -1:]], dim=1)


def worn(
    perfect: Tensor,
    identities: Sequence[int],
    seeds: Sequence[int],
    positions: Sequence[str],
    *,
    mounting_deg: float,
    noise: float,
) -> Tensor:
    """Make perfect readings those of real sensors.

    Args:
        perfect: ``[B, T, S, 6]``.
        identities: ``[B]`` who wears them: each person has a sensor of their own, with a bias, and
            a way to wear it.
        seeds: ``[B]`` which performance it is: noise, and a somewhat other mounting each time.
        positions: of the S sensors.
        mounting_deg: greatest angle by which a person wears a sensor otherwise than along the
            segment; each time it is another third of it off.
        noise: factor on bias and noise.

    Returns:
        ``[B, T, S, 6]`` float32, cut off at the sensors' `RANGE`.
    """
    parts = []
    for place, name in enumerate(positions):
        habit = random_rotation(identities, f"mounting {name}", mounting_deg)
        today = random_rotation(seeds, f"mounting {name}", mounting_deg / 3)
        mount = (habit @ today).transpose(-1, -2)[:, None, None]  # [B, 1, 1, 3, 3]
        vectors = perfect[:, :, place].reshape(*perfect.shape[:2], 2, 3)
        turned = (mount @ vectors[..., None].float())[..., 0]
        bias = 2 * uniform(identities, f"bias {name}", 6).reshape(-1, 2, 3) - 1
        error = _normal(seeds, f"noise {name}", turned.shape[1] * 6).reshape(turned.shape)
        scale = noise * torch.tensor([_BIAS, _NOISE])
        turned = turned + bias[:, None] * scale[0, :, None] + error * scale[1, :, None]
        limit = torch.tensor(RANGE)[:, None]
        parts.append(turned.clamp(-limit, limit).flatten(-2))
    return torch.stack(parts, dim=2)


def random_rotation(seeds: Sequence[int], purpose: str, most_deg: float) -> Tensor:
    """Draw ``[B, 3, 3]`` rotations about an axis drawn evenly, by up to an angle."""
    draw = uniform(seeds, purpose, 3)
    height, around = 2 * draw[:, 0] - 1, 2 * torch.pi * draw[:, 1]
    flat = (1 - height**2).clamp(min=0).sqrt()
    axis = torch.stack([flat * around.cos(), flat * around.sin(), height], dim=1)
    angle = draw[:, 2] * most_deg * torch.pi / 180
    vector = axis * angle[:, None]
    zero = torch.zeros_like(angle)
    x, y, z = vector.unbind(dim=1)
    skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).reshape(-1, 3, 3)
    return torch.linalg.matrix_exp(skew)


def _frame(way: Tensor, hint: Tensor, *, forward: bool) -> Tensor:
    """Return ``[..., 3, 3]`` rotations: y along a way; x, or z, as near to a hint as can be."""
    y = way / way.norm(dim=-1, keepdim=True)
    aside = hint - (hint * y).sum(dim=-1, keepdim=True) * y
    aside = aside / aside.norm(dim=-1, keepdim=True).clamp(min=1e-6)
    if forward:
        return torch.stack([torch.linalg.cross(y, aside), y, aside], dim=-1)
    return torch.stack([aside, y, torch.linalg.cross(aside, y)], dim=-1)


def _normal(seeds: Sequence[int], purpose: str, count: int) -> Tensor:
    """Draw ``[B, count]`` normal numbers (Box and Muller)."""
    radius = uniform(seeds, f"{purpose}, radius", count).clamp(min=2.0**-24)
    angle = 2 * torch.pi * uniform(seeds, f"{purpose}, angle", count)
    return (-2 * radius.log()).sqrt() * angle.cos()
