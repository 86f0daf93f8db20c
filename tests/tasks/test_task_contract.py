"""What every kind of task must do; a new entry of TASKS needs an example here and no more."""

import json
import math

import numpy as np
import pytest
import torch

from onebody.config import build
from onebody.data import ClassColumn, Context, JointsColumn, Target, make_table
from onebody.labels import LabelSpace, symmetric
from onebody.skeletons import get_skeleton
from onebody.tasks import (
    TASKS,
    BoxConfig,
    ClassificationConfig,
    ConsistencyConfig,
    Pose2DConfig,
    Pose3DConfig,
    RoutedConfig,
    TreeConfig,
    UnionConfig,
    WhichConfig,
    build_tasks,
    resolve_tasks,
)

N, T, SKELETON = 5, 3, "mpii-16"


def class_column(name, classes, rows=N):
    values = np.arange(rows, dtype=np.int64) % len(classes)
    return ClassColumn(values=values, space=symmetric(name, classes))


def joints_column(unit):
    sources = np.array([f"joints{i}.npy" for i in range(N)])
    return JointsColumn(sources=sources, skeleton=SKELETON, unit=unit)


TABLE = make_table(
    "set",
    {"rgb": [f"{i}.mp4" for i in range(N)]},
    columns={
        "action": class_column("actions", ["walk", "run", "jump", "sit"]),
        "gesture": class_column("gestures", ["wave", "point", "jump"]),
        "kind": class_column("kinds", ["action", "gesture", "neither"]),
        "pace": class_column("paces", ["fast", "slow"]),
        "px": joints_column("px"),
        "mm": joints_column("mm"),
    },
)
TREE = {"fast": ["run", "jump"], "slow": ["walk", "sit"]}
CONFIGS = {
    "classification": {"it": ClassificationConfig(column="action")},
    "pose2d": {"it": Pose2DConfig(column="px")},
    "pose3d": {"it": Pose3DConfig(column="mm")},
    "box": {"it": BoxConfig(column="px", margin=1.2)},
    "union": {
        "action": ClassificationConfig(),
        "gesture": ClassificationConfig(),
        "it": UnionConfig(of=("action", "gesture")),
    },
    "which": {
        "action": ClassificationConfig(),
        "gesture": ClassificationConfig(),
        "it": WhichConfig(of=("action", "gesture"), column="kind", none="neither"),
    },
    "routed": {
        "action": ClassificationConfig(),
        "gesture": ClassificationConfig(),
        "kind": WhichConfig(of=("action", "gesture"), column="kind", none="neither"),
        "it": RoutedConfig(router="kind", of=("action", "gesture")),
    },
    "tree": {"it": TreeConfig(column="action", tree=TREE)},
    "consistency": {
        "action": ClassificationConfig(),
        "pace": ClassificationConfig(),
        "it": ConsistencyConfig(coarse="pace", fine="action", tree=TREE),
    },
}


@pytest.fixture(params=TASKS)
def task(request):
    return build_tasks(resolve_tasks(CONFIGS[request.param], [TABLE]))["it"]


def make_context(rows=N):
    generator = torch.Generator().manual_seed(1)
    crop = torch.tensor([[200.0, 0.0, 40.0], [0.0, 200.0, 10.0]]).repeat(rows, 1, 1)
    return Context(
        row=torch.arange(rows) + 3,
        times_s=torch.rand(rows, T, generator=generator),
        crop_to_source=crop * (1 + torch.arange(rows)[:, None, None]),
        camera=torch.tensor([500.0, 510.0, 160.0, 120.0]).repeat(rows, 1),
        depth_ref_mm=torch.full((rows,), 3000.0),
    )


def make_pair(task, seed=0):
    """Any output and target for N labeled rows; some joints not annotated."""
    generator = torch.Generator().manual_seed(seed)
    present = torch.ones(N, dtype=torch.bool)
    if task.form == "vector":
        output = torch.randn(N, task.num_outputs, generator=generator)
        possible = torch.as_tensor(getattr(task, "possible", range(task.num_outputs)))
        value = possible[torch.randint(0, len(possible), (N,), generator=generator)]
        return output, Target(value=value, present=present)
    if task.form == "box":
        corners = torch.rand(2, N, T, 2, 2, generator=generator).sort(-2).values.flatten(-2)
        mask = torch.tensor([[True, True, False], [False, True, True]])[torch.arange(N) % 2]
        return corners[0], Target(value=corners[1], present=present, mask=mask)
    shape = (N, T, task.num_outputs)
    output = torch.rand(*shape, task.dims + 1, generator=generator)
    value = torch.rand(*shape, task.dims + 1, generator=generator)
    value[..., -1] = (value[..., -1] > 0.5).float()
    mask = torch.rand(*shape, generator=generator) > 0.3
    mask[..., list(get_skeleton(SKELETON).root)] = True  # 3D is measured relative to the root
    return output, Target(value=value, present=present, mask=mask)


