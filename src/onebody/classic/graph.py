"""Related actions: a graph over classes, from the data or stated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onebody.types import Doubles, Ints


def mean_graph(features: Doubles, labels: Ints, classes: int, neighbors: int) -> Doubles:
    """Relate classes whose mean features correlate.

    Args:
        features: ``[N, F]``.
        labels: ``[N]`` classes, each of which occurs.
        classes: number of classes, K.
        neighbors: see `nearest_classes`.

    Returns:
        ``[K, K]`` weights.
    """
    means = np.stack([features[labels == c].mean(axis=0) for c in range(classes)])
    return nearest_classes(means - means.mean(axis=0), neighbors)


def weight_graph(features: Doubles, labels: Ints, classes: int, neighbors: int) -> Doubles:
    """Relate classes whose weights correlate in a ridge regression on class indicators.

    The ridge is a hundredth of the features' total variance per row.

    Args:
        features: ``[N, F]``.
        labels: ``[N]`` classes, each of which occurs.
        classes: number of classes, K.
        neighbors: see `nearest_classes`.

    Returns:
        ``[K, K]`` weights.
    """
    centered = features - features.mean(axis=0)
    targets = np.eye(classes)[labels]
    gram = centered @ centered.T
    ridge = max(0.01 * float(np.trace(gram)), 1e-12)
    dual = np.linalg.solve(gram + ridge * np.eye(len(gram)), targets - targets.mean(axis=0))
    return nearest_classes((centered.T @ dual).T, neighbors)


def nearest_classes(profiles: Doubles, neighbors: int) -> Doubles:
    """Connect every class with those that it correlates with most.

    Args:
        profiles: ``[K, F]`` one row per class.
        neighbors: edges that a class asks for; one that either end asks for is there. 0: as many
            as there are classes.

    Returns:
        ``[K, K]`` symmetric weights, the correlation where it is positive, 0 elsewhere and on the
        diagonal.
    """
    centered = profiles - profiles.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centered, axis=1, keepdims=True)
    unit = np.divide(centered, length, out=np.zeros_like(centered), where=length > 0)
    found = np.maximum(unit @ unit.T, 0.0)
    np.fill_diagonal(found, 0.0)
    if 0 < neighbors < len(found) - 1:
        kept = np.zeros(found.shape, np.bool_)
        order = np.argsort(-found, axis=1, kind="stable")[:, :neighbors]
        np.put_along_axis(kept, order, True, axis=1)
        found = np.where(kept | kept.T, found, 0.0)
    return np.asarray((found + found.T) / 2)


def stated_graph(pairs: Sequence[Sequence[str]], classes: Sequence[str]) -> Doubles:
    """Make a graph of pairs of class names, each of weight 1.

    Raises:
        ValueError: if a pair is no pair of different classes.
    """
    place = {name: index for index, name in enumerate(classes)}
    found = np.zeros((len(classes), len(classes)))
    for pair in pairs:
        if len(set(pair)) != 2 or len(pair) != 2 or not set(pair) <= set(place):
            raise ValueError(
                f"graph: expected pairs of different classes out of {', '.join(classes)}; found "
                f"{list(pair)}."
            )
        a, b = (place[name] for name in pair)
        found[a, b] = found[b, a] = 1.0
    return found


def check_graph(graph: object, classes: int) -> Doubles:
    """Return a stated graph as ``[K, K]``.

    Raises:
        ValueError: if it is no symmetric matrix of weights of 0 or more.
    """
    found = np.asarray(graph, np.float64)
    if found.shape != (classes, classes):
        raise ValueError(
            f"graph: expected weights [{classes}, {classes}], one row and column per class, found "
            f"{list(found.shape)}."
        )
    if not np.isfinite(found).all() or (found < 0).any() or not np.allclose(found, found.T):
        raise ValueError("graph: expected symmetric, finite weights of 0 or more.")
    found = found.copy()
    np.fill_diagonal(found, 0.0)  # a class is not its own neighbor; the penalty would be 0 anyway
    return found


def laplacian(graph: Doubles) -> Doubles:
    """Return ``[K, K]`` L with ``tr(W L W') = sum over edges of A_ij |w_i - w_j|^2``."""
    return np.asarray(np.diag(graph.sum(axis=1)) - graph)
