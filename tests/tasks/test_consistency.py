import numpy as np
import pytest
import torch

from onebody.data import ClassColumn, make_table
from onebody.labels import LabelSpace, symmetric
from onebody.metrics import Results
from onebody.tasks import (
    ClassificationConfig,
    ConsistencyConfig,
    build_tasks,
    resolve_tasks,
    taught,
)

LEAVES = ["wave", "hammer", "kick"]
TREE = {"arm": ["wave", "hammer"], "leg": ["kick"]}


def table(mirror=None):
    actions = LabelSpace("actions", tuple(LEAVES), mirror or {})
    parts = symmetric("parts", ["leg", "arm"])
    return make_table(
        "set",
        {"rgb": ["x.mp4"] * 3},
        columns={
            "action": ClassColumn(values=np.array([0, 2, -1]), space=actions),
            "part": ClassColumn(values=np.array([1, 0, 1]), space=parts),
        },
    )


def build(own=None, tree=TREE, **changes):
    configs = {
        "two": ConsistencyConfig(coarse="part", fine="action", tree=tree),
        "action": ClassificationConfig(**changes),
        "part": ClassificationConfig(),
    }
    return build_tasks(resolve_tasks(configs, [own or table()]))


def test_it_is_made_of_two_heads_and_learns_nothing():
    tasks = build()
    task = tasks["two"]
    assert taught(tasks) == ("action", "part")
    assert task.reads == ("part", "action")
    assert task.owner == (1, 1, 0)
    assert task.classes[:3] == ("leg / wave", "arm / wave", "leg / hammer")
    leaves, parts = torch.tensor([[0.5, 0.3, 0.2]]), torch.tensor([[0.6, 0.4]])
    output = task.compose({"action": leaves.log() + 3, "part": parts.log() - 2})
    expected = (leaves[:, :, None] * parts[:, None]).flatten(1)
    torch.testing.assert_close(output.exp(), expected)
    with pytest.raises(ValueError, match=r"expects logits \[N, 2\] of task 'part', found nothing"):
        task.compose({"action": leaves})


def test_targets_are_the_pairs_that_make_sense():
    own = table()
    spec = build(own)["two"].target_spec(own)
    assert spec.column == "action"
    assert spec.table.tolist() == [1, 3, 4]


def test_contradictions_are_of_the_heads_own_best_answers():
    task = build()["two"]

    def row(leaves, parts):
        return np.outer(leaves, parts).ravel()

    found = Results(
        prediction=np.stack(
            [
                row([0.5, 0.3, 0.2], [0.6, 0.4]),  # wave, leg
                row([0.5, 0.3, 0.2], [0.4, 0.6]),  # wave, arm
                row([0.4, 0.0, 0.6], [0.4, 0.6]),  # kick, arm
                row([0.1, 0.2, 0.7], [0.9, 0.1]),  # kick, leg
            ]
        ),
        target=np.array([1, 1, 4, 4]),
        row=np.arange(4),
    )
    figures = {name: m.function(found) for name, m in task.metrics.items()}
    assert figures["contradiction"] == 0.5
    assert figures["consistency"] == 0.5
    assert figures["both_top1"] == 0.5
    assert task.primary == "consistency"


def test_pairs_are_mirrored_with_their_parts():
    own = table({"wave": "wave", "hammer": None, "kick": "kick"})
    task = build(own)["two"]
    assert task.target_spec(own).mirror.tolist() == [0, 1, -1, -1, 4, 5]
    assert build()["two"].target_spec(table()).mirror is None


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"arm": ["wave", "hammer"], "leg": ["kik"]}, "Did you mean 'kick'"),
        ({"arm": ["wave", "hammer"], "legs": ["kick"]}, "'leg', which the tree does not have"),
        ({"arm": {"leg": ["wave", "hammer"]}, "kick": []}, "'wave' lies in 2 classes"),
    ],
)
def test_trees_that_do_not_relate_the_tasks_are_refused(tree, message):
    with pytest.raises(ValueError, match=message):
        build(tree=tree)


def test_other_tasks_than_classifications_are_refused():
    configs = {"two": ConsistencyConfig(coarse="part", fine="actoin", tree=TREE)}
    configs |= {"action": ClassificationConfig(), "part": ClassificationConfig()}
    with pytest.raises(ValueError, match=r"'actoin' is none. Did you mean 'action'?"):
        resolve_tasks(configs, [table()])
