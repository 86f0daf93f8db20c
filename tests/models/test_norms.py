import pytest
import torch
from torch import nn

from onebody.models.norms import BatchNorm1d, BatchNorm2d, BatchNorm3d

NORMS = [
    (BatchNorm1d, nn.BatchNorm1d, 3),
    (BatchNorm2d, nn.BatchNorm2d, 4),
    (BatchNorm3d, nn.BatchNorm3d, 5),
]


@pytest.mark.parametrize(("ours", "theirs", "axes"), NORMS)
def test_one_value_is_served_by_running_statistics(ours, theirs, axes) -> None:
    norm = ours(3).train()
    norm.running_mean += 1.0
    x = torch.randn(1, 3, *(1,) * (axes - 2))
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        theirs(3).train()(x)
    torch.testing.assert_close(norm(x), x - 1.0, atol=1e-4, rtol=0)
    assert norm.running_mean.tolist() == [1.0] * 3


@pytest.mark.parametrize(("ours", "theirs", "axes"), NORMS)
def test_otherwise_it_is_the_usual_norm(ours, theirs, axes) -> None:
    one, other = ours(3).train(), theirs(3).train()
    for _ in range(2):
        x = torch.randn(2, 3, *(2,) * (axes - 2))
        assert torch.equal(one(x), other(x))
    assert torch.equal(one.running_var, other.running_var)
    assert list(one.state_dict()) == list(other.state_dict())
