import numpy as np
import pytest

from onebody.data import InputSpec
from onebody.data.joints import bone_length, heading, normalize, root_path, to_layout, turn
from onebody.skeletons import convert, get_skeleton

KINECT = get_skeleton("kinect-20")
ROOT = KINECT.index("hip_center")


def _spec(**given):
    return InputSpec(**{"modality": "skeleton", "skeleton": "kinect-20", **given})


def _bodies(rows=2, frames=5, seed=0, dims=3):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, frames, 20, dims)).astype(np.float32) * 300
    return values + np.float32(1000), np.ones((rows, frames, 20), bool)


def test_the_own_layout_stays_and_gaps_are_masked():
    values, _ = _bodies()
    values[1, 2, 3, 0] = np.nan
    found, known = to_layout(values, "kinect-20", _spec())
    assert (~known).nonzero()[2].tolist() == [3]
    assert (found[1, 2, 3] == 0).all()
    assert np.array_equal(found[0], values[0])


def test_another_layout_is_converted_and_what_it_lacks_is_masked():
    values, _ = _bodies()
    values[0, 0, KINECT.index("l_wrist")] = np.nan
    found, known = to_layout(values, "kinect-20", _spec(skeleton="ntu-25", dims=2))
    ntu = get_skeleton("ntu-25")
    assert found.shape == (2, 5, 25, 2)
    assert not known[..., ntu.index("l_thumb")].any()
    assert not known[0, 0, ntu.index("l_wrist")]
    finite = np.where(np.isfinite(values), values, 0)
    expected, _ = convert(finite[..., :2], np.isfinite(values).all(-1), "kinect-20", "ntu-25")
    assert np.array_equal(found, expected)


def test_other_shapes_are_refused():
    values, _ = _bodies(dims=2)
    with pytest.raises(ValueError, match="joints with 3 coordinates, found 2"):
        to_layout(values, "kinect-20", _spec())
    with pytest.raises(ValueError, match=r"the 17 joints of 'coco-17', found 20"):
        to_layout(values, "coco-17", _spec(dims=2))
    with pytest.raises(ValueError, match="in common with 'kinect-20', found 'hand-21'"):
        to_layout(values, "kinect-20", _spec(skeleton="hand-21", dims=2))


def test_normalized_bodies_neither_know_place_nor_size():
    values, known = _bodies()
    found = normalize(values, known, _spec())
    assert found[:, :, ROOT].mean(1) == pytest.approx(np.zeros((2, 3)), abs=1e-5)
    assert bone_length(found, known, KINECT) == pytest.approx(np.ones((2, 1, 1, 1)), abs=1e-5)
    moved = normalize(values * 3 - 500, known, _spec())
    np.testing.assert_allclose(moved, found, atol=1e-4)
    path = values[:, :, ROOT] - values[:, :, ROOT].mean(1, keepdims=True)
    size = bone_length(values, known, KINECT)[:, 0]
    np.testing.assert_allclose(found[:, :, ROOT], path / size, atol=1e-4)  # the way is kept


def test_centering_and_scaling_can_be_left_out():
    values, known = _bodies()
    framed = normalize(values, known, _spec(center="frame"))
    assert framed[:, :, ROOT] == pytest.approx(np.zeros((2, 5, 3)), abs=1e-6)
    same = normalize(values, known, _spec(center="none", scale="none"))
    np.testing.assert_allclose(same, values, atol=1e-3)


def test_the_mean_bone_by_hand():
    values, known = _bodies(1, 2)
    lengths = [
        np.mean([np.linalg.norm(values[0, t, a] - values[0, t, b]) for t in range(2)])
        for a, b in KINECT.bones
    ]
    assert bone_length(values, known, KINECT).item() == pytest.approx(np.mean(lengths), rel=1e-5)


def test_unknown_joints_are_never_looked_at():
    values, known = _bodies()
    known[0, 1, ROOT] = False
    known[:, :, KINECT.index("l_hand")] = False
    known[1, :, 7:] = False
    garbage = np.where(known[..., None], values, np.float32(1e6))
    for spec in (_spec(), _spec(center="frame", facing=True), _spec(center="none", scale="none")):
        found = normalize(garbage, known, spec)
        np.testing.assert_array_equal(found, normalize(values, known, spec))
        assert (found[~known] == 0).all()
        assert np.isfinite(found).all()


def test_a_missing_root_is_taken_from_the_other_frames():
    values, known = _bodies()
    known[0, 1, ROOT] = False
    known[1, :, ROOT] = False
    path = root_path(values, known, KINECT)[:, :, 0]
    others = np.delete(values[0, :, ROOT], 1, axis=0).mean(0)
    np.testing.assert_allclose(path[0, 1], others, rtol=1e-5)
    middle = np.delete(values[1], ROOT, axis=1).reshape(-1, 3).mean(0)
    np.testing.assert_allclose(path[1, 4], middle, rtol=1e-4)


def test_no_joint_at_all_gives_zeros():
    values, known = _bodies()
    found = normalize(values, np.zeros_like(known), _spec(facing=True))
    assert (found == 0).all()


@pytest.mark.parametrize("skeleton", ["kinect-20", "penn-13"])
def test_facing_takes_the_heading_away(skeleton):
    layout = get_skeleton(skeleton)
    values = np.random.default_rng(0).normal(size=(2, 4, len(layout), 3)).astype(np.float32)
    known = np.ones(values.shape[:3], bool)
    spec = _spec(skeleton=skeleton, facing=True)
    turned = turn(values, 1, np.array([0.4, -2.0]))
    found = normalize(values, known, spec)
    np.testing.assert_allclose(normalize(turned, known, spec), found, atol=1e-5)
    assert heading(found, known, layout) == pytest.approx([0, 0], abs=1e-5)
    across = found[:, :, layout.index("l_shoulder")] - found[:, :, layout.index("r_shoulder")]
    assert (across.mean(1)[:, 0] > 0).all()  # the left shoulder of who faces us is on our right


def test_hands_face_nowhere():
    values = np.zeros((1, 1, 21, 3), np.float32)
    with pytest.raises(ValueError, match="no shoulders and no hips"):
        normalize(values, np.ones((1, 1, 21), bool), _spec(skeleton="hand-21", facing=True))


def test_turns_are_rotations():
    values, _ = _bodies()
    quarter = np.full(2, np.pi / 2)
    about_y = turn(values, 1, quarter)
    np.testing.assert_allclose(about_y[..., 2], values[..., 0], atol=1e-3)
    np.testing.assert_allclose(about_y[..., 1], values[..., 1])
    back = turn(turn(values, 0, np.array([0.3, 1.0])), 0, np.array([-0.3, -1.0]))
    np.testing.assert_allclose(back, values, atol=1e-3)


def test_specifications_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="one joint layout; state it as 'skeleton'"):
        InputSpec(modality="skeleton")
    with pytest.raises(ValueError, match="Did you mean 'kinect-20'"):
        _spec(skeleton="kinect20")
    with pytest.raises(ValueError, match="it needs dims: 3"):
        _spec(dims=2, facing=True)
