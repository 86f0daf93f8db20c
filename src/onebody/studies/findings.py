"""The findings of a paper, held against a finished grid.

Each has one figure that decides, with its interval over test subjects: where the whole interval
agrees with the statement it holds here, where the whole interval contradicts it does not, and else
the matter is not settled.

Source: Spathis, Kardaris, Maragos, "Multi-task Learning For Joint Action and Gesture Recognition",
ICCV Workshops 2025 (arXiv 2505.17867); its statements as summaries give them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from onebody.metrics import Interval
from onebody.studies.gains import Gains
from onebody.studies.section import Finding, Verdict
from onebody.types import Doubles

ALMOST_ALL = 0.75
"""Share of the configurations that "almost all" asks for."""
SOFT = ("cross-stitch", "learned")
"""Kinds of sharing that the paper calls the best."""


def findings(gains: Gains) -> tuple[Finding, ...]:
    """Judge every statement that the grid alone can decide."""
    judges: tuple[Callable[[Gains], Finding], ...] = (
        joint_beats_single,
        soft_gains_most,
        shallow_beats_deep,
        automatic_suits_soft,
    )
    return tuple(judge(gains) for judge in judges)


def joint_beats_single(gains: Gains) -> Finding:
    """Judge: almost all multi-task configurations beat the single-task twins on every task."""
    figures = gains.figures
    size = figures.sizes[0]
    won = np.array([gains.beats(cell.name, cell.depth, size) for cell in figures.cells])
    share = won.mean(0)
    text = (
        f"{won[:, 0].sum():.0f} of {len(won)} configurations beat their single-task twins "
        f"({size}) on every task, a share of {100 * share[0]:.1f} %"
    )
    return judged(
        "multi-task beats single-task",
        f"Almost all configurations (at least {100 * ALMOST_ALL:.0f} %) beat their single-task "
        "twins",
        text,
        share,
        gains.interval(share),
        at=ALMOST_ALL - 1e-9,
    )


def soft_gains_most(gains: Gains) -> Finding:
    """Judge: cross-stitch and learned sharing gain most."""
    name, claim = "soft sharing gains most", "Cross-stitch and learned sharing gain most"
    cells = gains.figures.cells
    soft = [cell for cell in cells if cell.sharing in SOFT]
    other = [cell for cell in cells if cell.sharing not in SOFT]
    if not soft or not other:
        missing = "neither of them" if not soft else "no other way of sharing"
        return not_computed(name, claim, f"the grid has {missing}")
    kinds = dict.fromkeys(cell.sharing for cell in cells)
    means = {
        kind: gains.mean_delta([cell for cell in cells if cell.sharing == kind])[0]
        for kind in kinds
    }
    listed = ", ".join(f"{kind} {percent(value)}" for kind, value in means.items())
    difference = gains.mean_delta(soft) - gains.mean_delta(other)
    text = (
        f"Mean Delta_MTL by sharing: {listed}; {' and '.join(k for k in kinds if k in SOFT)} "
        f"against the others: {percent(difference[0])}"
    )
    return judged(name, claim, text, difference, gains.interval(difference))


def shallow_beats_deep(gains: Gains) -> Finding:
    """Judge: a shallower joint network beats deeper single-task ones.

    The shallow configuration is the one that is best on validation among those of its depth.
    """
    name = "shallow joint beats deep single"
    claim = "A shallower joint network beats deeper single-task networks"
    figures = gains.figures
    if len(figures.depths) < 2 or "equal-depth" not in figures.sizes:
        missing = "only one depth" if len(figures.depths) < 2 else "no twins of equal depth"
        return not_computed(name, claim, f"the grid has {missing}")
    shallow, deep = figures.depths[0], figures.depths[-1]
    cells = [cell for cell in figures.cells if cell.depth == shallow]
    best = max(cells, key=lambda cell: cell.score)
    delta = gains.delta(best.name, deep, "equal-depth")
    won = sum(gains.beats(cell.name, deep, "equal-depth")[0] for cell in cells)
    text = (
        f"{best.name}, the best {shallow} configuration on validation, has Delta_MTL "
        f"{percent(delta[0])} over the {deep} single-task networks; {won:.0f} of {len(cells)} "
        f"{shallow} configurations beat them on every task"
    )
    return judged(name, claim, text, delta, gains.interval(delta))


def automatic_suits_soft(gains: Gains) -> Finding:
    """Judge: automatic weighting goes well with cross-stitch.

    The figure is an interaction: what automatic weighting changes over the average under
    cross-stitch, less what it changes under hard sharing.
    """
    name, claim = "automatic suits soft sharing", "Automatic weighting goes well with cross-stitch"

    def mean(sharing: str, balancing: str) -> Doubles | None:
        wanted = (sharing, balancing)
        cells = [c for c in gains.figures.cells if (c.sharing, c.balancing) == wanted]
        return gains.mean_delta(cells) if cells else None

    soft = mean("cross-stitch", "automatic"), mean("cross-stitch", "average")
    hard = mean("hard", "automatic"), mean("hard", "average")
    if soft[0] is None or soft[1] is None or hard[0] is None or hard[1] is None:
        return not_computed(
            name, claim, "the grid lacks cross-stitch or hard with automatic or average"
        )
    under_soft, under_hard = soft[0] - soft[1], hard[0] - hard[1]
    difference = under_soft - under_hard
    text = (
        f"Automatic instead of average weighting changes Delta_MTL by {percent(under_soft[0])} "
        f"under cross-stitch and by {percent(under_hard[0])} under hard sharing, a difference of "
        f"{percent(difference[0])}"
    )
    return judged(name, claim, text, difference, gains.interval(difference))


def judged(
    name: str, claim: str, text: str, drawn: Doubles, interval: Interval, *, at: float = 0.0
) -> Finding:
    """Make a finding of a figure that speaks for a statement where it is above a bound.

    Args:
        name: short.
        claim: the statement.
        text: what was found, without interval and verdict.
        drawn: the figure, first itself and then on every draw.
        interval: of the figure.
        at: the bound.
    """
    verdict: Verdict = "not settled"
    if interval.bounds is not None and interval.bounds[0] > at:
        verdict = "holds here"
    elif interval.bounds is not None and interval.bounds[1] < at:
        verdict = "does not hold here"
    return finding(name, claim, text, float(drawn[0]), interval, verdict)


def finding(
    name: str, claim: str, text: str, value: float, interval: Interval, verdict: Verdict
) -> Finding:
    """Put a finding into a sentence; a figure that is not finite cannot be judged."""
    if not np.isfinite(value):
        return not_computed(name, claim, "a single-task figure is 0: no gain is relative to it")
    return Finding(
        name=name,
        sentence=f"{claim}: {verdict}. {text} ({bounds_text(interval)}).",
        verdict=verdict,
        value=value,
        interval=interval.bounds,
    )


def not_computed(name: str, claim: str, why: str) -> Finding:
    """Make a finding that says why it cannot be computed."""
    return Finding(name=name, sentence=f"{claim}: not computed, {why}.", verdict="not computed")


def percent(value: float) -> str:
    """Return a share as text with its sign."""
    return f"{100 * value:+.1f} %" if np.isfinite(value) else "-"


def bounds_text(interval: Interval) -> str:
    """Return an interval of shares as text, or why there is none."""
    if interval.bounds is None:
        return f"no interval: {interval.reason}"
    low, high = interval.bounds
    return f"95 % interval {percent(low)} to {percent(high)}"
