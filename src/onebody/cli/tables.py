"""Figures as text tables."""

from __future__ import annotations

from collections.abc import Mapping

Figures = Mapping[str, Mapping[str, float | None]]

UNITS = {"%": (100.0, " %"), "": (1.0, "")}
"""Unit of a metric to its factor and ending; other units stand as they are."""


def figure_lines(figures: Figures, units: Mapping[str, str]) -> list[str]:
    """Return one line per figure: task, metric, value with its unit.

    Args:
        figures: by task and metric; None: nothing was measured.
        units: unit by metric name (``%``: values are fractions).
    """
    rows = [
        (task, metric, show(value, units.get(metric, "")))
        for task, metrics in figures.items()
        for metric, value in metrics.items()
    ]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
    return [f"{t:{widths[0]}}  {m:{widths[1]}}  {v:>{widths[2]}}" for t, m, v in rows]


def show(value: float | None, unit: str) -> str:
    """Return a value with its unit; a dash where nothing was measured."""
    if value is None or value != value:
        return "-"
    factor, ending = UNITS.get(unit, (1.0, f" {unit}"))
    return f"{factor * value:.1f}{ending}" if factor != 1.0 or unit else f"{value:.3f}"


def metric_units() -> dict[str, str]:
    """Return the unit of every registered metric."""
    from onebody.metrics import METRICS

    return {name: metric.unit for name, metric in METRICS.items()} | {"task_accuracy": "%"}
