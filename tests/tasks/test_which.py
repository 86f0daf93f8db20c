import numpy as np
import pytest
from pydantic import ValidationError

from onebody.data import ClassColumn, TargetSpec, make_table
from onebody.data.targets import class_labels, which_labels
from onebody.labels import symmetric
from onebody.tasks import (
    ClassificationConfig,
    Pose2DConfig,
    UnionConfig,
    WhichConfig,
    build_tasks,
    resolve_tasks,
)

ROWS = 5


def column(values, classes, name="labels"):
    return ClassColumn(values=np.array(values, np.int64), space=symmetric(name, classes))


def make(**columns):
    labels = {
        "action": column([0, -1, 1, -1, -1], ["walk", "run"], "actions"),
        "gesture": column([-1, 0, 0, -1, -1], ["wave"], "gestures"),
    }
    return make_table("set", {"rgb": ["x.mp4"] * ROWS}, columns=labels | columns)


def build(table=None, **changes):
    configs = {
        "kind": WhichConfig(of=("action", "gesture"), **changes),
        "action": ClassificationConfig(),
        "gesture": ClassificationConfig(),
    }
    return build_tasks(resolve_tasks(configs, [table or make()]))


def targets(tasks, table):
    """Return the router's target of every row, made as the data room makes it."""
    rows, spec = np.arange(ROWS), tasks["kind"].target_spec(table)
    if spec.form == "class":
        return class_labels(table, rows, spec).tolist()
    labels = {n: class_labels(table, rows, tasks[n].target_spec(table)) for n in spec.made_of}
    return which_labels(spec, labels, list(table.row_names)).tolist()


def test_it_is_a_plain_task_whose_classes_are_the_tasks():
    which = build()["kind"]
    assert which.classes == ("action", "gesture")
    assert (which.reads, which.form, which.has_loss) == ((), "vector", True)


def test_evidence_is_positive_only():
    # Row 2 carries both labels and is of no single kind; rows 3 and 4 carry none: absent, not
    # "neither".
    assert targets(build(), make()) == [0, 1, -1, -1, -1]


def test_a_hidden_label_is_no_evidence():
    table = make().hide("action", np.array([True, False, True, False, False]))
    assert targets(build(), table) == [-1, 1, 1, -1, -1]


def test_a_table_with_one_column_still_tells():
    spec = TargetSpec(task="k", column="", form="which", parts=(("a", 0), ("b", 1)))
    assert which_labels(spec, {"b": np.array([3, -1])}, ["x", "y"]).tolist() == [1, -1]


def test_a_column_says_what_labels_cannot():
    kinds = column([0, 1, 2, 2, -1], ["action", "gesture", "neither"])
    tasks = build(make(kinds=kinds), column="kinds", none="neither")
    assert tasks["kind"].classes == ("action", "gesture", "neither")
    assert targets(tasks, make(kinds=kinds)) == [0, 1, 2, 2, -1]


def test_places_map_the_columns_classes():
    kinds = column([0, 1, 2, 3, -1], ["act", "sign", "idle", "unsure"])
    places = {"act": "action", "sign": "gesture", "idle": "none", "unsure": None}
    tasks = build(make(kinds=kinds), column="kinds", none="none", places=places)
    assert targets(tasks, make(kinds=kinds)) == [0, 1, 2, -1, -1]


def test_a_mirror_changes_no_kind():
    kinds = column([0] * ROWS, ["action", "gesture"])
    table = make(kinds=kinds)
    assert build(table, column="kinds")["kind"].target_spec(table).mirror.tolist() == [0, 1]


def test_a_class_of_the_column_without_a_place_is_refused():
    with pytest.raises(ValueError, match="without a place in 'kind': idle"):
        build(make(kinds=column([0] * ROWS, ["action", "gesture", "idle"])), column="kinds")
    kinds = column([0] * ROWS, ["action", "gesture"])
    with pytest.raises(ValueError, match="'places' names 'acts'"):
        build(make(kinds=kinds), column="kinds", places={"acts": "action"})


@pytest.mark.parametrize("changes", [{"none": "neither"}, {"places": {"a": "action"}}])
def test_labels_alone_cannot_say_none(changes):
    with pytest.raises(ValidationError, match="a label may just be missing"):
        WhichConfig(of=("action", "gesture"), **changes)


@pytest.mark.parametrize(
    "other", [Pose2DConfig(skeleton="coco-17"), UnionConfig(of=("action", "gesture"))]
)
def test_it_tells_classifications_apart(other):
    configs = {
        "kind": WhichConfig(of=("action", "other")),
        "other": other,
        "action": ClassificationConfig(),
        "gesture": ClassificationConfig(),
    }
    if isinstance(other, Pose2DConfig):
        del configs["other"]
    with pytest.raises(ValueError, match="'other' is none"):
        resolve_tasks(configs, [make()])
