"""Which joints make which part, in every layout."""

import pytest

from onebody.classic.parts import body_parts, stated_parts
from onebody.skeletons import SKELETONS, get_skeleton

BODY = ["head_torso", "left_arm", "right_arm", "left_leg", "right_leg"]


@pytest.mark.parametrize("name", SKELETONS)
def test_every_joint_is_in_one_part(name):
    skeleton = get_skeleton(name)
    parts = body_parts(skeleton)
    assert sorted(j for part in parts for j in part.joints) == list(range(len(skeleton)))
    hands = name in ("hand-21", "shrec-22")
    assert [part.name for part in parts] == BODY or (hands and len(parts) == 6)


def test_parts_of_a_kinect_body_begin_where_they_hang():
    skeleton = get_skeleton("kinect-20")
    named = {part.name: [skeleton.joints[j] for j in part.joints] for part in body_parts(skeleton)}
    assert named["left_arm"] == ["l_shoulder", "l_elbow", "l_wrist", "l_hand"]
    assert named["right_leg"] == ["r_hip", "r_knee", "r_ankle", "r_foot"]
    assert named["head_torso"] == ["hip_center", "spine", "shoulder_center", "head"]


def test_sides_mirror_each_other():
    for name in ("coco-17", "mediapipe-33", "ntu-25"):
        skeleton = get_skeleton(name)
        mirror = skeleton.mirror()
        parts = {part.name: set(part.joints) for part in body_parts(skeleton)}
        assert {int(mirror[j]) for j in parts["left_arm"]} == parts["right_arm"]
        assert {int(mirror[j]) for j in parts["left_leg"]} == parts["right_leg"]


def test_a_hand_has_a_palm_and_five_fingers():
    skeleton = get_skeleton("shrec-22")
    parts = {part.name: part for part in body_parts(skeleton)}
    assert set(parts) == {"palm", "thumb", "index", "middle", "ring", "pinky"}
    assert skeleton.joints[parts["thumb"].root] == "thumb1"


def test_stated_parts_may_share_joints():
    skeleton = get_skeleton("kinect-20")
    parts = stated_parts(skeleton, {"hands": ["l_hand", "r_hand"], "reach": ["r_hand", "r_hip"]})
    assert [part.name for part in parts] == ["hands", "reach"]
    assert skeleton.joints[parts[1].root] == "r_hip"
    assert stated_parts(skeleton, {}) == body_parts(skeleton)


def test_wrong_parts_are_refused():
    skeleton = get_skeleton("kinect-20")
    with pytest.raises(ValueError, match="Did you mean 'l_hand'"):
        stated_parts(skeleton, {"hand": ["l_hnad"]})
    with pytest.raises(ValueError, match=r"Part 'hand': expected joints .* found none"):
        stated_parts(skeleton, {"hand": []})
