"""A network on another dataset: which classes correspond, which rows count."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from tiny_training import TinyConfig, build_tiny

from onebody.config import Factory
from onebody.datasets import DATASETS
from onebody.evaluation import LeakageError, evaluate
from onebody.labels import LabelSpace
from onebody.metrics import Results
from onebody.models import load_network
from onebody.training import build_sources, train
from onebody.training.cross import _restrict, measure_cross


class OtherConfig(TinyConfig):
    """The same clips in other files, with other words for gestures."""

    kind: Literal["other"] = "other"


def build_other(config):
    table = build_tiny(config)
    gesture = table.columns["gesture"]
    space = LabelSpace("other gestures", ("rouge", "vert", "violet"))
    columns = {**table.columns, "gesture": replace(gesture, space=space)}
    return replace(table, name="other", columns=columns)


@pytest.fixture
def run(tiny, tmp_path):
    folder = tmp_path / "run"
    tasks = {
        "action": "classification",
        "gesture": "classification",
        "who": "classification",
        "pose": "pose2d",
    }
    train(tiny(["schedule.epochs=1"], tasks=tasks), folder, progress=False)
    return folder


@pytest.fixture
def other(tiny, tmp_path, monkeypatch):
    """Return a maker of recipes on the other dataset."""
    factory = Factory(config=OtherConfig, build=build_other, summary="for tests")
    monkeypatch.setitem(DATASETS, "other", factory)

    def make(gesture=None, **changes):
        data = [{"dataset": {"kind": "other", "folder": str(tmp_path / "elsewhere")}}]
        given = {"kind": "classification", "places": gesture}
        return tiny([], data=data, tasks={"gesture": given, "action": "classification"}, **changes)

    return make


WORDS = {"rouge": "red", "vert": "green", "violet": None}


def test_classes_correspond_by_their_places(run, other, tiny):
    found = measure_cross(run, other(WORDS), "all")
    labels = build_other(OtherConfig(folder=run.parent / "elsewhere")).columns["gesture"].values
    assert found.classes == {"gesture": ("red", "green"), "action": ("left", "right")}
    assert found.rows == {"gesture": int((labels < 2).sum()), "action": 24}
    assert found.left_out == {"gesture": {"violet": int((labels == 2).sum())}}
    assert "who" not in found.figures  # the other recipe does not know that task
    own = measure_by_hand(run, tiny)
    mine = own["gesture"].select(own["gesture"].target < 2)
    assert found.figures["gesture"]["top1"] == (mine.prediction.argmax(1) == mine.target).mean()
    likeliest = mine.prediction[:, :2].argmax(1)
    assert found.restricted["gesture"]["top1"] == (likeliest == mine.target).mean()
    assert found.restricted["action"] == found.figures["action"]


def test_tasks_are_judged_on_the_people_that_the_other_recipe_says(run, other):
    split = {"test": {"subject": ["s0"]}, "seen_share": 0.34}
    plain = measure_cross(run, other(WORDS, split=split))
    assert plain.rows["action"] == 12  # six of each: unseen people, and two of six rows of others
    said = {"action": "unseen", "gesture": "seen"}
    found = measure_cross(run, other(WORDS, split=split, judged_on=said))
    assert found.rows["action"] == 6
    assert found.rows["gesture"] + sum(found.left_out["gesture"].values()) == 6
    every = measure_cross(run, other(WORDS, split=split, judged_on=said), "all")
    assert every.rows["action"] == 24


def measure_by_hand(run, tiny):
    """Evaluate the run on all rows of its own dataset, whose clips are the same."""
    sources = [s for part in build_sources(tiny()).splits.values() for s in part]
    return evaluate(load_network(run / "model").network, sources)


def test_the_split_of_the_other_recipe_counts(run, other):
    assert measure_cross(run, other(WORDS), "test").rows["action"] == 4
    assert measure_cross(run, other(WORDS), "train").rows["action"] == 16
    with pytest.raises(ValueError, match="Unknown split 'tests'"):
        measure_cross(run, other(WORDS), "tests")


def test_equal_names_correspond_where_no_places_are_stated(run, other):
    with pytest.raises(ValueError, match=r"no class corresponds. There: rouge, vert, violet"):
        measure_cross(run, other(None), "all")
    recipe = other(WORDS)
    alone = recipe.model_copy(update={"tasks": {"action": recipe.tasks["action"]}})
    assert set(measure_cross(run, alone, "all").figures) == {"action"}


def test_faults_of_places_are_named(run, other):
    with pytest.raises(ValueError, match=r"names 'reed', which is no class.*'red'"):
        measure_cross(run, other({"rouge": "reed"}), "all")
    with pytest.raises(ValueError, match=r"names 'roug', which no column has.*'rouge'"):
        measure_cross(run, other({"roug": "red"}), "all")


def test_rows_that_the_network_knows_are_refused(run, tiny):
    assert measure_cross(run, tiny(), "test").rows["action"] == 4
    with pytest.raises(LeakageError, match=r"has learned from rows .* overlapping spans"):
        measure_cross(run, tiny(), "train")


def test_without_a_common_task_there_is_nothing_to_measure(run, other):
    recipe = other(WORDS)
    bare = recipe.model_copy(update={"tasks": {"walk": recipe.tasks["action"]}})
    with pytest.raises(ValueError, match="no test row of the other recipe is labeled"):
        measure_cross(run, bare, "test")


def test_poses_and_composite_tasks_are_measured_too(tiny, other, tmp_path):
    tasks = {
        "action": "classification",
        "gesture": "classification",
        "both": {"kind": "union", "of": ["action", "gesture"]},
        "pose": "pose2d",
        "which": {"kind": "which", "of": ["action", "gesture"]},
    }
    folder = tmp_path / "joined"
    one = ["schedule.epochs=1", "data.0.dataset.labels=one"]
    train(tiny(one, tasks=tasks), folder, progress=False)
    recipe = other(WORDS)
    parts = {"action": recipe.tasks["action"], "pose": tiny().tasks["pose"]}
    found = measure_cross(folder, recipe.model_copy(update={"tasks": parts}), "all")
    assert found.rows == {"action": 24, "both": 24, "pose": 24, "which": 24}
    assert found.classes["both"] == ("left", "right")
    assert found.classes["which"] == ("action",)
    assert set(found.restricted) == {"action", "both"}
    assert found.restricted["both"]["task_accuracy"] == 1.0
    assert found.figures["both"]["top1"] <= found.restricted["both"]["top1"]
    assert found.restricted["both"]["top1"] == pytest.approx(found.figures["action"]["top1"])
    assert "pck_crop" in found.figures["pose"]


def test_restriction_shares_the_probability_out():
    found = Results(
        prediction=np.array([[0.5, 0.3, 0.2], [1.0, 0.0, 0.0]]),
        target=np.array([1, 2]),
        row=np.array([0, 1]),
    )
    part = _restrict(found, np.array([False, True, True]))
    np.testing.assert_allclose(part.prediction, [[0, 0.6, 0.4], [0, 0.5, 0.5]])
