from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from onebody.simulate.body import BODY, make_bodies
from onebody.simulate.figure import PART_NAMES, PARTS, make_figure, part_table
from onebody.simulate.scene import SHOE, SKIN, TOP, make_scenes


def upright(count: int) -> Tensor:
    """Camera-frame joints [count, 20, 3] of people who face the camera 3 m away."""
    shape = make_bodies(range(count))
    joints = torch.zeros(count, len(BODY), 3)
    for parent, child in BODY.bones:
        joints[:, child] = joints[:, parent] + shape.rest_mm[:, child]
    return joints * torch.tensor([1.0, -1.0, -1.0]) + torch.tensor([0.0, 0.0, 3000.0])


def figures(count=8, **outfit):
    scenes = make_scenes(range(count)).outfit
    return make_figure(upright(count), make_bodies(range(count)), replace(scenes, **outfit))


def part(name: str) -> int:
    return PART_NAMES.index(name)


def test_parts_fit_into_five_bits_and_have_a_material():
    assert len(PARTS) <= 32
    assert len(set(PART_NAMES)) == len(PARTS)
    assert dict(PARTS)["head"] == SKIN
    assert dict(PARTS)["l_foot"] == SHOE


def test_axes_point_left_up_and_forward():
    axes = figures().axes
    expected = torch.tensor([[1.0, 0, 0], [0, -1.0, 0], [0, 0, -1.0]])  # forward: to the camera
    torch.testing.assert_close(axes, expected.expand(8, 3, 3), atol=0.05, rtol=0)
    torch.testing.assert_close(axes @ axes.mT, torch.eye(3).expand(8, 3, 3), atol=1e-5, rtol=0)


def test_every_joint_lies_inside_a_part():
    figure, joints = figures(), upright(8)
    axis = figure.end - figure.start
    offset = joints[:, :, None] - figure.start[:, None]
    length = (axis * axis).sum(dim=-1).clamp(min=1)[:, None]
    place = ((offset * axis[:, None]).sum(dim=-1) / length).clamp(0, 1)
    away = (offset - place[..., None] * axis[:, None]).norm(dim=-1)
    radius = torch.lerp(figure.start_mm[:, None], figure.end_mm[:, None], place)
    depth_inside = (radius - away).amax(dim=-1)
    for joint, name in enumerate(BODY.joints):
        assert (depth_inside[:, joint] > 10).all(), name


def test_left_and_right_are_mirror_images():
    figure = figures()
    for name in ("upper_arm", "forearm", "hand", "thigh", "calf", "foot", "trunk", "yoke", "skirt"):
        left, right = part("l_" + name), part("r_" + name)
        flip = torch.tensor([-1.0, 1.0, 1.0])
        torch.testing.assert_close(figure.start[:, left] * flip, figure.start[:, right])
        torch.testing.assert_close(figure.end_mm[:, left], figure.end_mm[:, right])


def test_hanging_arms_stick_out_of_the_trunk():
    figure = figures(30)
    trunk = part("l_trunk")
    flank = figure.start[:, trunk, 0] + figure.start_mm[:, trunk]
    elbow = figure.start[:, part("l_forearm"), 0]
    assert (flank < elbow + 20).all()


def test_skirts_and_long_hair_are_there_or_not():
    off = figures(skirt=torch.zeros(8, dtype=torch.bool), hair_length=torch.zeros(8))
    on = figures(skirt=torch.ones(8, dtype=torch.bool), hair_length=torch.ones(8))
    for name in ("l_skirt", "r_skirt", "hair"):
        assert (off.start_mm[:, part(name)] == 0).all()
        assert (off.end_mm[:, part(name)] == 0).all()
        assert (on.start_mm[:, part(name)] > 40).all()


def test_loose_clothes_are_wider_and_hands_are_not():
    tight, loose = figures(looseness=torch.ones(8)), figures(looseness=torch.full((8,), 1.2))
    arm, hand = part("l_upper_arm"), part("l_hand")
    torch.testing.assert_close(loose.start_mm[:, arm], 1.2 * tight.start_mm[:, arm])
    assert torch.equal(loose.start_mm[:, hand], tight.start_mm[:, hand])


def test_the_face_is_before_the_head_and_the_hair_behind():
    figure = figures(hair_length=torch.ones(8))
    chin, hair = figure.end[:, part("head"), 2], figure.end[:, part("hair"), 2]
    assert (chin < hair).all()


def test_a_body_without_extent_stays_finite():
    shape, outfit = make_bodies([0]), make_scenes([0]).outfit
    figure = make_figure(torch.full((1, 20, 3), 5.0), shape, outfit)
    for value in (figure.start, figure.end, figure.axes):
        assert value.isfinite().all()


def test_part_table_says_what_cloth_covers():
    outfit = replace(
        make_scenes([0, 1]).outfit,
        sleeves=torch.tensor([[0.5, 0.0], [1.0, 0.9]]),
        legs=torch.tensor([[1.0, 1.0], [0.4, 0.0]]),
        skirt=torch.tensor([False, False]),
    )
    cover, materials = part_table(outfit)
    assert cover[0, part("l_upper_arm")] == 0.5
    assert cover[0, part("r_forearm")] == 0
    assert cover[1, part("l_upper_arm")] > 1  # the ball at the elbow too
    torch.testing.assert_close(cover[:, part("r_thigh")], torch.tensor([2.0, 0.4]))
    assert (cover[:, part("trunk")] > 1).all()
    assert materials[part("l_forearm")] == TOP
    bare, _ = part_table(replace(outfit, skirt=torch.tensor([True, True])))
    assert (bare[:, part("l_calf")] == 0).all()
