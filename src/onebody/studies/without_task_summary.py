"""What a network loses that is not told the task: tables, a plot and a finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from onebody.metrics import Difference, paired_difference
from onebody.studies.delta import headlines
from onebody.studies.figures import figures_of, mean_of, spread_of
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
from onebody.studies.table import figure, interval_text
from onebody.studies.without_task import (
    ANSWER,
    ROUTER,
    WithoutTaskConfig,
    arm_of,
    class_tasks,
)

SMALL = 0.02
"""A loss of accuracy below this share is called small."""


def summarize_without_task(
    context: StudyContext, config: WithoutTaskConfig, runs: Sequence[Run]
) -> SectionResult:
    """Make tables, a plot and a finding of the finished runs."""
    gaps: dict[str, Difference] = {way: _gap(runs, arm_of(way)) for way in config.ways}
    tables = [_told(context, config, runs), _gaps(config, runs, gaps)]
    if config.unknown:
        tables.append(_unknown(config, runs))
    if config.across:
        tables.append(_across(config, runs))
    return SectionResult(
        title="Without a task id",
        tables=tuple(tables),
        findings=tuple(_finding(way, gap) for way, gap in gaps.items()),
        plots=(_plot(config, runs),),
        figures={
            way: {
                "given": _plain(runs, arm_of(way), "top1_given"),
                "not_given": _plain(runs, arm_of(way), "top1"),
                "right_task": _plain(runs, arm_of(way), "task_accuracy"),
                "gap": gap.mean,
                "interval": gap.interval.bounds,
            }
            for way, gap in gaps.items()
        },
    )


def _gap(runs: Sequence[Run], arm: str) -> Difference:
    """Return how much accuracy the missing id costs: given less not given, on the same rows."""
    return paired_difference(
        figures_of(runs, arm, ANSWER, "top1_given"), figures_of(runs, arm, ANSWER, "top1")
    )


def _told(context: StudyContext, config: WithoutTaskConfig, runs: Sequence[Run]) -> Table:
    """Show what each task is worth with the task given, in the named network and in the others."""
    tasks = class_tasks(context)
    arms: dict[str, str] = {context.named.name: context.named.name}
    arms |= {way: arm_of(way) for way in config.ways}
    rows = []
    for label, arm in arms.items():
        cells = []
        for task in tasks:
            metric = headlines(context.tasks[task])[0]
            found = figures_of(runs, arm, task, metric.name)
            cells.append(figure(mean_of(found), spread_of(found), metric.unit))
        rows.append((label, *cells))
    return Table(
        title="Accuracy with the task given",
        columns=("network", *tasks),
        rows=tuple(rows),
        notes=("The first line is the network that learns nothing else; +- is over seeds.",),
    )


def _gaps(config: WithoutTaskConfig, runs: Sequence[Run], gaps: Mapping[str, Difference]) -> Table:
    """Show what the missing id costs."""
    rows = []
    for way in config.ways:
        cells = [
            figures_of(runs, arm_of(way), ANSWER, metric)
            for metric in ("top1_given", "top1", "task_accuracy")
        ]
        gap = gaps[way]
        rows.append(
            (
                way,
                *(figure(mean_of(found), spread_of(found), "%") for found in cells),
                figure(gap.mean, None, "%"),
                interval_text(gap.interval, "%"),
            )
        )
    reasons = {gap.interval.reason for gap in gaps.values()} - {""}
    return Table(
        title="Accuracy over all classes, with the task given and without",
        columns=("network", "given", "not given", "right task chosen", "gap", "95 % interval"),
        rows=tuple(rows),
        notes=tuple(f"No interval: {reason}." for reason in sorted(reasons)),
    )


def _unknown(config: WithoutTaskConfig, runs: Sequence[Run]) -> Table:
    """Show how well clips of none of the tasks are told apart."""
    rows = []
    for way in config.ways:
        own = [run.measured.neither for run in runs if run.arm == arm_of(way, "unknown")]
        found = [neither[ANSWER] for neither in own if ANSWER in neither]
        cells = []
        for key in ("auroc", "fpr95", "rejected_known", "rejected_neither"):
            values = [float(v) for one in found if (v := one[key]) is not None]
            cells.append(figure(float(np.mean(values)), None, "%") if values else "-")
            if key == "auroc" and values:
                cells.append(f"{100 * min(values):.1f} to {100 * max(values):.1f}")
            elif key == "auroc":
                cells.append("-")
        rows.append((way, *cells))
    held = "; ".join(f"{column}: {', '.join(names)}" for column, names in config.unknown.items())
    return Table(
        title="Clips of none of the tasks (held-out classes)",
        columns=(
            "network",
            "AUROC",
            "AUROC, least to most of a run",
            "accepted at 95 % of the known",
            "rejected, known",
            "rejected, of none",
        ),
        rows=tuple(rows),
        notes=(
            f"Held out: {held}. Means over runs that test such clips.",
            "The threshold of rejection is set on validation clips of known classes.",
        ),
    )


def _across(config: WithoutTaskConfig, runs: Sequence[Run]) -> Table:
    """Show the router on sources that it was not trained on."""
    arms = dict.fromkeys(
        run.arm for way in config.ways for run in runs if run.arm.startswith(arm_of(way, "from-"))
    )
    rows = []
    for arm in arms:
        right = figures_of(runs, arm, ANSWER, "task_accuracy")
        routes = any(ROUTER in run.measured.figures for run in runs if run.arm == arm)
        own = figures_of(runs, arm, ROUTER, "top1") if routes else None
        rows.append(
            (
                arm.removeprefix("without."),
                figure(mean_of(right), spread_of(right), "%"),
                "-" if own is None else figure(mean_of(own), spread_of(own), "%"),
                figure(_majority(runs, arm), None, "%"),
            )
        )
    return Table(
        title="Trained on one source, tested on all rows of the others",
        columns=("network", "right task chosen", "router", "always the likelier task"),
        rows=tuple(rows),
        notes=(
            "Only the choice of the task is asked for: the sources have few classes in common. The "
            "last column is the share of the more frequent task among the tested rows.",
        ),
    )


def _majority(runs: Sequence[Run], arm: str) -> float:
    """Return the share of the more frequent task among an arm's test rows."""
    run = next(run for run in runs if run.arm == arm)
    counts = [n for task, n in run.measured.samples.items() if task not in (ANSWER, ROUTER)]
    return max(counts) / sum(counts)


