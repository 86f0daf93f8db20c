"""Equality with the published objectives, differentiated by autograd and stepped by Adam."""

import math

import pytest
import torch
from torch import Tensor

from onebody.balancing.learned import (
    AutomaticConfig,
    IMTLLConfig,
    Learned,
    UncertaintyConfig,
    build_automatic,
    build_imtl_l,
    build_uncertainty,
)


def _automatic(losses: Tensor, c: Tensor) -> Tensor:
    return (losses / (2 * c**2) + torch.log(1 + c**2)).sum()


def _uncertainty(losses: Tensor, s: Tensor) -> Tensor:
    return (0.5 * torch.exp(-s) * losses + 0.5 * s).sum()


def _impartial(losses: Tensor, s: Tensor) -> Tensor:
    return (torch.exp(s) * losses - s).sum()


CASES = [
    (_impartial, lambda: build_imtl_l(IMTLLConfig(rate=0.02)), 0.0),
    (_automatic, lambda: build_automatic(AutomaticConfig(rate=0.02)), 1.0),
    (_uncertainty, lambda: build_uncertainty(UncertaintyConfig(rate=0.02)), 0.0),
]
each = pytest.mark.parametrize(("objective", "make", "start"), CASES)


@each
def test_equals_autograd_and_adam(objective, make, start) -> None:
    balancer: Learned = make()
    numbers = torch.full((2,), start, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([numbers], lr=0.02)
    draw = torch.Generator().manual_seed(0)
    for _ in range(60):
        losses = torch.rand(2, generator=draw, dtype=torch.float64) * torch.tensor([3.0, 0.3])
        losses.requires_grad_()
        optimizer.zero_grad()
        objective(losses, numbers).backward()
        weights = balancer.weights(losses.detach(), None, ["a", "b"])
        assert torch.allclose(weights, losses.grad, rtol=1e-9)  # the weight is d objective / d loss
        optimizer.step()
    kept = [balancer.state()[name]["value"] for name in ("a", "b")]
    assert kept == pytest.approx(numbers.tolist(), rel=1e-9)


@each
def test_a_task_in_one_of_ten_steps_is_not_inflated(objective, make, start) -> None:
    always, seldom = make(), make()
    for step in range(100):
        always.weights(torch.tensor([0.5, 0.5]), None, ["a", "b"])
        names = ["a", "b"] if step % 10 == 0 else ["a"]
        seldom.weights(torch.full((len(names),), 0.5), None, names)
    assert seldom.state()["b"]["steps"] == 10
    reference = make()
    for _ in range(10):
        reference.weights(torch.tensor([0.5]), None, ["b"])
    assert seldom.state()["b"] == reference.state()["b"]
    assert seldom.state()["a"] == always.state()["a"]


@pytest.mark.parametrize("loss", [0.05, 1.0, 3.0])
def test_numbers_settle_where_the_objective_is_least(loss: float) -> None:
    automatic = build_automatic(AutomaticConfig(rate=0.05))
    uncertainty = build_uncertainty(UncertaintyConfig(rate=0.05))
    impartial = build_imtl_l(IMTLLConfig(rate=0.05))
    for _ in range(600):
        impartial.weights(torch.tensor([loss]), None, ["a"])
        automatic.weights(torch.tensor([loss]), None, ["a"])
        uncertainty.weights(torch.tensor([loss]), None, ["a"])
    c2 = automatic.state()["a"]["value"] ** 2
    assert 2 * c2**2 == pytest.approx(loss * (1 + c2), rel=1e-2)
    assert uncertainty.state()["a"]["value"] == pytest.approx(math.log(loss), abs=1e-2)
    assert impartial.state()["a"]["value"] == pytest.approx(-math.log(loss), abs=1e-2)


def test_a_loss_of_zero_is_held_at_the_limit() -> None:
    automatic = build_automatic(AutomaticConfig(rate=0.5, smallest=0.2))
    uncertainty = build_uncertainty(UncertaintyConfig(rate=0.5, limit=2.0))
    impartial = build_imtl_l(IMTLLConfig(rate=0.5, limit=2.0))
    for _ in range(20):
        last = impartial.weights(torch.zeros(1), None, ["a"])
        one = automatic.weights(torch.zeros(1), None, ["a"])
        other = uncertainty.weights(torch.zeros(1), None, ["a"])
    assert one.item() == pytest.approx(1 / (2 * 0.2**2))
    assert other.item() == pytest.approx(0.5 * math.exp(2.0))
    assert last.item() == pytest.approx(math.exp(2.0))
