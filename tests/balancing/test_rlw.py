import pytest
import torch

from onebody.balancing.rlw import RLW, RLWConfig, build_rlw


def draw(balancer: RLW, steps: int, *names: str) -> torch.Tensor:
    losses = torch.ones(len(names), dtype=torch.float64)
    return torch.stack([balancer.weights(losses, None, names) for _ in range(steps)])


def test_logs_of_the_weights_are_normal_but_for_their_mean() -> None:
    weights = draw(build_rlw(RLWConfig()), 4000, "a", "b")
    torch.testing.assert_close(weights.sum(1), torch.ones(4000, dtype=torch.float64))
    difference = (weights[:, 0] / weights[:, 1]).log()  # of two normals: variance 2
    assert difference.mean().item() == pytest.approx(0, abs=0.1)
    assert difference.var().item() == pytest.approx(2, rel=0.1)
    inside = (difference.abs() < 2**0.5).double().mean().item()
    assert inside == pytest.approx(0.683, abs=0.03)


def test_draws_depend_on_seed_name_and_count_alone() -> None:
    torch.manual_seed(0)
    first = draw(RLW(7), 5, "a", "b")
    torch.manual_seed(1)
    assert torch.equal(draw(RLW(7), 5, "a", "b"), first)
    assert not torch.equal(draw(RLW(8), 5, "a", "b"), first)
    resumed = RLW(7)
    resumed.load_state({"a": 3, "b": 3})
    assert torch.equal(draw(resumed, 2, "a", "b"), first[3:])
    assert len(first.unique(dim=0)) == 5
