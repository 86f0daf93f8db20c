import math

import numpy as np
import pytest
import torch

from onebody.data import ClassColumn, Target, make_table
from onebody.data.targets import class_labels, union_labels
from onebody.labels import symmetric
from onebody.tasks import (
    NONE_OF_THESE,
    ClassificationConfig,
    RoutedConfig,
    WhichConfig,
    build_tasks,
    resolve_tasks,
    speakers,
    taught,
)
from onebody.tasks.routed import build_routed

ACTIONS, GESTURES = ["walk", "run", "jump"], ["wave", "jump"]


def column(values, classes):
    return ClassColumn(values=np.array(values, np.int64), space=symmetric("labels", classes))


def make(actions=(0, -1, 2, -1), gestures=(-1, 1, -1, -1), kinds=(0, 1, -1, 2)):
    return make_table(
        "set",
        {"rgb": ["x.mp4"] * len(actions)},
        columns={
            "action": column(actions, ACTIONS),
            "gesture": column(gestures, GESTURES),
            "kind": column(kinds, ["action", "gesture", "neither"]),
        },
    )


def build(none=False, **changes):
    told = {"column": "kind", "none": "neither"} if none else {}
    configs = {
        "any": RoutedConfig(router="kind", of=("action", "gesture"), **changes),
        "kind": WhichConfig(of=("action", "gesture"), **told),
        "action": ClassificationConfig(),
        "gesture": ClassificationConfig(),
    }
    return build_tasks(resolve_tasks(configs, [make()]))


def logits(*probabilities):
    """Return logits of given probabilities, shifted: a softmax does not see the shift."""
    return torch.tensor(probabilities).log() + 3.7


def test_probabilities_are_the_exact_product():
    parts = {
        "kind": logits([0.25, 0.75]),
        "action": logits([0.5, 0.25, 0.25]),
        "gesture": logits([0.2, 0.8]),
    }
    routed = build()["any"]
    output = routed.compose(parts)
    expected = torch.tensor([[0.125, 0.0625, 0.0625, 0.15, 0.6]])
    torch.testing.assert_close(output.exp(), expected)
    torch.testing.assert_close(routed.decode(output, None), expected)


def test_none_of_these_takes_its_share():
    parts = {
        "kind": logits([0.3, 0.2, 0.5]),
        "action": logits([0.5, 0.25, 0.25]),
        "gesture": logits([0.2, 0.8]),
    }
    routed = build(none=True)["any"]
    expected = torch.tensor([[0.15, 0.075, 0.075, 0.04, 0.16, 0.5]])
    torch.testing.assert_close(routed.compose(parts).exp(), expected)
    assert routed.classes == ("walk", "run", "action/jump", "wave", "gesture/jump", NONE_OF_THESE)
    assert routed.owners == ("action", "action", "action", "gesture", "gesture", "")
    assert routed.metrics["top1"].summary


def test_it_reads_router_and_parts():
    routed = build()["any"]
    assert routed.reads == ("kind", "action", "gesture")
    assert (routed.num_outputs, routed.offsets, routed.form) == (5, (0, 3), "vector")


def test_its_loss_is_the_sum_of_both_decisions():
    generator = torch.Generator().manual_seed(0)
    parts = {
        "kind": torch.randn(2, 2, generator=generator),
        "action": torch.randn(2, 3, generator=generator),
        "gesture": torch.randn(2, 2, generator=generator),
    }
    target = Target(value=torch.tensor([1, 4]), present=torch.ones(2, dtype=torch.bool))
    routed = build(joint=True)["any"]
    loss = routed.loss(routed.compose(parts), target)
    entropy = torch.nn.functional.cross_entropy
    first = entropy(parts["kind"][:1], torch.tensor([0])) + entropy(
        parts["action"][:1], torch.tensor([1])
    )
    second = entropy(parts["kind"][1:], torch.tensor([1])) + entropy(
        parts["gesture"][1:], torch.tensor([1])
    )
    torch.testing.assert_close(loss, torch.stack([first, second]))


