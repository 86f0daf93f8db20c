"""A finished grid as tables, findings and plots."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onebody.metrics import Interval
from onebody.studies.figures import mean_of, spread_of
from onebody.studies.findings import bounds_text, findings, percent
from onebody.studies.gains import Gains
from onebody.studies.grid_figures import Compared, FinishedGrid
from onebody.studies.section import Plot, SectionResult, Series, Table
from onebody.studies.table import difference_text, figure, interval_text

NOTES = (
    "Figures are means over test subjects and seeds; +- is the deviation over seeds of the mean "
    "over subjects. Intervals (95 %) draw subjects with replacement, and seeds within them.",
    "A twin learns one task: with the joint network's epochs and with its optimizer steps; the "
    "better of both on validation is shown. Equal-size twins together have the parameters of hard "
    "sharing, whatever the configuration they stand beside has. MACs are of a clip, of all tasks.",
)


def summarize_grid(finished: FinishedGrid) -> SectionResult:
    """Make tables, findings and plots of a finished grid."""
    gains = Gains(finished.figures)
    return SectionResult(
        title="The grid",
        tables=(_overview(finished, gains), _comparisons(finished)),
        findings=findings(gains),
        plots=(_deltas(finished, gains), *_costs(finished), *_depths(finished)),
        figures={
            "figures": finished.kept(),
            "costs": {arm: finished.costs([arm]) for arm in finished.runs},
        },
    )


def _overview(finished: FinishedGrid, gains: Gains) -> Table:
    """Show every configuration, and the twins of each depth and size."""
    sizes = finished.grid.config.twins.sizes
    heads = [f"{task} {m.name}" for task, many in finished.headlines.items() for m in many]
    deltas = [head for size in sizes for head in (f"Delta_MTL, {size}", "95 % interval")]
    rows: list[tuple[str, ...]] = []
    for cell in finished.grid.cells:
        mark = " *" if cell.name == finished.choice.named else ""
        drawn = [gains.delta(cell.name, cell.depth, size) for size in sizes]
        shown = [t for d in drawn for t in (percent(d[0]), _bounds(gains.interval(d)))]
        rows.append(
            (
                cell.name + mark,
                *_figures(finished, cell.name),
                *shown,
                *_cost(finished, [cell.name]),
            )
        )
    for depth in finished.grid.depths:
        for size in sizes:
            arms = {twin: finished.twin_arm(twin, depth, size) for twin in finished.context.twins}
            shown = [
                _figure(finished, arms.get(finished.twin_of.get(task, ""), ""), task, m.name)
                for task, many in finished.headlines.items()
                for m in many
            ]
            rows.append(
                (
                    f"twins.{depth}.{size}",
                    *shown,
                    *["-"] * len(deltas),
                    *_cost(finished, [*arms.values()]),
                )
            )
    return Table(
        title="Configurations and single-task twins",
        columns=("network", *heads, *deltas, "parameters", "MACs", "training"),
        rows=tuple(rows),
        notes=(
            f"* was named on validation rows, before the test: {finished.choice.named}.",
            *NOTES,
        ),
    )


def _comparisons(finished: FinishedGrid) -> Table:
    """Show every configuration beside the twin of every task."""
    reasons = {line.difference.interval.reason for line in finished.compared} - {""}
    return Table(
        title="Differences from the twins, task by task",
        columns=(
            "network",
            "task",
            "twins",
            "together",
            "alone",
            "difference",
            "95 % interval",
            "p",
            "role",
        ),
        rows=tuple(_comparison(line) for line in finished.compared),
        notes=(
            "p is of an exact sign-flip test over test subjects, seeds averaged within. Of the "
            "named configuration it is as computed; those of all others are exploratory and "
            "corrected by Holm's method for their number.",
            *(f"No interval: {reason}." for reason in sorted(reasons)),
        ),
    )


def named_sentences(finished: FinishedGrid) -> tuple[str, ...]:
    """Say how the named configuration differs from its twins, whatever the sign."""
    gains = Gains(finished.figures)
    cell = finished.grid.cell(finished.choice.named)
    sentences = []
    for size in finished.grid.config.twins.sizes:
        drawn = gains.delta(cell.name, cell.depth, size)
        bounds = bounds_text(gains.interval(drawn))
        lines = [x for x in finished.compared if (x.cell, x.size) == (cell.name, size)]
        parts = "; ".join(_sentence(line) for line in lines)
        sentences.append(
            f"{cell.name}, named on validation, against twins of {size.replace('-', ' ')}: "
            f"Delta_MTL {percent(drawn[0])} ({bounds}); {parts}."
        )
    return tuple(sentences)


def _sentence(line: Compared) -> str:
    """Say one paired difference."""
    unit, up = line.metric.unit, line.metric.higher_is_better
    difference = difference_text(line.difference.mean, unit, higher_is_better=up)
    bounds = interval_text(line.difference.interval, unit)
    return f"{line.task} {line.metric.name} {difference} (95 % interval {bounds}, p {line.p:.3f})"


def _comparison(line: Compared) -> tuple[str, ...]:
    """Show one comparison."""
    unit, up = line.metric.unit, line.metric.higher_is_better
    planned = line.corrected is None
    return (
        line.cell,
        f"{line.task} {line.metric.name}",
        line.size,
        figure(line.joint, None, unit),
        figure(line.single, None, unit),
        difference_text(line.difference.mean, unit, higher_is_better=up),
        interval_text(line.difference.interval, unit),
        f"{line.p if line.corrected is None else line.corrected:.3f}",
        "named" if planned else "exploratory",
    )


def _figures(finished: FinishedGrid, arm: str) -> list[str]:
    """Show all headline figures of an arm."""
    return [
        _figure(finished, arm, task, m.name)
        for task, many in finished.headlines.items()
        for m in many
    ]


def _figure(finished: FinishedGrid, arm: str, task: str, metric: str) -> str:
    """Show one figure with its spread; a dash where the arm does not have the task."""
    if arm not in finished.runs or task not in finished.runs[arm][0].measured.figures:
        return "-"
    unit = next(m.unit for m in finished.headlines[task] if m.name == metric)
    values = finished.of(arm, task, metric)
    return figure(mean_of(values), spread_of(values), unit)


def _cost(finished: FinishedGrid, arms: Sequence[str]) -> tuple[str, ...]:
    """Show parameters, MACs and seconds."""
    parameters, macs, seconds = finished.costs(arms)
    return f"{parameters / 1e6:.2f} M", f"{macs / 1e9:.2f} G", f"{seconds:.0f} s"


def _bounds(interval: Interval) -> str:
    """Show an interval of shares; a dash where there is none."""
    if interval.bounds is None:
        return "-"
    return f"{percent(interval.bounds[0])} to {percent(interval.bounds[1])}"


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


def _costs(finished: FinishedGrid) -> list[Plot]:
    """Plot each task's figure against multiplications and against parameters."""
    plots = []
    for task in finished.twin_of:
        for place, key, axis, unit in (
            (1, "macs", "MACs of a clip [G]", 1e9),
            (0, "parameters", "parameters [M]", 1e6),
        ):
            metric = finished.headlines[task][0]
            factor = 100.0 if metric.unit == "%" else 1.0
            groups: dict[str, list[tuple[float, float]]] = {}
            for cell in finished.grid.cells:
                value = mean_of(finished.of(cell.name, task, metric.name))
                cost = finished.costs([cell.name])[place] / unit
                groups.setdefault(f"{cell.sharing}, {cell.depth}", []).append(
                    (cost, factor * value)
                )
            for (depth, size), tasks in finished.figures.twins.items():
                arms = [finished.twin_arm(twin, depth, size) for twin in finished.context.twins]
                cost = finished.costs(arms)[place] / unit
                groups[f"twins, {depth}, {size}"] = [(cost, factor * mean_of(tasks[task]))]
            plots.append(
                Plot(
                    name=f"{task}-{key}",
                    title=f"{task}: {metric.name} against cost (twins: all of them together)",
                    x=axis,
                    y=f"{metric.name} [{metric.unit}]",
                    series=tuple(
                        Series(
                            label=label,
                            x=tuple(x for x, _ in points),
                            y=tuple(y for _, y in points),
                        )
                        for label, points in groups.items()
                    ),
                    kind="points",
                )
            )
    return plots


def _depths(finished: FinishedGrid) -> list[Plot]:
    """Plot each task's figure over depth, of the best joint network of each depth and the twins."""
    depths = finished.grid.depths
    if len(depths) < 2:
        return []
    plots = []
    for task in finished.twin_of:
        metric = finished.headlines[task][0]
        factor = 100.0 if metric.unit == "%" else 1.0
        best = [
            max(
                (cell for cell in finished.figures.cells if cell.depth == depth),
                key=lambda cell: cell.score,
            )
            for depth in depths
        ]
        lines = {"joint, best on validation": [finished.figures.joint[c.name][task] for c in best]}
        for size in finished.figures.sizes:
            lines[f"single, {size}"] = [finished.figures.twins[d, size][task] for d in depths]
        plots.append(
            Plot(
                name=f"{task}-depth",
                title=f"{task}: shallower and deeper",
                x="depth",
                y=f"{metric.name} [{metric.unit}]",
                series=tuple(
                    Series(label=label, x=depths, y=tuple(factor * mean_of(v) for v in values))
                    for label, values in lines.items()
                ),
            )
        )
    return plots
