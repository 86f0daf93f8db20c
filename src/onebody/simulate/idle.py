"""Idle movements: what people do who do nothing. Each is a program over `Clock` and `Pose`.

A network that shall say "nothing" must have seen it: someone who stands, looks about, walks about,
or puts a hand somewhere without meaning anything by it.
"""

from __future__ import annotations

import torch

from onebody.simulate.actions import walk
from onebody.simulate.clock import Clock, curve, during, point
from onebody.simulate.movement import Movement
from onebody.simulate.pose import LEAD, Pose


def stand(clock: Clock, pose: Pose) -> None:
    """Stand about, and shift the weight now and then."""
    shift = 0.05 * clock.size * curve(clock.progress(), (0.2, 0.0), (0.7, 1.0))
    pose.root[..., 0] += shift * (clock.draw("shifts") > 0.4).float()


def look_about(clock: Clock, pose: Pose) -> None:
    """Turn the head, and the trunk a little, to one side and back or to the other."""
    u = clock.progress()
    back = clock.draw("back", -0.8, 0.6)
    turn = clock.draw("turn", 0.5, 1.0) * curve(u, (0.1, 0.0), (0.4, 1.0), (0.6, 1.0), (0.95, back))
    pose.look += turn
    pose.twist += 0.25 * turn
    pose.heading += clock.draw("follow", 0.0, 0.3) * turn


def walk_about(clock: Clock, pose: Pose) -> None:
    """Walk slowly and in a curve, with hands that may stay where they rest."""
    walk(clock, pose)
    pose.heading += clock.draw("curve", -1.2, 1.2) * (clock.progress() - clock.draw("from"))


def fidget(clock: Clock, pose: Pose) -> None:
    """Bring a hand to the face, the chest or the hip, and let it sink again."""
    u = clock.progress()
    places = torch.tensor(
        [[-0.2, 0.12, 0.3], [-0.22, -0.3, 0.28], [0.05, -0.62, 0.1]], device=clock.device
    )
    place = places[(3 * clock.draw("place")[:, 0]).long().clamp(max=2)]
    target = point(u, place[:, :1], place[:, 1:2], place[:, 2:])
    pose.reach(LEAD, target, during(u, 0.27, 0.65))
    pose.nod += clock.draw("nods", 0.0, 0.25) * during(u)


IDLE: dict[str, Movement] = {
    "stand": Movement(program=stand),
    "look_about": Movement(program=look_about),
    "walk_about": Movement(program=walk_about),
    "fidget": Movement(program=fidget),
}
"""All idle movements by name."""
