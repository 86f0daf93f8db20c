"""Against a grid over the simplex, the closed form of two tasks, and the problem's own meaning."""

import math

import pytest
import torch
from torch import Tensor

from onebody.balancing.cagrad import CAGrad, CAGradConfig, build_cagrad, worst_mix

DOUBLE = torch.float64


def rows_of(tasks: int, seed: int, common: float = 0.3) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    rows = torch.randn(tasks, 6, generator=draw, dtype=DOUBLE) + common
    return rows * torch.rand(tasks, 1, generator=draw, dtype=DOUBLE).exp()


def objective(shares: Tensor, gramian: Tensor, radius: float) -> Tensor:
    """The dual function at ``[N, K]`` points of the simplex."""
    square = torch.einsum("nk,kl,nl->n", shares, gramian, shares)
    return shares @ gramian.mean(1) + radius * square.clamp(min=0).sqrt()


def grid(tasks: int, steps: int) -> Tensor:
    axes = torch.cartesian_prod(*[torch.arange(steps + 1)] * (tasks - 1)).view(-1, tasks - 1)
    axes = axes[axes.sum(1) <= steps]
    return torch.cat((axes, steps - axes.sum(1, keepdim=True)), 1).to(DOUBLE) / steps


def radius_of(gramian: Tensor, c: float) -> float:
    return c * math.sqrt(float(gramian.mean()))


@pytest.mark.parametrize(("tasks", "steps"), [(2, 20_000), (3, 300), (4, 60)])
@pytest.mark.parametrize("c", [0.1, 0.5, 0.9])
def test_no_point_of_a_grid_is_better(tasks: int, steps: int, c: float) -> None:
    points = grid(tasks, steps)
    for seed in range(5):
        gramian = rows_of(tasks, seed) @ rows_of(tasks, seed).T
        radius = radius_of(gramian, c)
        shares = torch.tensor(worst_mix(gramian.tolist(), radius), dtype=DOUBLE)
        assert float(shares.sum()) == pytest.approx(1)
        assert bool((shares >= 0).all())
        values = objective(points, gramian, radius)
        best = float(objective(shares[None], gramian, radius))
        assert best <= float(values.min()) + 1e-7
        if tasks == 2:
            assert shares.tolist() == pytest.approx(points[values.argmin()].tolist(), abs=1e-3)


def test_many_tasks_are_solved_to_the_end() -> None:
    """At the least point, every task that has a share pulls equally, and none pulls more."""
    for seed in range(5):
        rows = rows_of(12, seed)
        gramian = rows @ rows.T
        radius = radius_of(gramian, 0.5)
        shares = torch.tensor(worst_mix(gramian.tolist(), radius), dtype=DOUBLE)
        shares.requires_grad_()
        (slope,) = torch.autograd.grad(objective(shares[None], gramian, radius).sum(), shares)
        used = slope[shares > 1e-6]
        assert float(used.max() - used.min()) < 1e-4 * float(slope.abs().max())
        assert float(slope.min()) > float(used.max()) - 1e-4 * float(slope.abs().max())


def test_two_orthogonal_tasks_by_hand() -> None:
    """M = diag(1, s^2): with w = (1 - t, t) and a = t s^2 / (1 - t), the slopes must be equal."""
    gramian = torch.diag(torch.tensor([1.0, 0.25], dtype=DOUBLE))
    c = 0.5
    radius = radius_of(gramian, c)
    t = worst_mix(gramian.tolist(), radius)[1]
    length = math.sqrt((1 - t) ** 2 + 0.25 * t**2)
    first, second = 0.5 + radius * (1 - t) / length, 0.125 + radius * 0.25 * t / length
    assert t == pytest.approx(1.0) or first == pytest.approx(second)


def test_the_direction_is_the_best_for_the_worst_task() -> None:
    draw = torch.Generator().manual_seed(0)
    for seed in range(4):
        rows = rows_of(3, seed, common=0.0)
        mean = rows.mean(0)
        balancer = build_cagrad(CAGradConfig(c=0.4))
        weights = balancer.weights(torch.ones(3, dtype=DOUBLE), rows @ rows.T, ["a", "b", "c"])
        direction = (1 + 0.4**2) * weights @ rows
        reach = 0.4 * float(mean.norm())
        assert float((direction - mean).norm()) == pytest.approx(reach, rel=1e-3)
        steps = torch.randn(4000, rows.shape[1], generator=draw, dtype=DOUBLE)
        others = mean + reach * steps / steps.norm(dim=1, keepdim=True)
        found, best = float((rows @ direction).min()), float((others @ rows.T).min(1).values.max())
        assert found > best - 1e-3 * abs(best)


def test_c_of_zero_is_the_mean() -> None:
    rows = rows_of(3, 0)
    weights = CAGrad(0.0).weights(torch.ones(3, dtype=DOUBLE), rows @ rows.T, ["a", "b", "c"])
    assert weights.tolist() == pytest.approx([1 / 3] * 3)


def test_equal_gradients_share_equally() -> None:
    weights = CAGrad(0.5).weights(torch.ones(2), torch.ones(2, 2), ["a", "b"])
    assert weights.tolist() == pytest.approx([0.5 * 1.5 / 1.25] * 2, rel=1e-4)


def test_opposed_gradients_are_their_mean() -> None:
    """No direction serves both: the second term vanishes with the mix."""
    gramian = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])
    weights = CAGrad(0.5).weights(torch.ones(2), gramian, ["a", "b"])
    assert weights.tolist() == pytest.approx([0.4, 0.4], abs=1e-3)
