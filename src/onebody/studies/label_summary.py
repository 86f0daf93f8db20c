"""Finished learning curves as a table, plots and a finding for each task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from onebody.metrics import Difference, Metric, paired_difference
from onebody.studies.delta import headlines
from onebody.studies.figures import figures_of
from onebody.studies.label_curve import (
    JOINT,
    SINGLE,
    TAUGHT,
    LabelsConfig,
    Place,
    count_name,
    kinds_of,
    places,
    tasks_of,
)
from onebody.studies.runs import Run
from onebody.studies.section import (
    Finding,
    Plot,
    SectionResult,
    Series,
    StudyContext,
    Table,
    Verdict,
)
from onebody.studies.table import difference_text, figure, interval_text, points_text

NAMES = {
    JOINT: "joint",
    SINGLE: "single",
    TAUGHT: "joint + pseudo-labels",
}

ByDraw = Mapping[int, float]
"""A network's test figure by draw (by its seed), averaged over test subjects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One task's learning curve.

    Attributes:
        task: whose labels are few.
        metric: what is measured on its test rows.
        counts: numbers of labels.
        figures: by kind of network and number of labels.
    """

    task: str
    metric: Metric
    counts: tuple[int, ...]
    figures: Mapping[tuple[str, int], ByDraw]

    def gain(self, kind: str, count: int) -> Difference:
        """Return by how much a network is better than the single one of its draw."""
        own, alone = self.figures[kind, count], self.figures[SINGLE, count]
        sign = 1.0 if self.metric.higher_is_better else -1.0
        return paired_difference(
            {(str(draw), 0): sign * value for draw, value in own.items()},
            {(str(draw), 0): sign * value for draw, value in alone.items()},
        )

    def gains(self, kind: str, count: int) -> ByDraw:
        """Return the gain of each draw."""
        sign = 1.0 if self.metric.higher_is_better else -1.0
        alone = self.figures[SINGLE, count]
        return {d: sign * (v - alone[d]) for d, v in self.figures[kind, count].items()}


def summarize_labels(
    context: StudyContext, config: LabelsConfig, runs: Sequence[Run]
) -> SectionResult:
    """Make a table, plots and a finding for each task."""
    curves = [_curve(context, config, task, runs) for task in tasks_of(context, config)]
    together = [kind for kind in kinds_of(config) if kind != SINGLE]
    return SectionResult(
        title="Few labels",
        tables=tuple(_table(curve, together, config) for curve in curves),
        findings=tuple(_finding(curve) for curve in curves),
        plots=tuple(
            plot
            for curve in curves
            for plot in (_plot(curve, kinds_of(config)), _gain_plot(curve, together))
        ),
        figures={curve.task: _plain(curve, together) for curve in curves},
    )


def _curve(context: StudyContext, config: LabelsConfig, task: str, runs: Sequence[Run]) -> Curve:
    """Collect one task's figures."""
    metric = headlines(context.tasks[task])[0]
    own = [place for place in places(context, config) if place.task == task]
    return Curve(
        task=task,
        metric=metric,
        counts=config.counts,
        figures={(p.kind, p.count): _by_draw(runs, p, metric.name) for p in own},
    )


def _by_draw(runs: Sequence[Run], place: Place, metric: str) -> ByDraw:
    """Average a network's figure over test subjects, draw by draw."""
    found = figures_of(runs, place.arm, place.task, metric)
    draws = sorted({draw for _, draw in found})
    return {d: float(np.mean([v for (_, own), v in found.items() if own == d])) for d in draws}


def _table(curve: Curve, together: Sequence[str], config: LabelsConfig) -> Table:
    """Show every number of labels."""
    unit = curve.metric.unit
    rows = []
    for count in curve.counts:
        cells = [_shown(curve.figures[kind, count], unit) for kind in kinds_of(config)]
        for kind in together:
            gain, each = curve.gain(kind, count), list(curve.gains(kind, count).values())
            text = difference_text(gain.mean, unit, higher_is_better=True)
            spread = figure(_spread(each), None, unit)
            cells += [text, spread, interval_text(gain.interval, unit)]
        rows.append((count_name(count), *cells))
    gains = [
        column
        for kind in together
        for column in (f"gain of {NAMES[kind]}", "spread", "95 % interval")
    ]
    return Table(
        title=f"{curve.task} {curve.metric.name} by labeled clips per class",
        columns=("labels", *(NAMES[kind] for kind in kinds_of(config)), *gains),
        rows=tuple(rows),
        notes=(
            f"Mean +- standard deviation over {config.draws} draws, each with its own clips and "
            "seed and the next fold in turn. Gains are over the single-task network of the same "
            "draw; their spread is the standard deviation and their interval a bootstrap over "
            "draws, not over people.",
            "With few labels single-task networks make as many steps as the joint network (an "
            "epoch of few clips is few steps); with all labels they have the better of two "
            "budgets. Checkpoints are chosen on validation rows, which keep all labels.",
        ),
    )


