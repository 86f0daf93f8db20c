"""The bag of words as one pipeline: clips to a row of features each."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from sklearn.pipeline import Pipeline

from onebody.classic.codebook import PartCodebooks
from onebody.classic.descriptors import PartDescriptors
from onebody.classic.pyramid import TemporalPyramid
from onebody.config import Config


class BagConfig(Config):
    """How clips become features.

    Attributes:
        parts: part to the names of its joints; empty: head and torso, arms, legs.
        reference: what positions are relative to (see `PartDescriptors`).
        velocity: weight of velocities beside positions.
        words: of each part's codebook.
        neighbors: words that a frame votes for.
        levels: pieces of time of each level of the pyramid.
        power: exponent of histograms.
    """

    parts: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    reference: Literal["hip", "part"] = "part"
    velocity: float = Field(1.0, ge=0.0, allow_inf_nan=False)
    words: int = Field(32, ge=1)
    neighbors: int = Field(3, ge=1)
    levels: tuple[int, ...] = Field((1, 2, 4), min_length=1)
    power: float = Field(0.5, gt=0.0, le=1.0)


def part_bag_of_words(config: BagConfig, layout: str, seed: int = 0) -> Any:
    """Return a scikit-learn pipeline from clips (`Clip`) to features ``[N, F]``.

    Args:
        config: how.
        layout: joint layout of the clips.
        seed: of k-means.
    """
    return Pipeline(
        [
            (
                "descriptors",
                PartDescriptors(layout, config.parts, config.reference, config.velocity),
            ),
            ("codebooks", PartCodebooks(config.words, config.neighbors, seed=seed)),
            ("pyramid", TemporalPyramid(config.levels, config.power)),
        ]
    )
