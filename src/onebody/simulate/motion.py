"""Motions of simulated people: joints over time for any mixture of actions and gestures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from onebody.config import lookup
from onebody.labels import LabelSpace
from onebody.simulate.actions import ACTIONS
from onebody.simulate.body import BODY, BodyShape, make_bodies
from onebody.simulate.clock import make_clock
from onebody.simulate.gestures import GESTURES
from onebody.simulate.idle import IDLE
from onebody.simulate.movement import Movement, label_space
from onebody.simulate.pose import DEGREE, make_idle
from onebody.simulate.solve import rotation, solve

MOVEMENTS: dict[str, Movement] = {**ACTIONS, **GESTURES, **IDLE}
"""All movements by class name; idle ones come last, for seeds hang on the order."""

ACTION_SPACE: LabelSpace = label_space("simulated actions", ACTIONS)
GESTURE_SPACE: LabelSpace = label_space("simulated gestures", GESTURES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """Moving bodies.

    Attributes:
        joints_mm: ``[B, T, 20, 3]`` kinect-20 joints in the world: y up, floor at 0; a person who
            faces +z has the left side at +x.
        shape: of the B bodies.
        kinds: ``[B]`` movement of each clip.
        fps: frames per second.
    """

    joints_mm: Tensor
    shape: BodyShape
    kinds: tuple[str, ...]
    fps: float


def make_motion(
    kinds: Sequence[str],
    identities: Sequence[int],
    seeds: Sequence[int],
    frames: int,
    *,
    fps: float = 30.0,
    facing_deg: float = 30.0,
    device: torch.device | str = "cpu",
) -> Motion:
    """Let people move.

    A clip depends on its own kind, identity and seed alone, whatever stands beside it. Movements
    done once begin at a random time of the clip and fit into it; repeated ones begin anywhere in
    their cycle and are done at least once. Clips of one to two seconds look natural.

    Args:
        kinds: ``[B]`` names out of `MOVEMENTS`.
        identities: ``[B]`` who moves: body, posture, tempo, handedness.
        seeds: ``[B]`` which performance of theirs it is.
        frames: T.
        fps: frames per second.
        facing_deg: people face +z within this many degrees to either side.
        device: where to compute; results agree up to rounding.

    Raises:
        ValueError: if a movement does not exist, or the arguments differ in length.
    """
    sizes = {len(kinds), len(identities), len(seeds)}
    if len(sizes) != 1 or 0 in sizes or frames < 1:
        raise ValueError(
            "Kinds, identities and seeds should be as many, and frames 1 or more; found "
            f"{len(kinds)}, {len(identities)}, {len(seeds)} and {frames} frames."
        )
    shape = make_bodies(identities, device=device)
    joints = torch.zeros(len(kinds), frames, len(BODY), 3, device=device)
    for kind in dict.fromkeys(kinds):
        movement = lookup(MOVEMENTS, kind, "movement")
        rows = [i for i, name in enumerate(kinds) if name == kind]
        clock = make_clock(
            [identities[i] for i in rows], [seeds[i] for i in rows], frames, fps=fps, device=device
        )
        pose = make_idle(clock)
        movement.program(clock, pose)
        index = torch.tensor(rows, device=device)
        solved = _mirror_right(solve(pose, shape.select(index)), clock.left[:, 0] < 0)
        solved = solved.flip(1) if movement.backward else solved
        joints[index] = _stand_somewhere(
            solved,
            yaw=clock.draw("facing", -facing_deg, facing_deg) * DEGREE,
            place_mm=torch.cat([clock.draw("x", -120, 120), clock.draw("z", -120, 120)], dim=1),
        )
    return Motion(joints_mm=joints, shape=shape, kinds=tuple(kinds), fps=fps)


def _mirror_right(joints: Tensor, right: Tensor) -> Tensor:
    """Mirror the bodies whose leading side is the right one."""
    mirrored = joints[:, :, BODY.mirror()] * joints.new_tensor([-1.0, 1.0, 1.0])
    return torch.where(right[:, None, None, None], mirrored, joints)


def _stand_somewhere(joints: Tensor, *, yaw: Tensor, place_mm: Tensor) -> Tensor:
    """Turn bodies about the vertical and shift them along the floor."""
    turned = joints @ rotation(yaw).transpose(-1, -2)  # [B, 1, 3, 3] against [B, T, 20, 3]
    shift = torch.stack([place_mm[:, 0], torch.zeros_like(place_mm[:, 0]), place_mm[:, 1]], dim=-1)
    return turned + shift[:, None, None]
