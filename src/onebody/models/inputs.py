"""How an encoder takes its modality out of a Batch."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def single_modality(channels: Mapping[str, int], encoder: str) -> tuple[str, int]:
    """Return the name and channels of the only modality that a network is given.

    Raises:
        ValueError: if there are several, or none.
    """
    if len(channels) != 1:
        found = ", ".join(channels) or "none"
        raise ValueError(f"Encoder {encoder!r} reads one modality, found {found}. Give it one.")
    return next(iter(channels.items()))


def take_input(
    inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor], modality: str, channels: int
) -> Tensor:
    """Return a modality's clips with whatever is not valid set to zero (NaN too).

    Args:
        inputs: see `Batch.inputs`.
        valid: see `Batch.valid`; ``[B]`` or ``[B, T]`` for pictures.
        modality: which one.
        channels: how many channels it must have.

    Returns:
        ``[B, C, T, H, W]``.

    Raises:
        ValueError: if the modality is missing or has another shape.
    """
    if modality not in inputs:
        found = ", ".join(inputs) or "none"
        raise ValueError(f"The network reads {modality!r}, but the batch holds: {found}.")
    x = inputs[modality]
    if x.dim() != 5 or x.shape[1] != channels:
        raise ValueError(
            f"Input {modality!r}: expected [B, {channels}, T, H, W], found {list(x.shape)}."
        )
    if modality not in valid:
        return x
    keep = valid[modality]
    keep = keep.view(len(x), 1, -1, 1, 1)  # [B] or [B, T]
    return torch.where(keep, x, torch.zeros((), dtype=x.dtype, device=x.device))
