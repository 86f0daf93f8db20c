"""`blank_state`: a stream's memory before its first frame, as tensors of fixed shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from onebody.data import Batch
from onebody.models.base import Network, Outputs
from onebody.models.modes import evaluating
from onebody.types import State

_CLOSE = 1e-5
"""Outputs on noise that differ by more do not begin the same."""


def blank_state(network: Network, batch: Batch) -> State:
    """Return zeros with which a stream begins as with the empty state.

    Exported steps have inputs of fixed shapes, so a stream cannot begin with nothing. The zeros
    are tried on noise before they are returned.

    Args:
        network: a causal one.
        batch: any of the rows, size and kind that the stream's frames will have; one frame or more.

    Returns:
        By the names that `Network.stream` uses, on the batch's device.

    Raises:
        ValueError: if the network looks ahead, or what it remembers grows with the stream or does
            not begin as zeros; names it.
    """
    noise = _noise(batch)
    with evaluating(network), torch.no_grad():
        first, left = network.stream(noise, {})
        blank = {name: torch.zeros_like(value) for name, value in left.items()}
        again, kept = network.stream(noise, blank)
        grown = [n for n, v in kept.items() if n not in blank or blank[n].shape != v.shape]
    if grown or not _equal(first, again):
        raise ValueError(
            "This network's memory of a stream cannot begin as zeros of fixed shapes "
            f"({', '.join(grown or blank)}). Take the encoder 'stream' and tasks that answer per "
            "frame (per_frame: true)."
        )
    return blank


def _noise(batch: Batch) -> Batch:
    """Return a Batch of noise in place of the inputs: on black pictures much looks alike."""
    generator = torch.Generator().manual_seed(0)
    inputs: Mapping[str, Tensor] = {
        name: torch.rand(x.shape, generator=generator).to(x) for name, x in batch.inputs.items()
    }
    return replace(batch, inputs=inputs, valid={}, targets={})


def _equal(first: Outputs, second: Outputs) -> bool:
    """Whether outputs are the same but for rounding."""
    pairs = [(a, b) for name in first for a, b in zip(first[name], second[name], strict=True)]
    return all(a.shape == b.shape and torch.allclose(a, b, atol=_CLOSE) for a, b in pairs)
