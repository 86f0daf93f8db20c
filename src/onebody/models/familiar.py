"""How unlike anything seen in training a clip is: four scores, and what they remember.

All are higher for what is less familiar.

``probability``
    Less the greatest class probability. Baseline: Hendrycks, Gimpel, ICLR 2017.
``energy``
    -log sum exp of the logits: Liu, Wang, Owens, Li, "Energy-based Out-of-distribution Detection",
    NeurIPS 2020. Unlike a probability it falls where all logits rise together.
``mahalanobis``
    Distance of the shared features to the nearest class, a Gaussian with the covariance of all:
    Lee, Lee, Lee, Shin, "A Simple Unified Framework for Detecting Out-of-Distribution Samples and
    Adversarial Attacks", NeurIPS 2018; the covariance is shrunk as of Ledoit, Wolf, "A
    well-conditioned estimator for large-dimensional covariance matrices", JMVA 2004, since there
    are hardly more clips than features.
``neighbors``
    Distance of the features, brought to length 1, to the k-th nearest training clip: Sun, Ming,
    Zhu, Li, "Out-of-Distribution Detection with Deep Nearest Neighbors", ICML 2022.

The first two need labels to have been learned, the last two only features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

FAMILIAR = "familiar.safetensors"
"""Beside a saved network: what its training clips look like."""

SCORES = ("probability", "energy", "mahalanobis", "neighbors")

TOLD = "mahalanobis"
"""The score that is told in few words: it needs no labels, and told held-out classes best."""

NEIGHBORS = 10
"""k of the neighbors."""

_ARRAYS = ("means", "whiten", "bank")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Familiar:
    """What is remembered of the training clips.

    Attributes:
        means: ``[K, C]`` mean features of each class; of clips without classes one of all.
        whiten: ``[C, C]`` triangular map under which the shrunk covariance is the unit matrix.
        bank: ``[N, C]`` features of every clip, of length 1.
        tasks: class tasks whose features these are.
        limits: by score, below which a stated share of known validation clips lies; empty: nobody
            has asked.
    """

    means: Tensor
    whiten: Tensor
    bank: Tensor
    tasks: tuple[str, ...] = ()
    limits: Mapping[str, float] | None = None

    def scores(self, features: Tensor, logits: Tensor) -> dict[str, Tensor]:
        """Return the four scores ``[M]`` of clips.

        Args:
            features: ``[M, C]``.
            logits: ``[M, L]`` of all classes that the network knows, or ``[M, T, L]`` of every
                frame: the mean over frames counts.

        Raises:
            ValueError: if the features are not those of this network.
        """
        width = self.means.shape[1]
        if features.ndim != 2 or features.shape[1] != width:
            raise ValueError(f"features should be [M, {width}], found {tuple(features.shape)}.")
        framed = logits.float() if logits.ndim == 3 else logits.float().unsqueeze(1)
        sure = torch.softmax(framed, dim=-1).mean(1).amax(-1)
        x = features.double()
        near = torch.cdist(x @ self.whiten, self.means @ self.whiten).amin(1)
        away = torch.cdist(functional.normalize(x, dim=1), self.bank)
        nearest = away.topk(min(NEIGHBORS, len(self.bank)), dim=1, largest=False).values[:, -1]
        return {
            "probability": -sure,
            "energy": -torch.logsumexp(framed, dim=-1).mean(1),
            "mahalanobis": near,
            "neighbors": nearest,
        }


def fit_familiar(features: Tensor, labels: Tensor, tasks: tuple[str, ...] = ()) -> Familiar:
    """Remember what training clips look like.

    Args:
        features: ``[N, C]`` of two clips or more.
        labels: ``[N]`` class of each; below 0: none. Where no clip has one, all are of one class;
            else clips without a class are remembered as neighbors alone.
        tasks: kept.

    Raises:
        ValueError: if there are fewer than two clips, or a feature is not finite.
    """
    x = features.double()
    if x.ndim != 2 or len(x) < 2:
        raise ValueError(f"Expected features of two clips or more, found {tuple(features.shape)}.")
    if not bool(torch.isfinite(x).all()):
        raise ValueError("Features are not finite: the network has diverged.")
    known = labels >= 0
    classes = labels[known] if bool(known.any()) else torch.zeros_like(labels)
    classed = x[known] if bool(known.any()) else x
    names, index = torch.unique(classes, return_inverse=True)
    sums = torch.zeros(len(names), x.shape[1], dtype=x.dtype).index_add_(0, index, classed)
    means = sums / torch.bincount(index).unsqueeze(1)
    covariance = shrunk_covariance(classed - means[index])
    factor = torch.linalg.cholesky(covariance)
    whiten = torch.linalg.inv(factor).T.contiguous()
    return Familiar(means=means, whiten=whiten, bank=functional.normalize(x, dim=1), tasks=tasks)


def shrunk_covariance(centered: Tensor) -> Tensor:
    """Return the covariance ``[C, C]`` of centered rows ``[N, C]``, shrunk to a multiple of one.

    The share of the unit matrix is the one that Ledoit and Wolf estimate to come closest to the
    true covariance. Rows that do not vary at all get a tiny variance, so that it can be inverted.
    """
    count, width = centered.shape
    sample = centered.T @ centered / count
    scale = sample.diagonal().mean()
    unit = torch.eye(width, dtype=centered.dtype)
    spread = ((sample - scale * unit) ** 2).sum() / width
    squares = (centered**2).sum(1)
    noise = ((squares**2).sum() / count - (sample**2).sum()) / (count * width)
    share = float((noise.clamp(min=0) / spread).clamp(max=1)) if float(spread) > 0 else 1.0
    tiny = max(float(scale), 1.0) * 1e-9
    return (1 - share) * sample + (share * scale + tiny) * unit


def save_familiar(folder: Path, familiar: Familiar) -> Path:
    """Write ``familiar.safetensors`` into the folder of a saved network; return its path."""
    path = folder / FAMILIAR
    notes = {f"limit {name}": repr(value) for name, value in (familiar.limits or {}).items()}
    arrays = {name: getattr(familiar, name).contiguous() for name in _ARRAYS}
    save_file(arrays, path, metadata={"tasks": ",".join(familiar.tasks), **notes})
    return path


def load_familiar(folder: Path) -> Familiar:
    """Read back what `save_familiar` wrote.

    Raises:
        ValueError: if there is no such file, or it is damaged.
    """
    path = folder / FAMILIAR
    if not path.is_file():
        raise ValueError(f"{path}: no such file. 'onebody unusual RUN' writes it.")
    try:
        with safe_open(path, framework="pt") as file:
            arrays = {name: file.get_tensor(name) for name in _ARRAYS}
            notes = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ValueError(
            f"{path}: damaged: {error}. 'onebody unusual RUN' writes it anew."
        ) from None
    limits = {
        key.removeprefix("limit "): float(value)
        for key, value in notes.items()
        if key.startswith("limit ")
    }
    tasks = tuple(name for name in notes.get("tasks", "").split(",") if name)
    return Familiar(**arrays, tasks=tasks, limits=limits or None)
