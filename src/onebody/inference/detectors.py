"""Ways to make segments of class scores along a stream, each with the settings to choose from.

Which setting is taken must be chosen on streams of validation rows (`onebody.evaluation`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from pydantic import Field, NonNegativeInt

from onebody.config import Config
from onebody.inference.activity import ActivityConfig, make_spotter
from onebody.inference.boundaries import (
    GradientConfig,
    any_gradient_segments,
    gradient_segments,
)
from onebody.inference.events import Event, EventConfig
from onebody.inference.segments import ScoreTrack, without_overlap
from onebody.metrics.events import Segment
from onebody.types import Doubles, Ints


class WindowConfig(Config):
    """When a window is a segment.

    Attributes:
        least: least probability of the window's likeliest class.
        overlap: how much of the shorter one two segments may share.
        lengths: which lengths of windows, from the shortest on, are looked at; None, or where there
            are no such ones: all.
    """

    least: float = Field(0.5, ge=0.0, le=1.0)
    overlap: float = Field(0.3, ge=0.0, le=1.0)
    lengths: tuple[NonNegativeInt, ...] | None = Field(None, min_length=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """A way to make segments.

    Attributes:
        summary: one line.
        config: class of its settings.
        find: segments with scores of one track.
        windows: whether it reads the scores of windows, not those of frames.
        grid: settings to choose from, the plainest first.
    """

    summary: str
    config: type[Config]
    find: Callable[[ScoreTrack, Any], list[Segment]]
    windows: bool
    grid: tuple[Config, ...]


def spotted_segments(track: ScoreTrack, config: EventConfig) -> list[Segment]:
    """Find segments as a live stream does; see `onebody.inference.activity.make_spotter`.

    Where no class means nothing there is no probability that anything happens: of an
    `ActivityConfig` nothing is found.
    """
    if isinstance(config, ActivityConfig) and track.counts.all():
        return []
    spotter = make_spotter("", track.classes, config)
    events: list[Event] = []
    for time_s, scores in zip(track.times_s.tolist(), track.scores, strict=True):
        events += spotter.push(time_s, scores)[1]
    events += spotter.finish()
    return [event.segment() for event in events if event.end_s and event.end_s > event.start_s]


def window_segments(track: ScoreTrack, config: WindowConfig) -> list[Segment]:
    """Take the windows whose likeliest class is likely enough; the baseline.

    Of windows that overlap the best stays. A window is told when it ends. Where "nothing" is a
    class, a window that shows nothing is no segment.

    Raises:
        ValueError: if nobody has looked at windows.
    """
    if track.window_scores is None:
        raise ValueError("Segments of windows need the scores of windows, found none.")
    found = []
    spans, said = track.windows_s, track.window_scores
    if config.lengths is not None:
        looked = np.isin(_length_numbers(spans), config.lengths)
        if looked.any():
            spans, said = spans[looked], said[looked]
    for (start, end), scores in zip(spans.tolist(), said, strict=True):
        best = int(np.argmax(scores))
        if track.counts[best] and scores[best] >= config.least:
            name, score = track.classes[best], float(scores[best])
            found.append(Segment(label=name, start_s=start, end_s=end, told_s=end, score=score))
    return without_overlap(found, config.overlap)


def window_lengths(frames: int) -> tuple[int, ...]:
    """Return how many frames the baseline's windows have, the plain one first.

    Args:
        frames: of the clips that the network learned from: what it is given at once or, of a
            network that runs as a stream, the usual clip where that is shorter.
    """
    return tuple(max(2, round(length * frames)) for length in (1.0, 0.7, 1.4))


def _length_numbers(spans: Doubles) -> Ints:
    """Number windows ``[W, 2]`` by their lengths; a tenth more or less is none: clocks jitter."""
    lengths = spans[:, 1] - spans[:, 0]
    order = np.argsort(lengths, kind="stable")
    numbers = np.zeros(len(lengths), np.int64)
    longer = np.diff(lengths[order]) > 0.1 * lengths[order][:-1]
    numbers[order[1:]] = np.cumsum(longer)
    return numbers


def _grid(config: type[Config], **values: Sequence[Any]) -> tuple[Config, ...]:
    """Return every combination of values."""
    names = tuple(values)
    return tuple(
        config.model_validate(dict(zip(names, chosen, strict=True)))
        for chosen in product(*values.values())
    )


_EARLIER_S = (0.0, 0.3, 0.6, 0.9, 1.2)
_LEVELS = (0.5, 0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9)


def _hysteresis_grid() -> tuple[Config, ...]:
    """Return thresholds the lower of which is a share of the upper one."""
    return tuple(
        EventConfig(on=on, off=round(share * on, 4), average_s=mean, earlier_s=earlier)
        for on, share, mean, earlier in product(_LEVELS, (0.7, 0.4), (0.15, 0.4, 0.8), _EARLIER_S)
    )


def _activity_grid() -> tuple[Config, ...]:
    """Return thresholds the lower of which is a share of the upper one."""
    chosen = product((0.9, 0.7, 0.5, 0.3), (0.5, 0.8), (0.0, 0.15, 0.4), (0.2, 0.1), (0.8, 0.5))
    return tuple(
        ActivityConfig(
            on=on,
            off=round(share * on, 4),
            average_s=mean,
            least_s=least,
            split_s=split,
            earlier_s=earlier,
        )
        for on, share, mean, least, split in chosen
        for earlier in _EARLIER_S
    )


_GRADIENT = Detector(
    summary="starts and ends where frame scores rise and fall steepest",
    config=GradientConfig,
    find=gradient_segments,
    windows=False,
    grid=_grid(
        GradientConfig,
        smooth_s=(0.3, 0.15, 0.5, 0.8),
        slope=(0.15, 0.03),
        least=(0.25, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6),
        earlier_s=_EARLIER_S,
    ),
)


DETECTORS: dict[str, Detector] = {
    "events": Detector(
        summary="two thresholds on averaged frame scores, as in a live stream",
        config=EventConfig,
        find=spotted_segments,
        windows=False,
        grid=_hysteresis_grid(),
    ),
    "activity": Detector(
        summary="two thresholds on whether anything happens, as live where a class means nothing",
        config=ActivityConfig,
        find=spotted_segments,
        windows=False,
        grid=_activity_grid(),
    ),
    "gradient": _GRADIENT,
    "gradient-any": replace(
        _GRADIENT,
        summary="the same of whether anything happens, where a class means nothing",
        find=any_gradient_segments,
    ),
    "window": Detector(
        summary="sliding windows, the likeliest of those that overlap (the baseline)",
        config=WindowConfig,
        find=window_segments,
        windows=True,
        grid=_grid(
            WindowConfig,
            least=(0.5, *(round(0.05 * n, 2) for n in range(1, 20) if n != 10)),
            overlap=(0.3, 0.0),
            lengths=(None, (0,), (1,), (2,), (1, 2)),
        ),
    ),
}
"""By name."""
