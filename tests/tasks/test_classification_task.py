import math

import numpy as np
import pytest
import torch

from onebody.config import read_config
from onebody.data import ClassColumn, JointsColumn, Target, make_table
from onebody.labels import LabelSpace, symmetric
from onebody.tasks import ClassificationConfig, build_tasks, resolve_tasks
from onebody.tasks.classification import build_classification


def make(space, values=(0, 1), name="set", column="action"):
    return make_table(
        name,
        {"rgb": [f"{i}.mp4" for i in range(len(values))]},
        columns={column: ClassColumn(values=np.array(values, np.int64), space=space)},
    )


SWIPES = LabelSpace(
    "swipes", ("left", "right", "push"), {"left": "right", "right": "left", "push": None}
)


def resolve(config, *tables):
    return resolve_tasks({"action": config}, tables)["action"]


def build_one(config, *tables):
    return build_tasks({"action": resolve(config, *tables)})["action"]


def test_classes_and_mirror_come_from_the_column():
    task = build_one(ClassificationConfig(), make(SWIPES))
    assert (task.name, task.column, task.classes) == ("action", "action", SWIPES.classes)
    spec = task.target_spec(make(SWIPES))
    assert spec.table.tolist() == [0, 1, 2]
    assert spec.mirror.tolist() == [1, 0, -1]


def test_a_column_of_another_name():
    config = ClassificationConfig(column="move")
    task = build_one(config, make(SWIPES, column="move"))
    assert task.column == "move"
    assert task.target_spec(make(SWIPES)).table is None  # that table has no column "move"


def test_an_unstated_mirror_stays_unstated():
    task = build_one(ClassificationConfig(), make(LabelSpace("s", ("a", "b"))))
    assert task.target_spec(make(LabelSpace("s", ("a", "b")))).mirror is None


def test_places_rename_merge_and_leave_out():
    config = ClassificationConfig(places={"left": "swipe", "right": "swipe", "push": None})
    task = build_one(config, make(SWIPES))
    assert task.classes == ("swipe",)
    spec = task.target_spec(make(SWIPES))
    assert spec.table.tolist() == [0, 0, -1]
    assert spec.mirror.tolist() == [0]


def test_places_carry_the_mirror_over():
    config = ClassificationConfig(
        classes=("R", "L"), places={"left": "L", "right": "R", "push": None}
    )
    spec = build_one(config, make(SWIPES)).target_spec(make(SWIPES))
    assert spec.table.tolist() == [1, 0, -1]
    assert spec.mirror.tolist() == [1, 0]


def test_a_mirror_that_the_columns_disagree_on_is_unstated():
    other = symmetric("other", ["left", "right", "push"])
    config = ClassificationConfig(classes=SWIPES.classes)
    task = build_one(config, make(SWIPES), make(other, name="two"))
    assert task.space.mirror == {}


def test_a_stated_mirror_wins():
    config = ClassificationConfig(mirror={"left": "left", "right": "right", "push": "push"})
    assert build_one(config, make(SWIPES)).target_spec(make(SWIPES)).mirror.tolist() == [0, 1, 2]


def test_a_mirror_that_is_not_whole_is_refused():
    with pytest.raises(ValueError, match=r"leaves out right, push"):
        resolve(ClassificationConfig(mirror={"left": "left"}), make(SWIPES))


def test_equal_spelling_in_two_datasets_is_not_equal_meaning():
    one, two = make(symmetric("one", ["a", "b"])), make(symmetric("two", ["a", "b"]), name="two")
    with pytest.raises(ValueError, match=r"different label spaces \(one, two\)\. State its"):
        resolve(ClassificationConfig(), one, two)
    stated = build_one(ClassificationConfig(classes=("b", "a")), one, two)
    assert stated.target_spec(one).table.tolist() == [1, 0]
    assert stated.target_spec(two).table.tolist() == [1, 0]


def test_two_tables_of_one_dataset_agree():
    space = symmetric("one", ["a", "b"])
    assert resolve(ClassificationConfig(), make(space), make(space)).classes == ("a", "b")


