"""Actions: what the whole body does. Each is a program over `Clock` and `Pose`.

Trunk and feet move in leg lengths, hands in arm lengths from the shoulder. Several actions are
others run backward, so that no single pose tells them apart.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from onebody.simulate.clock import TURN, Clock, curve, during, path, point
from onebody.simulate.movement import Movement
from onebody.simulate.pose import DEGREE, LEAD, OTHER, Pose


def walk(clock: Clock, pose: Pose) -> None:
    """Walk forward, largely on the spot, as on a treadmill."""
    phase, step = clock.phase(0.85, 1.2), 0.27 * clock.size
    _stride(pose, phase, step=step, lift=0.1)
    pose.root[..., 1] -= 0.03 + 0.02 * torch.cos(2 * TURN * phase)
    pose.travel = pose.travel + 0.5 * step * (phase - phase.mean(dim=1, keepdim=True))
    _swing_arms(pose, phase, 0.3 * clock.size)


def run(clock: Clock, pose: Pose) -> None:
    """Run on the spot with bent arms."""
    phase = clock.phase(1.7, 2.1)
    pose.root[..., 1] += 0.04 * clock.size * torch.cos(2 * TURN * phase)
    _lift_knees(clock, pose, phase)


def march(clock: Clock, pose: Pose) -> None:
    """March on the spot: the movements of running, half as fast, without flight."""
    _lift_knees(clock, pose, clock.phase(0.75, 1.0))


def _lift_knees(clock: Clock, pose: Pose, phase: Tensor) -> None:
    """Step high on the spot with bent arms."""
    _stride(pose, phase, step=0.2 * clock.size, lift=clock.draw("lift", 0.2, 0.34))
    pose.root[..., 1] -= 0.03
    pose.pitch += 0.12
    for side, sign in ((LEAD, -1.0), (OTHER, 1.0)):
        swing = sign * 0.3 * clock.size * torch.cos(TURN * phase)
        bent = point(phase, 0.08, -0.5 + 0.25 * swing, 0.22 + swing)
        pose.reach(side, bent, clock.draw("arms", 0.55, 1.0) + 0 * phase)


def jump(clock: Clock, pose: Pose) -> None:
    """Dip, jump with swinging arms, land."""
    u, height = clock.progress(), 0.26 * clock.size
    flight = curve(u, (0.4, 0.0), (0.54, height), (0.68, 0.0))
    dip = curve(u, (0.0, 0.0), (0.3, 0.34), (0.42, 0.0), (0.66, 0.0), (0.78, 0.24), (1.0, 0.0))
    pose.root[..., 1] += flight - dip * clock.size
    pose.feet[..., 1] = pose.feet[..., 1] + flight[..., None]
    pose.pitch += 1.1 * dip
    up = clock.draw("arms", 0.0, 0.6)
    way = path(u, (0.0, (0.1, -0.9, 0.1)), (0.3, (0.15, -0.7, -0.5)), (0.5, (0.15, up, 0.6)))
    swings = (clock.draw("swings") > 0.35).float()  # others keep their arms where they are
    _both_reach(pose, way, during(u, 0.2, 0.7) * swings)


def jumping_jack(clock: Clock, pose: Pose) -> None:
    """Jump legs apart and arms up, and back, over and over."""
    phase = clock.phase(0.9, 1.3)
    open_ = 0.5 - 0.5 * torch.cos(TURN * phase)
    hop = 0.05 * torch.sin(TURN * phase).abs()
    pose.feet[..., 0] = pose.feet[..., 0] + (0.32 * clock.size * open_)[..., None]
    pose.feet[..., 1] = pose.feet[..., 1] + hop[..., None]
    pose.root[..., 1] += hop - 0.1 * open_
    angle = 0.15 + clock.draw("arms", 2.1, 2.7) * open_
    _both_reach(pose, 0.95 * point(angle, angle.sin(), -angle.cos(), 0.12), torch.ones_like(angle))


def squat(clock: Clock, pose: Pose) -> None:
    """Go down and up again, over and over."""
    phase = clock.phase(0.8, 1.1)
    _lower(clock, pose, 0.5 - 0.5 * torch.cos(TURN * phase))


def crouch(clock: Clock, pose: Pose) -> None:
    """Go down once and stay there."""
    _lower(clock, pose, curve(clock.progress(), (0.1, 0.0), (0.85, 1.0)))


def sit_down(clock: Clock, pose: Pose) -> None:
    """Sit down on something behind."""
    u = clock.progress()
    down = curve(u, (0.12, 0.0), (0.85, 1.0))
    seat = clock.draw("seat", 0.36, 0.5)
    pose.root[..., 1] -= seat * down
    pose.root[..., 2] -= clock.draw("back", 0.32, 0.45) * down
    pose.pitch += curve(u, (0.0, 0.0), (0.5, 0.65), (0.95, 0.05))  # lean forward for balance
    lap = clock.draw("lap") > 0.4
    _both_reach(pose, point(u, -0.05, -0.72, 0.42), down * lap.float())


def pick_up(clock: Clock, pose: Pose) -> None:
    """Bend to the floor, take something, come up holding it before the chest."""
    u = clock.progress()
    bent = curve(u, (0.05, 0.0), (0.45, 1.0), (0.55, 1.0), (0.95, 0.0))
    knees = clock.draw("knees", 0.1, 0.36)
    pose.root[..., 1] -= knees * bent
    pose.root[..., 2] -= 0.16 * bent
    pose.pitch += (1.55 - 1.6 * knees) * clock.size * bent
    way = path(u, (0.05, (0.1, -0.92, 0.1)), (0.45, (-0.05, -0.95, 0.25)), (0.9, (-0.1, -0.4, 0.5)))
    share = curve(u, (0.0, 0.0), (0.4, 1.0))
    pose.reach(LEAD, way, share)
    pose.reach(OTHER, way, share * (clock.draw("both") > 0.5).float())


def lunge(clock: Clock, pose: Pose) -> None:
    """Take a long step forward, sink, and stay there."""
    u, way = clock.progress(), 0.72 * clock.size
    out = curve(u, (0.1, 0.0), (0.85, 1.0))
    pose.feet[:, :, LEAD, 2] += way * out
    pose.feet[:, :, LEAD, 1] += 0.35 * (out * (1 - out))
    pose.root[..., 2] += 0.52 * way * out
    pose.root[..., 1] -= 0.3 * clock.size * out
    pose.pitch += clock.draw("lean", -0.05, 0.25) * out


def kick(clock: Clock, pose: Pose) -> None:
    """Swing a leg back and kick forward with it."""
    u, far = clock.progress(), 0.75 * clock.size
    back, front = (0.0, 0.22, -0.38 * clock.size), (-0.05, clock.draw("high", 0.3, 0.6), far)
    swing = path(u, (0.05, (0, 0, 0)), (0.34, back), (0.58, front), (0.92, (0, 0, 0)))
    pose.feet[:, :, LEAD] = pose.feet[:, :, LEAD] + swing
    pose.root[..., 0] -= 0.07 * during(u)
    pose.pitch += curve(u, (0.05, 0.0), (0.34, 0.15), (0.58, -0.25), (0.92, 0.0))
    pose.twist += 0.3 * curve(u, (0.05, 0.0), (0.34, 1.0), (0.58, -1.0), (0.92, 0.0))
    _both_reach(pose, point(u, 0.5, -0.7, 0.15), during(u) * clock.draw("arms", 0.2, 1.0))


def throw(clock: Clock, pose: Pose) -> None:
    """Take a hand back over the shoulder and throw forward with a step."""
    u, size = clock.progress(), clock.size
    front, wide = (-0.15, 0.25, 0.85 * size), clock.draw("wide", 0.3, 0.5)
    way = path(
        u, (0.1, (0.2, -0.6, 0.2)), (0.4, (wide, 0.4, -0.4)), (0.6, front), (0.8, (-0.3, -0.6, 0.5))
    )
    pose.reach(LEAD, way, during(u, 0.2, 0.8))
    _wind_up(pose, u, 0.6 * size)
    pose.pitch += 0.3 * curve(u, (0.15, 0.0), (0.4, -0.6), (0.65, 1.0), (1.0, 0.0))


def bowl(clock: Clock, pose: Pose) -> None:
    """Swing a hanging arm back and roll a ball forward with a step."""
    u, size = clock.progress(), clock.size
    back = (0.12, -0.6, -0.62 * size)
    way = path(
        u, (0.1, (0.1, -0.6, 0.5)), (0.4, back), (0.62, (-0.05, -0.8, 0.5)), (0.8, (-0.1, 0.1, 0.8))
    )
    pose.reach(LEAD, way, during(u, 0.2, 0.8))
    _wind_up(pose, u, 0.35 * size)
    pose.root[..., 1] -= 0.2 * size * during(u, 0.5, 0.7)
    pose.pitch += 0.55 * size * during(u, 0.45, 0.65)


def turn_left(clock: Clock, pose: Pose) -> None:
    """Turn about to the actor's left with small steps, from any direction."""
    u = clock.progress()
    angle = clock.draw("angle", 150, 190) * DEGREE * clock.left
    # from the front or from the back: else being seen from one side would tell which way it goes
    pose.heading += math.pi * (clock.draw("from") > 0.5).float()
    pose.heading += angle * curve(u, (0.0, 0.0), (1.0, 1.0))
    steps = torch.sin(TURN * 1.5 * u)
    for side, sign in ((LEAD, 1.0), (OTHER, -1.0)):
        pose.feet[:, :, side, 1] += 0.09 * (sign * steps).clamp(min=0)
    pose.look += 0.3 * clock.left * during(u)


