import pytest
import torch

from onebody.balancing.gradnorm import GradNorm, GradNormConfig, build_gradnorm

NAMES = ["a", "b", "c"]


def test_equals_autograd_and_adam() -> None:
    """Against the paper's loss of the weights, its target held constant."""
    balancer = build_gradnorm(GradNormConfig(alpha=0.8, rate=0.03))
    weights = torch.ones(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([weights], lr=0.03)
    draw = torch.Generator().manual_seed(0)
    start = None
    for _ in range(40):
        losses = torch.rand(3, generator=draw, dtype=torch.float64) + 0.2
        rows = torch.randn(3, 5, generator=draw, dtype=torch.float64)
        rows = rows * torch.tensor([[1.0], [3.0], [0.5]], dtype=torch.float64)
        start = losses if start is None else start
        found = balancer.weights(losses, rows @ rows.T, NAMES)
        torch.testing.assert_close(found, weights.detach().clone())
        assert found.sum().item() == pytest.approx(3)
        norms, rates = rows.norm(dim=1), losses / start
        target = ((weights * norms).mean() * (rates / rates.mean()) ** 0.8).detach()
        optimizer.zero_grad()
        (weights * norms - target).abs().sum().backward()
        optimizer.step()
        with torch.no_grad():
            weights.clamp_(min=1e-3)
            weights *= 3 / weights.sum()


def test_gradients_become_equally_large() -> None:
    balancer = GradNorm(alpha=0.0, rate=0.02)
    gramian = torch.diag(torch.tensor([1.0, 4.0, 16.0], dtype=torch.float64))
    for _ in range(400):
        weights = balancer.weights(torch.ones(3, dtype=torch.float64), gramian, NAMES)
    sizes = weights * gramian.diagonal().sqrt()
    assert sizes.tolist() == pytest.approx([3 / (1 + 1 / 2 + 1 / 4)] * 3, rel=0.1)


def test_a_task_that_lags_behind_gets_more() -> None:
    balancer = GradNorm(alpha=1.0)
    gramian = torch.eye(2, dtype=torch.float64)
    for step in range(100):
        losses = torch.tensor([1.0, 0.97**step], dtype=torch.float64)
        weights = balancer.weights(losses, gramian, ["slow", "fast"])
    assert weights[0] > 1.2 > weights[1]


def test_a_loss_of_zero_at_the_start_waits_for_one_above() -> None:
    balancer = GradNorm()
    for loss in (0.0, 2.0, 1.0):
        losses = torch.tensor([loss, 1.0], dtype=torch.float64)
        balancer.weights(losses, torch.eye(2, dtype=torch.float64), ["a", "b"])
    assert [balancer.state()[name]["start"] for name in "ab"] == [2.0, 1.0]


def test_weights_of_the_present_sum_to_their_number() -> None:
    balancer = GradNorm(rate=0.2)
    gramian = torch.diag(torch.tensor([1.0, 9.0, 100.0]))
    for _ in range(10):
        balancer.weights(torch.ones(3), gramian, NAMES)
    kept = balancer.state()["c"]
    found = balancer.weights(torch.ones(2), gramian[:2, :2], NAMES[:2])
    assert found.sum().item() == pytest.approx(2)
    assert found[0] > found[1]
    assert balancer.state()["c"] == kept
