import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from onebody.simulate.body import BODY, make_bodies
from onebody.simulate.clock import make_clock
from onebody.simulate.pose import LEAD, OTHER, make_idle
from onebody.simulate.solve import rotation, solve, two_bones

CLOCK = make_clock(range(6), range(6), 5)
SHAPE = make_bodies(range(6))


def joint(joints, name):
    return joints[:, :, BODY.index(name)]


def still():
    """People who stand straight."""
    pose = make_idle(CLOCK)
    for name in ("root", "heading", "pitch", "roll", "twist", "look", "nod", "hands", "feet"):
        getattr(pose, name).zero_()
    pose.hands[..., 1] = -1.0
    return pose


def test_rotations():
    quarter = torch.tensor(math.pi / 2)
    zero = torch.zeros(())
    x, y, z = torch.eye(3)
    torch.testing.assert_close(rotation(quarter) @ z, x, atol=1e-6, rtol=0)  # to the left
    torch.testing.assert_close(rotation(zero, quarter) @ y, z, atol=1e-6, rtol=0)  # forward
    torch.testing.assert_close(rotation(zero, zero, quarter) @ x, y, atol=1e-6, rtol=0)
    many = rotation(torch.randn(7, 3), torch.randn(7, 3), torch.randn(7, 3))
    torch.testing.assert_close(many @ many.mT, torch.eye(3).expand(7, 3, 3, 3), atol=1e-5, rtol=0)


@given(
    st.lists(st.floats(-900, 900), min_size=3, max_size=3),
    st.floats(100, 400),
    st.floats(100, 400),
)
def test_two_bones_keep_their_lengths_and_reach(target, first, second):
    start, goal = torch.tensor([10.0, 20.0, 30.0]), torch.tensor(target)
    pole = torch.tensor([0.5, -0.6, -0.65])
    lengths = torch.tensor([first]), torch.tensor([second])
    middle, end = two_bones(start, goal, *lengths, pole)
    assert (middle - start).norm().item() == pytest.approx(first, rel=1e-3, abs=0.5)
    assert (end - middle).norm().item() == pytest.approx(second, rel=1e-3, abs=0.5)
    distance = (goal - start).norm().item()
    if 1.2 * abs(first - second) + 2 < distance < 0.99 * (first + second):
        torch.testing.assert_close(end, goal, atol=0.5, rtol=0)


def test_the_elbow_points_to_the_pole():
    start, goal = torch.zeros(3), torch.tensor([0.0, 0.0, 300.0])
    length = torch.tensor([200.0])
    middle, _ = two_bones(start, goal, length, length, torch.tensor([0.0, -1.0, 0.3]))
    torch.testing.assert_close(middle, torch.tensor([0.0, -132.29, 150.0]), atol=0.1, rtol=0)


def test_standing_straight():
    joints = solve(still(), SHAPE)
    assert joints.shape == (6, 5, 20, 3)
    assert (joint(joints, "l_shoulder")[..., 0] > 100).all()  # left is +x
    assert (joint(joints, "l_foot")[..., 2] > joint(joints, "l_ankle")[..., 2] + 50).all()
    top = joint(joints, "head")[..., 1] + SHAPE.head_radius_mm[:, None]
    assert ((top / SHAPE.height_mm[:, None] - 1).abs() < 0.05).all()
    sole = SHAPE.radii_mm[:, BODY.bones.index((14, 15))]
    torch.testing.assert_close(
        joint(joints, "l_foot")[..., 1], sole[:, None].expand(6, 5), atol=4, rtol=0
    )  # legs are never quite straight
    assert (joint(joints, "l_wrist")[..., 1] < joint(joints, "hip_center")[..., 1]).all()
    mirrored = joints[:, :, BODY.mirror()] * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(mirrored, joints, atol=0.01, rtol=0)


def test_limbs_keep_their_lengths():
    pose = make_idle(CLOCK)
    pose.hands += torch.randn(pose.hands.shape, generator=torch.Generator().manual_seed(1))
    pose.feet[:, :, LEAD] += torch.tensor([0.1, 0.4, 0.5])
    pose.pitch += 0.8
    pose.twist += 0.5
    joints = solve(pose, SHAPE)
    first, second = zip(*BODY.bones, strict=True)
    lengths = (joints[:, :, list(second)] - joints[:, :, list(first)]).norm(dim=-1)
    expected = SHAPE.lengths_mm[:, None].expand_as(lengths)
    torch.testing.assert_close(lengths, expected, atol=0.5, rtol=0)


def test_hands_go_where_they_are_sent():
    pose = still()
    pose.hands[:, :, LEAD] = torch.tensor([0.1, 0.2, 0.7])
    joints = solve(pose, SHAPE)
    arm = joint(joints, "l_wrist") - joint(joints, "l_shoulder")
    length = SHAPE.lengths_mm[:, [4, 5]].sum(dim=1)[:, None, None]
    expected = torch.tensor([0.1, 0.2, 0.7]).expand_as(arm)
    torch.testing.assert_close(arm / length, expected, atol=1e-3, rtol=0)
    pose.hands[:, :, OTHER] = torch.tensor([0.1, 0.2, 0.7])
    joints = solve(pose, SHAPE)
    other = (joint(joints, "r_wrist") - joint(joints, "r_shoulder")) / length
    torch.testing.assert_close(other[..., 0], -arm[..., 0] / length[..., 0], atol=1e-3, rtol=0)


def test_bending_and_turning():
    pose = still()
    straight = solve(pose, SHAPE)
    pose.pitch += 0.9
    bent = solve(pose, SHAPE)
    assert (joint(bent, "head")[..., 2] > joint(straight, "head")[..., 2] + 250).all()
    assert (joint(bent, "head")[..., 1] < joint(straight, "head")[..., 1] - 100).all()
    pose.pitch.zero_()
    pose.heading += math.pi
    turned = solve(pose, SHAPE)
    torch.testing.assert_close(turned, straight * torch.tensor([-1.0, 1.0, -1.0]), atol=0.1, rtol=0)


def test_travel_and_root():
    pose = still()
    pose.root[..., 1] -= 0.02
    before = solve(pose, SHAPE)
    pose.travel += 0.5
    gone = solve(pose, SHAPE) - before
    assert (gone[..., 2] > 300).all()
    assert gone[..., :2].abs().max() < 1e-3
    pose.root[..., 1] -= 0.3
    lowered = solve(pose, SHAPE) - before
    assert (joint(lowered, "head")[..., 1] < -200).all()
    assert joint(lowered, "l_ankle")[..., 1].abs().max() < 1
