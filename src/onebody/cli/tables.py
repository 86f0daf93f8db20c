"""Text tables for the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

Figures = Mapping[str, Mapping[str, float | None]]


def text_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines with the cells in columns: the first two to the left, others to the right.

    Args:
        columns: headings; empty: none.
        rows: cells.
    """
    cells = [tuple(columns), *rows] if columns else list(rows)
    count = max((len(row) for row in cells), default=0)
    widths = [max(len(row[i]) for row in cells) for i in range(count)]
    lines = []
    for row in cells:
        parts = [f"{c:{w}}" if i < 2 else f"{c:>{w}}" for i, (c, w) in enumerate(zip(row, widths))]  # noqa: B905 - rows may be shorter
        lines.append("  ".join(parts).rstrip())
    return lines


def figure_lines(
    figures: Figures, units: Mapping[str, str], notes: Mapping[str, str] | None = None
) -> list[str]:
    """Return one line per figure: task, metric, value with its unit; notes after the first ones.

    Args:
        figures: by task and metric; None: nothing was measured.
        units: unit by metric name (``%``: values are fractions).
        notes: by task, what stands beside its first figure.
    """
    rows = [
        (task, metric, show(value, units.get(metric, "")))
        for task, metrics in figures.items()
        for metric, value in metrics.items()
    ]
    said = [
        (notes or {}).get(task, "") if place == 0 else ""
        for task, metrics in figures.items()
        for place in range(len(metrics))
    ]
    lines = text_table((), rows)
    return [f"{line}  ({note})" if note else line for line, note in zip(lines, said, strict=True)]


def show(value: float | None, unit: str) -> str:
    """Return a value with its unit; a dash where nothing was measured."""
    if value is None or value != value:
        return "-"
    if unit == "%":
        return f"{100 * value:.1f} %"
    return f"{value:.1f} {unit}" if unit else f"{value:.3f}"


def finite(value: float) -> float | None:
    """Return a number as JSON knows it; None: not finite, so nothing was measured."""
    return value if math.isfinite(value) else None


def all_finite(values: Mapping[str, float]) -> dict[str, float | None]:
    """Return named numbers as `finite` does each."""
    return {name: finite(value) for name, value in values.items()}


def metric_units() -> dict[str, str]:
    """Return the unit of every metric."""
    from onebody.metrics import METRICS

    return {name: metric.unit for name, metric in METRICS.items()}