def perfect_output(task, target):
    if task.form == "vector":
        return 50.0 * torch.nn.functional.one_hot(target.value, task.num_outputs).float()
    return target.value.clone()


def test_every_kind_has_an_example():
    assert CONFIGS.keys() == TASKS.keys()


def test_registry_key_is_the_kind(task):
    factory = TASKS[task.kind]
    assert factory.config.model_fields["kind"].default == task.kind
    assert factory.summary


def test_resolved_configuration_rebuilds_the_task(task):
    # A saved network keeps these as JSON and has no table.
    for config in resolve_tasks(CONFIGS[task.kind], [TABLE]).values():
        plain = json.loads(config.model_dump_json())
        rebuilt = build(TASKS, type(config).model_validate(plain), "task")
        if config.name == "it":
            assert rebuilt == task


def test_resolving_twice_changes_nothing(task):
    once = resolve_tasks(CONFIGS[task.kind], [TABLE])
    assert resolve_tasks(once, [TABLE]) == once


def test_loss_is_one_number_per_sample(task):
    output, target = make_pair(task)
    loss = task.loss(output, target)
    assert loss.shape == (N,)
    assert loss.dtype == torch.float32
    assert torch.isfinite(loss).all()
    assert (loss > 0).all()


def test_loss_of_a_sample_does_not_depend_on_the_others(task):
    output, target = make_pair(task)
    some = torch.tensor([4, 1])
    torch.testing.assert_close(
        task.loss(output[some], target.select(some)), task.loss(output, target)[some]
    )


def test_half_precision_outputs_give_a_float32_loss(task):
    output, target = make_pair(task)
    assert task.loss(output.bfloat16(), target).dtype == torch.float32
    assert task.decode(output.bfloat16(), make_context()).dtype == torch.float32


def test_loss_runs_under_autocast(task):
    output, target = make_pair(task)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = task.loss(output, target)
    torch.testing.assert_close(loss, task.loss(output, target))


def test_gradient_is_finite_and_not_zero(task):
    output, target = make_pair(task)
    output.requires_grad_()
    task.loss(output, target).sum().backward()
    assert torch.isfinite(output.grad).all()
    assert (output.grad.flatten(1).abs().sum(1) > 0).all()


def test_a_step_against_the_gradient_lowers_the_loss(task):
    output, target = make_pair(task)
    output.requires_grad_()
    before = task.loss(output, target)
    before.sum().backward()
    after = task.loss((output - 0.01 * output.grad).detach(), target)
    assert (after < before.detach()).all()


def test_no_rows_have_no_loss(task):
    output, target = make_pair(task)
    none = torch.zeros(0, dtype=torch.long)
    output.requires_grad_()
    loss = task.loss(output[none], target.select(none))
    assert loss.shape == (0,)
    loss.sum().backward()
    assert (output.grad == 0).all()


def test_perfect_outputs_give_perfect_metrics(task):
    _, target = make_pair(task)
    results = task.collect(perfect_output(task, target), target, make_context())
    for metric in task.metrics.values():
        value = metric.function(results)
        if not math.isnan(value):  # a class that nobody has, a head that nobody annotated
            assert value == pytest.approx(float(metric.higher_is_better), abs=1e-4), metric.name
    assert task.metrics[task.primary].function(results) == pytest.approx(1.0)


def test_bad_outputs_give_bad_metrics(task):
    output, target = make_pair(task)
    good = task.collect(perfect_output(task, target), target, make_context())
    bad = task.collect(output, target, make_context())
    metric = task.metrics[task.primary]
    assert metric.function(bad) < metric.function(good)


def test_primary_is_a_fraction_where_more_is_better(task):
    metric = task.metrics[task.primary]
    assert metric.higher_is_better
    assert metric.unit == "%"
    for seed in range(3):
        output, target = make_pair(task, seed)
        assert 0 <= metric.function(task.collect(output, target, make_context())) <= 1


def test_collecting_no_rows_measures_nothing(task):
    output, target = make_pair(task)
    none = torch.zeros(0, dtype=torch.long)
    results = task.collect(output[none], target.select(none), make_context().select(none))
    assert len(results) == 0
    assert all(math.isnan(metric.function(results)) for metric in task.metrics.values())


def test_collected_rows_are_those_of_the_table(task):
    output, target = make_pair(task)
    results = task.collect(output, target, make_context())
    assert set(results.row.tolist()) == set(range(3, 3 + N))
    assert results.row.dtype == np.int64


