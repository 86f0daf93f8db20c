"""What a `Prediction` holds, and that cutting and ranking keep it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from onebody.inference import ClassAnswer, Label, PoseAnswer, Prediction
from onebody.skeletons import get_skeleton


def make_prediction(num_frames: int = 10, *, union: bool = False) -> Prediction:
    """A prediction with two class tasks and two pose tasks."""
    rng = np.random.default_rng(3)
    joints = len(get_skeleton("kinect-20"))
    half = num_frames // 2
    windows = np.array([[0, half + 2], [half - 2, num_frames]], np.int64)
    classes = {
        "action": ClassAnswer(
            classes=("walk", "sit"),
            windows=windows,
            scores=np.array([[0.75, 0.25], [0.25, 0.75]], np.float32),
        ),
        "gesture": ClassAnswer(
            classes=("wave", "clap"),
            windows=np.array([[0, num_frames]], np.int64),
            scores=np.array([[0.1, 0.9]], np.float32),
        ),
    }
    if union:
        classes["both"] = ClassAnswer(
            classes=("walk", "sit", "wave", "clap"),
            owners=("action", "action", "gesture", "gesture"),
            windows=windows,
            scores=np.array([[0.1, 0.1, 0.2, 0.6], [0.1, 0.1, 0.3, 0.5]], np.float32),
        )
    pose2d = rng.uniform(0, 100, (num_frames, joints, 3)).astype(np.float32)
    pose2d[1, 2] = np.nan
    return Prediction(
        source="clip.mp4",
        fps=25.0,
        size=(96, 128),
        times_s=np.arange(num_frames) / 25.0,
        classes=classes,
        poses={
            "pose2d": PoseAnswer(
                skeleton="kinect-20",
                unit="px",
                joints=pose2d,
                measured=np.arange(num_frames) % 2 == 0,
            ),
            "pose3d": PoseAnswer(
                skeleton="kinect-20",
                unit="mm",
                joints=rng.normal(0, 500, (num_frames, joints, 4)).astype(np.float32),
                measured=np.ones(num_frames, np.bool_),
            ),
        },
    )


def test_length_is_the_number_of_frames():
    assert len(make_prediction(10)) == 10


def test_probabilities_are_the_mean_of_the_windows():
    np.testing.assert_allclose(make_prediction().classes["action"].probabilities, [0.5, 0.5])


def test_per_frame_scores_average_the_windows_that_hold_a_frame():
    scores = make_prediction(10).classes["action"].per_frame(10)
    np.testing.assert_allclose(scores[:3, 0], 0.75)
    np.testing.assert_allclose(scores[3:7, 0], 0.5)
    np.testing.assert_allclose(scores[7:, 0], 0.25)


def test_a_frame_that_no_window_holds_is_unknown():
    answer = ClassAnswer(
        classes=("a",), windows=np.array([[0, 1]]), scores=np.ones((1, 1), np.float32)
    )
    scores = answer.per_frame(2)
    assert scores[0, 0] == 1.0
    assert np.isnan(scores[1, 0])


def test_a_slice_cuts_frames_joints_and_windows():
    part = make_prediction(10)[6:9]
    whole = make_prediction(10)
    assert len(part) == 3
    assert part.first_frame == 6
    np.testing.assert_array_equal(part.times_s, whole.times_s[6:9])
    np.testing.assert_array_equal(part.poses["pose3d"].joints, whole.poses["pose3d"].joints[6:9])
    np.testing.assert_array_equal(part.poses["pose2d"].measured, [True, False, True])
    np.testing.assert_array_equal(part.classes["action"].windows, [[0, 1], [0, 3]])


def test_a_slice_forgets_windows_that_do_not_reach_it():
    part = make_prediction(10)[8:]
    np.testing.assert_allclose(part.classes["action"].probabilities, [0.25, 0.75])


def test_slices_of_slices_count_from_the_source():
    assert make_prediction(10)[2:][3:5].first_frame == 5


def test_the_whole_slice_changes_nothing():
    prediction = make_prediction(10)
    assert prediction[:].to_json() == prediction.to_json()


@pytest.mark.parametrize("frame", [0, 4, -1])
def test_one_frame(frame):
    part = make_prediction(10)[frame]
    assert len(part) == 1
    assert part.first_frame == frame % 10


def test_an_empty_slice_has_no_frames_and_no_plausible_probabilities():
    part = make_prediction(10)[5:5]
    assert len(part) == 0
    assert np.isnan(part.classes["action"].probabilities).all()


@pytest.mark.parametrize("frame", [10, -11])
def test_a_frame_outside_is_refused(frame):
    with pytest.raises(IndexError, match="prediction of 10 frames"):
        make_prediction(10)[frame]


def test_a_step_is_refused():
    with pytest.raises(ValueError, match="step 2"):
        make_prediction(10)[::2]


def test_top_ranks_and_keeps_the_order_of_ties():
    assert make_prediction().top("action", 2) == (
        Label(task="action", name="walk", probability=0.5),
        Label(task="action", name="sit", probability=0.5),
    )


def test_top_names_the_nearest_task():
    with pytest.raises(ValueError, match="Did you mean 'gesture'"):
        make_prediction().top("gestur")


def test_without_a_union_every_class_task_answers():
    assert [label.task for label in make_prediction().labels()] == ["action", "gesture"]


def test_a_union_says_by_itself_whether_it_is_an_action_or_a_gesture():
    prediction = make_prediction(union=True)
    (label,) = prediction.labels()
    assert (label.task, label.name) == ("gesture", "clap")
    assert label.probability == pytest.approx(0.55)
    assert all(row[0].name == "clap" for row in prediction.frame_labels())


def test_frame_labels_follow_the_windows():
    rows = make_prediction(10).frame_labels()
    assert [row[0].name for row in (rows[0], rows[9])] == ["walk", "sit"]
    assert all(len(row) == 2 for row in rows)


def test_poses_of_another_length_are_refused():
    prediction = make_prediction(10)
    with pytest.raises(ValueError, match=r"Pose 'pose2d' has 10 frames, the prediction 9"):
        replace(prediction, times_s=prediction.times_s[:9])


def test_windows_outside_are_refused():
    prediction = make_prediction(10)
    with pytest.raises(ValueError, match="leave the 4 predicted frames"):
        replace(prediction, times_s=prediction.times_s[:4], poses={})


def test_scores_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"scores should have shape \(1, 2\)"):
        ClassAnswer(
            classes=("a", "b"), windows=np.array([[0, 1]]), scores=np.ones((1, 3), np.float32)
        )


def tree_answer(scores):
    """One window of an answer over a tree; `bend` is a leaf that stands alone."""
    paths = (("arm", "one"), ("arm", "one"), ("arm", "both"), ("leg",), ())
    return ClassAnswer(
        classes=("wave", "hammer", "clap", "kick", "bend"),
        windows=np.array([[0, 4]]),
        scores=np.array([scores], np.float32),
        paths=paths,
    )


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        # kick is the best leaf, but arm the best class: what is said lies within arm
        ((0.2, 0.15, 0.25, 0.4, 0.0), [("arm", 0.6), ("one", 0.35), ("wave", 0.2)]),
        ((0.1, 0.1, 0.1, 0.6, 0.1), [("leg", 0.6), ("kick", 0.6)]),
        ((0.1, 0.1, 0.1, 0.1, 0.6), [("bend", 0.6)]),
    ],
)
def test_a_tree_goes_down_from_its_best_class(scores, expected):
    prediction = replace(make_prediction(4), classes={"what": tree_answer(scores)})
    labels = prediction.labels()
    assert [label.name for label in labels] == [name for name, _ in expected]
    assert [label.probability for label in labels] == pytest.approx([p for _, p in expected])
    assert [label.above for label in labels] == ["", *(name for name, _ in expected[:-1])]
    assert prediction.top("what")[0].name == max(zip(scores, prediction.classes["what"].classes))[1]  # noqa: B905
    again = Prediction.from_json(prediction.to_json())
    assert again.labels() == labels
    window = json.loads(next(iter(prediction.to_jsonl("window"))))
    assert window["class"] == expected[-1][0]
    assert window["above"] == [name for name, _ in expected[:-1]]


def test_runners_up_of_a_tree_follow_by_level():
    scores = (0.2, 0.15, 0.25, 0.4, 0.0)
    prediction = replace(make_prediction(4), classes={"what": tree_answer(scores)})
    names = [label.name for label in prediction.labels(2)]
    assert names == ["arm", "leg", "one", "kick", "wave", "clap"]
    with pytest.raises(ValueError, match="1 paths given for 5 classes"):
        replace(prediction.classes["what"], paths=(("arm",),))
