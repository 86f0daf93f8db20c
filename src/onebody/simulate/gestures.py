"""Gestures: what hands and arms say. Each is a program over `Clock` and `Pose`.

Hands move in arm lengths from the shoulder: (outward, up, forward). ``left`` turns "outward" into
"to the actor's left", whichever hand does it. Several gestures are others run backward, so that
no single pose tells them apart.
"""

from __future__ import annotations

import torch

from onebody.simulate.clock import TURN, Clock, curve, during, path, point, within
from onebody.simulate.movement import Movement
from onebody.simulate.pose import LEAD, OTHER, Pose


def swipe_left(clock: Clock, pose: Pose) -> None:
    """Raise a hand, sweep it to the actor's left, lower it."""
    u, half = clock.progress(), 0.52 * clock.size * clock.left
    height, forward = clock.draw("height", -0.12, 0.3), clock.draw("forward", 0.5, 0.7)
    x = clock.draw("aside", -0.25, 0.05) + curve(u, (0.3, -half), (0.7, half))
    arc = curve(u, (0.3, 0.0), (0.5, 0.12), (0.7, 0.0))  # the hand runs on a circle
    pose.reach(LEAD, point(u, x, height, forward + arc), during(u))
    pose.twist += 0.12 * clock.left * curve(u, (0.3, -1.0), (0.7, 1.0)) * during(u)


def circle_clockwise(clock: Clock, pose: Pose) -> None:
    """Draw a circle in front of the body, clockwise as the actor sees it."""
    u, radius = clock.progress(), 0.34 * clock.size
    turns = clock.draw("turns", 1.05, 1.5) * (within(u, 0.18, 0.82) - 0.5)
    angle = TURN * (turns + clock.draw("angle"))  # starts anywhere on the circle
    x = clock.draw("aside", -0.2, 0.1) - clock.left * radius * torch.sin(angle)
    y = clock.draw("height", -0.1, 0.25) + radius * torch.cos(angle)
    pose.reach(LEAD, point(u, x, y, clock.draw("forward", 0.55, 0.75)), during(u, 0.2, 0.8))


def push(clock: Clock, pose: Pose) -> None:
    """Bring a hand (or both) to the chest, push it away, let it sink."""
    u = clock.progress()
    height = clock.draw("height", -0.15, 0.2)
    near = (clock.draw("aside", -0.15, 0.1), height - 0.12, 0.28)
    far = (near[0] * 0.6, height, 0.75 + 0.2 * clock.size)
    way = path(u, (0.32, near), (0.68, far))
    both = (clock.draw("both") > 0.65).float()
    pose.reach(LEAD, way, during(u))
    pose.reach(OTHER, way, during(u) * both)
    pose.palm = pose.palm + 0.8 * during(u)[..., None]
    pose.pitch += 0.1 * curve(u, (0.32, -1.0), (0.68, 1.0)) * during(u)


def raise_hand(clock: Clock, pose: Pose) -> None:
    """Lift a hand over the head and keep it there."""
    u = clock.progress()
    top = (clock.draw("aside", 0.0, 0.3), 0.7 + 0.2 * clock.size, clock.draw("forward", 0.1, 0.4))
    front = (0.1, -0.15, 0.7)  # past the front, as one lifts an arm
    way = path(u, (0.1, front), (0.85, top))
    pose.reach(LEAD, way, curve(u, (0.05, 0.0), (0.6, 1.0)))
    pose.roll += 0.08 * curve(u, (0.2, 0.0), (0.85, 1.0))


def point_at(clock: Clock, pose: Pose) -> None:
    """Stretch an arm toward something, hold it, let it sink."""
    u = clock.progress()
    x, height = clock.draw("aside", -0.5, 0.6), clock.draw("height", -0.15, 0.3)
    pose.reach(LEAD, point(u, x, height, 0.9), during(u, 0.3, 0.72))
    pose.look += 0.3 * x * during(u)


def wave(clock: Clock, pose: Pose) -> None:
    """Raise a hand and wave it from side to side, about twice."""
    u = clock.progress()
    swing = 0.3 * clock.size * torch.sin(TURN * _repeats(clock, 1.7, 2.3))
    x = clock.draw("aside", 0.05, 0.35) + swing
    height, forward = clock.draw("height", 0.1, 0.5), clock.draw("forward", 0.4, 0.6)
    pose.reach(LEAD, point(u, x, height - 0.3 * swing.abs(), forward), during(u, 0.18, 0.85))
    pose.palm[:, :, LEAD] += during(u)


