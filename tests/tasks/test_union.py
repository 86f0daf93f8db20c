import math

import numpy as np
import pytest
import torch

from onebody.data import ClassColumn, Context, InputSpec, Target, make_table
from onebody.labels import symmetric
from onebody.metrics import Results, task_accuracy
from onebody.tasks import (
    ClassificationConfig,
    Pose2DConfig,
    UnionConfig,
    build_tasks,
    resolve_tasks,
)
from onebody.tasks.union import build_union, joined_classes

ACTIONS, GESTURES = ["walk", "run", "jump"], ["wave", "jump"]


def make(actions=(0, -1, 2), gestures=(-1, 1, -1)):
    return make_table(
        "set",
        {"rgb": [f"{i}.mp4" for i in range(len(actions))]},
        columns={
            "action": ClassColumn(
                values=np.array(actions, np.int64), space=symmetric("actions", ACTIONS)
            ),
            "gesture": ClassColumn(
                values=np.array(gestures, np.int64), space=symmetric("gestures", GESTURES)
            ),
        },
    )


CONFIGS = {
    "any": UnionConfig(of=("action", "gesture")),
    "action": ClassificationConfig(),
    "gesture": ClassificationConfig(),
}


def build_all():
    return build_tasks(resolve_tasks(CONFIGS, [make()]))


def context(rows):
    nothing = torch.full((rows, 4), math.nan)
    return Context(
        row=torch.arange(rows),
        times_s=nothing[:, :1],
        crop_to_source=nothing[:, None, :3].repeat(1, 2, 1),
        camera=nothing,
        depth_ref_mm=nothing[:, 0],
    )


def test_colliding_names_are_told_apart():
    union = build_all()["any"]
    assert union.classes == ("walk", "run", "action/jump", "wave", "gesture/jump")
    assert joined_classes({"a": ["x"], "b": ["y"]}) == ("x", "y")


def test_the_order_of_the_recipe_is_kept():
    assert list(build_all()) == ["any", "action", "gesture"]


def test_it_reads_its_parts_and_has_their_outputs():
    union = build_all()["any"]
    assert union.reads == ("action", "gesture")
    assert (union.num_outputs, union.offsets, union.form) == (5, (0, 3), "vector")
    assert union.target_spec(make()).parts == (("action", 0), ("gesture", 3))


def test_compose_joins_logits_in_order_and_passes_gradients():
    union = build_all()["any"]
    action, gesture = torch.rand(2, 3, requires_grad=True), torch.rand(2, 2, requires_grad=True)
    joined = union.compose({"gesture": gesture, "action": action})
    torch.testing.assert_close(joined, torch.cat([action, gesture], 1))
    target = Target(value=torch.tensor([4, 0]), present=torch.ones(2, dtype=torch.bool))
    union.loss(joined, target).sum().backward()
    assert (action.grad != 0).all()
    assert (gesture.grad != 0).all()


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"action": torch.zeros(2, 3)}, r"logits \[N, 2\] of task 'gesture', found nothing"),
        (
            {"action": torch.zeros(2, 4), "gesture": torch.zeros(2, 2)},
            r"logits \[N, 3\] of task 'action', found \(2, 4\)",
        ),
    ],
)
def test_parts_that_do_not_fit_are_named(parts, message):
    with pytest.raises(ValueError, match=message):
        build_all()["any"].compose(parts)


def test_targets_meet_the_label_space():
    # The data room makes the target; its classes must be those of the joined space.
    from onebody.data.targets import class_labels, union_labels

    tasks, table = build_all(), make()
    rows = np.arange(3)
    labels = {n: class_labels(table, rows, tasks[n].target_spec(table)) for n in tasks["any"].of}
    joined = union_labels(tasks["any"].target_spec(table), labels, table.row_names)
    names = [tasks["any"].classes[i] for i in joined]
    assert names == ["walk", "gesture/jump", "action/jump"]
    assert InputSpec().modality in table.media


def test_task_accuracy_counts_the_right_task_whatever_the_class():
    scores = np.eye(5)[[0, 1, 3, 4, 2]]
    results = Results(
        prediction=scores, target=np.array([2, 3, 4, 4, 2]), row=np.arange(5, dtype=np.int64)
    )
    # chosen tasks: action, action, gesture, gesture, action; true: a, g, g, g, a
    assert task_accuracy(results, (0, 3)) == pytest.approx(4 / 5)


def test_it_measures_classes_and_tasks():
    union = build_all()["any"]
    logits = torch.full((2, 5), -9.0)
    logits[0, 0], logits[1, 3] = 9.0, 9.0
    target = Target(value=torch.tensor([0, 4]), present=torch.ones(2, dtype=torch.bool))
    results = union.collect(logits, target, context(2))
    assert union.metrics["top1"].function(results) == 0.5
    assert union.metrics["task_accuracy"].function(results) == 1.0
    assert math.isnan(union.metrics["task_accuracy"].function(results.select(np.zeros(0, int))))


def test_unions_join_class_tasks_only():
    for other in (Pose2DConfig(skeleton="coco-17"), UnionConfig(of=("action", "gesture"))):
        configs = {**CONFIGS, "other": other, "bad": UnionConfig(of=("action", "other"))}
        if isinstance(other, Pose2DConfig):
            del configs["other"]
        with pytest.raises(ValueError, match="'other' is none"):
            resolve_tasks(configs, [make()])


def test_a_misspelled_part_is_named():
    configs = {**CONFIGS, "any": UnionConfig(of=("action", "gestures"))}
    with pytest.raises(ValueError, match=r"'gestures' is none\. Did you mean 'gesture'"):
        resolve_tasks(configs, [make()])


def test_naming_a_part_twice_is_refused():
    configs = {**CONFIGS, "any": UnionConfig(of=("action", "action"))}
    with pytest.raises(ValueError, match="twice"):
        resolve_tasks(configs, [make()])


def test_an_unresolved_union_cannot_be_built():
    with pytest.raises(ValueError, match="resolve it with its tasks"):
        build_union(UnionConfig(name="any", of=("a", "b")))
