"""`ClassicRecipe`: what ``onebody classic`` runs, from data to grids."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias

import numpy as np
from pydantic import Field, model_validator

from onebody.classic.bag import BagConfig
from onebody.config import Config, choice
from onebody.datasets import DATASETS
from onebody.evaluation import FoldConfig, SplitConfig

if TYPE_CHECKING:
    DatasetPart: TypeAlias = Config
else:  # the same, with the reading of ``kind`` attached
    DatasetPart = choice(DATASETS, "dataset")

Finite = Annotated[float, Field(allow_inf_nan=False)]
Strength = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Strengths = Annotated[tuple[Strength, ...], Field(min_length=1)]
Range = tuple[Positive, Positive]


class ModelConfig(Config):
    """The multi-task classifier, but for its strengths.

    Attributes:
        loss: of each task.
        graph: related actions: from the data (``means``, ``weights``), or pairs of class names.
        neighbors: related actions that each class asks for, of a graph from the data.
        groups: what becomes zero as a whole: the features of a ``part``, or each feature over all
            actions (``row``).
        max_iter: most steps of a fit.
        tol: convergence of a fit.
    """

    loss: Literal["squared", "logistic"] = "squared"
    graph: Literal["means", "weights"] | tuple[tuple[str, str], ...] = "means"
    neighbors: int = Field(3, ge=0)
    groups: Literal["part", "row"] = "part"
    max_iter: int = Field(1000, ge=1)
    tol: float = Field(1e-3, gt=0.0, allow_inf_nan=False)


class GridConfig(Config):
    """Strengths of the multi-task classifier that are tried, all combinations.

    Attributes:
        ridge, graph_strength, sparsity, private: see `GraphRegularizedMultiTaskClassifier`;
            ``private`` counts with several views only. Of equally good ones the first is taken.
    """

    ridge: Strengths = (3e-3, 1e-3)
    graph_strength: Strengths = (0.0, 3e-3, 1e-2)
    sparsity: Strengths = (0.0, 1e-3)
    private: Strengths = (1e-1, 1e-2)

    def candidates(self, views: int) -> list[dict[str, float]]:
        """Return all combinations, for so many views."""
        names = ("sparsity", "ridge", "graph_strength", *(("private",) if views > 1 else ()))
        values = [getattr(self, name) for name in names]
        return [dict(zip(names, chosen, strict=True)) for chosen in product(*values)]


class TwinsConfig(Config):
    """Single-task twins: as many strengths are tried as the multi-task classifier has candidates.

    Attributes:
        ridge, svm: first and last strength; between them steps are equal factors. The ridge is in
            the multi-task classifier's unit, the SVM's strength is its ``C``.
        pooled: with several views also twins that learn each action once from all views.
    """

    ridge: Range = (1e-4, 1e-1)
    svm: Range = (1e-2, 1e2)
    pooled: bool = True

    def strengths(self, kind: Literal["ridge", "svm"], count: int) -> list[float]:
        """Return the strengths that are tried."""
        first, last = self.ridge if kind == "ridge" else self.svm
        return [float(value) for value in np.geomspace(first, last, count)]


class ClassicRecipe(Config):
    """Part-based bags of words, the multi-task classifier and its twins on one dataset.

    Attributes:
        dataset: which dataset.
        modality: its skeleton medium.
        column: class column that is told apart; rows without a label are left out.
        folds: who is tested in turn.
        split: one division instead of ``folds``.
        inner: how training rows are divided to choose strengths.
        views: angles of cameras about the vertical in degrees; empty: the joints as they were
            recorded.
        features: how clips become features.
        model: the multi-task classifier.
        grid: its strengths that are tried.
        twins: the same tasks, each alone.
        seed: of k-means, and of whatever folds draw.
    """

    kind: Literal["part-bow"]
    dataset: DatasetPart
    modality: str = "skeleton"
    column: str = "class"
    folds: FoldConfig = FoldConfig(leave_out="subject", subjects_apart=True)
    split: SplitConfig | None = None
    inner: FoldConfig = FoldConfig(leave_out="subject", subjects_apart=True)
    views: tuple[Finite, ...] = ()
    features: BagConfig = BagConfig()
    model: ModelConfig = ModelConfig()
    grid: GridConfig = GridConfig()
    twins: TwinsConfig = TwinsConfig()
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if len({angle % 360 for angle in self.views}) < len(self.views):
            raise ValueError(f"'views' names an angle twice: {list(self.views)}")
        parts = (self.folds, self.inner, *((self.split,) if self.split else ()))
        if any(part.validation or part.validation_share for part in parts):
            raise ValueError("strengths are chosen by 'inner' folds; leave 'validation' out")
        return self