def test_places_may_differ_between_tables():
    one, two = make(symmetric("one", ["a", "b"])), make(symmetric("two", ["c", "b"]), name="two")
    config = ClassificationConfig(places={"a": "x", "c": "x", "b": "y"})
    task = build_one(config, one, two)
    assert task.classes == ("x", "y")
    assert task.target_spec(two).table.tolist() == [0, 1]


def test_a_class_without_a_place_is_named():
    with pytest.raises(ValueError, match=r"without a place in 'action': push"):
        resolve(ClassificationConfig(classes=("left", "right")), make(SWIPES))


def test_a_place_for_no_class_is_named():
    config = ClassificationConfig(places={"lefd": "L", "left": "L", "right": "R", "push": None})
    with pytest.raises(ValueError, match=r"'lefd', which no column has\. Did you mean 'left'"):
        resolve(config, make(SWIPES))


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match=r"none of the tables set has a column 'actoin'\. Did you"):
        resolve(ClassificationConfig(column="actoin"), make(SWIPES))


def test_joints_are_no_classes():
    table = make_table(
        "set",
        {"rgb": ["a.mp4"]},
        columns={
            "action": JointsColumn(sources=np.array(["a.npy"]), skeleton="coco-17", unit="px")
        },
    )
    with pytest.raises(ValueError, match=r"expects classes, but column 'action' .* holds joints"):
        resolve(ClassificationConfig(), table)


def test_another_name_than_the_key_is_refused():
    with pytest.raises(ValueError, match="calls itself 'x'"):
        resolve(ClassificationConfig(name="x"), make(SWIPES))


def test_an_unresolved_task_cannot_be_built():
    with pytest.raises(ValueError, match="resolve it with its tables"):
        build_classification(ClassificationConfig(name="action"))


def test_unknown_keys_are_refused():
    with pytest.raises(ValueError, match=r"unknown key 'smoothing'"):
        read_config(ClassificationConfig, {"smoothing": 0.1}, "recipe.yaml")


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("soft", [False, True])
def test_loss_is_the_cross_entropy_by_hand(smoothing, soft):
    task = build_one(ClassificationConfig(label_smoothing=smoothing), make(SWIPES))
    logits = torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, 0.0]])
    truth = [[0.7, 0.1, 0.2], [0.0, 0.0, 1.0]] if soft else [[0, 0, 1.0], [1.0, 0, 0]]
    value = torch.tensor(truth, dtype=torch.float64) if soft else torch.tensor([2, 0])
    target = Target(value=value, present=torch.ones(2, dtype=torch.bool))
    for found, row, p in zip(
        task.loss(logits, target).tolist(), logits.tolist(), truth, strict=True
    ):
        total = math.log(sum(math.exp(x) for x in row))
        smooth = [(1 - smoothing) * q + smoothing / 3 for q in p]
        expected = sum(q * (total - x) for q, x in zip(smooth, row, strict=True))
        assert found == pytest.approx(expected, rel=1e-5)


def test_top5_is_listed_only_where_it_says_something():
    assert "top5" not in build_one(ClassificationConfig(), make(SWIPES)).metrics
    six = symmetric("six", list("abcdef"))
    assert "top5" in build_one(ClassificationConfig(), make(six)).metrics


def test_nothing_is_one_class_more_or_one_of_the_columns():
    config = ClassificationConfig(per_frame=True, nothing="nothing")
    table = make(SWIPES)
    task = build_one(config, table)
    assert task.classes == (*SWIPES.classes, "nothing")
    spec = task.target_spec(table)
    assert (spec.nothing, spec.table.tolist(), spec.mirror.tolist()) == (
        3,
        [0, 1, 2],
        [1, 0, -1, 3],
    )
    resolved = resolve(config, table)
    again = build_classification(type(resolved).model_validate_json(resolved.model_dump_json()))
    assert again == task
    known = make(symmetric("moves", ("idle", "walk")))
    own = build_one(ClassificationConfig(per_frame=True, nothing="idle"), known)
    assert (own.classes, own.target_spec(known).nothing) == (("idle", "walk"), 0)
    assert build_one(ClassificationConfig(), table).target_spec(table).nothing == -1
    with pytest.raises(ValueError, match="'nothing' is a class of frames"):
        ClassificationConfig(nothing="nothing")
