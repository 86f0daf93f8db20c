"""Figures of merit of events in a continuous stream: segments found beside segments that were.

Sources: the segmental F1 score at an overlap is that of Lea, Flynn, Vidal, Reiter, Hager, "Temporal
Convolutional Networks for Action Segmentation and Detection", CVPR 2017; a false alarm rate over
idle time beside a delay from onset is how continuous gesture spotting is judged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from onebody.types import Doubles


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A class over a span of time.

    Attributes:
        label: the class.
        start_s, end_s: when it begins and ends, start not after end.
        moves_s: of a true segment: when somebody begins to move in it; NaN: unknown.
        told_s: of a segment that was found: when it was told; NaN: unknown.
        score: of a segment that was found: how sure of it one is, any scale; NaN: unknown.
    """

    label: str
    start_s: float
    end_s: float
    moves_s: float = math.nan
    told_s: float = math.nan
    score: float = math.nan

    def __post_init__(self) -> None:
        if not -math.inf < self.start_s <= self.end_s < math.inf:
            raise ValueError(
                f"{self.label!r}: expected a beginning not after the end, found {self.start_s} to "
                f"{self.end_s} s."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCounts:
    """How many events were found, invented and missed; counts of several streams add up.

    Attributes:
        right: found segments that are a true one.
        wrong: found segments that are none.
        missed: true segments that nothing was found of.
    """

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def __add__(self, other: EventCounts) -> EventCounts:
        return EventCounts(
            right=self.right + other.right,
            wrong=self.wrong + other.wrong,
            missed=self.missed + other.missed,
        )

    @property
    def precision(self) -> float:
        """Share of the found segments that are right; NaN where nothing was found."""
        return _ratio(self.right, self.right + self.wrong)

    @property
    def recall(self) -> float:
        """Share of the true segments that were found; NaN where there are none."""
        return _ratio(self.right, self.right + self.missed)

    @property
    def f1(self) -> float:
        """Harmonic mean of both, in [0, 1]; NaN where there is neither kind of segment."""
        return _ratio(2 * self.right, 2 * self.right + self.wrong + self.missed)


def overlap(a: Segment, b: Segment) -> float:
    """Return intersection over union of two spans in [0, 1], whatever their classes."""
    both = min(a.end_s, b.end_s) - max(a.start_s, b.start_s)
    either = max(a.end_s, b.end_s) - min(a.start_s, b.start_s)
    return 0.0 if both <= 0 else both / either


def match_segments(
    found: Sequence[Segment], truth: Sequence[Segment], least: float = 0.5
) -> list[int | None]:
    """Say which true segment each found one is.

    Found segments come in order of their beginning. Each takes the true segment of its class that
    it overlaps most, if that is enough and nobody has taken it before: of two that are found for
    one, the second is wrong.

    Args:
        found: in any order.
        truth: in any order.
        least: overlap (intersection over union) that is enough, in (0, 1].

    Returns:
        For each found segment the place of its true one in ``truth``; None: it is wrong.

    Raises:
        ValueError: if ``least`` is no overlap.
    """
    if not 0 < least <= 1:
        raise ValueError(f"An overlap lies above 0 and is at most 1, found {least}.")
    matches: list[int | None] = [None] * len(found)
    taken: set[int] = set()
    for number in sorted(range(len(found)), key=lambda i: (found[i].start_s, found[i].end_s)):
        shares = [
            overlap(found[number], true) if true.label == found[number].label else 0.0
            for true in truth
        ]
        free = [i for i, value in enumerate(shares) if value >= least and i not in taken]
        if free:
            best = max(free, key=lambda i: shares[i])
            matches[number] = best
            taken.add(best)
    return matches


def count_events(
    found: Sequence[Segment], truth: Sequence[Segment], least: float = 0.5
) -> EventCounts:
    """Count right, wrong and missed segments of one stream at an overlap; see `match_segments`."""
    right = sum(match is not None for match in match_segments(found, truth, least))
    return EventCounts(right=right, wrong=len(found) - right, missed=len(truth) - right)


def event_f1(
    found: Sequence[Segment], truth: Sequence[Segment], leasts: Sequence[float] = (0.1, 0.25, 0.5)
) -> dict[float, float]:
    """Return the segmental F1 score in [0, 1] at each overlap."""
    return {least: count_events(found, truth, least).f1 for least in leasts}


def idle_seconds(truth: Sequence[Segment], length_s: float) -> float:
    """Return for how long nothing truly happens in a stream from 0 to its length."""
    return length_s - sum(end - start for start, end in _busy(truth, length_s))


def false_in_idle(
    found: Sequence[Segment], truth: Sequence[Segment], length_s: float
) -> tuple[int, float]:
    """Count what was found where nothing was.

    A found segment counts if more than half of it lies where nothing truly happens. One of the
    wrong class in the midst of something is wrong (see `count_events`), but no false alarm.

    Returns:
        The number of such segments, and the idle time in minutes; of several streams, add both up
        before dividing.
    """
    spans = _busy(truth, length_s)
    count = 0
    for segment in found:
        inside = sum(
            max(0.0, min(segment.end_s, end) - max(segment.start_s, start)) for start, end in spans
        )
        length = segment.end_s - segment.start_s
        if length > 0:
            count += inside < length / 2
        else:
            count += not any(start <= segment.start_s <= end for start, end in spans)
    return count, idle_seconds(truth, length_s) / 60


def onset_delays(
    found: Sequence[Segment],
    truth: Sequence[Segment],
    least: float = 0.5,
    *,
    since: Literal["start", "movement"] = "start",
) -> Doubles:
    """Return ``[K]`` how long after its true beginning each event that was found was told, in s.

    Missed events have no delay: state the F1 score at the same overlap beside it.

    Args:
        found: with when they were told.
        truth: what truly happens.
        least: overlap that makes one the other.
        since: what is its beginning: that of the segment, or when somebody moves in it (one of
            which that is not known has no delay). It may be negative: a network may see
            what a tenth of the way is not yet.

    Raises:
        ValueError: if nobody knows when a segment was told.
    """
    delays = []
    for segment, match in zip(found, match_segments(found, truth, least), strict=True):
        if match is not None:
            if math.isnan(segment.told_s):
                raise ValueError(
                    f"{segment.label!r} at {segment.start_s:g} s: expected when it was told "
                    "('told_s'), found nothing."
                )
            true = truth[match]
            delays.append(segment.told_s - (true.start_s if since == "start" else true.moves_s))
    found_delays = np.array(delays, np.float64)
    return found_delays[~np.isnan(found_delays)]


def _busy(truth: Sequence[Segment], length_s: float) -> list[tuple[float, float]]:
    """Return the spans in which something truly happens, joined where they touch or overlap."""
    spans: list[tuple[float, float]] = []
    for segment in sorted(truth, key=lambda s: s.start_s):
        start, end = max(segment.start_s, 0.0), min(segment.end_s, length_s)
        if end <= start:
            continue
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((start, end))
    return spans


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
