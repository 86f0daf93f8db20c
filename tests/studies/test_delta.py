"""Delta_MTL against hand-worked numbers."""

import pytest

from onebody.studies import delta_mtl, headlines, relative_gain
from onebody.tasks import TASKS, build_tasks

TASKS_HERE = build_tasks(
    {
        "action": TASKS["classification"].config(name="action", classes=("a", "b")),
        "pose": TASKS["pose2d"].config(name="pose", skeleton="coco-17"),
    }
)


def test_gains_follow_the_direction_of_the_metric():
    assert relative_gain(0.6, 0.5, higher_is_better=True) == pytest.approx(0.2)
    assert relative_gain(6.0, 5.0, higher_is_better=False) == pytest.approx(-0.2)


def test_delta_is_the_mean_over_tasks():
    # action 0.5 -> 0.6: +20 %; pose error 0.04 -> 0.03: +25 %
    found = delta_mtl({"action": 0.6, "pose": 0.03}, {"action": 0.5, "pose": 0.04}, TASKS_HERE)
    assert found == pytest.approx(0.225)


def test_equal_figures_give_zero():
    same = {"action": 0.5, "pose": 0.04}
    assert delta_mtl(same, same, TASKS_HERE) == 0.0


def test_impossible_requests_are_refused():
    with pytest.raises(ValueError, match="is 0"):
        relative_gain(0.1, 0.0, higher_is_better=True)
    with pytest.raises(ValueError, match="same tasks"):
        delta_mtl({"action": 0.5}, {"pose": 0.04}, TASKS_HERE)
    with pytest.raises(ValueError, match="same tasks"):
        delta_mtl({}, {}, TASKS_HERE)


def test_headlines_are_metrics_of_their_tasks():
    for task in TASKS_HERE.values():
        assert [m.name for m in headlines(task)]
        assert all(m.name in task.metrics for m in headlines(task))
    assert headlines(TASKS_HERE["pose"])[0].higher_is_better is False
