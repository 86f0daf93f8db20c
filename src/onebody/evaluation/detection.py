"""How well a network tells when something happens, in untrimmed streams of held-out clips.

Every way to make segments (`DETECTORS`) reads the same scores of the same streams. Its settings are
chosen on streams of validation rows, as those with the greatest mean F1 score over the overlaps; of
equal ones the first. All figures of a way are made of one list of segments. A list that is cut at a
threshold misses what is below it, so the average precision is lower than that of all candidates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from onebody.config import Config, lookup
from onebody.data import Source
from onebody.evaluation.stream_scores import Running, stream_track
from onebody.evaluation.untrimmed import Untrimmed, UntrimmedConfig, plan_streams
from onebody.inference.detectors import DETECTORS, Detector
from onebody.inference.rate import learned_fps
from onebody.inference.segments import ScoreTrack, started_earlier
from onebody.metrics.detection import edit_score, mean_average_precision
from onebody.metrics.events import EventCounts, Segment, count_events, false_in_idle, onset_delays
from onebody.models import SavedNetwork
from onebody.tasks import JointTask, Task, speakers
from onebody.tasks.classes import ClassTask
from onebody.tasks.classification import ClassificationTask
from onebody.types import Doubles

OVERLAPS = (0.1, 0.25, 0.5)
PRECISIONS = (0.3, 0.4, 0.5, 0.6, 0.7)


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionFigures:
    """What one way to make segments is worth; NaN where nothing could be measured.

    Attributes:
        config: its settings.
        chosen: mean F1 score that they reached on validation streams; None: the defaults, since
            there are no validation rows.
        chosen_delay_s: their median delay there, from a movement where it is known; NaN: nothing
            was chosen.
        f1: segmental F1 score by overlap, counts of all streams together.
        precision: mean average precision by overlap.
        edit: edit score, mean over the streams.
        false_per_minute: segments per minute in which nothing happens.
        delay_s: median time from when something began to when it was told, of what was found at an
            overlap of 0.5.
        moved_delay_s: the same from when somebody began to move in it; NaN where joints are not
            known.
        found, true: number of segments.
    """

    config: Config
    chosen: float | None
    chosen_delay_s: float
    f1: Mapping[float, float]
    precision: Mapping[float, float]
    edit: float
    false_per_minute: float
    delay_s: float
    moved_delay_s: float
    found: int
    true: int

    @property
    def mean_precision(self) -> float:
        """Mean of the average precisions over the overlaps."""
        return float(np.mean(list(self.precision.values())))


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceFigures:
    """Figures in one label space.

    Attributes:
        streams: number of streams.
        minutes, idle_minutes: their length, and how much of it nothing happens.
        clips: clips that they show, each counted once.
        ways: by name of the detector.
    """

    streams: int
    minutes: float
    idle_minutes: float
    clips: int
    ways: Mapping[str, DetectionFigures]


def label_spaces(tasks: Mapping[str, Task]) -> list[str]:
    """Return the tasks that say what happens: the joint one, else every plain classification.

    Raises:
        ValueError: if there is none.
    """
    known = (JointTask, ClassificationTask)
    found = [name for name, task in speakers(tasks).items() if isinstance(task, known)]
    if not found:
        raise ValueError(
            f"None of the tasks {', '.join(tasks)} says what happens: a classification, or an "
            "answer over several (union, routed)."
        )
    return found


def stream_rate(saved: SavedNetwork) -> float:
    """Return the frames per second of a network's streams.

    Raises:
        ValueError: if its notes do not tell what it learned from.
    """
    rate = learned_fps(saved)
    if rate is None:
        raise ValueError(
            "The saved network does not say at how many frames per second it learned (its media "
            "had no clock), so there is no rate to show it a stream at."
        )
    return rate


def measure_detection(
    saved: SavedNetwork,
    validation: Sequence[Source],
    test: Sequence[Source],
    config: UntrimmedConfig,
    *,
    detectors: Sequence[str] = tuple(DETECTORS),
    max_delay_s: float | None = None,
    settings: Mapping[str, Mapping[str, Config]] | None = None,
    running: Running | None = None,
    say: Callable[[str], None] | None = None,
) -> dict[str, SpaceFigures]:
    """Choose settings on validation streams, and measure them on test streams.

    Args:
        saved: the network.
        validation: rows that settings may be chosen on; none: the defaults are measured.
        test: rows that are measured.
        config: how streams are made of either.
        detectors: which ways.
        max_delay_s: see `choose`.
        settings: by label space and detector, what is measured where nothing is chosen; None, or
            where one is missing: the defaults.
        running: where and how the network runs.
        say: is told what is going on.

    Returns:
        By label space that has a test clip.

    Raises:
        ValueError: if no test row shows what the network could detect, or a stream cannot be made.
    """
    ways = {name: lookup(DETECTORS, name, "detector") for name in detectors}
    made: dict[str, SpaceFigures] = {}
    tell = say or (lambda _: None)
    for name in label_spaces(saved.network.tasks):
        task = saved.network.tasks[name]
        assert isinstance(task, ClassTask)
        found = {}
        for part, sources in (("validation", validation), ("test", test)):
            streams = _planned(saved, task, sources, config)
            if streams:
                minutes = sum(stream.length_s for stream in streams) / 60
                use = "to choose on" if part == "validation" else "to measure"
                tell(f"{name}: {len(streams)} streams {use}, {minutes:.1f} minutes")
            tracks = [
                stream_track(saved, task, s, windows=_any_windows(ways), running=running)
                for s in streams
            ]
            found[part] = (streams, tracks, [s.truth(task.classes) for s in streams])
        if found["test"][0]:
            given = (settings or {}).get(name, {})
            made[name] = _space(ways, found["validation"][1:], *found["test"], max_delay_s, given)
    if not made:
        raise ValueError("No test row shows anything that the network could detect.")
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Settings that were chosen.

    Attributes:
        config: the settings.
        f1: mean F1 score over the overlaps.
        delay_s: median time to telling, from a movement where that is known; infinite: nothing was
            found.
    """

    config: Config
    f1: float
    delay_s: float


