"""Encoders that stand on another one: a trunk that ends in a vector per frame, and stages on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from onebody.config import Config, build, choice
from onebody.models.base import Encoder
from onebody.models.inputs import InputShape
from onebody.models.registry import ENCODERS

if TYPE_CHECKING:
    AnyTrunk: TypeAlias = Config
else:
    AnyTrunk = choice(ENCODERS, "encoder")


def build_trunk(trunk: Config, inputs: Mapping[str, InputShape], owner: str) -> Encoder:
    """Build the encoder that another one stands on.

    Args:
        trunk: config of any encoder.
        inputs: what the network is given.
        owner: kind of the encoder on top, for the message.

    Raises:
        ValueError: if the trunk does not end in one vector per frame.
    """
    encoder = build(ENCODERS, trunk, "encoder", inputs=inputs)
    if encoder.info[-1].space != "vector":
        raise ValueError(
            f"Encoder {owner!r} stands on a trunk that ends in one vector per frame, but "
            f"{getattr(trunk, 'kind', '?')!r} ends in {encoder.info[-1].space!r} features. Give "
            "it a readout (graph encoders: trunk.readout), or take another trunk, such as 'light' "
            "or 'skeleton'."
        )
    return encoder
