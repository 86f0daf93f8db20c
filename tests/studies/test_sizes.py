"""Twins of equal total size."""

import pytest

from onebody.models import build_network, input_shapes
from onebody.studies import equal_size_widths, make_arms
from onebody.training import build_run


def count(arm, tasks):
    own = {name: tasks[name] for name in arm.tasks}
    network = build_network(arm.recipe.network, own, input_shapes(arm.recipe.input))
    return sum(p.numel() for p in network.parameters())


def test_twins_share_the_joint_size_out(tiny_recipe):
    tasks = build_run(tiny_recipe).network.tasks
    joint, *twins = make_arms(tiny_recipe, equal_size_widths(tiny_recipe))
    whole = count(joint, tasks)
    each = [count(twin, tasks) for twin in twins]
    assert len(each) == 2
    assert sum(each) == pytest.approx(
        whole, rel=0.15
    )  # whole channels of a tiny network are coarse
    assert max(each) < 1.3 * min(each)


def test_a_single_task_has_nothing_to_share_out(tiny_recipe):
    with pytest.raises(ValueError, match="no twins"):
        equal_size_widths(tiny_recipe.only(["action"]))
