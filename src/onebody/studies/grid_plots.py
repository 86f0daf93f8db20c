"""The plots of a finished grid: gains, figures against cost, and depths."""

from __future__ import annotations

import numpy as np

from onebody.metrics import Metric
from onebody.studies.figures import mean_of
from onebody.studies.gains import Gains
from onebody.studies.grid_figures import FinishedGrid
from onebody.studies.section import Plot, Series


def grid_plots(finished: FinishedGrid, gains: Gains) -> tuple[Plot, ...]:
    """Make all plots of a grid."""
    tasks = list(finished.twin_of)
    costs = [_costs(finished, task, place) for task in tasks for place in (0, 1)]
    several = len(finished.grid.depths) > 1
    depths = [_depths(finished, task) for task in tasks] if several else []
    return (_deltas(finished, gains), *costs, *depths)


def _deltas(finished: FinishedGrid, gains: Gains) -> Plot:
    """Plot every configuration's Delta_MTL with its interval."""
    series = []
    for size in finished.grid.config.twins.sizes:
        drawn = {c.name: gains.delta(c.name, c.depth, size) for c in finished.grid.cells}
        kept = {name: d for name, d in drawn.items() if np.isfinite(d[0])}
        bounds = [gains.interval(d).bounds or (None, None) for d in kept.values()]
        series.append(
            Series(
                label=f"over twins of {size.replace('-', ' ')}",
                x=tuple(kept),
                y=tuple(100 * float(d[0]) for d in kept.values()),
                low=tuple(None if low is None else 100 * low for low, _ in bounds),
                high=tuple(None if high is None else 100 * high for _, high in bounds),
            )
        )
    return Plot(
        name="delta",
        title="What sharing bought, by configuration",
        x="",
        y="Delta_MTL [%]",
        series=tuple(series),
        kind="bars",
    )


def _costs(finished: FinishedGrid, task: str, place: int) -> Plot:
    """Plot a task's figure against parameters (place 0) or multiplications (place 1)."""
    axis, unit = (("parameters [M]", 1e6), ("MACs of a clip [G]", 1e9))[place]
    metric, factor = _shown(finished, task)
    groups: dict[str, list[tuple[float, float]]] = {}
    for cell in finished.grid.cells:
        value = factor * mean_of(finished.figures.joint[cell.name][task])
        point = finished.costs([cell.name])[place] / unit, value
        groups.setdefault(f"{cell.sharing}, {cell.depth}", []).append(point)
    for (depth, size), tasks in finished.figures.twins.items():
        arms = [finished.twin_arm(twin, depth, size) for twin in finished.context.twins]
        point = finished.costs(arms)[place] / unit, factor * mean_of(tasks[task])
        groups[f"twins, {depth}, {size}"] = [point]
    return Plot(
        name=f"{task}-{('parameters', 'macs')[place]}",
        title=f"{task}: {metric.name} against cost (twins: all of them together)",
        x=axis,
        y=f"{metric.name} [{metric.unit}]",
        series=tuple(
            Series(label=label, x=tuple(x for x, _ in points), y=tuple(y for _, y in points))
            for label, points in groups.items()
        ),
        kind="points",
    )


def _depths(finished: FinishedGrid, task: str) -> Plot:
    """Plot a task's figure over depth, of the best joint network of each depth and the twins."""
    figures, depths = finished.figures, finished.grid.depths
    metric, factor = _shown(finished, task)
    best = [
        max((c for c in figures.cells if c.depth == depth), key=lambda cell: cell.score)
        for depth in depths
    ]
    lines = {"joint, best on validation": [figures.joint[cell.name][task] for cell in best]}
    for size in figures.sizes:
        lines[f"single, {size}"] = [figures.twins[depth, size][task] for depth in depths]
    return Plot(
        name=f"{task}-depth",
        title=f"{task}: shallower and deeper",
        x="depth",
        y=f"{metric.name} [{metric.unit}]",
        series=tuple(
            Series(label=label, x=depths, y=tuple(factor * mean_of(v) for v in values))
            for label, values in lines.items()
        ),
    )


def _shown(finished: FinishedGrid, task: str) -> tuple[Metric, float]:
    """Return a task's first headline, and what its figures are multiplied by to be shown."""
    metric = finished.headlines[task][0]
    return metric, 100.0 if metric.unit == "%" else 1.0
