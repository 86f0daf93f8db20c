"""Class scores over time, and what every way to make segments of them needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from onebody.inference.events import NOTHING
from onebody.metrics.events import Segment
from onebody.types import Bools, Doubles, Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreTrack:
    """What a class task says along one stream.

    Attributes:
        classes: its C classes.
        times_s: ``[T]`` when each frame begins, ascending.
        scores: ``[T, C]`` class probabilities of every frame.
        windows_s: ``[W, 2]`` begin and end of windows; none where nobody has looked at any.
        window_scores: ``[W, C]`` class probabilities of whole windows.
    """

    classes: tuple[str, ...]
    times_s: Doubles
    scores: Floats
    windows_s: Doubles = field(default_factory=lambda: np.zeros((0, 2)))
    window_scores: Floats | None = None

    def __post_init__(self) -> None:
        shape = (len(self.times_s), len(self.classes))
        if self.scores.shape != shape:
            raise ValueError(f"scores should be {shape}, found {self.scores.shape}.")
        if len(self.times_s) > 1 and not (np.diff(self.times_s) > 0).all():
            raise ValueError("The frames of a stream come one after another; times go back.")
        if self.window_scores is not None:
            wanted = (len(self.windows_s), len(self.classes))
            if self.window_scores.shape != wanted:
                raise ValueError(
                    f"window_scores should be {wanted}, found {self.window_scores.shape}."
                )

    @property
    def step_s(self) -> float:
        """Typical time between two frames in seconds; 0 of a single frame."""
        return float(np.median(np.diff(self.times_s))) if len(self.times_s) > 1 else 0.0

    @property
    def end_s(self) -> float:
        """When the last frame ends; 0 where there is none."""
        return float(self.times_s[-1]) + self.step_s if len(self.times_s) else 0.0

    @property
    def counts(self) -> Bools:
        """``[C]`` which classes are something that happens."""
        return np.array([name not in NOTHING for name in self.classes], np.bool_)


def without_overlap(segments: Sequence[Segment], most: float) -> list[Segment]:
    """Keep the best scored of segments that overlap: one person does one thing at a time.

    Non-maximum suppression, whatever the classes. The overlap is the common time as a share of the
    shorter segment, so that a short one within a long one goes, too.

    Args:
        segments: with scores, in any order.
        most: overlap in [0, 1] that two kept segments may have.

    Returns:
        In order of their beginning.
    """
    order = sorted(segments, key=lambda s: -s.score)
    starts = np.array([s.start_s for s in order])
    ends = np.array([s.end_s for s in order])
    left = np.ones(len(order), np.bool_)
    kept = []
    for number, segment in enumerate(order):
        if not left[number]:
            continue
        kept.append(segment)
        common = np.minimum(ends, segment.end_s) - np.maximum(starts, segment.start_s)
        shorter = np.minimum(ends - starts, segment.end_s - segment.start_s)
        left &= common <= most * np.maximum(shorter, 1e-9)
    return sorted(kept, key=lambda s: (s.start_s, s.end_s))


def started_earlier(segments: Sequence[Segment], earlier_s: float) -> list[Segment]:
    """Let segments begin earlier than they were seen to, by what seeing takes.

    A network that looks back only knows what happens some time after it has begun. Nothing begins
    before the stream does (0), or before the segment in front of it has ended.
    """
    made: list[Segment] = []
    for segment in sorted(segments, key=lambda s: (s.start_s, s.end_s)):
        floor = max(made[-1].end_s if made else 0.0, 0.0)
        start = max(segment.start_s - earlier_s, min(floor, segment.start_s))
        made.append(replace(segment, start_s=start))
    return made
