from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from onebody._layouts import MIDDLES
from onebody.skeletons import SKELETONS, Skeleton, check_common, convert, get_skeleton

NAMES = sorted(SKELETONS)
SIZES = {
    "coco-17": 17,
    "mpii-16": 16,
    "h36m-17": 17,
    "ntu-25": 25,
    "penn-13": 13,
    "jhmdb-15": 15,
    "kinect-20": 20,
    "spnet-16": 16,
    "spnet-17": 17,
    "hand-21": 21,
    "posetrack-17": 17,
    "mediapipe-33": 33,
    "shrec-22": 22,
}


def person(name, generator=None):
    """Joints of one person: every point of the body has its own place in all layouts."""
    generator = generator or np.random.default_rng(7)
    points = sorted({p for s in SKELETONS.values() for names in s.points for p in names})
    places = dict(zip(points, generator.normal(size=(len(points), 3)), strict=True))
    for middle, (a, b) in MIDDLES.items():
        places[middle] = (places[a] + places[b]) / 2
    places["head_top"] = places["head"]
    joints = [places[names[0]] for names in SKELETONS[name].points]
    return np.array(joints, np.float32)


@pytest.mark.parametrize("name", NAMES)
def test_structure(name):
    skeleton = get_skeleton(name)
    assert skeleton.name == name
    assert len(skeleton) == len(skeleton.joints) == len(skeleton.points) == SIZES[name]
    assert len(set(skeleton.joints)) == len(skeleton)
    assert name.endswith(f"-{len(skeleton)}")
    indices = set(range(len(skeleton)))
    assert {i for bone in skeleton.bones for i in bone} <= indices
    assert len(set(skeleton.bones)) == len(skeleton.bones)
    assert all(a != b for a, b in skeleton.bones)
    assert set(skeleton.root) <= indices
    assert len(skeleton.root) in (1, 2)
    first = [names[0] for names in skeleton.points]
    assert len(set(first)) == len(first), "two joints at one point"


@pytest.mark.parametrize("name", NAMES)
def test_bones_connect_every_joint(name):
    skeleton = get_skeleton(name)
    reached, grown = {skeleton.bones[0][0]}, True
    while grown:
        new = {i for bone in skeleton.bones if set(bone) & reached for i in bone}
        grown, reached = not new <= reached, reached | new
    assert len(reached) == len(skeleton)


@pytest.mark.parametrize("name", NAMES)
def test_mirror_swaps_sides_and_nothing_else(name):
    skeleton = get_skeleton(name)
    mirror = skeleton.mirror()
    assert mirror.dtype == np.int64
    np.testing.assert_array_equal(mirror[mirror], np.arange(len(skeleton)))
    for i, joint in enumerate(skeleton.joints):
        other = skeleton.joints[mirror[i]]
        swapped = {"l_": "r_", "r_": "l_"}.get(joint[:2])
        assert other == (swapped + joint[2:] if swapped else joint)
    # a mirrored skeleton has the same bones
    bones = {frozenset(bone) for bone in skeleton.bones}
    assert {frozenset(int(mirror[i]) for i in bone) for bone in skeleton.bones} == bones


def test_orders_of_the_formats():
    assert get_skeleton("kinect-20").joints[:5] == (
        *("head", "shoulder_center", "spine", "hip_center", "l_shoulder"),
    )
    assert get_skeleton("coco-17").joints[5:7] == ("l_shoulder", "r_shoulder")
    assert get_skeleton("mpii-16").joints[:3] == ("r_ankle", "r_knee", "r_hip")
    assert get_skeleton("h36m-17").joints[1] == "r_hip"
    assert get_skeleton("ntu-25").index("spine_shoulder") == 20
    assert get_skeleton("spnet-17").joints[:16] == get_skeleton("spnet-16").joints
    assert get_skeleton("spnet-17").joints[4:6] == ("r_shoulder", "l_shoulder")
    assert get_skeleton("hand-21").joints[5] == "forefinger1"
    assert get_skeleton("shrec-22").joints[:3] == ("wrist", "palm", "thumb1")


def test_unknown_names():
    with pytest.raises(ValueError, match=r"Unknown skeleton 'coco17'.*'coco-17'"):
        get_skeleton("coco17")
    with pytest.raises(ValueError, match=r"coco-17 joint 'left_hip'"):
        get_skeleton("coco-17").index("left_hip")
    with pytest.raises(ValueError, match="Unknown skeleton"):
        convert(np.zeros((17, 2), np.float32), None, "coco-17", "openpose")


@pytest.mark.parametrize("name", NAMES)
def test_conversion_to_itself_keeps_everything(name):
    joints = person(name)
    mask = np.arange(len(joints)) % 3 > 0
    same, known = convert(joints, mask, name, name)
    np.testing.assert_array_equal(same[mask], joints[mask])
    np.testing.assert_array_equal(known, mask)
    assert (same[~mask] == 0).all()


