"""The features that all answers of a network are made from, pooled to one vector per clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn

from onebody.models.base import Network


@contextmanager
def features_of(network: Network, tasks: Sequence[str]) -> Iterator[list[Tensor]]:
    """Overhear the deepest stage that all of some tasks' outputs come from.

    Args:
        network: any whose tasks share a representation.
        tasks: their names.

    Yields:
        A list that every forward appends ``[B, C]`` to: the stage's Feature, averaged over time and
        space, of the rows that were run.

    Raises:
        ValueError: if the tasks share no representation.
    """
    heard: list[Tensor] = []

    def hear(module: nn.Module, inputs: object, output: tuple[Tensor, object]) -> None:  # noqa: ARG001
        heard.append(output[0].detach().flatten(2).float().mean(2))

    handle = network.representation(tasks).register_forward_hook(hear)
    try:
        yield heard
    finally:
        handle.remove()
