import numpy as np
import pytest

from onebody.metrics import METRICS, Results, pose3d_metrics


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_describes_itself(name):
    metric = METRICS[name]
    assert metric.name == name
    assert metric.summary
    assert "\n" not in metric.summary
    assert metric.unit in {"%", "px", "mm", ""}
    assert metric.higher_is_better or metric.unit != "%" or name == "error_crop"


def test_3d_metrics_know_their_root():
    target = np.zeros((1, 3, 3))
    prediction = np.zeros((1, 3, 3))
    prediction[0, 2] = 90.0, 0.0, 0.0
    results = Results(prediction=prediction, target=target, row=np.zeros(1, np.int64))
    assert pose3d_metrics((0,))["mpjpe"].function(results) == pytest.approx(30)
    assert pose3d_metrics((2,))["mpjpe"].function(results) == pytest.approx(60)
    assert pose3d_metrics((0, 2))["mpjpe"].function(results) == pytest.approx(45)
