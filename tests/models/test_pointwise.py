import pytest
import torch

from onebody.models.pointwise import Pointwise


@pytest.mark.parametrize("space", [(), (3,), (3, 2)])
@pytest.mark.parametrize("norm", [True, False])
def test_the_same_map_at_every_place(space, norm) -> None:
    torch.manual_seed(0)
    part = Pointwise(4, 6, norm=norm).eval()
    x = torch.randn(2, 4, 5, *space)
    found = part(x)
    assert found.shape == (2, 6, 5, *space)
    place = (1, slice(None), 3, *(1 for _ in space))
    bias = 0 if norm else part.linear.bias
    scale = (1 + 1e-5) ** -0.5 if norm else 1.0
    torch.testing.assert_close(found[place], scale * (part.linear.weight @ x[place] + bias))


def test_one_value_does_not_stop_training() -> None:
    part = Pointwise(4, 6).train()
    assert bool(part(torch.randn(1, 4, 1)).isfinite().all())