def _finding(way: str, gap: Difference) -> Finding:
    """Judge: not being told the task costs little."""
    verdict: Verdict = "not settled"
    if gap.interval.bounds is not None:
        low, high = gap.interval.bounds
        verdict = "holds here" if high < SMALL else verdict
        verdict = "does not hold here" if low > SMALL else verdict
    bounds = interval_text(gap.interval, "%")
    return Finding(
        name=f"no task id needed ({way})",
        sentence=(
            f"A network that is not told the task loses less than {100 * SMALL:.0f} points: "
            f"{verdict}. With one answer over all tasks ({way}) it loses {100 * gap.mean:.1f} "
            f"points against the same network that is told (95 % interval {bounds}; "
            f"{gap.subjects} test subjects)."
        ),
        verdict=verdict,
        value=gap.mean,
        interval=gap.interval.bounds,
    )


def _plot(config: WithoutTaskConfig, runs: Sequence[Run]) -> Plot:
    """Draw accuracy with and without the id."""
    series = []
    for label, metric in (("task given", "top1_given"), ("task not given", "top1")):
        values = [mean_of(figures_of(runs, arm_of(way), ANSWER, metric)) for way in config.ways]
        series.append(
            Series(label=label, x=tuple(config.ways), y=tuple(100 * value for value in values))
        )
    return Plot(
        name="without-task",
        title="Accuracy over all classes",
        x="accuracy, %",
        y="",
        series=tuple(series),
        kind="bars",
    )


def _plain(runs: Sequence[Run], arm: str, metric: str) -> dict[str, float]:
    """Return a figure by test subject and seed, for the kept JSON."""
    found = figures_of(runs, arm, ANSWER, metric)
    return {f"{subject} seed{seed}": value for (subject, seed), value in found.items()}