def test_collect_does_not_keep_the_graph(task):
    output, target = make_pair(task)
    results = task.collect(output.requires_grad_(), target, make_context())
    assert isinstance(results.prediction, np.ndarray)  # nothing that holds a graph


def test_target_spec_names_task_and_column(task):
    spec = task.target_spec(TABLE)
    assert spec.task == "it"
    assert spec.column == task.column
    made = {"union": "union", "routed": "union", "pose2d": "joints", "pose3d": "joints"}
    made["box"] = "box"
    assert spec.form == made.get(task.kind, "class")


def test_a_table_without_the_column_still_has_a_spec(task):
    other = make_table("other", {"rgb": ["a.mp4"]})
    assert task.target_spec(other).task == "it"


def test_plain_tasks_compose_nothing(task):
    if task.reads:
        assert task.kind in ("union", "routed", "consistency")
        return
    with pytest.raises(ValueError, match="reads no other tasks"):
        task.compose({"x": torch.zeros(1, 2)})


# Poses: what is not annotated must not matter.


@pytest.fixture(params=["pose2d", "pose3d"])
def pose(request):
    return build_tasks(resolve_tasks(CONFIGS[request.param], [TABLE]))["it"]


@pytest.mark.parametrize("value", [math.nan, math.inf, -1e9, 0.0])
def test_values_that_are_not_annotated_change_nothing(pose, value):
    output, target = make_pair(pose)
    disturbed = target.value.clone()
    disturbed[~target.mask] = value
    other = Target(value=disturbed, present=target.present, mask=target.mask)
    first, second = output.clone().requires_grad_(), output.clone().requires_grad_()
    pose.loss(first, target).sum().backward()
    pose.loss(second, other).sum().backward()
    torch.testing.assert_close(pose.loss(output, other), pose.loss(output, target))
    torch.testing.assert_close(second.grad, first.grad)
    assert (second.grad[~target.mask] == 0).all()
    for metric in pose.metrics.values():
        assert metric.function(pose.collect(output, other, make_context())) == metric.function(
            pose.collect(output, target, make_context())
        )


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_outputs_that_are_not_annotated_change_nothing(pose, value):
    output, target = make_pair(pose)
    disturbed = output.clone()
    disturbed[~target.mask] = value
    disturbed.requires_grad_()
    loss = pose.loss(disturbed, target)
    loss.sum().backward()
    torch.testing.assert_close(loss.detach(), pose.loss(output, target))
    assert torch.isfinite(disturbed.grad).all()


def test_a_sample_without_annotation_costs_nothing(pose):
    output, target = make_pair(pose)
    target.mask[2] = False
    output.requires_grad_()
    loss = pose.loss(output, target)
    loss.sum().backward()
    assert loss[2] == 0
    assert (output.grad[2] == 0).all()
    assert torch.isfinite(output.grad).all()
    assert 5 not in pose.collect(output, target, make_context()).row


def test_frames_without_annotation_are_not_collected(pose):
    output, target = make_pair(pose)
    target.mask[1, 2] = False
    results = pose.collect(output, target, make_context())
    assert np.bincount(results.row)[3:].tolist() == [3, 2, 3, 3, 3]
    assert results.mask.any(1).all()


def test_unequal_frames_are_refused(pose):
    output, target = make_pair(pose)
    with pytest.raises(ValueError, match="expects outputs shaped like its targets"):
        pose.loss(output[:, :1], target)


# Class labels.


@pytest.fixture(params=["classification", "union", "which", "routed", "tree", "consistency"])
def classes(request):
    return build_tasks(resolve_tasks(CONFIGS[request.param], [TABLE]))["it"]


def test_an_absent_label_never_gets_a_loss(classes):
    # Absent rows hold -1; a caller who forgets to select must not get a number.
    output, target = make_pair(classes)
    target.value[0] = -1
    with pytest.raises(IndexError):
        classes.loss(output, target)


def test_decoded_classes_are_probabilities(classes):
    output, _ = make_pair(classes)
    p = classes.decode(output, make_context())
    torch.testing.assert_close(p.sum(1), torch.ones(N))
    assert (p >= 0).all()
    assert (p.argmax(1) == output.argmax(1)).all()


def test_soft_labels_that_are_sharp_equal_hard_labels(classes):
    output, target = make_pair(classes)
    value = torch.nn.functional.one_hot(target.value, classes.num_outputs).double()
    soft = Target(value=value, present=target.present)
    torch.testing.assert_close(classes.loss(output, soft), classes.loss(output, target))
    first = classes.collect(output, soft, make_context())
    assert first.target.tolist() == target.value.tolist()


def test_label_spaces_hold_the_outputs(classes):
    assert len(classes.classes) == classes.num_outputs
    assert isinstance(classes.space, LabelSpace)
