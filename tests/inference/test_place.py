"""Boxes in predictions: merged over windows, written and read, drawn, cut."""

import json

import numpy as np
import pytest

from marker_network import Boxed, joints_of, paint
from onebody.config import Config
from onebody.data import InputSpec
from onebody.inference import PlaceAnswer, Prediction, Predictor
from onebody.models import SavedNetwork

SPEC = InputSpec(size=32, frames=4, sampling="dense", box_scale=1.5)


def predict(count=10, **asked):
    left = np.stack([200.0 + 9 * np.arange(count), np.full(count, 190.0)], axis=1)
    right = left - (90, -80)
    frames = paint(left, right, 400, 500)
    saved = SavedNetwork(network=Boxed(), tasks={}, input=SPEC, config=Config(), notes={})
    found = Predictor(saved=saved).predict(frames, fps=10.0, **asked)
    return found, frames, joints_of(left, right)[..., :2]


def true_boxes(joints, margin=1.5):
    low, high = joints.min(1), joints.max(1)
    middle, half = (low + high) / 2, margin * (high - low) / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def test_boxes_of_every_frame_are_source_pixels():
    prediction, _, joints = predict()
    place = prediction.places["place"]
    assert place.corners.shape == (10, 4)
    assert place.measured.all()
    np.testing.assert_allclose(place.corners, true_boxes(joints), atol=16)
    part = prediction[2:5].places["place"]
    np.testing.assert_array_equal(part.corners, place.corners[2:5])


def test_own_boxes_come_from_the_task_of_boxes_without_its_margin():
    prediction, _, joints = predict(box="own", tasks=["place", "side"])
    assert prediction.poses == {}
    whole = np.array([*joints[:4].min((0, 1)), *joints[:4].max((0, 1))])
    np.testing.assert_allclose(prediction.boxes[0], whole, atol=14)


def test_boxes_are_written_and_read(tmp_path):
    prediction, _, _ = predict(4)
    prediction.save_npz(tmp_path / "p.npz")
    for again in (
        Prediction.load_npz(tmp_path / "p.npz"),
        Prediction.from_json(prediction.to_json()),
    ):
        found = again.places["place"]
        np.testing.assert_array_equal(found.corners, prediction.places["place"].corners)
        np.testing.assert_array_equal(found.measured, prediction.places["place"].measured)
    line = json.loads(next(prediction.to_jsonl()))
    assert line["places"]["place"]["measured"] is True
    assert line["places"]["place"]["box"] == pytest.approx(
        prediction.places["place"].corners[0].tolist(), rel=1e-6
    )


def test_boxes_are_drawn():
    prediction, frames, _ = predict(4, tasks=["place"])
    drawn = prediction.draw(frames, least_side_px=100)
    x0, y0, x1, y1 = prediction.places["place"].corners[0].round().astype(int)
    changed = (drawn[0, :400, :500] != frames[0]).any(-1)
    assert changed[(y0 + y1) // 2, max(x0, 0)]
    assert changed[max(y0, 0), (x0 + x1) // 2]
    assert not changed[(y0 + y1) // 2, (x0 + x1) // 2]


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\[T, 4\] and measured \[T\]"):
        PlaceAnswer(corners=np.zeros((3, 5), np.float32), measured=np.ones(3, np.bool_))
