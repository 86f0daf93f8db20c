"""Several copies of an encoder within one network, with or without a stem of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from onebody.models.base import Encoder, Stem
from onebody.models.seeds import drawn_for
from onebody.types import Feature, State


class NoStem(Stem):
    """Stands where a copy of an encoder reads the Feature of another copy's stem."""

    def forward(
        self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor], state: State
    ) -> tuple[Feature, State]:
        """Refuse: a copy without a stem cannot read inputs."""
        raise NotImplementedError("This copy of the encoder has no stem.")


class Copies(nn.ModuleList):
    """Encoders of which all but the first have a `NoStem`."""

    def encoder(self, number: int) -> Encoder:
        """Return one of them."""
        found: Encoder = self[number]  # type: ignore[assignment]
        return found


def make_copies(make_encoder: Callable[[], Encoder], count: int) -> Copies:
    """Make encoders that share the stem of the first one.

    The first copy starts like the encoder of hard sharing, the others from weights that depend on
    the seed and their number.

    Args:
        make_encoder: makes a new copy.
        count: how many.
    """
    copies: list[Encoder] = []
    for number in range(count):
        with drawn_for(f"copy {number}" if number else ""):
            copies.append(make_encoder())
    for copy in copies[1:]:
        copy.stem = NoStem()
    return Copies(copies)
