"""Pseudo-labels: from a trained teacher to the student's targets."""

import shutil

import numpy as np
import pytest
import torch

from onebody.data import make_batch
from onebody.evaluation import LeakageError
from onebody.models import load_network
from onebody.training import build_sources, load_recipe, train
from onebody.training.pseudo import PseudoConfig, content_hash, load_teacher
from onebody.training.setup import build_run
from onebody.training.teachers import with_pseudo_labels

CPU = torch.device("cpu")
ONE = "data.0.dataset.labels=one"


@pytest.fixture
def taught(tiny, tmp_path):
    """Return a maker of students, whose teacher of gestures is trained at the first call."""
    teacher = tmp_path / "teacher"
    train(tiny([ONE, "schedule.epochs=1"]).only(["gesture"]), teacher, progress=False)

    def make(overrides=(), **options):
        part = {"task": "gesture", "teacher": str(teacher), **options}
        return tiny([ONE, *overrides], pseudo=[part])

    make.teacher = teacher
    return make


def answers(teacher, table, rows):
    """The teacher's logits, asked directly."""
    saved = load_network(teacher / "model")
    batch = make_batch(table, rows, saved.input, (), augment=None)
    asked = {"gesture": torch.ones(len(rows), dtype=torch.bool)}
    with torch.no_grad():
        return saved.network([batch], [asked])[0]["gesture"][-1]


def test_rows_without_a_label_get_the_teachers(taught):
    recipe = taught(temperature=4.0, weight=0.25)
    plain = build_sources(recipe)
    found = with_pseudo_labels(recipe, plain, CPU)
    source = found.splits["train"][0]
    soft = source.table.soft["pseudo gesture"]
    own = source.table.labeled("gesture")
    assert own.sum() == 4
    assert soft.weight.tolist() == np.where(own, 0, 0.25).tolist()
    rows = np.flatnonzero(~own)
    expected = torch.softmax(answers(taught.teacher, source.table, rows) / 4.0, dim=1)
    np.testing.assert_allclose(soft.values[rows], expected.numpy(), atol=1e-6)
    assert found.rows == {**plain.rows, "pseudo gesture": 12}
    assert not plain.splits["train"][0].table.soft
    assert all(not s.table.soft for part in ("validation", "test") for s in found.splits[part])


def test_rows_that_lost_their_only_label_get_the_teachers(taught, tiny):
    few = "data.0.keep={column: gesture, per_class: 1}"
    alone = tiny([ONE, few]).only(["gesture"])
    kept = len(build_sources(alone).splits["train"][0].table)
    assert kept < 4
    recipe = taught([few]).only(["gesture"])
    found = with_pseudo_labels(recipe, build_sources(recipe), CPU)
    (source,) = found.splits["train"]
    assert len(source.table) == 16
    assert source.table.labeled("gesture").sum() == found.rows["train"] == kept
    assert found.rows["pseudo gesture"] == 16 - kept
    assert all(s.table.labeled("gesture").all() for s in found.splits["test"])


def test_rows_that_nobody_labels_are_left_out(taught):
    changes = ["data.0.keep={column: gesture, per_class: 1}"]
    recipe = taught(changes, confidence=0.99).only(["gesture"])
    found = with_pseudo_labels(recipe, build_sources(recipe), CPU)
    (source,) = found.splits["train"]
    assert len(source.table) == found.rows["train"] + found.rows["pseudo gesture"] < 16


def test_a_label_of_ones_own_stays(taught):
    setup = build_run(taught())
    for batch in next(setup.loader.epoch(0)):
        target = batch.targets["gesture"]
        assert target.present.all()
        hard = target.weight == 1
        assert (target.value[hard].amax(1) == 1).all()
        assert target.weight[~hard].tolist() == [0.5] * int((~hard).sum())