def _finding(curve: Curve) -> Finding:
    """Judge: learning together helps more where labels are few."""
    first, last = curve.counts[0], curve.counts[-1]
    few, every = curve.gains(JOINT, first), curve.gains(JOINT, last)
    change = paired_difference(
        {(str(draw), 0): value for draw, value in few.items()},
        {(str(draw), 0): value for draw, value in every.items()},
    )
    bounds, unit = change.interval.bounds, curve.metric.unit
    verdict: Verdict = "not settled"
    if bounds is not None and bounds[0] > 0:
        verdict = "holds here"
    elif bounds is not None and bounds[1] < 0:
        verdict = "does not hold here"
    shown = f"interval over draws {interval_text(change.interval, unit)}"
    if bounds is None:
        shown = f"no interval: {len(few)} draws, 6 are needed"
    return Finding(
        name=f"few labels of {curve.task}",
        sentence=(
            f"With {count_name(first)} labeled clip(s) per class of {curve.task}, learning "
            f"together changes {curve.metric.name} by "
            f"{points_text(_mean(few), unit)}, with all labels by "
            f"{points_text(_mean(every), unit)}; the difference of both "
            f"gains is {points_text(change.mean, unit)} ({shown}). "
            f"Learning together helps more where labels are few: {verdict}."
        ),
        verdict=verdict,
        value=change.mean,
        interval=bounds,
    )


def _plot(curve: Curve, kinds: Sequence[str]) -> Plot:
    """Plot the figures over the number of labels."""
    return Plot(
        name=f"labels-{curve.task}",
        title=f"{curve.task}: labels per class (bars: standard deviation over draws)",
        x="labeled clips per class",
        y=_axis(curve.metric),
        series=tuple(
            _series(NAMES[kind], curve, [curve.figures[kind, count] for count in curve.counts])
            for kind in kinds
        ),
    )


def _gain_plot(curve: Curve, together: Sequence[str]) -> Plot:
    """Plot the gains over the number of labels."""
    return Plot(
        name=f"labels-{curve.task}-gain",
        title=f"{curve.task}: gain over the single-task network of the same draw",
        x="labeled clips per class",
        y=f"gain in {_axis(curve.metric)}",
        series=tuple(
            _series(NAMES[kind], curve, [curve.gains(kind, count) for count in curve.counts])
            for kind in together
        ),
    )


def _series(label: str, curve: Curve, many: Sequence[ByDraw]) -> Series:
    """Make a line of means with their spread over draws."""
    factor = 100.0 if curve.metric.unit == "%" else 1.0
    means = [factor * _mean(one) for one in many]
    spreads = [factor * _spread(list(one.values())) for one in many]
    return Series(
        label=label,
        x=tuple(count_name(count) for count in curve.counts),
        y=tuple(means),
        low=tuple(mean - spread for mean, spread in zip(means, spreads, strict=True)),
        high=tuple(mean + spread for mean, spread in zip(means, spreads, strict=True)),
    )


def _plain(curve: Curve, together: Sequence[str]) -> dict[str, object]:
    """Return a curve's figures and gains by network, number of labels and draw."""
    figures: dict[str, dict[str, list[float]]] = {}
    for (kind, count), values in curve.figures.items():
        figures.setdefault(kind, {})[count_name(count)] = list(values.values())
    gains = {
        kind: {count_name(count): curve.gain(kind, count).mean for count in curve.counts}
        for kind in together
    }
    return {"metric": curve.metric.name, "draws": figures, "gain": gains}


def _shown(values: ByDraw, unit: str) -> str:
    """Show a mean and its spread over draws."""
    return figure(_mean(values), _spread(list(values.values())), unit)


def _axis(metric: Metric) -> str:
    """Name an axis."""
    return f"{metric.name} [{metric.unit}]" if metric.unit else metric.name


def _mean(values: ByDraw) -> float:
    """Average over draws."""
    return float(np.mean(list(values.values())))


def _spread(values: Sequence[float]) -> float:
    """Return the standard deviation over draws."""
    return float(np.std(values, ddof=1))
