"""Properties that every movement shares, whatever its program."""

import numpy as np
import pytest
import torch

from onebody.simulate.actions import ACTIONS
from onebody.simulate.body import BODY
from onebody.simulate.gestures import GESTURES
from onebody.simulate.idle import IDLE
from onebody.simulate.motion import ACTION_SPACE, GESTURE_SPACE, MOVEMENTS, make_motion

KINDS = [*ACTIONS, *GESTURES]
"""Movements that have a name for those who watch; idle ones need not be seen."""

HANDS = [BODY.index("l_hand"), BODY.index("r_hand")]
DRAWS = 24


@pytest.fixture(scope="module")
def motions():
    """Every movement by several people, 1.6 s at 20 frames per second."""
    kinds = [kind for kind in MOVEMENTS for _ in range(DRAWS)]
    people = list(range(DRAWS)) * len(MOVEMENTS)
    return make_motion(kinds, people, range(len(kinds)), 32, fps=20.0)


def of(motions, kind):
    rows = [i for i, name in enumerate(motions.kinds) if name == kind]
    return motions.joints_mm[rows]


def upright(joints):
    """The same in the frame of the hips at the first frame: x to the left, z forward."""
    left = joints[:, :1, BODY.index("l_hip")] - joints[:, :1, BODY.index("r_hip")]
    left = torch.nn.functional.normalize(left * torch.tensor([1.0, 0.0, 1.0]), dim=-1)
    up = torch.tensor([0.0, 1.0, 0.0]).expand_as(left)
    axes = torch.stack([left, up, torch.linalg.cross(left, up)], dim=-2)
    origin = joints[:, :1, BODY.root[0]][:, :, None]
    return ((joints - origin)[..., None, :] * axes[:, :, None]).sum(dim=-1)


def busy_hand(joints):
    """Position ``[B, T, 3]`` of the hand that moves more."""
    hands = joints[:, :, HANDS]
    moved = hands.diff(dim=1).norm(dim=-1).sum(dim=1)
    return hands[torch.arange(len(hands)), :, moved.argmax(dim=1)]


def test_sets():
    assert len(ACTIONS) >= 12
    assert len(GESTURES) >= 10
    assert not set(ACTIONS) & set(GESTURES)
    assert list(MOVEMENTS) == [*ACTIONS, *GESTURES, *IDLE]  # seeds hang on the order
    assert len(MOVEMENTS) == len(ACTIONS) + len(GESTURES) + len(IDLE)
    assert ACTION_SPACE.classes == tuple(ACTIONS)
    assert GESTURE_SPACE.classes == tuple(GESTURES)


def test_mirrors():
    mirror = {**ACTION_SPACE.mirror, **GESTURE_SPACE.mirror}
    assert mirror["swipe_left"] == "swipe_right"
    assert mirror["circle_clockwise"] == "circle_counter_clockwise"
    assert mirror["turn_left"] == "turn_right"
    assert mirror["throw"] == "throw"
    assert mirror["draw_tick"] is None
    for kind, image in mirror.items():
        assert image is None or mirror[image] == kind
    assert ACTION_SPACE.mirror_table().tolist() != list(range(len(ACTION_SPACE)))


@pytest.mark.parametrize("kind", KINDS)
def test_movement_is_human(motions, kind):
    joints = of(motions, kind)
    assert joints.isfinite().all()
    assert (joints[..., 1] > 15).all(), "below the floor"
    assert (joints[..., 1] < 2700).all()
    assert (joints[..., [0, 2]].abs() < 2500).all()
    first, second = zip(*BODY.bones, strict=True)
    lengths = (joints[:, :, list(second)] - joints[:, :, list(first)]).norm(dim=-1)
    assert (lengths / lengths[:, :1]).sub(1).abs().max() < 0.02
    speed = joints.diff(dim=1).norm(dim=-1) * motions.fps / 1000
    assert speed.max() < 14, "faster than any hand"
    assert speed.mean(dim=-1).max() < 4
    feet = joints[:, :, [BODY.index("l_foot"), BODY.index("r_foot")], 1].amin(dim=-1)
    if kind not in ("jump", "run", "jumping_jack"):
        assert feet.max() < 110, "floats"


@pytest.mark.parametrize("kind", KINDS)
def test_movement_is_large_enough_to_see(motions, kind):
    joints = upright(of(motions, kind))
    way = (joints.amax(dim=1) - joints.amin(dim=1)).norm(dim=-1).amax(dim=1)
    assert (way > 250).all()
    if kind in GESTURES:
        hand = busy_hand(joints)
        assert ((hand.amax(dim=1) - hand.amin(dim=1)).norm(dim=-1) > 300).all()
        feet = joints[:, :, [BODY.index("l_ankle"), BODY.index("r_ankle")]]
        assert (feet - feet[:, :1]).norm(dim=-1).max() < 200, "gestures are done standing"


@pytest.mark.parametrize("kind", KINDS)
def test_people_and_performances_differ(kind):
    motion = make_motion([kind] * 4, [0, 0, 1, 0], [0, 1, 0, 0], 16, fps=10.0)
    joints = motion.joints_mm
    assert torch.equal(joints[0], joints[3])
    assert (joints[0] - joints[1]).norm(dim=-1).mean() > 20
    assert (joints[0] - joints[2]).norm(dim=-1).mean() > 20


