"""Labeled clips, and their features in every view."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onebody.classic.bag import part_bag_of_words
from onebody.classic.clips import Clip, read_clips
from onebody.classic.recipe import ClassicRecipe
from onebody.classic.views import view_from
from onebody.config import build, lookup
from onebody.data import ClassColumn, SampleTable
from onebody.datasets import DATASETS
from onebody.labels import UNLABELED
from onebody.skeletons import get_skeleton
from onebody.types import Array, Doubles, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """The labeled clips of a recipe.

    Attributes:
        table: their rows.
        labels: ``[N]`` classes.
        classes: names of the classes.
        views: per view the clips as it sees them.
        angles: of the views; NaN alone: the joints as they were recorded.
    """

    table: SampleTable
    labels: Ints
    classes: tuple[str, ...]
    views: tuple[list[Clip], ...]
    angles: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """Rows of features: of each view all clips.

    Attributes:
        values: ``[V * N, F]``.
        labels: ``[V * N]`` classes.
        views: ``[V * N]`` number of the view.
        groups: ``[F]`` part of each feature.
        count: number of views, V.
    """

    values: Doubles
    labels: Ints
    views: Ints
    groups: Ints
    count: int

    def fused(self, scores: Doubles) -> Doubles:
        """Average scores ``[V * N, K]`` over the views: ``[N, K]``."""
        return np.asarray(scores.reshape(self.count, -1, scores.shape[-1]).mean(axis=0))


def read_samples(recipe: ClassicRecipe) -> Samples:
    """Read a recipe's labeled clips and see them from its views.

    Raises:
        ValueError: if there is no such medium or column, or a clip cannot be read.
    """
    table = build(DATASETS, recipe.dataset, "dataset")
    lookup(table.media, recipe.modality, f"medium of table {table.name!r}:")
    classed = {n: c for n, c in table.columns.items() if isinstance(c, ClassColumn)}
    column = lookup(classed, recipe.column, f"class column of table {table.name!r}:")
    usable = (column.values != UNLABELED) & (table.media[recipe.modality] != "")
    if not usable.all():
        warnings.warn(
            f"{table.name}: {int((~usable).sum())} of {len(table)} rows without {recipe.column!r} "
            f"or {recipe.modality!r} left out.",
            stacklevel=2,
        )
    chosen = table.select(usable)
    clips = read_clips(chosen, np.arange(len(chosen), dtype=np.int64), recipe.modality)
    skeleton = get_skeleton(chosen.layout(recipe.modality))
    views = [[view_from(clip, skeleton, angle) for clip in clips] for angle in recipe.views]
    return Samples(
        table=chosen,
        labels=column.values[usable],
        classes=column.space.classes,
        views=tuple(views) or (clips,),
        angles=recipe.views or (float("nan"),),
    )


def learned_features(
    recipe: ClassicRecipe, samples: Samples, train: Array, *others: Array
) -> list[Features]:
    """Learn codebooks from training rows, of all views together, and describe rows by them.

    Args:
        recipe: how.
        samples: clips.
        train: indices of the training rows.
        *others: indices of further rows.

    Returns:
        Features of the training rows, then of the others.
    """
    layout = samples.table.layout(recipe.modality)
    pipeline = part_bag_of_words(recipe.features, layout, recipe.seed)
    pipeline.fit(_seen(samples, train))
    return [_features(pipeline, samples, rows) for rows in (train, *others)]


def _features(pipeline: Any, samples: Samples, rows: Array) -> Features:
    """Describe some rows in all views."""
    count = len(samples.views)
    return Features(
        values=np.asarray(pipeline.transform(_seen(samples, rows)), np.float64),
        labels=np.tile(samples.labels[rows], count),
        views=np.repeat(np.arange(count), len(rows)),
        groups=pipeline[-1].groups_,
        count=count,
    )


def _seen(samples: Samples, rows: Array) -> Sequence[Clip]:
    """Return the clips of some rows, view after view."""
    return [clips[row] for clips in samples.views for row in rows.tolist()]
