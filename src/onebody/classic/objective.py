"""What the multi-task classifier minimizes, over weights in a shared and private blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from onebody.classic.solver import largest_eigenvalue
from onebody.types import Doubles, Ints

Loss = Literal["squared", "logistic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """Mean loss of all rows + ridge + graph + group-sparse penalty.

    The weights of class k in view v are ``shared_k + private_vk``; with one view there is no
    private block. A point x holds the blocks ``[B, F, K]`` and then the intercepts ``[V, K]``:

    ``1/(2N) |Y - scores|^2`` or ``1/N sum log(1 + exp(-Y scores))``
    ``+ ridge/2 |shared|^2 + private/2 |privates|^2``
    ``+ graph/2 sum over edges of A_ij |shared_i - shared_j|^2``
    ``+ sparsity sum over blocks and groups of sqrt(size of group) |block of group|_2``.

    Attributes:
        loss: which.
        features: per view ``[N_v, F]``.
        targets: per view ``[N_v, K]``, 1 for the class and -1 for others (centered where the loss
            is squared and there are intercepts).
        laplacian: ``[K, K]`` of the graph.
        groups: ``[F]`` group of each feature, from 0.
        ridge, private, graph, sparsity: strengths.
        intercept: whether there are intercepts.
    """

    loss: Loss
    features: tuple[Doubles, ...]
    targets: tuple[Doubles, ...]
    laplacian: Doubles
    groups: Ints
    ridge: float
    private: float
    graph: float
    sparsity: float
    intercept: bool

    @property
    def rows(self) -> int:
        """Number of rows of all views, N."""
        return sum(len(part) for part in self.features)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the blocks: one, or the shared one and one per view; features; classes."""
        views = len(self.features)
        return (1 if views == 1 else 1 + views, self.features[0].shape[1], len(self.laplacian))

    @property
    def size(self) -> int:
        """Length of a point."""
        return int(np.prod(self.shape)) + len(self.features) * self.shape[2]

    def split(self, x: Doubles) -> tuple[Doubles, Doubles]:
        """Return the blocks ``[B, F, K]`` and the intercepts ``[V, K]`` of a point."""
        count = int(np.prod(self.shape))
        return x[:count].reshape(self.shape), x[count:].reshape(len(self.features), -1)

    def smooth(self, x: Doubles) -> tuple[float, Doubles]:
        """Return everything but the group-sparse penalty, and its gradient."""
        blocks, offsets = self.split(x)
        slope, slope_offsets = np.zeros_like(blocks), np.zeros_like(offsets)
        value = 0.0
        for view, (features, targets) in enumerate(zip(self.features, self.targets, strict=True)):
            scores = features @ self._weights(blocks, view) + offsets[view]
            loss, pull = self._loss(scores, targets)
            value += loss
            back = features.T @ pull
            slope[0] += back
            if len(blocks) > 1:
                slope[1 + view] = back
            if self.intercept:
                slope_offsets[view] = pull.sum(axis=0)
        value += self._quadratic(blocks, slope)
        return value, np.concatenate([slope.ravel(), slope_offsets.ravel()])

    def penalty(self, x: Doubles) -> float:
        """Return the group-sparse penalty."""
        if not self.sparsity:
            return 0.0
        lengths = self._lengths(self.split(x)[0])
        return float(self.sparsity * (lengths * self._factors).sum())

    def proximal(self, x: Doubles, step: float) -> Doubles:
        """Shrink every group towards zero, or to it."""
        if not self.sparsity:
            return x
        blocks, offsets = self.split(x)
        lengths = self._lengths(blocks)
        least = step * self.sparsity * self._factors
        keep = np.maximum(1.0 - least / np.maximum(lengths, 1e-300), 0.0)  # [B, groups]
        return np.concatenate([(blocks * keep[:, self.groups, None]).ravel(), offsets.ravel()])

    def lipschitz(self) -> float:
        """Return a constant of the smooth part's gradient."""
        curve = largest_eigenvalue(self._curvature, self.shape[0] * self.shape[1]) / self.rows
        if self.intercept and self.loss == "logistic":
            curve += max(len(part) for part in self.features) / self.rows
        # The curvature of the logistic loss is at most a quarter; power iteration finds a little
        # too little.
        curve *= 1.05 * (0.25 if self.loss == "logistic" else 1.0)
        spread = float(np.linalg.eigvalsh(self.laplacian)[-1]) if self.graph else 0.0
        own = self.private if self.shape[0] > 1 else 0.0
        return max(curve + max(self.ridge + self.graph * spread, own), 1e-12)

    def largest_sparsity(self) -> float:
        """Return the least ``sparsity`` at which all weights are zero at the minimum."""
        offsets = np.zeros((len(self.features), self.shape[2]))
        if self.intercept and self.loss == "logistic":  # then the best intercepts are log odds
            share = np.stack([(part.mean(axis=0) + 1) / 2 for part in self.targets])
            offsets = np.log(share) - np.log1p(-share)
        start = np.concatenate([np.zeros(int(np.prod(self.shape))), offsets.ravel()])
        slope = self.split(self.smooth(start)[1])[0]
        return float((self._lengths(slope) / self._factors).max())

    def gradient_at_zero(self) -> float:
        """Return the norm of the gradient at 0, 1 where that is 0."""
        return float(np.linalg.norm(self.smooth(np.zeros(self.size))[1])) or 1.0

    @property
    def _factors(self) -> Doubles:
        return np.asarray(np.sqrt(np.bincount(self.groups)), np.float64)

    def _lengths(self, blocks: Doubles) -> Doubles:
        """Return ``[B, groups]`` Euclidean length of every group over all classes."""
        squares = (blocks**2).sum(axis=2)
        return np.sqrt(np.stack([np.bincount(self.groups, weights=row) for row in squares]))

    def _weights(self, blocks: Doubles, view: int) -> Doubles:
        """Return ``[F, K]`` weights in a view."""
        return blocks[0] if len(blocks) == 1 else blocks[0] + blocks[1 + view]

    def _loss(self, scores: Doubles, targets: Doubles) -> tuple[float, Doubles]:
        """Return the loss of some rows, a share of all, and its gradient by their scores."""
        if self.loss == "squared":
            gap = scores - targets
            return float((gap**2).sum()) / (2 * self.rows), gap / self.rows
        margin = targets * scores
        slope = -targets * np.exp(-np.logaddexp(0.0, margin))
        return float(np.logaddexp(0.0, -margin).sum()) / self.rows, slope / self.rows

    def _quadratic(self, blocks: Doubles, slope: Doubles) -> float:
        """Return ridge and graph penalty; their gradient is added to ``slope``."""
        pull = self.ridge * blocks[0] + self.graph * (blocks[0] @ self.laplacian)
        slope[0] += pull
        slope[1:] += self.private * blocks[1:]
        own = self.private * float((blocks[1:] ** 2).sum())
        return (float((blocks[0] * pull).sum()) + own) / 2.0

    def _curvature(self, vector: Doubles) -> Doubles:
        """Apply the sum of the features' squares, block by block."""
        blocks = vector.reshape(self.shape[:2])
        out = np.zeros_like(blocks)
        for view, features in enumerate(self.features):
            weights = blocks[0] if len(blocks) == 1 else blocks[0] + blocks[1 + view]
            back = features.T @ (features @ weights)
            out[0] += back
            if len(blocks) > 1:
                out[1 + view] = back
        return out.ravel()
