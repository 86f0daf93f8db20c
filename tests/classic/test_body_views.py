"""What turned cameras see, and what the body hides from them."""

import numpy as np
import pytest
from clips_for_tests import KINECT, pose, standing
from hypothesis import given
from hypothesis import strategies as st

from onebody.classic.clips import Clip
from onebody.classic.views import hidden, turned_by, view_from
from onebody.skeletons import get_skeleton


def hidden_names(joints):
    """Return the names of the hidden joints of one frame ``[20, 3]``."""
    return {KINECT.joints[j] for j in np.flatnonzero(hidden(joints[None], KINECT)[0])}


def test_the_frontal_view_of_who_stands_is_the_picture_itself():
    clip = standing(frames=2)
    seen = view_from(clip, KINECT, 0.0)
    np.testing.assert_allclose(seen.joints, clip.joints[..., :2], atol=1e-3)
    assert seen.fps == clip.fps


def test_the_trunk_hides_a_hand_behind_the_back_and_not_one_before_the_chest():
    behind = pose(r_hand=(20, -200, 300), r_wrist=(-40, -200, 280))
    assert {"r_hand", "r_wrist"} <= hidden_names(behind)
    before = pose(r_hand=(20, -200, -300), r_wrist=(-40, -200, -280))
    assert not {"r_hand", "r_wrist"} & hidden_names(before)
    assert "spine" not in hidden_names(before)  # an arm is thinner than the gap


def test_the_profile_hides_the_far_side_and_shows_the_near_one():
    clip = Clip(joints=pose()[None], fps=30.0)
    gone = [np.isnan(view_from(clip, KINECT, angle).joints[0, :, 0]) for angle in (90.0, -90.0)]
    names = [{KINECT.joints[j] for j in np.flatnonzero(rows)} for rows in gone]
    limbs = ("shoulder", "elbow", "wrist", "hand", "knee", "ankle", "foot")
    left, right = ({f"{side}_{limb}" for limb in limbs} for side in "lr")
    # A positive angle takes the picture's right, where the left hand is, away from the camera.
    assert left <= names[0]
    assert not right & names[0]
    assert right <= names[1]
    assert not left & names[1]
    assert "hip_center" in names[0]  # behind the hanging hand
    assert "head" not in names[0] | names[1]


def test_a_half_turn_mirrors_the_picture():
    joints = pose()[None]
    turned = turned_by(joints, KINECT, 180.0)
    np.testing.assert_allclose(turned[..., 0], -joints[..., 0], atol=1e-2)
    np.testing.assert_allclose(turned[..., 1], joints[..., 1], atol=1e-2)


@given(angle=st.floats(-360, 360), seed=st.integers(0, 20))
def test_turning_keeps_lengths_and_heights(angle, seed):
    joints = standing(frames=3, noise=40.0, seed=seed).joints
    turned = turned_by(joints, KINECT, angle)
    np.testing.assert_allclose(turned[..., 1], joints[..., 1], atol=0.01)
    for a, b in KINECT.bones:
        np.testing.assert_allclose(
            np.linalg.norm(turned[:, a] - turned[:, b], axis=-1),
            np.linalg.norm(joints[:, a] - joints[:, b], axis=-1),
            atol=0.1,
        )


def test_missing_joints_stay_missing_and_hide_nothing():
    joints = pose(r_hand=(20, -200, 300))[None].copy()
    joints[0, KINECT.index("l_knee")] = np.nan
    seen = view_from(Clip(joints=joints, fps=30.0), KINECT, 0.0).joints[0]
    assert np.isnan(seen[KINECT.index("l_knee")]).all()
    assert np.isfinite(seen[KINECT.index("l_ankle")]).all()
    assert not hidden(np.full((2, 20, 3), np.nan, np.float32), KINECT).any()


def test_what_hides_does_not_depend_on_the_unit():
    joints = pose(r_hand=(20, -200, 300))[None]
    np.testing.assert_array_equal(hidden(joints, KINECT), hidden(joints / 1000, KINECT))


def test_what_cannot_be_turned_is_refused():
    with pytest.raises(ValueError, match=r"joints in 3D, found 2 .* Leave 'views' empty"):
        view_from(Clip(joints=np.zeros((3, 20, 2), np.float32), fps=30.0), KINECT, 45.0)
    hand = get_skeleton("hand-21")
    with pytest.raises(ValueError, match="no shoulders and hips"):
        view_from(Clip(joints=np.zeros((3, 21, 3), np.float32), fps=30.0), hand, 45.0)
