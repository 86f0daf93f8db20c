from dataclasses import replace

import numpy as np
import pytest

from onebody.data.augment import AugmentConfig, draw, row_generators
from onebody.data.augment_joints import draw_joints, mirror_joints, rotate, stretch, vary
from onebody.skeletons import SKELETONS, get_skeleton

KINECT = get_skeleton("kinect-20")
FULL = AugmentConfig(
    flip=0.5,
    rotate_deg=(-10, 10),
    turn_deg=(-30, 40),
    tilt_deg=(-5, 15),
    bones=(0.8, 1.3),
    drop_joints=0.1,
    drop_span=(0.3, 0.6),
    warp=0.5,
    jitter=(0.01, 0.05),
    duration=(0.5, 1.0),
)


def _drawn(config=FULL, count=300, joints="kinect-20", rows=None):
    rows = np.arange(count) if rows is None else np.asarray(rows)
    generators = row_generators(0, np.zeros(len(rows), np.int64), rows)
    return draw_joints(config, draw(config, generators), generators, joints)


def _bodies(rows=2, frames=6, joints=20, dims=3):
    rng = np.random.default_rng(1)
    values = rng.normal(size=(rows, frames, joints, dims)).astype(np.float32)
    return values + np.float32(3), np.ones((rows, frames, joints), bool)


def test_draws_fill_their_ranges():
    got = _drawn()
    for name, low, high in (("turn", -30, 40), ("tilt", -5, 15), ("roll", -10, 10)):
        degrees = np.degrees(getattr(got, name))
        assert low <= degrees.min() < low + 3
        assert high - 3 < degrees.max() <= high
    assert 0.8 <= got.bones.min() < 0.81 < 1.29 < got.bones.max() <= 1.3
    assert got.dropped.mean() == pytest.approx(0.1, abs=0.02)
    length = np.diff(got.span, axis=1)
    assert 0.3 <= length.min() < length.max() <= 0.6
    assert got.span.min() >= 0
    assert got.span.max() <= 1
    assert 0.5 <= got.tempo.min() < got.tempo.max() <= 1.5
    assert 0.01 <= got.jitter.min() < got.jitter.max() <= 0.05


def test_both_sides_have_the_same_factors_unless_told_otherwise():
    order = KINECT.mirror()
    alike = _drawn().bones
    assert np.array_equal(alike, alike[:, order])
    apart = _drawn(FULL.model_copy(update={"bones_alike": False})).bones
    middle = order == np.arange(20)
    assert (apart[:, ~middle] != apart[:, order][:, ~middle]).all()


def test_rows_do_not_depend_on_their_company_and_options_not_on_each_other():
    many, one = _drawn(), _drawn(rows=[7])
    for name in ("turn", "tilt", "bones", "dropped", "span", "jitter", "start", "within", "tempo"):
        assert np.array_equal(getattr(many, name)[7], getattr(one, name)[0]), name
    other = _drawn(FULL.model_copy(update={"bones": (1.0, 1.0), "drop_joints": 0.0, "warp": 0.0}))
    assert np.array_equal(other.turn, many.turn)
    assert np.array_equal(other.span, many.span)
    readings = _drawn(AugmentConfig(warp=0.5), joints="")
    assert readings.bones.shape == (300, 0)
    assert np.array_equal(readings.tempo, many.tempo)


def test_nothing_is_changed_by_default():
    values, known = _bodies(3)
    plain = _drawn(AugmentConfig(), 3)
    found, there = vary(values, known, plain, np.zeros(3, bool), KINECT)
    assert found is values
    assert there is known


@pytest.mark.parametrize("name", SKELETONS)
def test_stretched_bones_keep_their_direction(name):
    skeleton = SKELETONS[name]
    joints = len(skeleton)
    parents = skeleton.parents()
    values, known = _bodies(2, 4, joints)
    factors = np.random.default_rng(2).uniform(0.5, 2, (2, joints))
    found = stretch(values, known, factors, skeleton)
    before, after = values - values[:, :, parents], found - found[:, :, parents]
    np.testing.assert_allclose(after, before * factors[:, None, :, None], atol=2e-5)
    root = [joint for joint in range(joints) if parents[joint] == joint]
    assert root == [skeleton.root[0]]
    np.testing.assert_array_equal(found[:, :, root], values[:, :, root])