PAIRS = [
    (kind, opposite)
    for kind, forward in MOVEMENTS.items()
    for opposite, backward in MOVEMENTS.items()
    if forward.program is backward.program and backward.backward and kind != opposite
]


def test_many_movements_come_in_pairs():
    assert {("sit_down", "stand_up"), ("push", "pull"), ("swipe_left", "swipe_right")} <= {*PAIRS}
    assert len(PAIRS) >= 12


@pytest.mark.parametrize(("kind", "opposite"), PAIRS)
def test_backward_movements_are_others_in_opposite_order(kind, opposite):
    pair = make_motion([kind, opposite], [3, 3], [5, 5], 12)
    torch.testing.assert_close(pair.joints_mm[1], pair.joints_mm[0].flip(0))


def test_swipes_go_to_their_side_whichever_hand(motions):
    for kind, sign in (("swipe_left", 1.0), ("swipe_right", -1.0)):
        joints = upright(of(motions, kind))
        hand = busy_hand(joints)
        high = hand[..., 1] > 250  # the stroke, not the way up and down
        for b in range(len(hand)):
            x = hand[b, high[b], 0]
            assert sign * (x[-1] - x[0]) > 150
        moved = joints[:, :, HANDS].diff(dim=1).norm(dim=-1).sum(dim=1)
        assert len(moved.argmax(dim=1).unique()) == 2, "both hands occur"


def test_idle_people_move_little_but_do_move(motions):
    reach = {}
    for kind in ("stand", "look_about", "fidget", "wave", "jump"):
        joints = of(motions, kind)
        reach[kind] = (joints.amax(1) - joints.amin(1)).norm(dim=-1).mean()
    assert 5 < reach["stand"] < reach["fidget"] < reach["wave"] < reach["jump"]
    hands = of(motions, "fidget")[:, :, HANDS]
    moved = (hands.amax(1) - hands.amin(1)).norm(dim=-1).amax(1)
    assert (moved > 100).float().mean() > 0.7
    nose = of(motions, "walk_about")[:, :, BODY.index("head")]
    assert (nose[:, -1] - nose[:, 0]).norm(dim=-1).mean() > 100


def test_circles_turn_their_way(motions):
    for kind, sign in (("circle_clockwise", 1.0), ("circle_counter_clockwise", -1.0)):
        hand = busy_hand(upright(of(motions, kind)))
        seen = torch.stack([-hand[..., 0], hand[..., 1]], dim=-1)  # as the actor sees it
        center = (seen.amax(dim=1, keepdim=True) + seen.amin(dim=1, keepdim=True)) / 2
        offset = seen - center
        area = offset[:, :-1, 0] * offset[:, 1:, 1] - offset[:, :-1, 1] * offset[:, 1:, 0]
        assert (sign * area.sum(dim=1) < 0).float().mean() > 0.9


def test_turns_and_heights(motions):
    for kind, sign in (("turn_left", 1.0), ("turn_right", -1.0)):
        joints = of(motions, kind)
        left = joints[:, :, BODY.index("l_hip")] - joints[:, :, BODY.index("r_hip")]
        heading = torch.atan2(-left[..., 2], left[..., 0])
        steps = heading.diff(dim=1)
        steps = torch.atan2(steps.sin(), steps.cos()).sum(dim=1)
        assert (sign * steps > np.pi / 2).all()
    for kind, sign in (("sit_down", -1.0), ("stand_up", 1.0), ("crouch", -1.0), ("rise", 1.0)):
        height = of(motions, kind)[:, :, BODY.root[0], 1]
        assert (sign * (height[:, -1] - height[:, 0]) > 150).all()
    hand = busy_hand(of(motions, "raise_hand"))[..., 1]
    assert (hand[:, -1] - hand[:, 0] > 400).all()
    flight = of(motions, "jump")[:, :, [BODY.index("l_ankle"), BODY.index("r_ankle")], 1]
    assert (flight.amin(dim=-1).amax(dim=1) > 200).all()


def test_repeated_movements_repeat(motions):
    height = of(motions, "squat")[:, :, BODY.root[0], 1]
    spread = height.amax(dim=1) - height.amin(dim=1)
    assert (spread > 200).all()
    assert (height[:, 0] - height.amax(dim=1)).abs().max() > 150, "some begin below"


@pytest.mark.parametrize(
    "kind", [k for k in KINDS if {**ACTION_SPACE.mirror, **GESTURE_SPACE.mirror}[k]]
)
def test_mirrored_joints_are_a_performance_of_the_mirrored_class(motions, kind):
    """The mirror image of a class lies among the clips of the class that the map names."""
    image = {**ACTION_SPACE.mirror, **GESTURE_SPACE.mirror}[kind]
    mirrored = of(motions, kind)[:, :, BODY.mirror()] * torch.tensor([-1.0, 1.0, 1.0])
    there = upright(of(motions, image)).diff(dim=1).mean(dim=(0, 1))
    here = upright(mirrored).diff(dim=1).mean(dim=(0, 1))
    other = here * torch.tensor([-1.0, 1.0, 1.0])
    if kind != image:  # a movement with a side: the named class moves alike, the same class not
        trunk = [BODY.index(n) for n in ("l_hand", "r_hand", "head")]
        assert (here - there)[trunk].norm() < (other - there)[trunk].norm() + 1.0