def choose(
    detector: Detector,
    tracks: Sequence[ScoreTrack],
    truth: Sequence[Sequence[Segment]],
    *,
    max_delay_s: float | None = None,
) -> Choice:
    """Choose the settings with the greatest mean F1 score on some streams.

    Args:
        detector: the way.
        tracks: of validation streams.
        truth: what truly happens in each.
        max_delay_s: only settings that tell within this, as a median from when somebody moves
            (where that is not known, from the beginning); where there are none, the quickest.
    """
    best, reached = Choice(config=detector.grid[0], f1=0.0, delay_s=math.inf), (-math.inf, -1.0)
    known: dict[str, list[list[Segment]]] = {}
    for config in detector.grid:
        earlier = float(getattr(config, "earlier_s", 0.0))
        plain = config.model_copy(update={"earlier_s": 0.0}) if earlier else config
        key = plain.model_dump_json()
        if key not in known:
            known[key] = [detector.find(track, plain) for track in tracks]
        found = [started_earlier(own, earlier) for own in known[key]]
        value = float(np.mean([_f1(found, truth, least) for least in OVERLAPS]))
        delay = _delay(found, truth)
        too_late = 0.0 if max_delay_s is None else max(0.0, delay - max_delay_s)
        if (-too_late, value) > reached:
            reached = (-too_late, value)
            best = Choice(config=config, f1=value, delay_s=delay)
    return best


def _delay(found: Sequence[Sequence[Segment]], truth: Sequence[Sequence[Segment]]) -> float:
    """Return the median time to telling, from a movement where it is known; infinite: of none."""
    for since in ("movement", "start"):
        parts = [
            onset_delays(own, true, since=since) for own, true in zip(found, truth, strict=True)
        ]
        if any(len(part) for part in parts):
            return _median(parts)
    return math.inf


