"""Late fusion: sums of probabilities, weights from validation rows, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onebody.data import make_table
from onebody.evaluation.late_fusion import (
    check_same_split,
    fuse_results,
    fusible_tasks,
    likeliest_weights,
)
from onebody.metrics import Results
from onebody.tasks import ClassificationConfig, Pose2DConfig, build_tasks


def _results(prediction, target=None, row=None):
    prediction = np.asarray(prediction, np.float32)
    count = len(prediction)
    return Results(
        prediction=prediction,
        target=np.zeros(count, np.int64) if target is None else np.asarray(target),
        row=np.arange(count) if row is None else np.asarray(row),
    )


def _drawn(seed, rows=40, classes=4, skill=2.0):
    """Return a network that is right more often, the more skill it has."""
    generator = np.random.default_rng(seed)
    target = np.arange(rows) % classes
    logits = generator.normal(size=(rows, classes)) + skill * np.eye(classes)[target]
    raised = np.exp(logits)
    return _results(raised / raised.sum(1, keepdims=True), target)


def test_a_weighted_sum_by_hand():
    one = _results([[0.8, 0.2], [0.4, 0.6]], target=[0, 1])
    other = _results([[0.1, 0.9], [0.5, 0.5]][::-1], target=[1, 0], row=[1, 0])
    fused = fuse_results([one, other], [3, 1])
    np.testing.assert_allclose(fused.prediction, [[0.625, 0.375], [0.425, 0.575]], atol=1e-6)
    assert fused.row.tolist() == [0, 1]
    assert fused.target.tolist() == [0, 1]


@given(st.lists(st.floats(0.01, 10), min_size=2, max_size=4), st.integers(0, 1000))
def test_fused_answers_are_probabilities_between_those_of_the_networks(weights, seed):
    parts = [_drawn(seed + i) for i in range(len(weights))]
    fused = fuse_results(parts, weights).prediction
    np.testing.assert_allclose(fused.sum(1), 1, atol=1e-5)
    every = np.stack([part.prediction for part in parts])
    assert (fused <= every.max(0) + 1e-6).all()
    assert (fused >= every.min(0) - 1e-6).all()


def _likelihood(parts, weights):
    fused = fuse_results(parts, weights)
    return float(np.log(fused.prediction[np.arange(len(fused)), fused.target]).mean())


def test_likeliest_weights_are_the_best_of_a_grid():
    parts = [_drawn(0, skill=2.0), _drawn(1, skill=1.5), _drawn(2, skill=0.0)]
    weights = likeliest_weights(parts)
    assert sum(weights) == pytest.approx(1)
    assert weights[0] > weights[1] > weights[2]
    best = _likelihood(parts, weights)
    steps = np.linspace(0, 1, 11)
    for a in steps:
        for b in steps[steps <= 1 - a + 1e-9]:
            grid = [a, b, max(1 - a - b, 0)]
            with np.errstate(divide="ignore"):
                assert _likelihood(parts, grid) <= best + 1e-6


def test_networks_that_answer_alike_are_weighed_alike():
    part = _drawn(0)
    assert likeliest_weights([part, part]) == pytest.approx((0.5, 0.5))
    sure = _results([[1.0, 0.0]] * 3)
    wrong = _results([[0.0, 1.0]] * 3)
    assert likeliest_weights([sure, wrong]) == pytest.approx((1, 0), abs=1e-6)


@pytest.mark.parametrize("weights", [[1], [1, -1], [0, 0], [1, np.nan], []])
def test_impossible_weights_are_refused(weights):
    part = _drawn(0)
    with pytest.raises(ValueError, match="Expected 2 weights"):
        fuse_results([part, part], weights)


def test_answers_to_other_questions_are_refused():
    part = _drawn(0)
    with pytest.raises(ValueError, match="other rows"):
        fuse_results([part, replace(part, row=part.row + 1)], [1, 1])
    with pytest.raises(ValueError, match="other targets"):
        fuse_results([part, replace(part, target=1 - part.target.clip(0, 1))], [1, 1])
    with pytest.raises(ValueError, match="same classes"):
        fuse_results([part, replace(part, prediction=part.prediction[:, :3])], [1, 1])


def _tasks(**classes):
    configs = {n: ClassificationConfig(name=n, classes=c) for n, c in classes.items()}
    return build_tasks({**configs, "pose": Pose2DConfig(name="pose", skeleton="coco-17")})


def test_tasks_of_classes_that_every_network_has_are_fused():
    one = _tasks(action=("walk", "sit"), gesture=("wave", "clap"))
    other = _tasks(action=("walk", "sit"))
    assert fusible_tasks({"a": one, "b": other}) == (["action"], ["gesture", "pose"])
    with pytest.raises(ValueError, match=r"b: task 'action' should have .* \(differs: run\)"):
        fusible_tasks({"a": one, "b": _tasks(action=("walk", "run"))})
    with pytest.raises(ValueError, match="their order"):
        fusible_tasks({"a": one, "b": _tasks(action=("sit", "walk"))})
    with pytest.raises(ValueError, match="no task of classes in common"):
        fusible_tasks({"a": one, "b": _tasks(other=("walk", "sit"))})


def _table(*names):
    return make_table("clips", {"rgb": [f"{n}.mp4" for n in names]}, row_names=list(names))


def test_runs_of_another_split_are_refused():
    own = {"train": [_table("a", "b")], "validation": [], "test": [_table("c")]}
    check_same_split({"one": own, "two": dict(own)})
    other = {"train": [_table("a", "c")], "validation": [], "test": [_table("b")]}
    with pytest.raises(ValueError, match=r"two: expected the 2 train rows of one, found 2 .*'b'"):
        check_same_split({"one": own, "two": other})
    less = {**own, "test": []}
    with pytest.raises(ValueError, match=r"expected the 1 test rows of one, found 0"):
        check_same_split({"one": own, "two": less})