def _stride(pose: Pose, phase: Tensor, *, step: Tensor, lift: float | Tensor) -> None:
    """Move the feet as in walking: back while they bear the body, forward through the air."""
    for side, shift in ((LEAD, 0.0), (OTHER, 0.5)):
        angle = TURN * (phase + shift)
        pose.feet[:, :, side, 2] += step * torch.cos(angle)
        pose.feet[:, :, side, 1] += lift * (-torch.sin(angle)).clamp(min=0)


def _swing_arms(pose: Pose, phase: Tensor, amount: Tensor) -> None:
    """Swing the arms against the legs, and the chest with them."""
    for side, sign in ((LEAD, -1.0), (OTHER, 1.0)):
        pose.hands[:, :, side, 2] += sign * amount * torch.cos(TURN * phase)
    pose.twist += 0.12 * torch.cos(TURN * phase)


def _lower(clock: Clock, pose: Pose, down: Tensor) -> None:
    """Go down in the knees by a share, the arms hanging, before the body or forward."""
    pose.root[..., 1] -= clock.draw("depth", 0.36, 0.5) * clock.size * down
    pose.root[..., 2] -= 0.12 * down
    pose.pitch += clock.draw("lean", 0.25, 0.6) * down
    forward = (clock.draw("arms") > 0.5).float()
    _both_reach(pose, point(down, 0.0, -0.3, 0.75), forward * down)