def measure_segments(
    found: Sequence[Sequence[Segment]],
    truth: Sequence[Sequence[Segment]],
    lengths_s: Sequence[float],
    *,
    config: Config,
    chosen: Choice | None = None,
) -> DetectionFigures:
    """Turn the segments of several streams into figures.

    Args:
        found: of each stream, with scores and with when they were told.
        truth: of each stream.
        lengths_s: of each stream.
        config: kept in the figures.
        chosen: kept in the figures.
    """
    false, idle = 0, 0.0
    delays, moved = [np.zeros(0)], [np.zeros(0)]
    for own, true, length in zip(found, truth, lengths_s, strict=True):
        count, minutes = false_in_idle(own, true, length)
        false, idle = false + count, idle + minutes
        delays.append(onset_delays(own, true))
        moved.append(onset_delays(own, true, since="movement"))
    edits = [edit_score(own, true) for own, true in zip(found, truth, strict=True)]
    return DetectionFigures(
        config=config,
        chosen=None if chosen is None else chosen.f1,
        chosen_delay_s=math.nan if chosen is None else chosen.delay_s,
        f1={least: _f1(found, truth, least) for least in OVERLAPS},
        precision=mean_average_precision(found, truth, PRECISIONS),
        edit=float(np.mean(edits)) if edits else math.nan,
        false_per_minute=false / idle if idle else math.nan,
        delay_s=_median(delays),
        moved_delay_s=_median(moved),
        found=sum(len(own) for own in found),
        true=sum(len(true) for true in truth),
    )


def _planned(
    saved: SavedNetwork, task: ClassTask, sources: Sequence[Source], config: UntrimmedConfig
) -> list[Untrimmed]:
    """Plan the streams of all sources; each source has its part of the minutes."""
    rate = stream_rate(saved)
    if config.minutes is not None and sources:
        sizes = np.array([len(source.table) for source in sources])
        parts = [
            config.model_copy(update={"minutes": config.minutes * float(share)})
            for share in sizes / sizes.sum()
        ]
    else:
        parts = [config] * len(sources)
    return [
        stream
        for source, own in zip(sources, parts, strict=True)
        for stream in plan_streams(source, task, saved.network.tasks, rate, own)
    ]


def _any_windows(ways: Mapping[str, Detector]) -> bool:
    return any(way.windows for way in ways.values())


def _space(
    ways: Mapping[str, Detector],
    validation: tuple[Sequence[ScoreTrack], Sequence[Sequence[Segment]]],
    streams: Sequence[Untrimmed],
    tracks: Sequence[ScoreTrack],
    truth: Sequence[Sequence[Segment]],
    max_delay_s: float | None,
    settings: Mapping[str, Config],
) -> SpaceFigures:
    """Choose and measure every way in one label space."""
    made = {}
    lengths = [stream.length_s for stream in streams]
    for name, way in ways.items():
        if validation[0]:
            chosen = choose(way, *validation, max_delay_s=max_delay_s)
            config = chosen.config
        else:
            config, chosen = settings.get(name) or way.config(), None
        found = [way.find(track, config) for track in tracks]
        made[name] = measure_segments(found, truth, lengths, config=config, chosen=chosen)
    busy = sum(s.end_s - s.start_s for true in truth for s in true)
    shown = {
        (id(stream.source), piece.row)
        for stream in streams
        for piece in stream.pieces
        if piece.label >= 0
    }
    return SpaceFigures(
        streams=len(streams),
        minutes=sum(lengths) / 60,
        idle_minutes=(sum(lengths) - busy) / 60,
        clips=len(shown),
        ways=made,
    )


def _median(parts: Sequence[Doubles]) -> float:
    values = np.concatenate(parts)
    return float(np.median(values)) if len(values) else math.nan


def _f1(
    found: Sequence[Sequence[Segment]], truth: Sequence[Sequence[Segment]], least: float
) -> float:
    """Return the F1 score of all streams together; 0 where nothing is found and nothing is."""
    counts = sum(
        (count_events(own, true, least) for own, true in zip(found, truth, strict=True)),
        EventCounts(),
    )
    value = counts.f1
    return 0.0 if math.isnan(value) else value
