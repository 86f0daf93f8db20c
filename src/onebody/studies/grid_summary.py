"""A finished grid as tables, findings and plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from onebody.metrics import Interval, Metric
from onebody.studies.figures import mean_of, spread_of
from onebody.studies.findings import bounds_text, findings, percent
from onebody.studies.gains import Gains
from onebody.studies.grid_figures import Compared, FinishedGrid
from onebody.studies.grid_plots import grid_plots
from onebody.studies.section import SectionResult, Table
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
        plots=grid_plots(finished, gains),
        figures={
            "figures": finished.kept(),
            "costs": {arm: finished.costs([arm]) for arm in finished.runs},
        },
    )


def _overview(finished: FinishedGrid, gains: Gains) -> Table:
    """Show every configuration, and the twins of each depth and size."""
    sizes = finished.grid.config.twins.sizes
    heads = [f"{task} {m.name}" for task, many in finished.headlines.items() for m in many]
    deltas = [f"Delta_MTL, {size} (95 % interval)" for size in sizes]
    rows: list[tuple[str, ...]] = []
    for cell in finished.grid.cells:
        mark = " *" if cell.name == finished.choice.named else ""
        drawn = [gains.delta(cell.name, cell.depth, size) for size in sizes]
        shown = [f"{percent(d[0])} ({_bounds(gains.interval(d))})" for d in drawn]
        figures = _figures(finished, dict.fromkeys(finished.headlines, cell.name))
        rows.append((cell.name + mark, *shown, *_cost(finished, [cell.name]), *figures))
    for depth in finished.grid.depths:
        for size in sizes:
            arms = {t: finished.twin_arm(w, depth, size) for t, w in finished.twin_of.items()}
            costs = _cost(finished, list(dict.fromkeys(arms.values())))
            figures = _figures(finished, arms)
            rows.append((f"twins.{depth}.{size}", *["-"] * len(sizes), *costs, *figures))
    return Table(
        title="Configurations and single-task twins",
        columns=("network", *deltas, "parameters", "MACs", "training", *heads),
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


def _figures(finished: FinishedGrid, arms: Mapping[str, str]) -> list[str]:
    """Show all headline figures, each task's of its arm; a dash where a task has none."""
    return [
        _figure(finished, arms[task], task, metric) if task in arms else "-"
        for task, many in finished.headlines.items()
        for metric in many
    ]


def _figure(finished: FinishedGrid, arm: str, task: str, metric: Metric) -> str:
    """Show one figure with its spread; a dash where the test has no label of the task."""
    if task not in finished.runs[arm][0].measured.figures:
        return "-"
    values = finished.of(arm, task, metric.name)
    return figure(mean_of(values), spread_of(values), metric.unit)


def _cost(finished: FinishedGrid, arms: Sequence[str]) -> tuple[str, ...]:
    """Show parameters, MACs and seconds."""
    parameters, macs, seconds = finished.costs(arms)
    counted = f"{macs / 1e9:.2f} G" if macs >= 1e8 else f"{macs / 1e6:.2f} M"
    return f"{parameters / 1e6:.2f} M", counted, f"{seconds:.0f} s"


def _bounds(interval: Interval) -> str:
    """Show an interval of shares; a dash where there is none."""
    if interval.bounds is None:
        return "-"
    return f"{percent(interval.bounds[0])} to {percent(interval.bounds[1])}"