def _both_reach(pose: Pose, target: Tensor, share: Tensor) -> None:
    """Move both hands alike."""
    pose.reach(LEAD, target, share)
    pose.reach(OTHER, target, share)


def _wind_up(pose: Pose, u: Tensor, twist: Tensor) -> None:
    """Turn the chest to the leading side and back through, with a step of the other foot."""
    pose.twist += twist * curve(u, (0.1, 0.0), (0.4, 1.0), (0.68, -0.8), (1.0, 0.0))
    out = during(u, 0.45, 0.75)
    pose.feet[:, :, OTHER, 2] += 0.36 * out
    pose.feet[:, :, OTHER, 1] += 0.25 * out * (1 - out)
    pose.root[..., 2] += 0.18 * out
    pose.root[..., 1] -= 0.05 * out


ACTIONS: dict[str, Movement] = {
    "walk": Movement(program=walk),
    "walk_backward": Movement(program=walk, backward=True),
    "run": Movement(program=run),
    "march": Movement(program=march),
    "jump": Movement(program=jump),
    "jumping_jack": Movement(program=jumping_jack),
    "squat": Movement(program=squat),
    "crouch": Movement(program=crouch),
    "rise": Movement(program=crouch, backward=True),
    "sit_down": Movement(program=sit_down),
    "stand_up": Movement(program=sit_down, backward=True),
    "pick_up": Movement(program=pick_up),
    "put_down": Movement(program=pick_up, backward=True),
    "lunge": Movement(program=lunge),
    "step_back": Movement(program=lunge, backward=True),
    "kick": Movement(program=kick),
    "kick_back": Movement(program=kick, backward=True),
    "throw": Movement(program=throw),
    "catch": Movement(program=throw, backward=True),
    "bowl": Movement(program=bowl),
    "turn_left": Movement(program=turn_left, mirror="turn_right"),
    "turn_right": Movement(program=turn_left, backward=True, mirror="turn_left"),
}
"""All actions by class name."""
