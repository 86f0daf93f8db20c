"""Worn sensors against motions that can be calculated."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from onebody.simulate.body import BODY
from onebody.simulate.motion import MOVEMENTS, make_motion
from onebody.simulate.sensors import (
    GRAVITY,
    POSITIONS,
    RANGE,
    Places,
    random_rotation,
    readings,
    segment_places,
    turn_rate,
    worn,
)

RATE = 200.0


def still(frames=20):
    """A body that does not move."""
    motion = make_motion(["walk"], [3], [5], 1)
    return motion.joints_mm.expand(1, frames, -1, -1)


def places(origin, frame):
    """One sensor: origin ``[T, 3]`` m, frame ``[T, 3, 3]``."""
    return Places(origin_m=origin[None, :, None].double(), frame=frame[None, :, None].double())


def about_y(angle):
    cos, sin = torch.cos(angle), torch.sin(angle)
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    rows = [cos, zero, sin, zero, one, zero, -sin, zero, cos]
    return torch.stack(rows, dim=-1).reshape(*angle.shape, 3, 3)


def test_a_body_at_rest_shows_gravity_and_no_turn():
    found = readings(segment_places(still()), RATE)[0]
    lengths = found[..., :3].norm(dim=-1)
    np.testing.assert_allclose(lengths.numpy(), GRAVITY, atol=1e-3)
    np.testing.assert_allclose(found[..., 3:].numpy(), 0, atol=1e-6)


def test_at_rest_acceleration_points_up_along_upright_segments():
    found = readings(segment_places(still()), RATE)[0, 5]
    for name in ("thigh_pocket", "chest", "waist", "ankle"):
        assert found[POSITIONS.index(name), 1] > 0.7 * GRAVITY


def test_frames_are_rotations():
    motion = make_motion(list(MOVEMENTS), [1] * len(MOVEMENTS), [2] * len(MOVEMENTS), 30, fps=30)
    frame = segment_places(motion.joints_mm).frame
    product = frame.transpose(-1, -2) @ frame
    np.testing.assert_allclose(
        product.numpy(), np.broadcast_to(np.eye(3), product.shape), atol=1e-5
    )
    np.testing.assert_allclose(torch.linalg.det(frame).numpy(), 1, atol=1e-5)


def test_a_fall_shows_nothing_and_a_push_shows_itself():
    times = torch.arange(40).double() / RATE
    down = torch.stack([0 * times, -0.5 * GRAVITY * times**2, 0 * times], dim=-1)
    eye = torch.eye(3).expand(40, 3, 3)
    np.testing.assert_allclose(readings(places(down, eye), RATE).numpy(), 0, atol=1e-3)
    push = torch.stack([1.5 * times**2, 0 * times, 0 * times], dim=-1)
    found = readings(places(push, eye), RATE)[0, :, 0]
    np.testing.assert_allclose(found[:, :3].numpy(), [[3.0, GRAVITY, 0.0]] * 40, atol=1e-3)


@pytest.mark.parametrize("rate", [-7.0, 0.3, 20.0])
def test_a_known_rotation_shows_its_rate(rate):
    times = torch.arange(60).double() / RATE
    found = turn_rate(about_y(rate * times)[None, :, None], RATE)[0, :, 0]
    np.testing.assert_allclose(found.numpy(), [[0, rate, 0]] * 60, atol=1e-6)


def test_a_turn_is_seen_in_the_sensors_own_frame():
    times = torch.arange(60).double() / RATE
    tilt = torch.tensor([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]]).double()  # its y is the world's z
    found = turn_rate((about_y(2.0 * times) @ tilt)[None, :, None], RATE)[0, :, 0]
    np.testing.assert_allclose(found.numpy(), [[0, 0, -2.0]] * 60, atol=1e-6)


def test_on_a_circle_it_shows_the_centripetal_acceleration():
    times, rate, radius = torch.arange(400).double() / RATE, 5.0, 0.4
    origin = radius * torch.stack([(rate * times).sin(), 0 * times, (rate * times).cos()], dim=-1)
    found = readings(places(origin, about_y(rate * times)), RATE)[0, 1:-1, 0]
    expected = [0, GRAVITY, -radius * rate**2, 0, rate, 0]
    np.testing.assert_allclose(found.numpy(), [expected] * 398, atol=0.02)


def test_a_turning_body_turns_all_its_sensors():
    joints = still(60)
    angle = 3.0 * torch.arange(60).double() / RATE
    turned = (about_y(angle)[:, None] @ joints[0].double()[..., None])[..., 0][None]
    found = readings(segment_places(turned), RATE)[0]
    np.testing.assert_allclose(found[..., 3:].norm(dim=-1).numpy(), 3.0, atol=1e-4)


def test_mounting_turns_both_and_keeps_lengths():
    perfect = readings(segment_places(make_motion(["walk"], [1], [2], 50, fps=50).joints_mm), 50.0)
    found = worn(perfect, [1], [2], POSITIONS, mounting_deg=40, noise=0.0)
    for part in (slice(0, 3), slice(3, 6)):
        lengths = perfect[..., part].norm(dim=-1).float().clamp(max=RANGE[0])
        np.testing.assert_allclose(found[..., part].norm(dim=-1), lengths, rtol=1e-3, atol=1e-3)
    assert (found[..., :3] - perfect[..., :3].float()).abs().max() > 0.5
    plain = worn(perfect, [1], [2], POSITIONS, mounting_deg=0, noise=0.0)
    np.testing.assert_allclose(plain.numpy(), perfect.float().numpy(), atol=1e-4)


def test_bias_is_a_persons_and_noise_of_each_time():
    perfect = readings(segment_places(still(2000)), RATE).expand(3, -1, -1, -1)
    found = worn(perfect, [1, 1, 2], [5, 6, 7], POSITIONS, mounting_deg=0, noise=1.0)
    error = found - perfect.float()
    means, spread = error.mean(dim=1), error.std(dim=1)
    assert (means[0] - means[1]).abs().max() < 0.01
    assert (means[0] - means[2]).abs().max() > 0.05
    assert means[..., :3].abs().max() < 0.21
    np.testing.assert_allclose(spread[..., :3].numpy(), 0.05, rtol=0.1)
    np.testing.assert_allclose(spread[..., 3:].numpy(), 0.01, rtol=0.1)
    assert not torch.equal(error[0], error[1])
    again = worn(perfect[:1], [1], [5], POSITIONS, mounting_deg=0, noise=1.0)
    assert torch.equal(found[:1], again)


def test_readings_stay_within_the_range():
    found = worn(torch.full((1, 4, 5, 6), 1e4), [0], [0], POSITIONS, mounting_deg=0, noise=0)
    assert found[..., :3].max() == pytest.approx(RANGE[0])
    assert found[..., 3:].max() == pytest.approx(RANGE[1])


def test_random_rotations_stay_below_their_angle():
    found = random_rotation(range(200), "x", 30.0)
    cosine = (found.diagonal(dim1=-2, dim2=-1).sum(-1) - 1) / 2
    assert torch.rad2deg(cosine.clamp(-1, 1).acos()).max() < 30.1
    assert torch.rad2deg(cosine.clamp(-1, 1).acos()).max() > 20
    np.testing.assert_allclose(torch.linalg.det(found).numpy(), 1, atol=1e-5)


def test_two_frames_are_too_few():
    with pytest.raises(ValueError, match="three frames or more, found 2"):
        readings(segment_places(still(2)), RATE)


def test_positions_are_joints_of_the_right_side():
    joints = still(3)
    middle = segment_places(joints).origin_m[0, 0]
    right = BODY.index("r_hip")
    wrist = joints[0, 0, BODY.index("r_wrist")] / 1000
    assert (middle[POSITIONS.index("wrist")] - wrist).norm() < 0.06
    pocket = middle[POSITIONS.index("thigh_pocket")]
    assert (pocket - joints[0, 0, right] / 1000).norm() < 0.2
    assert math.isfinite(float(middle.sum()))
