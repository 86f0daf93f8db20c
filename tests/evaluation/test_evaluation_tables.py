import math

import numpy as np
import pytest

from onebody.evaluation import by_group, figures, figures_by_group, score
from onebody.labels import symmetric
from onebody.metrics import Results
from onebody.tasks import ClassificationTask, Pose3DTask

TASKS = {
    "action": ClassificationTask(name="action", column="action", space=symmetric("a", ["x", "y"])),
    "pose": Pose3DTask(name="pose", column="pose", skeleton="mpii-16"),
}
SUBJECT = np.array(["ann", "ann", "bob", "", "bob"])


def classes(hits, rows):
    scores = np.where(np.array(hits)[:, None], [[0.8, 0.2]], [[0.2, 0.8]])
    return Results(prediction=scores, target=np.zeros(len(hits), np.int64), row=np.array(rows))


def poses(mask):
    joints = np.random.default_rng(0).normal(size=(2, 16, 3))
    return Results(
        prediction=joints, target=joints, row=np.array([0, 2]), mask=np.full((2, 16), mask)
    )


def test_figures_hold_every_metric():
    found = figures(TASKS, {"action": classes([True, False], [0, 1]), "pose": poses(True)})
    assert found["action"].keys() == TASKS["action"].metrics.keys()
    assert found["pose"].keys() == TASKS["pose"].metrics.keys()
    assert found["action"]["top1"] == 0.5
    assert found["pose"]["mpjpe"] == 0.0


def test_figures_of_an_unknown_task_are_refused():
    with pytest.raises(ValueError, match="Unknown task 'actoin'"):
        figures(TASKS, {"actoin": classes([True], [0])})


def test_score_is_the_mean_of_the_primaries():
    results = {"action": classes([True, False], [0, 1]), "pose": poses(True)}
    assert score(TASKS, results) == pytest.approx((0.5 + 1.0) / 2)
    assert score(TASKS, {"action": results["action"]}) == 0.5


def test_no_score_without_results():
    with pytest.raises(ValueError, match="No task was measured"):
        score(TASKS, {})


def test_a_task_that_measures_nothing_has_no_score():
    results = {"action": classes([True], [0]), "pose": poses(False)}
    with pytest.raises(ValueError, match=r"'pose': pck3d measures nothing in 2 entries"):
        score(TASKS, results)


def test_results_are_divided_by_the_subject_of_their_row():
    parts = by_group(classes([True, False, True, False], [4, 3, 0, 2]), SUBJECT)
    assert {name: part.row.tolist() for name, part in parts.items()} == {
        "": [3],
        "ann": [0],
        "bob": [4, 2],
    }


def test_every_entry_is_in_one_group():
    results = classes([True] * 5, range(5))
    assert sum(len(part) for part in by_group(results, SUBJECT).values()) == 5


def test_groups_of_another_table_are_refused():
    with pytest.raises(ValueError, match="Results of row 4, but groups for 3 rows"):
        by_group(classes([True], [4]), SUBJECT[:3])


def test_figures_by_group_are_figures_of_each_group():
    results = {"action": classes([True, False, True, False], [0, 1, 2, 4]), "pose": poses(False)}
    found = figures_by_group(TASKS, results, SUBJECT)
    assert found["action"]["ann"]["top1"] == 0.5
    assert found["action"]["bob"]["top1"] == 0.5
    assert "" not in found["action"]
    assert math.isnan(found["pose"]["ann"]["mpjpe"])