def test_only_a_joint_one_has_a_loss():
    assert taught(build()) == ("kind", "action", "gesture")
    assert taught(build(joint=True)) == ("any", "kind", "action", "gesture")


def joined(tasks, table):
    spec, rows = tasks["any"].target_spec(table), np.arange(len(table))
    labels = {n: class_labels(table, rows, tasks[n].target_spec(table)) for n in spec.made_of}
    return union_labels(spec, labels, list(table.row_names)).tolist()


def test_targets_are_those_of_the_parts():
    assert joined(build(), make()) == [0, 4, 2, -1]


def test_only_the_column_makes_a_clip_one_of_none():
    # The last row is said to be of neither; a row without labels and without a kind stays absent.
    assert joined(build(none=True), make()) == [0, 4, 2, 5]
    assert joined(build(none=True), make(kinds=(0, 1, -1, -1))) == [0, 4, 2, -1]


def test_a_labeled_row_of_neither_kind_is_refused():
    with pytest.raises(ValueError, match=r"set:0: expected a label for one of action, gesture"):
        joined(build(none=True), make(kinds=(2, 1, -1, 2)))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({}, r"logits \[N, 2\] of its router 'kind', found nothing"),
        ({"kind": torch.zeros(1, 3)}, r"router 'kind', found \(1, 3\)"),
        ({"kind": torch.zeros(1, 2)}, r"logits \[N, 3\] of task 'action', found nothing"),
    ],
)
def test_parts_that_do_not_fit_are_named(parts, message):
    with pytest.raises(ValueError, match=message):
        build()["any"].compose(parts)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"router": "action"}, "'action' is no router"),
        ({"router": "kinds"}, r"no router .* Did you mean 'kind'"),
        ({"of": ("gesture", "action")}, "same tasks in the same order"),
        ({"of": ("action", "kind")}, "'kind' is none"),
        ({"of": ("action", "action")}, "twice"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes, message):
    configs = {
        "any": RoutedConfig(**{"router": "kind", "of": ("action", "gesture"), **changes}),
        "kind": WhichConfig(of=("action", "gesture")),
        "action": ClassificationConfig(),
        "gesture": ClassificationConfig(),
    }
    with pytest.raises(ValueError, match=message):
        resolve_tasks(configs, [make()])


def test_an_unresolved_one_cannot_be_built():
    with pytest.raises(ValueError, match="resolve it with its tasks"):
        build_routed(RoutedConfig(name="any", router="kind", of=("a", "b")))


def test_metrics_say_what_routing_costs():
    routed = build(none=True)["any"]
    output = torch.tensor(
        [
            [0.5, 0.1, 0.1, 0.2, 0.1, 0.0],  # right
            [0.1, 0.2, 0.1, 0.5, 0.1, 0.0],  # right among actions, but a gesture is said
            [0.1, 0.1, 0.1, 0.1, 0.1, 0.5],  # none of these, rightly
            [0.3, 0.1, 0.1, 0.2, 0.1, 0.2],  # none of these, missed
        ]
    ).log()
    context = type("Rows", (), {"row": torch.arange(4)})
    target = Target(value=torch.tensor([0, 1, 5, 5]), present=torch.ones(4, dtype=torch.bool))
    results = routed.collect(output.clamp(min=-30), target, context)
    found = {name: m.function(results) for name, m in routed.metrics.items()}
    assert found["top1"] == 0.5
    assert found["task_accuracy"] == 0.5
    assert found["top1_given"] == 1.0  # entries of no task have no task to be given
    assert found["top1_gap"] == 0.5
    assert not math.isnan(found["ece"])


def test_a_joint_answer_speaks_alone():
    tasks = build()
    assert list(speakers(tasks)) == ["any"]
    parts = {name: tasks[name] for name in ("action", "gesture")}
    assert speakers(parts) == parts
    assert speakers({}) == {}
    wary = {**{f"first {name}": task for name, task in tasks.items()}, **build(none=True)}
    assert list(speakers(wary)) == ["any"], "the one that may say none of these"
