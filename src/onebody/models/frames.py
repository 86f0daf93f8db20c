"""Folding time into the batch and back, channels-last weights, frames restored and averaged."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from onebody.types import State


def channels_last(x: Tensor) -> Tensor:
    """Lay out ``[N, C, H, W]`` or ``[N, C, T, H, W]`` channels-last: faster on CPU and GPU."""
    layout = torch.channels_last if x.dim() == 4 else torch.channels_last_3d
    if x.shape[1] > 1:
        return x.contiguous(memory_format=layout)
    # One channel counts as both layouts, and convolutions then pick the slow one.
    return torch.empty(x.shape, dtype=x.dtype, device=x.device, memory_format=layout).copy_(x)


def use_channels_last(module: nn.Module) -> None:
    """Lay a module's convolution weights out channels-last; outputs follow them."""
    for parameter in module.parameters():
        if parameter.dim() in (4, 5):
            parameter.data = channels_last(parameter.data)


def fold_frames(x: Tensor) -> Tensor:
    """Turn ``[B, C, T, H, W]`` into ``[B * T, C, H, W]``: a view where x is channels-last."""
    b, c, t, h, w = x.shape
    return x.transpose(1, 2).reshape(b * t, c, h, w)


def unfold_frames(x: Tensor, batch: int) -> Tensor:
    """Turn ``[B * T, C, H, W]`` into ``[B, C, T, H, W]``, always a view."""
    return x.view(batch, len(x) // batch, *x.shape[1:]).transpose(1, 2)


def restore_frames(x: Tensor, num_frames: int, stride: int) -> Tensor:
    """Interpolate linearly over time from a stage's frames back to the input's.

    Frame i of a stage with centered kernels looks at input frame ``i * stride``; input frames
    after the last such center take its value.

    Args:
        x: ``[N, T', ...]`` with ``T' = ceil(num_frames / stride)``.
        num_frames: T of the input.
        stride: input frames per stage frame.

    Returns:
        ``[N, T, ...]``.
    """
    if stride == 1:
        return x
    last = x.shape[1] - 1
    place = (torch.arange(num_frames, device=x.device) / stride).clamp(max=last)
    low = place.floor().long()
    high = (low + 1).clamp(max=last)
    share = (place - low).to(x.dtype).view(-1, *(1,) * (x.dim() - 2))
    return torch.lerp(x[:, low], x[:, high], share)


def average_frames(x: Tensor, window: int | None, state: State) -> tuple[Tensor, State]:
    """Average ``[N, C, T]`` over all frames, or over the last ones of a stream.

    Args:
        x: features of some frames.
        window: how many of the last frames count; None: all that are given.
        state: what the frames before left; empty at the beginning.

    Returns:
        ``[N, C]``, and the window's earlier frames.
    """
    if window is None:
        return x.mean(2), {}
    if "past" in state:
        x = torch.cat((state["past"], x), 2)
    x = x[:, :, -window:]
    return x.mean(2), {"past": x[:, :, x.shape[2] - min(x.shape[2], window - 1) :]}
