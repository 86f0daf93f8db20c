"""A second look at the box around the network's own joints, and boxes that are stated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marker_network import LEFT, RIGHT, Markers, joints_of, paint
from onebody.config import Config
from onebody.data import InputSpec
from onebody.inference import Prediction, Predictor
from onebody.inference.own_boxes import checked_box, enclosing, per_frame, united
from onebody.models import SavedNetwork

SPEC = InputSpec(size=32, frames=4, sampling="dense", box_scale=1.5)
NAN = float("nan")


def predictor(network, spec=SPEC):
    saved = SavedNetwork(network=network, tasks={}, input=spec, config=Config(), notes={})
    return Predictor(saved=saved)


def walk(count, height=300, width=400):
    """A small person who walks through a large picture, and the true joints."""
    left = np.stack([100.0 + 9 * np.arange(count), np.full(count, 90.0)], axis=1)
    right = left - (30, -24)
    return paint(left, right, height, width), joints_of(left, right)[..., :2]


def worst(prediction, truth):
    return np.abs(prediction.poses["pose"].joints[..., :2] - truth).max()


def test_a_second_look_is_closer_and_stays_in_source_pixels():
    frames, truth = walk(10)
    network = Markers()
    whole = predictor(network).predict(frames, fps=10.0)
    close = predictor(network).predict(frames, fps=10.0, box="own")
    assert whole.boxes is None
    assert worst(whole, truth) < 12
    assert worst(close, truth) < min(1.5, worst(whole, truth))
    assert close.boxes.shape == (10, 4)
    middle = truth.mean(axis=1)
    assert (close.boxes[:, :2] < middle).all()
    assert (close.boxes[:, 2:] > middle).all()
    assert (close.boxes[:, 2] - close.boxes[:, 0] < 90).all()


def test_left_and_right_stay_where_they_are():
    frames, _ = walk(5)
    joints = predictor(Markers()).predict(frames, fps=10.0, box="own").poses["pose"].joints
    assert (joints[:, LEFT, 0] > joints[:, RIGHT, 0]).all()


def test_a_stated_box_is_looked_at():
    frames, truth = walk(6)
    network = Markers()
    found = predictor(network).predict(frames, fps=10.0, box=(50, 40, 180, 150))
    assert worst(found, truth) < 1.5
    sides = [float(affine[0, 0, 0]) for affine in network.seen]
    assert sides == pytest.approx([130 * 1.5] * len(sides))
    assert found.boxes.tolist() == [[50, 40, 180, 150]] * 6


def test_nobody_is_looked_for_in_the_whole_picture():
    dark = np.zeros((6, 60, 80, 3), np.uint8)
    network = Markers()
    own = predictor(network).predict(dark, fps=10.0, box="own")
    whole = predictor(network).predict(dark, fps=10.0)
    assert np.isnan(own.boxes).all()
    np.testing.assert_array_equal(own.poses["pose"].joints, whole.poses["pose"].joints)


def test_each_window_has_its_own_fallback():
    frames, _ = walk(16)
    frames[8:] = 0
    boxes = predictor(Markers()).predict(frames, fps=10.0, box="own").boxes
    assert np.isfinite(boxes[:8]).all()
    assert np.isnan(boxes[12:]).all()


def test_several_clips_of_a_window_make_one_box():
    frames, truth = walk(12)
    spec = InputSpec(size=32, frames=3, box_scale=1.25)
    found = predictor(Markers(), spec).predict(frames, fps=10.0, box="own", clips=4)
    low, high = truth.min(axis=(0, 1)), truth.max(axis=(0, 1))
    np.testing.assert_allclose(found.boxes[0], [*low, *high], atol=12)
    assert (found.boxes == found.boxes[0]).all()


def test_boxes_are_written_and_read(tmp_path):
    frames, _ = walk(8)
    frames[4:] = 0
    prediction = predictor(Markers()).predict(frames, fps=10.0, box="own")
    prediction.save_npz(tmp_path / "p.npz")
    for again in (
        Prediction.load_npz(tmp_path / "p.npz"),
        Prediction.from_json(prediction.to_json()),
    ):
        np.testing.assert_array_equal(again.boxes, prediction.boxes)
    np.testing.assert_array_equal(prediction[2:5].boxes, prediction.boxes[2:5])
    assert '"box": [' in next(prediction.to_jsonl())
    plain = predictor(Markers()).predict(frames, fps=10.0)
    assert "box" not in plain.to_json()
    assert Prediction.from_json(plain.to_json()).boxes is None


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((5, 5, 5, 9), r"x0 < x1 and y0 < y1; found \(5, 5, 5, 9\)"),
        ((0, 0, NAN, 9), "found"),
        ((0, 0, 9), "found"),
        ((80, 0, 90, 9), "outside of the picture of 80 x 60"),
        ((-9, 0, 0, 9), "outside of the picture"),
        ("mine", "'own' or x0, y0, x1, y1"),
    ],
)
def test_impossible_boxes_are_refused(box, message):
    with pytest.raises(ValueError, match=message):
        predictor(Markers()).predict(np.zeros((4, 60, 80, 3), np.uint8), fps=10.0, box=box)


def test_a_network_without_poses_has_no_boxes():
    network = Markers()
    del network.tasks["pose"]
    with pytest.raises(ValueError, match=r"without a pose task .*side"):
        predictor(network).predict(np.zeros((4, 60, 80, 3), np.uint8), fps=10.0, box="own")


def test_skeletons_have_no_boxes():
    spec = InputSpec(modality="skeleton", skeleton="mpii-16", frames=4)
    with pytest.raises(ValueError, match="no picture"):
        predictor(Markers(), spec).predict(np.ones((5, 16, 3)), fps=10.0, box="own")


places = st.tuples(st.floats(-50, 500), st.floats(-50, 500), st.floats(0, 1))


@given(st.lists(st.lists(places, min_size=4, max_size=4), min_size=1, max_size=3))
def test_a_box_holds_the_confident_joints_and_no_more(people):
    for person, box in zip(people, enclosing(np.array(people)), strict=True):
        sure = np.array([(x, y) for x, y, p in person if p >= 0.5])
        if len(sure) and (np.ptp(sure, axis=0) >= 1).all():
            assert box.tolist() == [*sure.min(0), *sure.max(0)]
        else:
            assert np.isnan(box).all()


def test_unknown_joints_do_not_count():
    joints = np.array([[[NAN, 3, 1], [1, 2, 0.9], [5, 9, 0.9], [400, 400, 0.1]]])
    assert enclosing(joints).tolist() == [[1, 2, 5, 9]]


def test_boxes_are_united_and_told_by_frame():
    one, none = np.array([[1.0, 2, 3, 4], [NAN] * 4]), np.full((2, 4), NAN)
    two = np.array([[0.0, 3, 9, 5], [1, 1, 2, 2]])
    assert united([one, two, none]).tolist() == [[0, 2, 9, 5], [1, 1, 2, 2]]
    assert np.isnan(united([none, none])).all()
    windows = np.array([[0, 2], [1, 3]])
    assert per_frame(two, windows, 4)[:3].tolist() == [
        [0, 3, 9, 5],
        [0.5, 2, 5.5, 3.5],
        [1, 1, 2, 2],
    ]
    assert np.isnan(per_frame(two, windows, 4)[3]).all()
    assert checked_box((-5, 0, 10, 10), 20, 20).tolist() == [-5, 0, 10, 10]
