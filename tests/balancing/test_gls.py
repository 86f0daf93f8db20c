import pytest
import torch

from onebody.balancing.gls import GLS, GLSConfig, build_gls


def test_weights_are_the_derivatives_of_the_geometric_mean() -> None:
    losses = torch.tensor([0.5, 2.0, 8.0], dtype=torch.float64, requires_grad=True)
    mean = losses.prod() ** (1 / 3)
    mean.backward()
    found = build_gls(GLSConfig()).weights(losses.detach(), None, ["a", "b", "c"])
    torch.testing.assert_close(found, losses.grad)
    assert float(found @ losses.detach()) == pytest.approx(mean.item()) == pytest.approx(2.0)


def test_units_of_the_losses_do_not_matter() -> None:
    losses = torch.tensor([0.3, 0.7], dtype=torch.float64)
    scales = torch.tensor([1000.0, 1.0], dtype=torch.float64)
    one, other = (GLS().weights(x, None, ["a", "b"]) for x in (losses, scales * losses))
    torch.testing.assert_close(scales * other / scales.prod().sqrt(), one)


def test_a_loss_of_zero_counts_as_the_smallest() -> None:
    found = GLS(smallest=0.01).weights(torch.tensor([0.0, 1.0]), None, ["a", "b"])
    assert found.tolist() == pytest.approx([5.0, 0.05])


def test_a_negative_loss_is_refused() -> None:
    with pytest.raises(ValueError, match=r"loss of task 'b' is -1\.0, expected 0 or more"):
        GLS().weights(torch.tensor([1.0, -1.0]), None, ["a", "b"])
