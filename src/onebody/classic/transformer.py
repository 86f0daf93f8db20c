"""What the steps from clips to features have in common."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator, TransformerMixin


class ListTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A transformer in scikit-learn's sense of a list of clips, which is no table of numbers."""

    def __sklearn_tags__(self) -> Any:
        """Say so; values may be missing."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        tags.no_validation = True
        return tags
