"""`PartCodebooks`: the words of every part, and which words every frame says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from sklearn.cluster import KMeans

from onebody.classic.transformer import ListTransformer
from onebody.types import Bools, Doubles, Floats

_ENOUGH = 10
"""Whole frames per word from which a codebook is learned of whole frames alone."""


class PartCodebooks(ListTransformer):
    """Learn a codebook per part by k-means, and turn descriptors into votes for its words.

    A frame votes for its nearest word, or softly for several (weights fall with the squared
    distance, in units of the training frames' own mean squared distance to their words). Distances
    are taken over what is known of a frame; a frame of which less than half is known does not vote.
    Codebooks are learned of whole frames; where these are few, of frames that may vote, their gaps
    filled by the mean.

    Source: localized soft assignment as in Liu, Wang, Liu, "In Defense of Soft-assignment Coding",
    ICCV 2011.

    Args:
        words: of each codebook; fewer where a part has fewer different frames.
        neighbors: words that a frame votes for.
        frames: most training frames of a part that are clustered (drawn by the seed).
        seed: of the draw and of k-means.

    Attributes:
        centers_: per part ``[words, C]``.
        spreads_: per part the mean squared distance of training frames to their words.
    """

    def __init__(
        self, words: int = 32, neighbors: int = 1, frames: int = 20_000, seed: int = 0
    ) -> None:
        self.words = words
        self.neighbors = neighbors
        self.frames = frames
        self.seed = seed

    def fit(self, X: Sequence[Sequence[Floats]], y: object = None) -> Self:
        """Learn the codebooks of training clips.

        Args:
            X: per clip the descriptors ``[T, C]`` of each part, NaN where unknown.
            y: not used.

        Raises:
            ValueError: if a part has no frame of which enough is known, or a setting is not
                possible.
        """
        del y
        if self.words < 1 or not 1 <= self.neighbors <= self.words:
            raise ValueError(
                f"Expected words >= neighbors >= 1, found {self.words} and {self.neighbors}."
            )
        rng = np.random.default_rng(self.seed)
        self.centers_: list[Doubles] = []
        self.spreads_: list[float] = []
        for part in range(len(X[0])):
            frames = self._training_frames([clip[part] for clip in X], rng)
            if not len(frames):
                raise ValueError(
                    f"Part {part} is seen in no training frame: leave it out of 'parts'."
                )
            words = min(self.words, len(np.unique(frames, axis=0)))
            found = KMeans(words, n_init=1, random_state=self.seed, max_iter=50).fit(frames)
            self.centers_.append(np.asarray(found.cluster_centers_, np.float64))
            self.spreads_.append(max(float(found.inertia_) / len(frames), 1e-12))
        return self

    def transform(self, X: Sequence[Sequence[Floats]]) -> list[list[Doubles]]:
        """Return, per clip, the votes ``[T, words]`` of each part: of each frame 1 in all, or 0.

        Raises:
            ValueError: if clips have other parts than in training.
        """
        for clip in X:
            if len(clip) != len(self.centers_):
                raise ValueError(f"Expected {len(self.centers_)} parts, found {len(clip)}.")
        flat = [np.concatenate([clip[p] for clip in X]) for p in range(len(self.centers_))]
        votes = [self._votes(frames, p) for p, frames in enumerate(flat)]
        ends = np.cumsum([len(clip[0]) for clip in X])[:-1]
        return [list(parts) for parts in zip(*(np.split(v, ends) for v in votes), strict=True)]

    def _training_frames(self, parts: Sequence[Floats], rng: np.random.Generator) -> Doubles:
        """Return the frames ``[M, C]`` that a codebook is learned of."""
        frames = np.concatenate(parts).astype(np.float64)
        frames = frames[_may_vote(frames)]
        whole = np.isfinite(frames).all(axis=1)
        if whole.sum() >= _ENOUGH * self.words:
            frames = frames[whole]
        elif len(frames):
            seen = np.isfinite(frames)
            mean = np.where(seen, frames, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
            frames = np.where(seen, frames, mean)
        if len(frames) > self.frames:
            frames = frames[np.sort(rng.choice(len(frames), self.frames, replace=False))]
        return frames

    def _votes(self, frames: Floats, part: int) -> Doubles:
        """Return ``[M, words]`` votes of frames ``[M, C]``."""
        centers, spread = self.centers_[part], self.spreads_[part]
        far = distances(frames.astype(np.float64), centers)
        near = np.sort(far, axis=1)[:, min(self.neighbors, len(centers)) - 1][:, None]
        gain = np.exp(-(far - far.min(axis=1, keepdims=True)) / (2 * spread))
        votes = np.where(far <= near, gain, 0.0)
        votes /= votes.sum(axis=1, keepdims=True)
        padded = np.zeros((len(frames), self.words))
        padded[:, : len(centers)] = np.where(_may_vote(frames)[:, None], votes, 0.0)
        return padded


def distances(frames: Doubles, centers: Doubles) -> Doubles:
    """Return ``[M, K]`` squared distances over what is known, brought up to all C coordinates.

    Args:
        frames: ``[M, C]``; NaN where unknown.
        centers: ``[K, C]``.
    """
    known = np.isfinite(frames)
    filled = np.where(known, frames, 0.0)
    squares = (filled**2).sum(axis=1, keepdims=True) - 2 * filled @ centers.T
    squares += known.astype(np.float64) @ (centers.T**2)
    share = np.maximum(known.mean(axis=1, keepdims=True), 1e-12)
    return np.maximum(squares, 0.0) / share


def _may_vote(frames: Floats | Doubles) -> Bools:
    """Return ``[M]``: is at least half of a frame known?"""
    return np.asarray(np.isfinite(frames).mean(axis=1) >= 0.5)