def test_unsure_answers_are_left_out(taught):
    recipe = taught(confidence=0.0)
    source = with_pseudo_labels(recipe, build_sources(recipe), CPU).splits["train"][0]
    rows = np.flatnonzero(~source.table.labeled("gesture"))
    sure = answers(taught.teacher, source.table, rows).softmax(1).amax(1).numpy()
    limit = float(np.median(sure))
    recipe = taught(confidence=limit)
    found = with_pseudo_labels(recipe, build_sources(recipe), CPU)
    assert found.rows["pseudo gesture"] == int((sure >= limit).sum()) < 12
    assert taught(confidence=0.99).pseudo[0].confidence == 0.99


def test_a_student_trains_and_goes_on(taught, tmp_path):
    whole = train(taught(["schedule.epochs=1"]), tmp_path / "student", progress=False)
    assert whole.rows["pseudo gesture"] == 12
    assert train(taught(["schedule.epochs=1"]), tmp_path / "student", progress=False) == whole
    plain = train(taught(["schedule.epochs=1", "pseudo=[]"]), tmp_path / "plain", progress=False)
    assert "pseudo gesture" not in plain.rows
    other = load_network(tmp_path / "plain" / "final").network.state_dict()
    own = load_network(tmp_path / "student" / "final").network.state_dict()
    assert any(not torch.equal(value, other[name]) for name, value in own.items())


def test_another_teacher_is_another_run(taught, tiny, tmp_path):
    recipe = taught(["schedule.epochs=1"])
    before = recipe.fingerprint()
    train(recipe, tmp_path / "student", progress=False)
    shutil.rmtree(taught.teacher)
    with pytest.raises(ValueError, match=r"found no 'model' in it. Train the teacher first"):
        recipe.fingerprint()
    other = tiny([ONE, "schedule.epochs=1", "train.seed=5"]).only(["gesture"])
    train(other, taught.teacher, progress=False)
    assert recipe.fingerprint() != before
    with pytest.raises(ValueError, match="another network than when this run was trained"):
        train(recipe, tmp_path / "student", progress=False)


def test_a_teacher_that_knows_the_test_is_refused(taught):
    shifted = taught(["split={test: {subject: [s0]}}"])
    with pytest.raises(LeakageError, match=r"has learned from rows that are tested here.*overlap"):
        build_run(shifted)


def test_classes_must_be_the_same(taught, tiny):
    wider = {"kind": "classification", "classes": ["red", "green", "blue", "black"]}
    recipe = tiny([ONE], tasks={"gesture": wider})
    config = PseudoConfig(task="gesture", teacher=taught.teacher)
    with pytest.raises(
        ValueError, match="with the classes red, green, blue, black; found red, green, blue"
    ):
        load_teacher(config, build_sources(recipe).tasks, CPU)
    config = PseudoConfig(task="action", teacher=taught.teacher)
    with pytest.raises(ValueError, match="found no such task"):
        load_teacher(config, build_sources(tiny([ONE])).tasks, CPU)


def test_soft_labels_serve_classification_alone(taught, tiny):
    config = PseudoConfig(task="pose", teacher=taught.teacher)
    with pytest.raises(ValueError, match="task 'pose' is pose2d; soft labels serve classification"):
        load_teacher(config, build_sources(tiny()).tasks, CPU)


def test_a_recipe_names_each_task_once(taught, tiny):
    part = {"task": "gesture", "teacher": "there"}
    with pytest.raises(ValueError, match="names a task twice"):
        tiny([], pseudo=[part, part])
    with pytest.raises(ValueError, match="'pseudo' names the task 'gestur'"):
        tiny([], pseudo=[{"task": "gestur", "teacher": "there"}])
    recipe = tiny([], pseudo=[part])
    assert recipe.only(["action"]).pseudo == ()
    assert recipe.only(["gesture"]).pseudo == recipe.pseudo


def test_the_hash_is_of_the_content(taught, tmp_path):
    shutil.copytree(taught.teacher, tmp_path / "copy")
    assert content_hash(tmp_path / "copy") == content_hash(taught.teacher)
    path = tmp_path / "copy" / "recipe.yaml"
    assert load_recipe(str(path)).tasks.keys() == {"gesture"}
