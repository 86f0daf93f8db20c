import numpy as np
import pytest

from onebody.metrics import (
    METRICS,
    Results,
    mean_error,
    pa_mpjpe,
    pck,
    pck_auc,
    pose3d_metrics,
    relative_error,
    task_accuracy,
    top_k,
    union_metrics,
)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_describes_itself(name):
    metric = METRICS[name]
    assert metric.name == name
    assert metric.summary
    assert "\n" not in metric.summary
    assert metric.unit in {"%", "px", "mm", ""}
    errors = {"error_crop", "ece", "class_ece", "level2_ece", "top1_gap", "contradiction"}
    assert metric.higher_is_better or metric.unit != "%" or name in errors


def test_3d_metrics_know_their_root():
    target = np.zeros((1, 3, 3))
    prediction = np.zeros((1, 3, 3))
    prediction[0, 2] = 90.0, 0.0, 0.0
    results = Results(prediction=prediction, target=target, row=np.zeros(1, np.int64))
    assert pose3d_metrics((0,))["mpjpe"].function(results) == pytest.approx(30)
    assert pose3d_metrics((2,))["mpjpe"].function(results) == pytest.approx(60)
    assert pose3d_metrics((0, 2))["mpjpe"].function(results) == pytest.approx(45)


def test_figures_are_those_of_the_plain_functions():
    rng = np.random.default_rng(0)
    target = rng.normal(size=(20, 4, 3))
    results = Results(
        prediction=target + 0.2 * rng.normal(size=target.shape),
        target=target,
        row=np.arange(20),
        mask=rng.random((20, 4)) < 0.8,
        scale={name: 1 + rng.random(20) for name in ("crop", "box", "head")},
    )
    expected = {
        "pck_crop": pck(results, 0.1, "crop"),
        "pck_box": pck(results, 0.2, "box"),
        "pckh": pck(results, 0.5, "head"),
        "auc": pck_auc(results, 0.2, "crop"),
        "error": mean_error(results),
        "error_crop": relative_error(results, "crop"),
        "mpjpe": mean_error(results, (0,)),
        "pa_mpjpe": pa_mpjpe(results),
    }
    found = {name: METRICS[name].function(results) for name in expected}
    assert found == pytest.approx(expected)


def test_class_figures_are_those_of_the_plain_functions():
    rng = np.random.default_rng(0)
    results = Results(
        prediction=rng.random((30, 8)), target=rng.integers(0, 8, 30), row=np.arange(30)
    )
    assert METRICS["top1"].function(results) == pytest.approx(top_k(results))
    assert METRICS["top5"].function(results) == pytest.approx(top_k(results, 5))
    halves = union_metrics((0, 4))["task_accuracy"]
    assert halves.function(results) == pytest.approx(task_accuracy(results, (0, 4)))
