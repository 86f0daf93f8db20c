from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from onebody.simulate.body import BODY, make_bodies
from onebody.simulate.camera import Cameras, make_cameras, picture_size


def frontal_camera() -> Cameras:
    """3 m before the origin, 1 m high, looking along -z."""
    return Cameras(
        fx=torch.tensor([100.0]),
        fy=torch.tensor([200.0]),
        cx=torch.tensor([50.0]),
        cy=torch.tensor([60.0]),
        rotation=torch.tensor([[[1.0, 0, 0], [0, -1.0, 0], [0, 0, -1.0]]]),
        position=torch.tensor([[0.0, 1000.0, 3000.0]]),
    )


def standing(count: int, frames: int = 1) -> Tensor:
    """Joints of people who stand upright at the origin and face +z: [count, frames, 20, 3]."""
    shape = make_bodies(range(count))
    joints = torch.zeros(count, len(BODY), 3)
    joints[:, BODY.index("hip_center"), 1] = 0.55 * shape.height_mm
    for parent, child in BODY.bones:
        joints[:, child] = joints[:, parent] + shape.rest_mm[:, child]
    return joints[:, None].expand(count, frames, -1, -1).contiguous()


def test_to_camera_turns_up_into_minus_y_and_keeps_left_at_larger_x():
    points = torch.tensor([[[200.0, 1300.0, 500.0]]])
    assert frontal_camera().to_camera(points).tolist() == [[[200.0, -300.0, 2500.0]]]


def test_project_uses_focal_lengths_and_principal_point():
    pixel = frontal_camera().project(torch.tensor([[[300.0, -150.0, 3000.0]]]))
    assert pixel.tolist() == [[[60.0, 50.0]]]


def test_points_behind_the_camera_have_no_image():
    assert frontal_camera().project(torch.tensor([[[1.0, 1.0, -5.0]]])).isnan().all()


def test_any_number_of_axes_goes_through():
    cameras = make_cameras(range(3), 64)
    points = torch.rand(3, 4, 5, 3)
    flat = cameras.to_camera(points.flatten(1, 2))
    assert torch.equal(cameras.to_camera(points).flatten(1, 2), flat)
    assert cameras.project(flat).shape == (3, 20, 2)
    assert torch.equal(cameras.to_camera(points[:, 0, 0]), flat[:, 0])


def test_matrix_is_what_project_uses():
    cameras = make_cameras([4], 64)
    fx, fy, cx, cy = cameras.matrix[0]
    x, y, z = 100.0, -200.0, 3000.0
    expected = torch.stack([fx * x / z + cx, fy * y / z + cy])
    torch.testing.assert_close(cameras.project(torch.tensor([[x, y, z]]))[0], expected)


def test_rotations_are_proper_and_mildly_rolled():
    rotation = make_cameras(range(40), 64).rotation
    identity = torch.eye(3).expand(40, 3, 3)
    torch.testing.assert_close(rotation @ rotation.mT, identity, atol=1e-5, rtol=0)
    assert (torch.linalg.det(rotation) > 0.999).all()
    assert (rotation[:, 0, 1].abs() < math.sin(math.radians(3.1))).all()


def test_cameras_stand_where_they_should():
    cameras = make_cameras(range(60), 64)
    ground = cameras.position[:, [0, 2]].norm(dim=1)
    assert ((ground >= 2500) & (ground <= 4500)).all()
    height = cameras.position[:, 1]
    assert ((height >= 800) & (height <= 2200)).all()
    yaw = torch.atan2(cameras.position[:, 0], cameras.position[:, 2])
    assert (yaw.abs() <= math.radians(35) + 1e-6).all()
    assert yaw.min() < -0.4
    assert yaw.max() > 0.4


def test_yaw_range_goes_all_around():
    position = make_cameras(range(60), 64, yaw_degrees=180).position
    assert (position[:, 2] < 0).any()
    assert (position[:, 2] > 0).any()
    frontal = make_cameras(range(5), 64, yaw_degrees=0).position
    torch.testing.assert_close(frontal[:, 0], torch.zeros(5))


@pytest.mark.parametrize("size", [112, (48, 96), (97, 33)])
def test_the_whole_person_stays_in_the_picture(size):
    joints = standing(30)
    cameras = make_cameras(range(30), size, joints_mm=joints, yaw_degrees=180)
    rows, columns = picture_size(size)
    pixel = cameras.project(cameras.to_camera(joints))
    assert (pixel > 0).all()
    assert (pixel[..., 0] < columns).all()
    assert (pixel[..., 1] < rows).all()


def test_people_fill_the_share_that_is_asked_for():
    joints = standing(20)
    cameras = make_cameras(range(20), 100, joints_mm=joints, fill=(0.8, 0.8))
    pixel = cameras.project(cameras.to_camera(joints))[..., 1].flatten(1)
    tall = pixel.amax(dim=1) - pixel.amin(dim=1)
    assert ((tall > 60) & (tall < 80)).all()


def test_a_walking_person_stays_before_the_camera():
    joints = standing(10, 5).clone()
    joints[..., 2] += torch.linspace(-2000, 2000, 5)[None, :, None]
    cameras = make_cameras(range(10), 64, joints_mm=joints)
    assert (cameras.to_camera(joints)[..., 2] > 1000).all()


def test_left_hand_of_a_frontal_person_is_at_larger_x():
    joints = standing(10)
    cameras = make_cameras(range(10), 64, joints_mm=joints)
    pixel = cameras.project(cameras.to_camera(joints))
    left, right = (pixel[:, 0, BODY.index(name), 0] for name in ("l_hand", "r_hand"))
    assert (left > right).all()
    behind = make_cameras(range(10), 64, joints_mm=joints * torch.tensor([-1.0, 1.0, -1.0]))
    turned = behind.to_camera(joints * torch.tensor([-1.0, 1.0, -1.0]))
    pixel = behind.project(turned)[:, 0, :, 0]
    assert (pixel[:, BODY.index("l_hand")] < pixel[:, BODY.index("r_hand")]).all()


def test_a_camera_depends_on_its_own_seed_and_joints_alone():
    joints = standing(7)
    together = make_cameras(range(7), 64, joints_mm=joints)
    alone = make_cameras([5], 64, joints_mm=joints[5:6])
    for name in ("fx", "fy", "cx", "cy", "rotation", "position"):
        assert torch.equal(getattr(together, name)[5:6], getattr(alone, name)), name
    assert not torch.equal(together.position[4], together.position[5])


def test_select_picks_and_repeats():
    cameras = make_cameras(range(3), 64)
    picked = cameras.select(torch.tensor([2, 0, 2]))
    assert len(picked) == 3
    assert torch.equal(picked.fx, cameras.fx[[2, 0, 2]])
    assert torch.equal(cameras.to("cpu").rotation, cameras.rotation)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"yaw_degrees": 190}, "yaw_degrees should be between 0 and 180, found 190"),
        ({"fill": (0.9, 0.5)}, "0 < low <= high <= 1"),
        ({"joints_mm": torch.zeros(3, 1, 20, 3)}, "joints of 2 clips .* found 3"),
        ({"size": 0}, "at least one row"),
        ({"size": (4, -1)}, "4 x -1"),
    ],
)
def test_bad_arguments_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        make_cameras([0, 1], **{"size": 64, **given})