def beckon(clock: Clock, pose: Pose) -> None:
    """Hold a hand out and call someone nearer with it, about twice."""
    u = clock.progress()
    bend = 0.5 - 0.5 * torch.cos(TURN * _repeats(clock, 1.6, 2.2))
    target = point(
        u,
        clock.draw("aside", -0.15, 0.15),
        clock.draw("height", -0.2, 0.05) + 0.3 * clock.size * bend,
        0.85 - 0.5 * clock.size * bend,
    )
    pose.reach(LEAD, target, during(u, 0.18, 0.85))
    pose.palm[:, :, LEAD] += 1.5 * bend * during(u)


def clap(clock: Clock, pose: Pose) -> None:
    """Clap the hands, about twice."""
    u = clock.progress()
    apart = 0.5 + 0.5 * torch.cos(TURN * _repeats(clock, 1.7, 2.4))
    height = clock.draw("height", -0.3, 0.15)
    target = point(u, -0.27 + 0.45 * clock.size * apart, height, 0.6 - 0.08 * apart)
    for side in (LEAD, OTHER):
        pose.reach(side, target, during(u, 0.18, 0.85))


def open_arms(clock: Clock, pose: Pose) -> None:
    """Join the hands before the chest, then spread both arms wide."""
    u = clock.progress()
    height = clock.draw("height", -0.25, 0.15)
    closed, opened = (-0.22, height, 0.58), (0.55 + 0.25 * clock.size, height + 0.08, 0.25)
    way = path(u, (0.3, closed), (0.7, opened))
    for side in (LEAD, OTHER):
        pose.reach(side, way, during(u))


def draw_x(clock: Clock, pose: Pose) -> None:
    """Draw two crossing strokes downward, in either order."""
    u, half = clock.progress(), 0.36 * clock.size
    first = torch.where(clock.draw("order") > 0.5, half, -half)
    height = clock.draw("height", 0.0, 0.25)
    x = curve(u, (0.2, first), (0.42, -first), (0.58, -first), (0.8, first))
    y = curve(u, (0.2, half), (0.42, -half), (0.58, half), (0.8, -half))
    aside, forward = clock.draw("aside", -0.2, 0.05), clock.draw("forward", 0.55, 0.75)
    pose.reach(LEAD, point(u, aside + x, height + y, forward), during(u, 0.18, 0.82))


def draw_tick(clock: Clock, pose: Pose) -> None:
    """Draw a check mark: short down, long up to the actor's right."""
    u, half = clock.progress(), 0.4 * clock.size
    left = half * clock.left
    height = clock.draw("height", 0.0, 0.2)
    x = curve(u, (0.22, left), (0.42, 0.2 * left), (0.46, 0.2 * left), (0.78, -1.1 * left))
    y = curve(u, (0.22, 0.1), (0.42, -half), (0.46, -half), (0.78, 1.1 * half))
    aside, forward = clock.draw("aside", -0.2, 0.05), clock.draw("forward", 0.55, 0.75)
    pose.reach(LEAD, point(u, aside + x, height + y, forward), during(u, 0.2, 0.8))


def _repeats(clock: Clock, low: float, high: float) -> torch.Tensor:
    """Return ``[B, T]`` cycles done: a number within the range over the whole movement."""
    return clock.draw("repeats", low, high) * clock.progress() + clock.draw("phase")


GESTURES: dict[str, Movement] = {
    "wave": Movement(program=wave),
    "swipe_left": Movement(program=swipe_left, mirror="swipe_right"),
    "swipe_right": Movement(program=swipe_left, backward=True, mirror="swipe_left"),
    "circle_clockwise": Movement(program=circle_clockwise, mirror="circle_counter_clockwise"),
    "circle_counter_clockwise": Movement(
        program=circle_clockwise, backward=True, mirror="circle_clockwise"
    ),
    "push": Movement(program=push),
    "pull": Movement(program=push, backward=True),
    "raise_hand": Movement(program=raise_hand),
    "lower_hand": Movement(program=raise_hand, backward=True),
    "point": Movement(program=point_at),
    "beckon": Movement(program=beckon),
    "clap": Movement(program=clap),
    "open_arms": Movement(program=open_arms),
    "close_arms": Movement(program=open_arms, backward=True),
    "draw_x": Movement(program=draw_x),
    "draw_tick": Movement(program=draw_tick, mirror=None),  # a mirrored tick has no name
}
"""All gestures by class name."""
