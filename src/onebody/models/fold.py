"""Batch norms put into the convolutions before them: equal outputs, fewer passes over memory."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import TypeAlias, TypeVar

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

AnyConv: TypeAlias = nn.Conv1d | nn.Conv2d | nn.Conv3d
ModuleT = TypeVar("ModuleT", bound=nn.Module)


def fold_norm(conv: AnyConv, norm: _BatchNorm) -> None:
    """Put a batch norm's running statistics and factors into the convolution before it, in place.

    Args:
        conv: with or without bias; it has one afterwards.
        norm: right behind it; the caller takes it away.
    """
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    scale = norm.weight.double() / (variance.double() + norm.eps).sqrt()
    kind = conv.weight.dtype
    weight = conv.weight.double() * scale.view(-1, *(1,) * (conv.weight.ndim - 1))
    before = 0.0 if conv.bias is None else conv.bias.double()
    bias = norm.bias.double() + (before - mean.double()) * scale
    conv.weight = nn.Parameter(weight.to(kind), requires_grad=False)
    conv.bias = nn.Parameter(bias.to(kind), requires_grad=False)


def fold_norms(module: ModuleT) -> ModuleT:
    """Return a copy for inference whose batch norms are folded where they follow a convolution.

    That is known of neighbors in an ``nn.Sequential``; other norms stay as they are.
    """
    folded = copy.deepcopy(module).eval().requires_grad_(requires_grad=False)
    for row in folded.modules():
        if not isinstance(row, nn.Sequential):
            continue
        for number, (first, second) in enumerate(pairwise(list(row))):
            if isinstance(first, AnyConv) and isinstance(second, _BatchNorm):
                fold_norm(first, second)
                row[number + 1] = nn.Identity()
    return folded
