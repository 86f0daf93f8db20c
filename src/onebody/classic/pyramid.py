"""`TemporalPyramid`: votes of frames to one histogram per part and part of the time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from onebody.classic.transformer import ListTransformer
from onebody.types import Doubles, Ints


class TemporalPyramid(ListTransformer):
    """Sum votes over a temporal pyramid.

    Level n cuts a clip into n equal pieces of time; a frame on a border belongs to both sides by
    its share. Every piece is a histogram over words, a share of its votes (nothing where no frame
    votes). Histograms are raised to a power, which tames words that many frames repeat, and each
    part is brought to length 1, so that none outweighs another; a part that is never seen is zero.

    Source: Lazebnik, Schmid, Ponce, "Beyond Bags of Features: Spatial Pyramid Matching", CVPR 2006
    (in space); Perronnin, Sanchez, Mensink, ECCV 2010 (power and L2 normalization).

    Args:
        levels: numbers of pieces.
        power: exponent in (0, 1]; 1 leaves histograms as they are.

    Attributes:
        parts_: number of parts.
        words_: of each part.
        groups_: ``[F]`` part of each feature.
    """

    def __init__(self, levels: Sequence[int] = (1, 2, 4), power: float = 0.5) -> None:
        self.levels = levels
        self.power = power

    def fit(self, X: Sequence[Sequence[Doubles]], y: object = None) -> Self:
        """Look at how many parts and words there are.

        Args:
            X: per clip the votes ``[T, words]`` of each part.
            y: not used.

        Raises:
            ValueError: if a setting is not possible.
        """
        del y
        if not len(self.levels) or min(self.levels) < 1 or not 0 < self.power <= 1:
            raise ValueError(
                "Expected levels of 1 piece or more and a power in (0, 1], found "
                f"{list(self.levels)} and {self.power}."
            )
        self.parts_ = len(X[0])
        self.words_ = X[0][0].shape[1]
        size = sum(self.levels) * self.words_
        self.groups_: Ints = np.repeat(np.arange(self.parts_), size)
        return self

    def transform(self, X: Sequence[Sequence[Doubles]]) -> Doubles:
        """Return ``[N, parts * pieces * words]``.

        Raises:
            ValueError: if clips have other parts or words than in training.
        """
        for clip in X:
            if [part.shape[1] for part in clip] != [self.words_] * self.parts_:
                raise ValueError(f"Expected {self.parts_} parts of {self.words_} words each.")
        return np.stack([np.concatenate([self._part(part) for part in clip]) for clip in X])

    def get_feature_names_out(self, input_features: object = None) -> Any:
        """Return ``[F]`` names such as ``part0_1of2_word5``."""
        del input_features
        pieces = [f"{i + 1}of{n}" for n in self.levels for i in range(n)]
        return np.array(
            [
                f"part{part}_{piece}_word{word}"
                for part in range(self.parts_)
                for piece in pieces
                for word in range(self.words_)
            ],
            dtype=object,
        )

    def _part(self, votes: Doubles) -> Doubles:
        """Return one part's normalized histograms, one after the other."""
        found = np.concatenate([histograms(votes, pieces) for pieces in self.levels]).ravel()
        found = found**self.power
        length = float(np.linalg.norm(found))
        return found / length if length > 0 else found


def histograms(votes: Doubles, pieces: int) -> Doubles:
    """Return ``[pieces, words]`` shares of the votes ``[T, words]`` in equal pieces of time."""
    borders = np.arange(pieces + 1)[:, None] * (len(votes) / pieces)
    frames = np.arange(len(votes))[None]
    low, high = np.maximum(frames, borders[:-1]), np.minimum(frames + 1, borders[1:])
    found = np.maximum(high - low, 0.0) @ votes
    return np.asarray(found / np.maximum(found.sum(axis=1, keepdims=True), 1e-12))
