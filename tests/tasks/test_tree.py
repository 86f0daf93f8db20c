import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from onebody.data import ClassColumn, Target, make_table
from onebody.data.targets import class_labels, is_served, labeled_rows
from onebody.labels import symmetric
from onebody.metrics import Results
from onebody.tasks import (
    ClassificationConfig,
    TreeConfig,
    UnionConfig,
    build_tasks,
    resolve_tasks,
)

LEAVES = ["wave", "hammer", "kick", "bend"]
TREE = {"arm": ["wave", "hammer"], "leg": ["kick"], "bend": []}
DEEP = {"arm": {"one": ["wave", "hammer"], "both": ["clap"]}, "leg": ["kick"]}


def column(values, classes, name="labels"):
    return ClassColumn(values=np.array(values, np.int64), space=symmetric(name, classes))


def table(leaves=(0, 2, -1, 3), parts=(0, 1, 0, -1), classes=("arm", "leg", "bend")):
    return make_table(
        "set",
        {"rgb": ["x.mp4"] * len(leaves)},
        columns={"action": column(leaves, LEAVES), "part": column(parts, list(classes))},
    )


def build(tables=None, **changes):
    values = {"column": "action", "class_column": "part", "tree": TREE} | changes
    return build_tasks(resolve_tasks({"it": TreeConfig(**values)}, tables or [table()]))["it"]


def target(*values):
    return Target(value=torch.tensor(values), present=torch.ones(len(values), dtype=torch.bool))


LOGITS = torch.tensor([[0.1, 0.2, 0.3, 0.4]]).log() + 2.5


def test_the_loss_of_a_class_is_of_the_sum_over_its_leaves():
    task = build()
    nodes = task.tree.nodes
    for name, expected in (("wave", 0.1), ("arm", 0.3), ("kick", 0.3), ("leg", 0.3), ("bend", 0.4)):
        loss = task.loss(LOGITS, target(nodes.index(name)))
        assert float(loss) == pytest.approx(-math.log(expected), abs=1e-5), name


def test_label_smoothing_spreads_over_all_leaves():
    task = build(label_smoothing=0.2)
    everywhere = -np.log([0.1, 0.2, 0.3, 0.4]).mean()
    for node, own in ((0, 0.1), (4, 0.3)):
        expected = 0.8 * -math.log(own) + 0.2 * everywhere
        assert float(task.loss(LOGITS, target(node))) == pytest.approx(expected, abs=1e-5)
    plain = build_tasks(
        resolve_tasks({"it": ClassificationConfig(column="action", label_smoothing=0.2)}, [table()])
    )["it"]
    torch.testing.assert_close(task.loss(LOGITS, target(2)), plain.loss(LOGITS, target(2)))


def test_a_class_alone_leaves_the_shares_of_its_leaves_as_they_are():
    logits = LOGITS.clone().requires_grad_()
    build().loss(logits, target(4)).sum().backward()
    down = -logits.grad[0]
    assert (down[:2] > 0).all()
    assert (down[2:] < 0).all()
    assert float(down[1] / down[0]) == pytest.approx(2.0)  # as likely as before, to each other


def test_extreme_logits_stay_finite():
    logits = torch.tensor([[1e4, -1e4, 0.0, 0.0]], requires_grad=True)
    loss = build().loss(logits, target(5))
    loss.sum().backward()
    assert torch.isfinite(loss).all()
    assert torch.isfinite(logits.grad).all()


def test_rows_carry_the_finer_of_two_labels():
    own = table()
    task = build([own])
    spec = task.target_spec(own)
    labels = class_labels(own, np.arange(4), spec)
    assert [task.tree.nodes[i] for i in labels] == ["wave", "kick", "arm", "bend"]
    bare = own.hide("part", np.array([True, False, True, False]))
    assert class_labels(bare, np.arange(4), task.target_spec(bare)).tolist() == [0, 2, -1, 3]
    assert labeled_rows(bare, spec).tolist() == [True, True, False, True]


def test_a_table_of_classes_alone_serves_the_task():
    other = make_table(
        "other", {"rgb": ["a.mp4"] * 2}, columns={"part": column([1, -1], ["arm", "leg", "bend"])}
    )
    task = build([table(), other])
    spec = task.target_spec(other)
    assert is_served(other, spec)
    assert class_labels(other, np.arange(2), spec).tolist() == [5, -1]
    assert not is_served(make_table("none", {"rgb": ["a.mp4"]}), spec)


def test_one_column_may_hold_both_levels():
    mixed = make_table(
        "mixed",
        {"rgb": ["a.mp4"] * 3},
        columns={"action": column([4, 0, 5], [*LEAVES, "arm", "leg"])},
    )
    task = build([mixed], class_column="")
    assert class_labels(mixed, np.arange(3), task.target_spec(mixed)).tolist() == [4, 0, 5]


