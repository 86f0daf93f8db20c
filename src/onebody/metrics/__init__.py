"""Metric functions and the values they work on."""

from onebody.metrics.base import Metric, Results, concatenate

__all__ = ["Metric", "Results", "concatenate"]
