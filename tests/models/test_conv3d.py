"""The gradient of a 3D convolution under bfloat16 autocast."""

import pytest
import torch

from onebody.models.conv3d import Conv3d


def gradients(shape, kernel, stride, *, bf16):
    """Return output and gradients of weight and input for the same numbers."""
    torch.manual_seed(0)
    conv = Conv3d(4, 6, kernel, stride, tuple(k // 2 for k in kernel), bias=False)
    x = torch.randn(3, 4, *shape, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        y = conv(x * 1.0)
    (y.float() * torch.linspace(-1, 1, y.numel()).view_as(y)).sum().backward()
    return y.detach(), conv.weight.grad, x.grad


@pytest.mark.parametrize(
    ("shape", "kernel", "stride"),
    [
        ((2, 5, 5), (3, 3, 3), (1, 1, 1)),
        ((2, 2, 2), (3, 3, 3), (1, 1, 1)),
        ((1, 1, 1), (3, 3, 3), (2, 2, 2)),
        ((3, 8, 8), (5, 5, 5), (2, 2, 2)),
        ((4, 9, 9), (7, 7, 7), (1, 2, 2)),
        ((6, 8, 8), (3, 3, 3), (2, 2, 2)),
    ],
)
def test_gradient_in_bfloat16_is_near_that_in_float32(shape, kernel, stride):
    for found, true in zip(
        gradients(shape, kernel, stride, bf16=True),
        gradients(shape, kernel, stride, bf16=False),
        strict=True,
    ):
        assert (found.float() - true).norm() < 0.02 * true.norm()


def test_bfloat16_is_used_where_it_is_sound():
    covered, short = ((5, 5, 5), torch.bfloat16), ((2, 5, 5), torch.float32)
    for shape, dtype in (covered, short):
        assert gradients(shape, (3, 3, 3), (1, 1, 1), bf16=True)[0].dtype == dtype
