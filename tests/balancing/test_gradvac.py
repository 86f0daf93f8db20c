import random

import pytest
import torch
from torch import Tensor
from torchjd.aggregation import GradVac as Peer

from onebody.balancing.gradvac import GradVac, GradVacConfig, build_gradvac

NAMES = ["a", "b", "c"]


def rows_of(step: int, tasks: int) -> Tensor:
    draw = torch.Generator().manual_seed(step)
    return torch.randn(tasks, 6, generator=draw, dtype=torch.float64) + 0.4


def weigh(balancer: GradVac, rows: Tensor, names: list[str]) -> Tensor:
    losses = torch.ones(len(rows), dtype=torch.float64)
    return balancer.weights(losses, rows @ rows.T, names)


@pytest.mark.parametrize("tasks", [2, 3])
def test_is_what_torchjd_makes_of_the_jacobian_over_several_steps(monkeypatch, tasks) -> None:
    monkeypatch.setattr(torch, "randperm", torch.arange)  # the same order in both
    monkeypatch.setattr(random.Random, "shuffle", lambda self, values: None)
    balancer, peer = build_gradvac(GradVacConfig(beta=0.3)), Peer(beta=0.3)
    for step in range(8):
        rows = rows_of(step, tasks)
        found = weigh(balancer, rows, NAMES[:tasks]) @ rows
        torch.testing.assert_close(found, peer(rows), rtol=1e-6, atol=1e-8)


def test_the_first_step_is_gradient_surgery() -> None:
    rows = torch.tensor([[1.0, 0.0], [-1.0, 1.0]], dtype=torch.float64)
    assert weigh(GradVac(), rows, ["a", "b"]).tolist() == pytest.approx([2.0, 1.5])


def test_means_belong_to_pairs_of_names() -> None:
    balancer = GradVac(beta=0.5)
    weigh(balancer, rows_of(0, 3), NAMES)
    before = balancer.state()["cosines"]
    assert set(before) == {"a", "b", "c"}
    assert set(before["a"]) == {"b", "c"}
    weigh(balancer, rows_of(1, 2), ["c", "a"])
    after = balancer.state()["cosines"]
    assert after["a"]["b"] == before["a"]["b"]
    assert after["b"] == before["b"]
    assert after["a"]["c"] != before["a"]["c"]
    rows = rows_of(1, 2)
    cosine = float(torch.nn.functional.cosine_similarity(rows[0], rows[1], dim=0))
    assert after["a"]["c"] == pytest.approx(0.5 * before["a"]["c"] + 0.5 * cosine)


def test_order_is_drawn_alike_everywhere() -> None:
    first = [weigh(GradVac(seed=3), rows_of(5, 3) - 0.8, NAMES) for _ in range(2)]
    assert torch.equal(*first)
