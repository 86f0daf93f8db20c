"""`SingleTaskTwin`: the same tasks, each learned alone."""

from __future__ import annotations

import warnings
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeClassifier
from sklearn.svm import LinearSVC
from sklearn.utils.validation import check_is_fitted, validate_data

from onebody.types import Array, Doubles

MAX_ITER = 10_000
"""Most iterations of an SVM's solver."""


class SingleTaskTwin(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """One linear classifier per class, against the rest, and per view, none knowing of the others.

    Args:
        kind: ``ridge`` (least squares on -1 and 1) or ``svm`` (linear, squared hinge loss).
        strength: of the ridge, in the unit of the multi-task classifier's ``ridge``, or the SVM's
            ``C``.
        pooled: learn each class once from the rows of all views instead.

    Attributes:
        classes_: ``[K]``.
        estimators_: scikit-learn's classifier by view.
    """

    def __init__(
        self,
        kind: Literal["ridge", "svm"] = "ridge",
        strength: float = 1.0,
        pooled: bool = False,
    ) -> None:
        self.kind = kind
        self.strength = strength
        self.pooled = pooled

    def fit(self, X: Any, y: Any, views: Any = None) -> Self:
        """Learn every task alone.

        Args:
            X: ``[N, F]`` features.
            y: ``[N]`` classes.
            views: ``[N]`` view of each row; None: there is one.

        Raises:
            ValueError: if the kind is unknown, or a view lacks rows of some class.
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        which = self._views(views, len(X))
        self.classes_ = np.unique(y)
        self.estimators_: dict[Any, Any] = {}
        for view in np.unique(which).tolist():
            rows = which == view
            if not np.array_equal(np.unique(y[rows]), self.classes_):
                raise ValueError(f"View {view!r} lacks rows of some classes: take pooled.")
            self.estimators_[view] = self._fitted(X[rows], y[rows])
        return self

    def decision_function(self, X: Any, views: Any = None) -> Doubles:
        """Return the scores ``[N, K]`` of the tasks; of two classes ``[N]``, the second's.

        Raises:
            ValueError: if a row's view was not seen in training.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        which = self._views(views, len(X))
        unknown = set(which.tolist()) - set(self.estimators_)
        if unknown:
            raise ValueError(f"views: {sorted(unknown)} not seen in training.")
        shape = (len(X),) if len(self.classes_) == 2 else (len(X), len(self.classes_))
        scores = np.zeros(shape)
        for view in np.unique(which).tolist():
            rows = which == view
            scores[rows] = self.estimators_[view].decision_function(X[rows])
        return scores

    def predict(self, X: Any, views: Any = None) -> Array:
        """Return the best scored class ``[N]`` of each row."""
        scores = self.decision_function(X, views)
        best = (scores > 0).astype(np.int64) if scores.ndim == 1 else np.argmax(scores, axis=1)
        return np.asarray(self.classes_[best])

    def _views(self, views: Any, rows: int) -> Array:
        """Return ``[N]`` which classifier a row is for."""
        plain = self.pooled or views is None
        return np.zeros(rows, np.int64) if plain else np.asarray(views)

    def _fitted(self, X: Any, y: Any) -> Any:
        """Return a fitted classifier; one that has not settled is named by its strength."""
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            made = self._make(len(X)).fit(X, y)
        for warning in said:
            if not issubclass(warning.category, ConvergenceWarning):
                warnings.warn_explicit(
                    warning.message, warning.category, warning.filename, warning.lineno
                )
        if any(issubclass(warning.category, ConvergenceWarning) for warning in said):
            warnings.warn(
                f"{self.kind} of strength {self.strength:g}: not settled after {MAX_ITER} "
                "iterations; its weights are taken as they are.",
                stacklevel=3,
            )
        return made

    def _make(self, rows: int) -> Any:
        """Return an unfitted classifier for some number of rows."""
        if self.kind == "ridge":
            return RidgeClassifier(alpha=self.strength * rows)
        if self.kind == "svm":
            return LinearSVC(C=self.strength, random_state=0, max_iter=MAX_ITER)
        raise ValueError(f"kind: expected 'ridge' or 'svm', found {self.kind!r}.")