def test_a_row_that_contradicts_itself_is_named():
    own = table(leaves=(0, 2, 1, 3), parts=(0, 1, 1, -1))
    spec = build([table()]).target_spec(own)
    with pytest.raises(
        ValueError, match=r"set:2: column 'action' says 'hammer', column 'part' says"
    ):
        labeled_rows(own, spec)
    assert class_labels(own, np.array([0, 1, 3]), spec).tolist() == [0, 2, 3]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"tree": {**TREE, "leg": ["kik"]}},
            "leaf 'kik', which is no class .* Did you mean 'kick'",
        ),
        (
            {"tree": {"arm": ["wave", "hammer"], "bend": []}},
            "no place for kick, leg of its columns",
        ),
        ({"tree": {**TREE, "leg": ["kick", "wave"]}}, "places 'wave' twice: arm / wave and leg"),
        ({"class_column": "parts"}, "has a column 'parts'. Did you mean 'part'?"),
        ({"places": {"wave": "wave"}}, "leaf 'hammer', which is no class of 'places'"),
        ({"places": {"wav": "wave"}}, "'wav'"),
        (
            {"tree": {"arms": ["wave", "hammer"], "leg": ["kick"], "bend": []}},
            "no place for arm of its columns",
        ),
    ],
)
def test_a_tree_that_is_not_the_datasets_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        build(**changes)


def test_places_bring_two_sets_into_one_tree():
    other = make_table(
        "other",
        {"rgb": ["a.mp4"] * 2},
        columns={"action": column([0, 1], ["kicking", "run"], "other")},
    )
    with pytest.raises(
        ValueError, match=r"different label spaces \(labels, other\). State 'places'"
    ):
        build([table(), other])
    own = {name: name for name in [*LEAVES, "arm", "leg"]}
    task = build([table(), other], places={**own, "kicking": "kick", "run": None})
    assert class_labels(other, np.arange(2), task.target_spec(other)).tolist() == [2, -1]


def test_a_union_over_a_tree_is_refused():
    configs = {
        "it": TreeConfig(column="action", tree=TREE),
        "part": ClassificationConfig(),
        "all": UnionConfig(of=("it", "part")),
    }
    with pytest.raises(ValueError, match="joins classification tasks; 'it' is none"):
        resolve_tasks(configs, [table()])


def results(rows, labels):
    return Results(
        prediction=np.array(rows, np.float32), target=np.array(labels), row=np.arange(len(labels))
    )


def test_metrics_of_both_levels():
    task = build()
    found = results(
        [
            [0.3, 0.3, 0.4, 0.0],  # best leaf kick, best class arm
            [0.1, 0.2, 0.6, 0.1],
            [0.6, 0.2, 0.1, 0.1],
            [0.0, 0.1, 0.1, 0.8],  # labeled arm alone
        ],
        [0, 2, 1, 4],
    )
    figures = {name: m.function(found) for name, m in task.metrics.items()}
    assert figures["top1"] == pytest.approx(1 / 3)  # of the three rows that carry a leaf
    assert figures["class_top1"] == pytest.approx(3 / 4)
    assert figures["class_mean_class"] == pytest.approx((2 / 3 + 1) / 2)
    assert figures["path_top1"] == pytest.approx(2 / 3)
    assert figures["contradiction"] == pytest.approx(1 / 4)
    assert "top5" not in figures
    values = task.metrics["top1"].values(found)
    assert values[:3].tolist() == [0, 1, 0]
    assert np.isnan(values[3])
    assert len(task.of_outputs(found)) == 3


def test_three_levels():
    own = make_table(
        "deep",
        {"rgb": ["a.mp4"]},
        columns={"action": column([0], ["wave", "hammer", "clap", "kick"])},
    )
    task = build([own], tree=DEEP, class_column="")
    assert [level.size for level in task.levels] == [2, 3, 4]
    found = results([[0.3, 0.0, 0.4, 0.3], [0.2, 0.15, 0.3, 0.35]], [0, 5])  # wave; one
    assert task.tree.nodes[5] == "one"
    figures = {name: m.function(found) for name, m in task.metrics.items()}
    assert figures["top1"] == 0
    assert figures["level2_top1"] == 0.5
    assert figures["class_top1"] == 1
    assert task.paths == (("arm", "one"), ("arm", "one"), ("arm", "both"), ("leg",))


def test_rows_of_classes_alone_measure_no_leaf():
    task = build()
    found = results([[0.3, 0.3, 0.2, 0.2]], [4])
    assert math.isnan(task.metrics["top1"].function(found))
    assert math.isnan(task.metrics["path_top1"].function(found))
    assert task.metrics["class_top1"].function(found) == 1


def test_mirror_of_nodes():
    sided = {"left": ["a left"], "right": ["a right"]}
    space = symmetric("x", ["a left", "a right"])
    space = replace(space, mirror={"a left": "a right", "a right": "a left"})
    own = make_table(
        "s", {"rgb": ["a"]}, columns={"action": ClassColumn(values=np.array([0]), space=space)}
    )
    task = build([own], tree=sided, class_column="")
    assert task.target_spec(own).mirror.tolist() == [1, 0, 3, 2]
