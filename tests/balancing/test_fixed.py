import pytest
import torch

from onebody.balancing.fixed import AverageConfig, FixedConfig, build_average, build_fixed
from onebody.config import read_config


def test_average_is_one_each() -> None:
    balancer = build_average(AverageConfig())
    assert balancer.weights(torch.tensor([5.0, 0.0]), None, ["a", "b"]).tolist() == [1.0, 1.0]
    assert balancer.state() == {}


def test_fixed_weights_and_the_weight_of_others() -> None:
    balancer = build_fixed(FixedConfig(weights={"a": 0.25}, other=2.0), tasks=["a", "b"])
    assert balancer.weights(torch.ones(2), None, ["b", "a"]).tolist() == [2.0, 0.25]


def test_unknown_tasks_are_refused_where_tasks_are_known() -> None:
    config = FixedConfig(weights={"actoin": 1.0})
    with pytest.raises(ValueError, match=r"'actoin', not a task\. Did you mean 'action'"):
        build_fixed(config, tasks=["action", "pose"])
    build_fixed(config)


def test_some_task_has_a_weight() -> None:
    build_fixed(FixedConfig(weights={"a": 0.0}), tasks=["a", "b"])
    with pytest.raises(ValueError, match="Every task weighs 0"):
        build_fixed(FixedConfig(weights={"a": 0.0}, other=0.0), tasks=["a", "b"])
    with pytest.raises(ValueError, match="Every task weighs 0"):
        build_fixed(FixedConfig(weights={"a": 0.0}), tasks=["a"])


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_weights_that_make_no_sense_are_refused(weight: float) -> None:
    with pytest.raises(ValueError, match=r"weights\.a"):
        read_config(FixedConfig, {"weights": {"a": weight}}, "recipe")
