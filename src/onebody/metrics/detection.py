"""Figures of merit of scored segments: mean average precision, and the edit score of their order.

Sources: average precision over segments is that of the THUMOS challenge (Idrees et al., "The THUMOS
Challenge on Action Recognition for Videos in the Wild", CVIU 2017): found segments of a class in
order of their score, each taking the true one that it overlaps most; the area under the precision
that is reached at any higher recall, too. The edit score is that of Lea, Reiter, Vidal, Hager,
"Segmental Spatiotemporal CNNs for Fine-Grained Action Segmentation", ECCV 2016.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from onebody.metrics.events import Segment, overlap
from onebody.types import Bools

Streams = Sequence[Sequence[Segment]]
"""The segments of each of several streams."""


def average_precision(found: Streams, truth: Streams, label: str, least: float = 0.5) -> float:
    """Return the average precision of one class in [0, 1]; NaN where it never truly happens.

    Args:
        found: by stream; every segment of the class has a score.
        truth: by stream.
        label: the class.
        least: overlap (intersection over union) that is enough, in (0, 1].

    Raises:
        ValueError: if streams differ in number, ``least`` is no overlap, or a score is missing.
    """
    _check(found, truth, least)
    own = [(s, place) for place, one in enumerate(found) for s in one if s.label == label]
    true = [[s for s in one if s.label == label] for one in truth]
    count = sum(len(one) for one in true)
    if not count:
        return math.nan
    own.sort(key=lambda entry: -entry[0].score)
    taken: set[tuple[int, int]] = set()
    hits = np.zeros(len(own), np.bool_)
    for number, (segment, stream) in enumerate(own):
        shares = [
            overlap(segment, s) if (stream, i) not in taken else 0.0
            for i, s in enumerate(true[stream])
        ]
        best = int(np.argmax(shares)) if shares else -1
        if best >= 0 and shares[best] >= least:
            taken.add((stream, best))
            hits[number] = True
    return _area(hits, count)


def mean_average_precision(
    found: Streams, truth: Streams, leasts: Sequence[float] = (0.3, 0.4, 0.5, 0.6, 0.7)
) -> dict[float, float]:
    """Return the mean over the classes that truly happen, in [0, 1], at each overlap.

    A class that is found though it never happens is not counted here; the F1 score counts it.

    Raises:
        ValueError: as `average_precision`.
    """
    labels = sorted({s.label for one in truth for s in one})
    return {
        least: float(np.mean([average_precision(found, truth, label, least) for label in labels]))
        if labels
        else math.nan
        for least in leasts
    }


def edit_score(found: Sequence[Segment], truth: Sequence[Segment]) -> float:
    """Return how alike the order of found and of true classes is in one stream, in [0, 1].

    It is 1 minus the least number of classes to add, drop or exchange, as a share of the longer
    order; when something happened does not count. NaN where both are empty.
    """
    own, true = (
        [s.label for s in sorted(side, key=lambda s: (s.start_s, s.end_s))]
        for side in (found, truth)
    )
    longer = max(len(own), len(true))
    if not longer:
        return math.nan
    row = list(range(len(true) + 1))
    for i, name in enumerate(own, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(true, 1):
            before, row[j] = row[j], min(before + (name != other), row[j] + 1, row[j - 1] + 1)
    return 1.0 - row[-1] / longer


def _area(hits: Bools, count: int) -> float:
    """Return the area under the interpolated precision over recall."""
    if not hits.any():
        return 0.0
    right = np.cumsum(hits)
    precision = right / np.arange(1, len(hits) + 1)
    reached = np.maximum.accumulate(precision[::-1])[::-1]
    return float(reached[hits].sum() / count)


def _check(found: Streams, truth: Streams, least: float) -> None:
    """Refuse what cannot be compared."""
    if len(found) != len(truth):
        raise ValueError(f"Segments of {len(found)} streams beside the truth of {len(truth)}.")
    if not 0 < least <= 1:
        raise ValueError(f"An overlap lies above 0 and is at most 1, found {least}.")
    for segment in (s for one in found for s in one):
        if math.isnan(segment.score):
            raise ValueError(
                f"{segment.label!r} at {segment.start_s:g} s: expected a score, found none. "
                "Average precision needs scored segments."
            )
