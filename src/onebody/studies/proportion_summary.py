"""A finished proportion sweep as a table, plots and findings."""

from __future__ import annotations

from collections.abc import Sequence

from onebody.studies.delta import headlines
from onebody.studies.figures import figures_of, mean_of, spread_of
from onebody.studies.findings import SOFT, bounds_text, finding, judged, not_computed, percent
from onebody.studies.gains import Cell, Gains, GridFigures
from onebody.studies.proportion import (
    BALANCED,
    HARD,
    NAMED,
    ProportionConfig,
    arm_of,
    networks_of,
    pair_of,
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
from onebody.studies.table import figure
from onebody.types import Doubles

SIZE = "equal-depth"
NEGLIGIBLE = 0.02
"""A change of Delta_MTL within +- this share is called none."""

SOFT_NAME = "soft sharing gains when actions prevail"
SOFT_CLAIM = "Soft sharing gains more over hard sharing when actions prevail"
MATTERS_NAME = "the proportion of the tasks matters"
MATTERS_CLAIM = "The proportion of the tasks' training rows changes what sharing buys"


def summarize_proportion(
    context: StudyContext, config: ProportionConfig, runs: Sequence[Run]
) -> SectionResult:
    """Make table, plots and findings of a finished sweep."""
    pair = pair_of(context, config)
    kinds = tuple(networks_of(context, pair))
    gains = Gains(_figures(context, config, kinds, runs))
    deltas = {
        kind: [gains.own_delta(_cell(gains, kind, share)) for share in config.shares]
        for kind in kinds
    }
    labels = _labels(context)
    return SectionResult(
        title=f"Proportion of {pair[0]} to {pair[1]}",
        tables=(_table(context, config, deltas, gains, labels),),
        findings=(_soft(context, pair[0], deltas, gains), _matters(config, deltas, gains)),
        plots=(
            _delta_plot(pair, config, deltas, gains, labels),
            *_task_plots(pair, config, gains, labels, context),
        ),
        figures={
            "delta": {kind: [float(d[0]) for d in many] for kind, many in deltas.items()},
            "shares": list(config.shares),
        },
    )


def without_proportion() -> tuple[Finding, ...]:
    """Say what a study without a sweep leaves open."""
    why = "the study has no 'proportions'"
    return (
        not_computed(SOFT_NAME, SOFT_CLAIM, why),
        not_computed(MATTERS_NAME, MATTERS_CLAIM, why),
    )


def _figures(
    context: StudyContext, config: ProportionConfig, kinds: Sequence[str], runs: Sequence[Run]
) -> GridFigures:
    """Arrange the sweep as a grid: a network per kind and share, and twins of each share."""
    twin_of = {task: twin for twin, tasks in context.twins.items() for task in tasks}
    first = {task: headlines(context.tasks[task])[0] for task in twin_of}
    places = [(kind, share) for share in config.shares for kind in kinds]
    return GridFigures(
        cells=tuple(
            Cell(
                name=arm_of(kind, share), sharing=kind, balancing="", depth=f"{share:g}", score=0.0
            )
            for kind, share in places
        ),
        depths=tuple(f"{share:g}" for share in config.shares),
        sizes=(SIZE,),
        joint={
            arm_of(kind, share): {
                task: figures_of(runs, arm_of(kind, share), task, metric.name)
                for task, metric in first.items()
            }
            for kind, share in places
        },
        twins={
            (f"{share:g}", SIZE): {
                task: figures_of(runs, arm_of(f"twin-{twin_of[task]}", share), task, metric.name)
                for task, metric in first.items()
            }
            for share in config.shares
        },
        higher={task: metric.higher_is_better for task, metric in first.items()},
    )


def _cell(gains: Gains, kind: str, share: float) -> Cell:
    """Return the network of a kind at a share."""
    return next(cell for cell in gains.figures.cells if cell.name == arm_of(kind, share))


def _labels(context: StudyContext) -> dict[str, str]:
    """Return how the networks are called."""
    return {
        NAMED: context.named.name,
        HARD: context.plain.name,
        BALANCED: f"{context.named.name}, balanced sampling",
    }


def _table(
    context: StudyContext,
    config: ProportionConfig,
    deltas: dict[str, list[Doubles]],
    gains: Gains,
    labels: dict[str, str],
) -> Table:
    """Show every network at every share."""
    figures = gains.figures
    metrics = {task: headlines(context.tasks[task])[0] for task in figures.higher}
    rows: list[tuple[str, ...]] = []
    for place, share in enumerate(config.shares):
        lines = {labels[kind]: figures.joint[arm_of(kind, share)] for kind in deltas}
        lines["single-task twins"] = figures.twins[f"{share:g}", SIZE]
        drawn = {labels[kind]: many[place] for kind, many in deltas.items()}
        for name, values in lines.items():
            cells = [
                figure(mean_of(values[t]), spread_of(values[t]), m.unit) for t, m in metrics.items()
            ]
            delta = drawn.get(name)
            shown = (
                ("-", "-")
                if delta is None
                else (percent(delta[0]), bounds_text(gains.interval(delta)))
            )
            rows.append((f"{100 * share:g} %", name, *cells, *shown))
    missing = (
        ""
        if BALANCED in deltas
        else (
            " No control of balanced sampling: no source has both kinds, so that each fills its "
            "own part of every step already."
        )
    )
    return Table(
        title="Each share of the first task's rows among the training rows of both",
        columns=(
            "share",
            "network",
            *(f"{t} {m.name}" for t, m in metrics.items()),
            "Delta_MTL",
            "interval",
        ),
        rows=tuple(rows),
        notes=(
            "The sum of both tasks' training rows is the same at every share; twins are trained "
            f"on the same rows.{missing}",
        ),
    )


def _soft(
    context: StudyContext, actions: str, deltas: dict[str, list[Doubles]], gains: Gains
) -> Finding:
    """Judge: soft sharing gains most above all when actions are the more frequent part.

    Args:
        context: of the study.
        actions: the task whose share grows, which is taken for that of actions.
        deltas: by network, at every share.
        gains: of the sweep.
    """
    kind = str(getattr(getattr(context.named.recipe.network, "sharing", None), "kind", ""))
    if kind not in SOFT or HARD not in deltas:
        why = f"the named configuration shares by {kind!r}, which is none of {', '.join(SOFT)}"
        return not_computed(SOFT_NAME, SOFT_CLAIM, why)
    over = [named - hard for named, hard in zip(deltas[NAMED], deltas[HARD], strict=True)]
    change = over[-1] - over[0]
    text = (
        f"{context.named.name} has {percent(over[0][0])} more Delta_MTL than hard sharing at the "
        f"smallest share of {actions!r} and {percent(over[-1][0])} at the largest, a change of "
        f"{percent(change[0])}"
    )
    return judged(SOFT_NAME, SOFT_CLAIM, text, change, gains.interval(change))


def _matters(config: ProportionConfig, deltas: dict[str, list[Doubles]], gains: Gains) -> Finding:
    """Judge: the proportion changes what the named configuration gains, up or down."""
    change = deltas[NAMED][-1] - deltas[NAMED][0]
    interval = gains.interval(change)
    verdict: Verdict = "not settled"
    if interval.bounds is not None and (interval.bounds[0] > 0 or interval.bounds[1] < 0):
        verdict = "holds here"
    elif interval.bounds is not None and max(map(abs, interval.bounds)) < NEGLIGIBLE:
        verdict = "does not hold here"
    listed = ", ".join(
        f"{percent(delta[0])} at {100 * share:g} %"
        for share, delta in zip(config.shares, deltas[NAMED], strict=True)
    )
    text = (
        f"Delta_MTL by the share of the first task: {listed}; last less first {percent(change[0])}"
    )
    return finding(MATTERS_NAME, MATTERS_CLAIM, text, float(change[0]), interval, verdict)


def _delta_plot(
    pair: tuple[str, str],
    config: ProportionConfig,
    deltas: dict[str, list[Doubles]],
    gains: Gains,
    labels: dict[str, str],
) -> Plot:
    """Plot Delta_MTL over the share."""
    series = []
    for kind, many in deltas.items():
        bounds = [gains.interval(drawn).bounds or (None, None) for drawn in many]
        series.append(
            Series(
                label=labels[kind],
                x=config.shares,
                y=tuple(100 * float(drawn[0]) for drawn in many),
                low=tuple(None if low is None else 100 * low for low, _ in bounds),
                high=tuple(None if high is None else 100 * high for _, high in bounds),
            )
        )
    return Plot(
        name="proportion-delta",
        title="Gain over single-task twins of the same rows",
        x=f"share of {pair[0]} among the training rows of {pair[0]} and {pair[1]}",
        y="Delta_MTL [%]",
        series=tuple(series),
    )


def _task_plots(
    pair: tuple[str, str],
    config: ProportionConfig,
    gains: Gains,
    labels: dict[str, str],
    context: StudyContext,
) -> list[Plot]:
    """Plot each task's figure over the share."""
    figures, plots = gains.figures, []
    kinds = list(dict.fromkeys(cell.sharing for cell in figures.cells))
    for task in figures.higher:
        metric = headlines(context.tasks[task])[0]
        factor = 100.0 if metric.unit == "%" else 1.0
        lines = {
            labels[kind]: [figures.joint[arm_of(kind, share)][task] for share in config.shares]
            for kind in kinds
        }
        lines["single-task twin"] = [
            figures.twins[f"{share:g}", SIZE][task] for share in config.shares
        ]
        plots.append(
            Plot(
                name=f"proportion-{task}",
                title=f"{task} in other proportions",
                x=f"share of {pair[0]}",
                y=f"{metric.name} [{metric.unit}]",
                series=tuple(
                    Series(
                        label=label,
                        x=config.shares,
                        y=tuple(factor * mean_of(values) for values in many),
                    )
                    for label, many in lines.items()
                ),
            )
        )
    return plots
