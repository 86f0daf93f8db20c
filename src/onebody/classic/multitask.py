"""`GraphRegularizedMultiTaskClassifier`: actions (in views) as related linear tasks."""

from __future__ import annotations

import warnings
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from onebody.classic.graph import check_graph, laplacian, mean_graph, weight_graph
from onebody.classic.objective import Loss, Objective
from onebody.classic.solver import minimize
from onebody.types import Array, Doubles, Ints

STRENGTHS = ("ridge", "graph_strength", "sparsity", "private")


class GraphRegularizedMultiTaskClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Linear classifier whose tasks, one class against the rest, are learned together.

    Related actions are drawn towards each other by a graph penalty, and groups of features (the
    words of a body part) that no action needs become exactly zero. With several views, a task is
    an action in a view: its weights are a shared part and a private one that is penalized. See
    `Objective` for what is minimized; `minimize` does it.

    Source: after Liu et al., "Single/multi-view human action recognition via regularized
    multi-task learning" (graph and sparsity penalties over actions in views). Its text was not at
    hand: this is the usual form of such penalties, not a copy of the paper's.

    Args:
        loss: ``squared`` (on -1 and 1) or ``logistic``, per task.
        ridge: strength of the squared length of the (shared) weights; with the other strengths 0,
            N times it is scikit-learn's ``alpha``.
        graph_strength: of the penalty on differences of related actions' (shared) weights.
        sparsity: of the penalty on the length of groups of features.
        private: of the squared length of the views' own weights, where there are several views.
        graph: related actions: ``means`` (correlation of the classes' mean features), ``weights``
            (of their weights in a ridge regression), or weights ``[K, K]``, in the order of
            ``classes_``.
        neighbors: related actions that each class asks for, of a graph from the data.
        groups: ``[F]`` group of each feature; None: each feature is one over all tasks.
        fit_intercept: whether tasks have intercepts, which are not penalized.
        max_iter: most steps.
        tol: convergence, as a share of the gradient at 0 (see `minimize`).
        warm_start: begin at the last solution, where it has the same shape.

    Attributes:
        classes_: ``[K]``.
        views_: ``[V]`` names of the views.
        coef_: ``[K, F]`` (shared) weights.
        private_: ``[V, K, F]`` weights of the views' own; of no view where there is only one.
        intercept_: ``[V, K]``.
        graph_: ``[K, K]`` related actions.
        objective_: value after every step, the start first; it never rises.
        n_iter_: number of steps.
    """

    def __init__(
        self,
        loss: Loss = "squared",
        ridge: float = 1e-3,
        graph_strength: float = 1e-3,
        sparsity: float = 0.0,
        private: float = 1e-2,
        graph: Literal["means", "weights"] | Array = "means",
        neighbors: int = 3,
        groups: Ints | None = None,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
    ) -> None:
        self.loss = loss
        self.ridge = ridge
        self.graph_strength = graph_strength
        self.sparsity = sparsity
        self.private = private
        self.graph = graph
        self.neighbors = neighbors
        self.groups = groups
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start

    def fit(self, X: Any, y: Any, views: Any = None) -> Self:
        """Learn all tasks.

        Args:
            X: ``[N, F]`` features.
            y: ``[N]`` classes.
            views: ``[N]`` view of each row; None: there is one.

        Raises:
            ValueError: if a setting is not possible, there are fewer than two classes, or a view
                lacks rows.
        """
        self._check_settings()
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"Expected rows of at least two classes, found one class: {self.classes_[0]!r}."
            )
        self.views_, which = _views_of(views, len(X))
        self.graph_ = self._make_graph(X, labels)
        problem, middles = self._problem(X, labels, which)
        found = minimize(
            problem,
            self._start(problem),
            lipschitz=problem.lipschitz(),
            tol=self.tol,
            max_iter=self.max_iter,
            scale=problem.gradient_at_zero(),
        )
        if not found.converged:
            warnings.warn(
                f"Not converged after {found.iterations} steps: the gradient mapping is "
                f"{found.residual:.3g}. Raise max_iter or tol, or the penalties.",
                ConvergenceWarning,
                stacklevel=2,
            )
        self._keep(problem, found.x, middles)
        self.objective_, self.n_iter_ = found.objective, max(found.iterations, 1)
        return self

    def decision_function(self, X: Any, views: Any = None) -> Doubles:
        """Return the scores ``[N, K]`` of the tasks; of two classes ``[N]``, the second's lead.

        Args:
            X: ``[N, F]`` features.
            views: ``[N]`` view of each row; None: there is one.

        Raises:
            ValueError: if a row's view was not seen in training.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        which = self._known_views(views, len(X))
        scores = X @ self.coef_.T + self.intercept_[which]
        for view, private in enumerate(self.private_):
            rows = which == view
            scores[rows] += X[rows] @ private.T
        return (scores[:, 1] - scores[:, 0]) / 2 if len(self.classes_) == 2 else scores

    def predict(self, X: Any, views: Any = None) -> Array:
        """Return the best scored class ``[N]`` of each row."""
        scores = self.decision_function(X, views)
        best = (scores > 0).astype(np.int64) if scores.ndim == 1 else np.argmax(scores, axis=1)
        return np.asarray(self.classes_[best])

    def largest_sparsity(self, X: Any, y: Any, views: Any = None) -> float:
        """Return the least ``sparsity`` at which all weights are zero.

        Args:
            X: ``[N, F]`` features.
            y: ``[N]`` classes.
            views: ``[N]`` view of each row; None: there is one. Every class occurs in each.
        """
        probe = clone(self).set_params(sparsity=0.0)
        X = np.asarray(X, np.float64)
        probe.classes_, labels = np.unique(np.asarray(y), return_inverse=True)
        probe.views_, which = _views_of(views, len(X))
        probe.graph_ = np.zeros((len(probe.classes_), len(probe.classes_)))
        found: float = probe._problem(X, labels, which)[0].largest_sparsity()
        return found

    def _check_settings(self) -> None:
        """Refuse what cannot be minimized."""
        if self.loss not in ("squared", "logistic"):
            raise ValueError(f"loss: expected 'squared' or 'logistic', found {self.loss!r}.")
        for name in STRENGTHS:
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}: expected 0 or more, found {getattr(self, name)!r}.")

    def _make_graph(self, X: Doubles, labels: Ints) -> Doubles:
        """Return the related actions."""
        count = len(self.classes_)
        if isinstance(self.graph, str):
            made = {"means": mean_graph, "weights": weight_graph}
            if self.graph not in made:
                raise ValueError(
                    f"graph: expected 'means', 'weights' or a matrix, found {self.graph!r}."
                )
            return made[self.graph](X, labels, count, self.neighbors)
        return check_graph(self.graph, count)

    def _problem(
        self, X: Doubles, labels: Ints, which: Ints
    ) -> tuple[Objective, list[tuple[Doubles, Doubles]]]:
        """Return what is minimized, and the middles (features, targets) that each view is from."""
        count = len(self.classes_)
        targets = 2.0 * np.eye(count)[labels] - 1.0
        groups = np.arange(X.shape[1]) if self.groups is None else np.asarray(self.groups)
        if groups.shape != (X.shape[1],):
            raise ValueError(
                f"groups: expected one for each of {X.shape[1]} features, found "
                f"{list(groups.shape)}."
            )
        features, wanted, middles = [], [], []
        for view in range(len(self.views_)):
            part, aim = X[which == view], targets[which == view]
            middle, level = np.zeros(part.shape[1]), np.zeros(count)
            if self.fit_intercept:
                middle = part.mean(axis=0)
                level = aim.mean(axis=0) if self.loss == "squared" else level
            features.append(part - middle)
            wanted.append(aim - level)
            middles.append((middle, level))
        problem = Objective(
            loss=self.loss,
            features=tuple(features),
            targets=tuple(wanted),
            laplacian=laplacian(self.graph_),
            groups=np.unique(groups, return_inverse=True)[1].astype(np.int64),
            ridge=float(self.ridge),
            private=float(self.private),
            graph=float(self.graph_strength),
            sparsity=float(self.sparsity),
            intercept=self.fit_intercept,
        )
        return problem, middles

    def _start(self, problem: Objective) -> Doubles:
        """Return zero, or the last solution."""
        last = getattr(self, "_last", None)
        if self.warm_start and last is not None and last[0] == problem.shape:
            return np.array(last[1])
        return np.zeros(problem.size)

    def _keep(self, problem: Objective, x: Doubles, middles: list[tuple[Doubles, Doubles]]) -> None:
        """Turn a solution into weights and intercepts of plain features."""
        blocks, offsets = problem.split(x)
        self.coef_ = np.ascontiguousarray(blocks[0].T)
        self.private_ = np.ascontiguousarray(blocks[1:].transpose(0, 2, 1))
        own = [self.coef_ + part for part in self.private_] or [self.coef_]
        rows = zip(offsets, own, middles, strict=True)
        self.intercept_ = np.stack([b + level - w @ middle for b, w, (middle, level) in rows])
        if self.warm_start:
            self._last = (problem.shape, x)

    def _known_views(self, views: Any, rows: int) -> Ints:
        """Return ``[N]`` index of each row's view."""
        if views is None and len(self.views_) == 1:
            return np.zeros(rows, np.int64)
        given = np.asarray(views)
        if given.shape != (rows,) or not np.isin(given, self.views_).all():
            raise ValueError(
                f"views: expected one of {', '.join(map(str, self.views_))} for each of {rows} "
                f"rows, found {'none' if views is None else sorted(set(given.ravel().tolist()))}."
            )
        return np.searchsorted(self.views_, given).astype(np.int64)


def _views_of(views: Any, rows: int) -> tuple[Array, Ints]:
    """Return the views there are, and the index of each row's."""
    given = np.zeros(rows, np.int64) if views is None else np.asarray(views)
    if given.shape != (rows,):
        raise ValueError(f"views: expected one for each of {rows} rows, found {given.shape}.")
    names, which = np.unique(given, return_inverse=True)
    return names, which.astype(np.int64)
