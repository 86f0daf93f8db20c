import numpy as np
import pytest
import torch

from onebody.simulate.draws import uniform


def test_a_seed_draws_the_same_in_every_batch():
    alone = uniform([5], "arms", 3)
    crowd = uniform([9, 5, 0, 5], "arms", 3)
    assert torch.equal(crowd[1], alone[0])
    assert torch.equal(crowd[3], alone[0])
    assert torch.equal(uniform([5], "arms", 10)[:, :3], alone)


def test_purposes_and_seeds_differ():
    draws = torch.cat([uniform(range(2000), purpose, 3) for purpose in ("arms", "legs")], dim=1)
    correlation = np.corrcoef(draws.T.numpy()) - np.eye(6)
    assert np.abs(correlation).max() < 0.08
    neighbors = np.corrcoef(draws[1:, 0].numpy(), draws[:-1, 0].numpy())[0, 1]
    assert abs(neighbors) < 0.08
    assert draws.unique().numel() > 11_900


def test_uniform_on_the_unit_interval():
    draws = uniform(range(20_000), "test", 2)
    assert draws.dtype == torch.float32
    assert 0 <= draws.min() < 0.001
    assert 0.999 < draws.max() < 1
    torch.testing.assert_close(draws.mean(dim=0), torch.full((2,), 0.5), atol=0.01, rtol=0)
    torch.testing.assert_close(draws.var(dim=0), torch.full((2,), 1 / 12), atol=0.003, rtol=0)


def test_values_never_change():
    """Cached sets and saved figures depend on them."""
    torch.testing.assert_close(
        uniform([5], "a", 3), torch.tensor([[0.6223, 0.2730, 0.9039]]), atol=1e-4, rtol=0
    )


def test_borders():
    assert uniform([], "none", 4).shape == (0, 4)
    assert uniform([10**30, 2**64 - 1], "large", 1).isfinite().all()
    with pytest.raises(ValueError, match="Seeds should be 0 or more, found -3"):
        uniform([1, -3], "negative", 1)
