"""The table of a comparison as rows of text, for the terminal and for the page."""

from __future__ import annotations

from statistics import fmean

from onebody.metrics import Interval
from onebody.studies.arms import JOINT
from onebody.studies.compare import Comparison, Line

COLUMNS = ("task", "metric", "together", "alone", "difference", "95 % interval")


def rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """Return one row of text per line of the table, in the order of `COLUMNS`."""
    return [
        (
            line.task,
            line.metric,
            figure(line.joint, line.joint_spread, line.unit),
            "-" if line.single is None else figure(line.single, line.single_spread, line.unit),
            _difference(line),
            _interval(line),
        )
        for line in comparison.lines
    ]


def cost_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """Return one row per arm: name, parameters, MACs per clip, seconds per run."""
    return [
        (
            cost.arm,
            f"{cost.parameters / 1e6:.2f} M",
            f"{cost.macs / 1e9:.2f} G",
            f"{cost.seconds:.0f} s",
        )
        for cost in comparison.costs
    ]


def notes(comparison: Comparison) -> list[str]:
    """Return what must be read with the table."""
    seeds, folds = len(comparison.seeds), comparison.folds
    subjects = {s for line in comparison.lines for s in line.subjects}
    alone = sum(c.parameters for c in comparison.costs[1:])
    lines = [
        f"{_count(seeds, 'seed')}, {_count(len(subjects), 'test subject')}"
        + (f", held out in turn: {', '.join(folds)}." if folds else "."),
    ]
    if comparison.delta is not None:
        lines = [
            f"Delta_MTL {100 * comparison.delta:+.1f} % (mean relative gain of the joint network "
            "over the single-task twins; first metric of each task that has a twin).",
            *lines,
            f"One joint network of {comparison.costs[0].parameters / 1e6:.2f} M parameters stands "
            f"beside {len(comparison.costs) - 1} twins of {alone / 1e6:.2f} M in all.",
        ]
    if seeds > 1:
        lines.append("Figures are means over test subjects; +- is the deviation over seeds.")
    reasons = {d.interval.reason for line in comparison.lines if (d := line.difference)} - {""}
    lines += [f"No interval: {reason}." for reason in sorted(reasons)]
    return lines + _neither(comparison)


def _neither(comparison: Comparison) -> list[str]:
    """Say of each joint answer how it tells known clips from clips of none of its tasks."""
    found = [run.measured.neither for run in comparison.runs if run.arm == JOINT]
    lines = []
    for task in dict.fromkeys(task for figures in found for task in figures):
        own = [figures[task] for figures in found if task in figures]
        auroc, known, other = (
            figure(fmean(value for f in own if (value := f[name]) is not None), None, "%")
            for name in ("auroc", "rejected_known", "rejected_neither")
        )
        lines.append(
            f"{task}: clips of none of its tasks are told from known ones with AUROC {auroc}; "
            f"taken for none of these: {known} of known clips, {other} of the others."
        )
    return lines


def _count(number: int, what: str) -> str:
    """Return a number of things, in words."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _scale(unit: str) -> tuple[float, str]:
    """Return the factor and ending that a unit is printed with."""
    return (100.0, " %") if unit == "%" else (1.0, f" {unit}" if unit else "")


def figure(value: float, spread: float | None, unit: str) -> str:
    """Return a figure as text, with its unit and, if given, its spread over seeds."""
    factor, ending = _scale(unit)
    deviation = "" if spread is None else f" +- {factor * spread:.1f}"
    return f"{factor * value:.1f}{deviation}{ending}"


def difference_text(mean: float, unit: str, *, higher_is_better: bool) -> str:
    """Return a paired difference as text, with what it means."""
    word = "" if mean == 0 else " better" if (mean > 0) == higher_is_better else " worse"
    return f"{points_text(mean, unit)}{word}"


def points_text(mean: float, unit: str) -> str:
    """Return a difference as a bare number, with its sign, in the unit's scale."""
    factor, _ = _scale(unit)
    return f"{factor * mean:+.1f}"


def interval_text(interval: Interval, unit: str) -> str:
    """Return an interval as text; a dash where there is none."""
    if interval.bounds is None:
        return "-"
    factor, _ = _scale(unit)
    low, high = interval.bounds
    return f"{factor * low:+.1f} to {factor * high:+.1f}"


def _difference(line: Line) -> str:
    """Print the paired difference, joint minus single."""
    if line.difference is None:
        return "-"
    mean, up = line.difference.mean, line.higher_is_better
    return difference_text(mean, line.unit, higher_is_better=up)


def _interval(line: Line) -> str:
    """Print the interval of the difference."""
    return "-" if line.difference is None else interval_text(line.difference.interval, line.unit)
