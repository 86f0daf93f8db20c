"""`Pose`: what a movement says of a body, and how someone stands who does nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from onebody.simulate.clock import Clock

DEGREE = math.pi / 180
LEAD, OTHER = 0, 1
"""Positions of the leading and the other side in `Pose.hands` and `Pose.feet`."""


@dataclass(slots=True, kw_only=True)
class Pose:
    """Where trunk, hands and feet of B clips are in each of T frames; programs change it.

    Hands and feet are targets for the wrists and ankles: outward (away from the middle), up and
    forward. Angles are radians.

    Attributes:
        root: ``[B, T, 3]`` shift of the hips: to the leading side, up, forward; leg lengths.
        travel: ``[B, T]`` way that the whole person has gone forward; leg lengths.
        heading: ``[B, T]`` turn of the person to the leading side.
        pitch, roll, twist: ``[B, T]`` trunk bent forward, to the leading side (negative), and
            turned to the leading side against the hips.
        look, nod: ``[B, T]`` head turned to the leading side, and bent forward.
        hands: ``[B, T, 2, 3]`` from the shoulder; arm lengths.
        palm: ``[B, T, 2]`` how far the hand is bent up at the wrist; 1 is 45 degrees.
        feet: ``[B, T, 2, 3]`` from where the foot stands below its hip; leg lengths.
    """

    root: Tensor
    travel: Tensor
    heading: Tensor
    pitch: Tensor
    roll: Tensor
    twist: Tensor
    look: Tensor
    nod: Tensor
    hands: Tensor
    palm: Tensor
    feet: Tensor

    def reach(self, side: int, target: Tensor, share: Tensor) -> None:
        """Move a hand from where it is to a target ``[B, T, 3]``; share ``[B, T]``: 1 is there."""
        here = self.hands[:, :, side]
        self.hands[:, :, side] = here + share[..., None] * (target - here)


def make_idle(clock: Clock) -> Pose:
    """Return the pose of people who stand about: personal posture, start pose and sway."""
    shape = (len(clock.seeds), clock.times_s.shape[1])
    zero = torch.zeros(shape, device=clock.device)
    pitch = clock.habit("posture", -4, 8) + clock.draw("pitch", -3, 3) + clock.sway("pitch", 1.5)
    twist = clock.draw("twist", -10, 10) + clock.sway("twist", 2.5)
    root = [clock.sway("sideways", 0.012), clock.sway("up", 0.004) - 0.02, clock.sway("on", 0.01)]
    return Pose(
        root=torch.stack(root, dim=-1),
        travel=zero.clone(),
        heading=zero + clock.sway("heading", 1.5) * DEGREE,
        pitch=zero + pitch * DEGREE,
        roll=zero + (clock.draw("roll", -3, 3) + clock.sway("roll", 1.2)) * DEGREE,
        twist=zero + twist * DEGREE,
        look=zero + (clock.draw("look", -18, 18) + clock.sway("look", 5)) * DEGREE,
        nod=zero + (clock.draw("nod", -6, 12) + clock.sway("nod", 3)) * DEGREE,
        hands=torch.stack([_resting_hand(clock, side) for side in ("lead", "other")], dim=2),
        palm=torch.zeros(*shape, 2, device=clock.device),
        feet=torch.stack([_standing_foot(clock, zero, side) for side in (1.0, -1.0)], dim=2),
    )


def _resting_hand(clock: Clock, side: str) -> Tensor:
    """Return ``[B, T, 3]``: a hand that hangs (mostly), is held before the body, or at the hip."""
    places = torch.tensor(
        [[0.10, -0.95, 0.06], [0.02, -0.55, 0.42], [0.28, -0.60, 0.04]], device=clock.device
    )
    choice = clock.draw("rest " + side)[:, 0]
    place = places[(choice > 0.6).long() + (choice > 0.85).long()]
    loose = [clock.draw(f"{side} hand {axis}", -0.05, 0.07) for axis in "xyz"]
    sway = [clock.sway(f"{side} sway {axis}", 0.025) for axis in "xyz"]
    return torch.stack([place[:, i, None] + loose[i] + sway[i] for i in range(3)], dim=-1)


def _standing_foot(clock: Clock, zero: Tensor, side: float) -> Tensor:
    """Return ``[B, T, 3]``: feet somewhat apart, one before the other."""
    width = clock.habit("stance", -0.02, 0.06) + clock.draw("stance", -0.01, 0.04)
    forward = side * clock.draw("stride", -0.08, 0.08)
    return torch.stack([zero + width, zero, zero + forward], dim=-1)