@pytest.mark.parametrize(("source", "target"), list(product(NAMES, NAMES)))
def test_conversion_never_invents(source, target):
    joints, known = convert(person(source), None, source, target)
    expected = person(target)
    assert joints.shape == expected.shape
    assert joints.dtype == np.float32
    np.testing.assert_allclose(joints[known], expected[known], atol=1e-6)
    assert (joints[~known] == 0).all()
    hands = {"hand-21", "shrec-22"}
    assert known.any() == ((source in hands) == (target in hands))


@pytest.mark.parametrize(("source", "target"), list(product(NAMES, NAMES)))
def test_round_trip_and_mirror_commute(source, target):
    joints = person(source)
    there, known = convert(joints, None, source, target)
    back, kept = convert(there, known, target, source)
    if target not in ("spnet-16", "spnet-17"):  # whose head may be either end of it
        np.testing.assert_allclose(back[kept], joints[kept], atol=1e-6)
    order = get_skeleton(source).mirror()
    mirrored, still = convert(joints[order], None, source, target)
    np.testing.assert_allclose(mirrored, there[get_skeleton(target).mirror()], atol=1e-6)
    np.testing.assert_array_equal(still, known[get_skeleton(target).mirror()])


def test_known_correspondences():
    kinect, known = convert(person("kinect-20"), None, "kinect-20", "spnet-17")
    missing = {n for n, k in zip(get_skeleton("spnet-17").joints, known, strict=True) if not k}
    assert missing == {"neck"}
    assert kinect.shape == (17, 3)
    _, known = convert(person("coco-17"), None, "coco-17", "h36m-17")
    names = [n for n, k in zip(get_skeleton("h36m-17").joints, known, strict=True) if not k]
    assert names == ["spine", "neck_base", "head"]
    _, known = convert(person("ntu-25"), None, "ntu-25", "kinect-20")
    assert known.all()
    _, known = convert(person("shrec-22"), None, "shrec-22", "hand-21")
    assert known.all()


@pytest.mark.parametrize(("source", "target"), list(product(NAMES, NAMES)))
def test_layouts_without_a_common_joint_are_refused(source, target):
    hands = {"hand-21", "shrec-22"}
    if (source in hands) == (target in hands):
        check_common(source, target)
    else:
        with pytest.raises(ValueError, match=f"in common with '{source}', found '{target}'. Take"):
            check_common(source, target)


def test_a_middle_needs_both_sides():
    joints, mask = person("coco-17"), np.ones(17, np.bool_)
    joints[11], mask[11] = np.nan, False  # left hip
    converted, known = convert(joints, mask, "coco-17", "mpii-16")
    mpii = get_skeleton("mpii-16")
    assert not known[mpii.index("pelvis")]
    assert not known[mpii.index("l_hip")]
    assert known[mpii.index("thorax")]
    assert np.isfinite(converted).all()
    middle = (joints[5] + joints[6]) / 2
    np.testing.assert_allclose(converted[mpii.index("thorax")], middle, atol=1e-6)


@given(st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(0, 2**31 - 1))
def test_torch_and_numpy_agree(source, target, seed):
    generator = np.random.default_rng(seed)
    joints = generator.normal(size=(2, 3, SIZES[source], 2)).astype(np.float32)
    mask = generator.random((2, 3, SIZES[source])) > 0.3
    joints[~mask] = np.nan
    array, known = convert(joints, mask, source, target)
    tensor, there = convert(torch.from_numpy(joints), torch.from_numpy(mask), source, target)
    assert array.dtype == np.float32
    assert np.isfinite(array).all()
    np.testing.assert_array_equal(tensor.numpy(), array)
    np.testing.assert_array_equal(there.numpy(), known)


def test_gradients_pass_masked_joints():
    joints = torch.full((20, 3), float("nan"))
    joints[3] = 1.0
    joints.requires_grad_()
    mask = torch.zeros(20, dtype=torch.bool)
    mask[3] = True
    converted, known = convert(joints, mask, "kinect-20", "spnet-16")
    assert known.tolist() == [True] + [False] * 15
    converted.sum().backward()
    assert joints.grad[3].tolist() == [1, 1, 1]
    assert joints.grad.isfinite().all()


def test_wrong_layout_is_refused():
    with pytest.raises(ValueError, match=r"'coco-17' should have shape \[..., 17, D\].*\(20, 3\)"):
        convert(np.zeros((20, 3), np.float32), None, "coco-17", "mpii-16")
    with pytest.raises(ValueError, match="should have shape"):
        convert(np.zeros(17, np.float32), None, "coco-17", "mpii-16")


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_every_joint_leads_to_the_root_along_bones(skeleton: Skeleton) -> None:
    parents = skeleton.parents()
    linked = {frozenset(bone) for bone in skeleton.bones}
    for joint, parent in enumerate(parents):
        assert joint == parent == skeleton.root[0] or frozenset((joint, parent)) in linked
        steps = 0
        while parents[joint] != joint:
            joint, steps = parents[joint], steps + 1
            assert steps < len(skeleton)
        assert joint == skeleton.root[0]
