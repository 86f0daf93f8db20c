"""Starting weights that depend on the seed and a name, not on what was built before."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def drawn_for(name: str) -> Iterator[None]:
    """Draw from the seed and a name within the context, and leave the generator as it was.

    A network with one task more then begins, in all that it shares with the other, at the same
    point. The empty name draws what a network draws first: its only encoder, say.
    """
    with torch.random.fork_rng(devices=()):
        torch.default_generator.manual_seed(
            (torch.initial_seed() + zlib.crc32(name.encode())) % 2**63
        )
        yield
