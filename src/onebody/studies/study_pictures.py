"""The plots of a study as PNG files."""

from __future__ import annotations

import io
import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from onebody.studies.pictures import COLORS
from onebody.studies.section import Plot, Series
from onebody.types import Doubles

MARKERS = "osD^vP*X"
DPI = 100


def draw(plot: Plot) -> bytes:
    """Draw a plot.

    Returns:
        A PNG file.
    """
    categories = list(dict.fromkeys(x for series in plot.series for x in series.x))
    height = 0.32 * len(categories) * max(1, len(plot.series)) ** 0.5 + 1.4
    size = (7.4, max(2.6, height)) if plot.kind == "bars" else (6.4, 3.9)
    figure = Figure(figsize=size, layout="constrained")
    axis = figure.subplots()
    if plot.kind == "bars":
        _bars(axis, plot, categories)
    else:
        for number, series in enumerate(plot.series):
            _line(axis, series, number, joined=plot.kind == "lines")
        axis.set(xlabel=plot.x, ylabel=plot.y)
    axis.set_title(plot.title, fontsize=10)
    axis.grid(alpha=0.25)
    axis.tick_params(labelsize=8)
    if plot.kind == "bars":
        axis.legend(fontsize=7, loc="best")
    else:
        axis.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    stream = io.BytesIO()
    # Without the library's version, so that the same figures give the same file.
    figure.savefig(stream, format="png", dpi=DPI, metadata={"Software": None})
    return stream.getvalue()


def _line(axis: Axes, series: Series, number: int, *, joined: bool) -> None:
    """Draw one line, or group of points, with its intervals."""
    color, marker = COLORS[number % len(COLORS)], MARKERS[number % len(MARKERS)]
    axis.errorbar(
        list(series.x),
        list(series.y),
        yerr=_errors(series),
        color=color,
        marker=marker,
        markersize=5,
        linewidth=1.2 if joined else 0,
        elinewidth=0.8,
        capsize=2,
        label=series.label,
        alpha=0.85,
    )


def _bars(axis: Axes, plot: Plot, categories: list[float | str]) -> None:
    """Draw values with intervals, lying, a row per category."""
    count = len(plot.series)
    for number, series in enumerate(plot.series):
        places = [categories.index(x) + 0.24 * (number - (count - 1) / 2) for x in series.x]
        axis.errorbar(
            list(series.y),
            places,
            xerr=_errors(series),
            color=COLORS[number % len(COLORS)],
            marker=MARKERS[number % len(MARKERS)],
            markersize=5,
            linewidth=0,
            elinewidth=1.2,
            capsize=2,
            label=series.label,
        )
    axis.axvline(0.0, color="#17202e", linewidth=0.8)
    axis.set_yticks(range(len(categories)), [str(name) for name in categories])
    axis.invert_yaxis()
    axis.set_xlabel(plot.y)


def _errors(series: Series) -> Doubles | None:
    """Return how far intervals reach below and above, ``[2, N]``; None without any."""
    if not any(value is not None for value in series.low):
        return None
    bounds = zip(series.y, series.low, series.high, strict=True)
    reach = [
        (math.nan, math.nan) if a is None or b is None else (y - a, b - y) for y, a, b in bounds
    ]
    return np.maximum(np.array(reach, np.float64).T, 0.0)
