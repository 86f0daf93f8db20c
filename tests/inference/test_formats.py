"""Predictions survive being written and read, and other files are refused by name."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from test_prediction import make_prediction

from onebody.inference import PoseAnswer, Prediction


def assert_same(one: Prediction, other: Prediction) -> None:
    """Assert that two predictions are equal in every bit."""
    assert (one.source, one.fps, one.size, one.first_frame) == (
        other.source,
        other.fps,
        other.size,
        other.first_frame,
    )
    np.testing.assert_array_equal(one.times_s, other.times_s)
    assert list(one.classes) == list(other.classes)
    for task, answer in one.classes.items():
        found = other.classes[task]
        assert (answer.classes, answer.owners) == (found.classes, found.owners)
        np.testing.assert_array_equal(answer.windows, found.windows)
        np.testing.assert_array_equal(answer.scores, found.scores)
        assert found.scores.dtype == np.float32
    for task, pose in one.poses.items():
        found = other.poses[task]
        assert (pose.skeleton, pose.unit) == (found.skeleton, found.unit)
        np.testing.assert_array_equal(pose.joints, found.joints)
        np.testing.assert_array_equal(pose.measured, found.measured)
        assert found.joints.dtype == np.float32
        assert found.measured.dtype == np.bool_


@pytest.mark.parametrize("union", [False, True])
def test_json_round_trip_is_exact(union):
    prediction = make_prediction(union=union)
    assert_same(Prediction.from_json(prediction.to_json()), prediction)


def test_a_notice_stands_in_every_form(tmp_path):
    plain = make_prediction(union=True)
    told = replace(plain, notice="demo weights")
    told.save_npz(tmp_path / "a.npz")
    for again in (Prediction.from_json(told.to_json()), Prediction.load_npz(tmp_path / "a.npz")):
        assert_same(again, told)
        assert again.notice == again[1:3].notice == "demo weights"
    for per in ("frame", "window"):
        assert {json.loads(line)["notice"] for line in told.to_jsonl(per)} == {"demo weights"}
        assert not any("notice" in json.loads(line) for line in plain.to_jsonl(per))


def test_npz_round_trip_is_exact(tmp_path):
    prediction = make_prediction(union=True)[2:7]
    prediction.save_npz(tmp_path / "deep" / "clip.npz")
    assert_same(Prediction.load_npz(tmp_path / "deep" / "clip.npz"), prediction)
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["clip.npz"]


@settings(deadline=None, max_examples=25)
@given(hnp.arrays(np.float32, (2, 3, 3), elements=st.floats(width=32, allow_infinity=False)))
def test_any_joints_survive_json(joints):
    pose = PoseAnswer(skeleton="x", unit="mm", joints=joints, measured=np.ones(2, np.bool_))
    prediction = Prediction(
        source="", fps=1.0, size=(1, 1), times_s=np.arange(2.0), poses={"pose": pose}
    )
    back = Prediction.from_json(prediction.to_json()).poses["pose"].joints
    np.testing.assert_array_equal(back, joints)


def test_an_empty_part_round_trips():
    part = make_prediction()[3:3]
    assert_same(Prediction.from_json(part.to_json()), part)


def test_json_has_no_nan_and_short_numbers():
    text = make_prediction().to_json()
    assert "NaN" not in text
    assert "0.10000000" not in text
    json.loads(text)


def test_frame_lines_say_what_each_frame_shows():
    rows = [json.loads(line) for line in make_prediction(10)[4:].to_jsonl()]
    assert [row["frame"] for row in rows] == list(range(4, 10))
    assert rows[0]["time_s"] == 0.16
    assert rows[-1]["labels"][0] == {"task": "action", "class": "sit", "probability": 0.75}
    assert rows[0]["poses"]["pose2d"]["measured"] is True
    assert len(rows[0]["poses"]["pose3d"]["joints"][0]) == 4


def test_unknown_joints_are_null():
    row = [json.loads(line) for line in make_prediction(10).to_jsonl()][1]
    assert row["poses"]["pose2d"]["joints"][2] == [None, None, None]


def test_window_lines_say_what_each_window_shows():
    rows = [json.loads(line) for line in make_prediction(10, union=True).to_jsonl("window")]
    assert len(rows) == 5
    first = rows[0]
    assert (first["start_frame"], first["stop_frame"]) == (0, 7)
    assert first["end_s"] == pytest.approx(7 / 25)
    assert first["probabilities"] == {"walk": 0.75, "sit": 0.25}
    assert rows[-1]["owner"] == "gesture"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "should be JSON"),
        ("[]", "found 'list'"),
        ('{"format": "x"}', "found 'x'"),
        ('{"format": "onebody-prediction", "version": 9}', "version 9"),
        ('{"format": "onebody-prediction", "version": 1}', "'arrays' is missing"),
    ],
)
def test_other_texts_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        Prediction.from_json(text)


def test_a_missing_field_is_named():
    plain = json.loads(make_prediction().to_json())
    del plain["arrays"]["poses/pose2d/joints"]
    with pytest.raises(ValueError, match="poses/pose2d/joints"):
        Prediction.from_json(json.dumps(plain))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"nothing\.npz: no such file"):
        Prediction.load_npz(tmp_path / "nothing.npz")


def test_a_pickle_is_not_opened(tmp_path):
    path = tmp_path / "evil.npz"
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ValueError, match=r"evil\.npz|allow_pickle"):
        Prediction.load_npz(path)


def test_another_npz_is_refused(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, x=np.arange(3))
    with pytest.raises(ValueError, match="'header' is missing"):
        Prediction.load_npz(path)
