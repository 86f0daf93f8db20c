"""The box rests, glides after the person, and is given up when they are lost."""

from __future__ import annotations

import numpy as np
import pytest

from onebody.inference.follow import FollowConfig, Follower, SteadyBox, person_box

SIZE = (200, 300)
STEP = 1 / 25


def joints(x0, y0, x1, y1, sure=0.9, count=17):
    """Joints spread over a box, all with one confidence."""
    share = np.linspace(0, 1, count)[:, None]
    places = np.array([x0, y0]) + share * np.array([x1 - x0, y1 - y0])
    return np.concatenate([places, np.full((count, 1), sure)], 1).astype(np.float32)


def follow(follower, boxes, start=0.0):
    """Show one box after the other; return boxes looked at, and which frames began anew."""
    looked, moved = [], []
    for number, box in enumerate(boxes):
        _, anew = follower.see(joints(*box), SIZE, start + number * STEP)
        looked.append(follower.box)
        moved.append(anew)
    return looked, moved


def test_the_first_pose_says_where_to_look():
    follower = Follower(FollowConfig())
    assert follower.box is None
    assert follower.see(joints(50, 40, 110, 160), SIZE, 0.0) == (True, True)
    np.testing.assert_allclose(follower.box, [50, 40, 110, 160])


def test_a_trembling_person_does_not_move_the_box():
    rng = np.random.default_rng(0)
    boxes = np.array([50, 40, 110, 160]) + rng.uniform(-3, 3, (50, 4))
    looked, moved = follow(Follower(FollowConfig()), boxes)
    assert moved == [True] + [False] * 49
    assert all((box == looked[0]).all() for box in looked)


def test_a_walking_person_is_followed_without_a_jump():
    boxes = [(20 + 2 * i, 40, 80 + 2 * i, 160) for i in range(100)]
    looked, moved = follow(Follower(FollowConfig()), boxes)
    assert sum(moved) == 1
    for box, person in zip(looked, boxes, strict=True):
        sticks_out = max(person[2] - box[2], box[0] - person[0])
        assert sticks_out < 0.3 * 60
    assert np.abs(np.diff(looked, axis=0)).max() < 8
    follower = Follower(FollowConfig())
    ends, _ = follow(follower, boxes + [boxes[-1]] * 60)
    np.testing.assert_allclose(ends[-1], boxes[-1], atol=0.06 * 120)
    assert (ends[-1] == ends[-2]).all()  # rests again


def test_a_person_who_goes_far_off_gets_a_smaller_box():
    boxes = [(50, 40, 110, 160)] * 3 + [(70, 80, 90, 120)] * 60
    looked, _ = follow(Follower(FollowConfig()), boxes)
    np.testing.assert_allclose(looked[-1], boxes[-1], atol=3)


def test_who_is_lost_for_long_is_searched_in_the_whole_picture():
    follower = Follower(FollowConfig(lost_s=0.3))
    follower.see(joints(50, 40, 110, 160), SIZE, 0.0)
    dark = joints(50, 40, 110, 160, sure=0.2)
    assert follower.see(dark, SIZE, 0.2) == (False, False)
    assert follower.box is not None
    assert follower.see(dark, SIZE, 0.4) == (False, True)
    assert follower.box is None
    assert follower.see(dark, SIZE, 0.5) == (False, False)
    assert follower.see(joints(150, 40, 210, 160), SIZE, 0.6) == (True, True)


def test_somebody_elsewhere_altogether_is_a_jump():
    follower = Follower(FollowConfig())
    follower.see(joints(10, 10, 50, 90), SIZE, 0.0)
    assert follower.see(joints(200, 100, 240, 180), SIZE, STEP) == (True, True)
    np.testing.assert_allclose(follower.box, [200, 100, 240, 180])


def test_boxes_lie_within_the_picture():
    box = person_box(joints(-50, 20, 60, 500), SIZE, 0.25)
    np.testing.assert_allclose(box, [0, 20, 60, 200])
    assert person_box(joints(-50, 20, -10, 90), SIZE, 0.25) is None


def test_a_person_needs_some_confident_joints():
    some = joints(10, 10, 90, 90, count=16)
    some[4:, 2] = 0.1
    assert person_box(some, SIZE, 0.25) is not None
    assert person_box(some, SIZE, 0.3) is None
    some[:, :2] = np.nan
    assert person_box(some, SIZE, 0.25) is None
    assert person_box(np.zeros((0, 3), np.float32), SIZE, 0.25) is None


@pytest.mark.parametrize("fps", [10, 60])
def test_a_glide_takes_its_time_at_any_rate(fps):
    steady = SteadyBox(FollowConfig(glide_s=0.2), np.array([0.0, 0, 100, 100]))
    for _ in range(round(0.4 * fps)):
        assert not steady.toward(np.array([50.0, 0, 150, 100]), 1 / fps)
    assert steady.box[0] == pytest.approx(50 * (1 - np.exp(-2)), abs=0.5)
