"""Answers without a task id: calibrated, and "none of these" where nothing is known."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from test_prediction import make_prediction
from test_predictor import DENSE, predictor

from onebody.cli.predict import _phrase
from onebody.inference import ClassAnswer, Label, Prediction
from onebody.models import Calibration
from onebody.tasks import NONE_OF_THESE


def rejecting(threshold, **changes):
    """The prediction whose union says "clap" with 0.55."""
    prediction = make_prediction(union=True)
    both = replace(prediction.classes["both"], threshold=threshold, **changes)
    return replace(prediction, classes={**prediction.classes, "both": both})


def test_the_answer_is_that_of_the_joint_task():
    answer = rejecting(0.5).answer
    assert (answer.task, answer.name) == ("gesture", "clap")
    assert answer.probability == pytest.approx(0.55)
    assert make_prediction().answer is None
    assert rejecting(None).answer == answer


def test_of_several_joint_answers_one_that_may_say_none_speaks():
    both, wary = rejecting(None), learned(0.7)
    prediction = replace(both[:4], classes={**both[:4].classes, **wary.classes})
    assert both.joint_task == "both"
    assert prediction.joint_task == "any"
    assert prediction.answer.name == NONE_OF_THESE


def test_an_unsure_answer_is_none_of_these():
    prediction = rejecting(0.56)
    assert (prediction.answer.task, prediction.answer.name) == ("", NONE_OF_THESE)
    assert math.isnan(prediction.answer.probability)
    # What comes nearest follows; a named task's own answer stays what it is.
    assert [label.name for label in prediction.labels(2)] == [NONE_OF_THESE, "clap"]
    assert prediction.top("both")[0].name == "clap"
    assert prediction.top("gesture")[0].name == "clap"


def test_frames_and_windows_are_judged_each_for_itself():
    prediction = rejecting(0.55)  # the windows say 0.6 and 0.5
    names = [row[0].name for row in prediction.frame_labels()]
    assert names[0] == "clap"
    assert names[-1] == NONE_OF_THESE
    windows = [json.loads(line) for line in prediction.to_jsonl("window")]
    said = [(row["class"], row["owner"]) for row in windows if row["task"] == "both"]
    assert said == [("clap", "gesture"), (NONE_OF_THESE, "")]


def test_a_margin_is_what_the_best_is_ahead():
    assert rejecting(0.29, score="margin").answer.name == "clap"  # 0.55 - 0.25
    assert rejecting(0.31, score="margin").answer.name == NONE_OF_THESE


def learned(none, threshold=None):
    """A prediction of a network that has learned a class "none of these"."""
    answer = ClassAnswer(
        classes=("walk", "wave", NONE_OF_THESE),
        owners=("action", "gesture", ""),
        windows=np.array([[0, 4]], np.int64),
        scores=np.array([[0.9 * (1 - none), 0.1 * (1 - none), none]], np.float32),
        threshold=threshold,
    )
    return Prediction(
        source="x", fps=1.0, size=(8, 8), times_s=np.arange(4.0), classes={"any": answer}
    )


def test_a_learned_class_has_a_probability():
    label = learned(0.7).answer
    assert (label.task, label.name) == ("", NONE_OF_THESE)
    assert label.probability == pytest.approx(0.7)
    assert learned(0.3).answer.name == "walk"
    # Rejected by the threshold although "walk" is the likeliest: the learned class says how likely.
    first, second = learned(0.4, threshold=0.6).labels(2)
    assert (first.name, second.name) == (NONE_OF_THESE, "walk")
    assert first.probability == pytest.approx(0.4)


def test_files_keep_thresholds_and_tell_the_answer(tmp_path):
    prediction = rejecting(0.56, score="margin")
    text = prediction.to_json()
    assert json.loads(text)["answer"] == {"task": "", "class": NONE_OF_THESE, "probability": None}
    prediction.save_npz(tmp_path / "x.npz")
    for again in (Prediction.from_json(text), Prediction.load_npz(tmp_path / "x.npz")):
        both = again.classes["both"]
        assert (both.score, both.threshold) == ("margin", 0.56)
        assert again.answer.name == NONE_OF_THESE


def test_files_of_earlier_versions_reject_nothing():
    values = json.loads(rejecting(0.9).to_json())
    for answer in values["classes"].values():
        del answer["score"], answer["threshold"]
    del values["answer"]
    again = Prediction.from_json(json.dumps(values))
    assert again.classes["both"].threshold is None
    assert again.answer.name == "clap"


def test_the_rejection_is_drawn():
    frames = np.zeros((10, 96, 128, 3), np.uint8)
    drawn = [replace(rejecting(t), poses={}).draw(frames) for t in (0.1, 0.9)]
    assert drawn[0].shape == drawn[1].shape  # three bars each
    assert (drawn[0] != drawn[1]).any()


def test_the_command_line_says_it_in_words():
    assert _phrase(Label(task="", name=NONE_OF_THESE, probability=math.nan)) == NONE_OF_THESE
    assert _phrase(Label(task="", name=NONE_OF_THESE, probability=0.7)) == f"{NONE_OF_THESE} 70 %"
    assert _phrase(Label(task="gesture", name="wave", probability=0.5)) == "gesture 'wave' 50 %"


def calibrated(**calibration):
    plain = predictor(DENSE)
    return replace(plain, saved=replace(plain.saved, calibration=calibration))


def bright(count=8):
    return np.full((count, 20, 20, 3), 250, np.uint8)


def test_the_predictor_applies_temperature_and_threshold():
    plain = predictor(DENSE).predict(bright(), fps=10.0)
    warm = calibrated(both=Calibration(temperature=2.0)).predict(bright(), fps=10.0)
    before, after = (p.classes["both"].probabilities for p in (plain, warm))
    expected = np.sqrt(before) / np.sqrt(before).sum()  # logits halved
    np.testing.assert_allclose(after, expected, rtol=1e-5)
    np.testing.assert_array_equal(
        warm.classes["gesture"].probabilities, plain.classes["gesture"].probabilities
    )
    assert warm.answer.name == "wave"
    strict = Calibration(temperature=1.0, threshold=0.99)
    assert calibrated(both=strict).predict(bright(), fps=10.0).answer.name == NONE_OF_THESE


def test_joint_answers_come_first_and_named_tasks_answer_alone():
    strict = calibrated(both=Calibration(temperature=1.0, threshold=0.99))
    assert list(strict.predict(bright(), fps=10.0).classes) == ["both", "action", "gesture"]
    named = strict.predict(bright(), fps=10.0, tasks=["gesture"])
    assert list(named.classes) == ["gesture"]
    assert named.answer is None
    assert named.labels()[0].name == "wave"