def test_a_bone_without_an_end_is_not_stretched():
    values, known = _bodies(1, 1)
    elbow, wrist, hand = (KINECT.index(f"l_{name}") for name in ("elbow", "wrist", "hand"))
    known[0, 0, wrist] = False
    values[0, 0, wrist] = 0
    factors = np.ones((1, 20))
    factors[0, [elbow, wrist, hand]] = 2
    found = stretch(values, known, factors, KINECT)[0, 0]
    shift = found[elbow] - values[0, 0, elbow]
    assert np.abs(shift).max() > 0.1
    np.testing.assert_allclose(found[hand] - values[0, 0, hand], shift, atol=1e-6)


def test_mirrored_twice_is_nothing_and_sides_change_places():
    values, known = _bodies()
    known[0, 2, KINECT.index("l_hand")] = False
    both = np.array([True, True])
    once, seen = mirror_joints(values, known, both, KINECT)
    assert not seen[0, 2, KINECT.index("r_hand")]
    assert seen[0, 2, KINECT.index("l_hand")]
    left, right = KINECT.index("l_knee"), KINECT.index("r_knee")
    np.testing.assert_array_equal(once[:, :, left, 1:], values[:, :, right, 1:])
    again, back = mirror_joints(once, seen, both, KINECT)
    np.testing.assert_allclose(again, values, atol=1e-5)
    assert np.array_equal(back, known)
    partly, _ = mirror_joints(values, known, np.array([False, True]), KINECT)
    assert np.array_equal(partly[0], values[0])
    np.testing.assert_array_equal(partly[1], once[1])


def test_rotation_keeps_lengths_heights_and_the_mean_root():
    values, known = _bodies()
    draws = replace(
        _drawn(AugmentConfig(), 2), turn=np.array([0.5, -1.0]), tilt=np.zeros(2), roll=np.zeros(2)
    )
    found = rotate(values, known, draws, KINECT)
    np.testing.assert_allclose(found[..., 1], values[..., 1], atol=1e-5)
    root = KINECT.index("hip_center")
    np.testing.assert_allclose(found[:, :, root].mean(1), values[:, :, root].mean(1), atol=1e-5)
    apart = np.linalg.norm(found[:, :, :, None] - found[:, :, None], axis=-1)
    np.testing.assert_allclose(
        apart, np.linalg.norm(values[:, :, :, None] - values[:, :, None], axis=-1), atol=1e-5
    )
    assert np.abs(found - values).max() > 0.1


def test_flat_skeletons_are_rolled_and_mirrored():
    values, known = _bodies(dims=2)
    config = AugmentConfig(rotate_deg=(90, 90), bones=(0.9, 1.1))
    found, _ = vary(values, known, _drawn(config, 2), np.array([True, False]), KINECT)
    assert found.shape == values.shape
    assert np.isfinite(found).all()


def test_dropped_joints_are_missing_within_their_span():
    values, known = _bodies(1, 10)
    draws = replace(
        _drawn(AugmentConfig(), 1),
        dropped=np.arange(20)[None] == 4,
        span=np.array([[0.2, 0.5]]),
    )
    _, found = vary(values, known, draws, np.array([False]), KINECT)
    assert (~found[0, :, 4]).nonzero()[0].tolist() == [2, 3, 4]
    assert found[0, :, 5:].all()


def test_jitter_is_measured_in_bones():
    values, known = _bodies(1, 200)
    one = np.array([False])
    draws = replace(_drawn(AugmentConfig(), 1), jitter=np.array([0.1]))
    found, _ = vary(values, known, draws, one, KINECT)
    again = replace(_drawn(AugmentConfig(), 1), jitter=np.array([0.1]))
    larger, _ = vary(values * 10, known, again, one, KINECT)
    np.testing.assert_allclose((larger - values * 10) / 10, found - values, atol=1e-4)
    bones = [np.linalg.norm(values[0, :, a] - values[0, :, b], axis=-1) for a, b in KINECT.bones]
    assert (found - values).std() == pytest.approx(0.1 * np.mean(bones), rel=0.05)
