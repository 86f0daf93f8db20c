"""From class scores of single moments to events: when something began, when it ended, what it was.

Scores are averaged over a short time and pass two thresholds: a class that comes to lead above the
upper one begins an event, which lasts until it falls below the lower one, so that scores near one
threshold do not make a dozen events of one. Most of the time nothing happens, and that is an
answer: classes that mean nothing, scores that are too low, and moments in which nobody is seen make
no event. All is counted in seconds, never in frames.

Source: two thresholds for one decision are those of Canny, "A Computational Approach to Edge
Detection", TPAMI 1986 (hysteresis), here along time.
"""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, ClassVar, Generic, TypeVar

import numpy as np
from pydantic import Field, model_validator

from onebody.config import Config
from onebody.metrics.events import Segment
from onebody.tasks import NONE_OF_THESE
from onebody.types import Array, Doubles

NOTHING = (NONE_OF_THESE, "nothing", "none", "idle", "background")
"""Names of classes that mean that nothing happens."""

Seconds = Annotated[float, Field(ge=0.0, le=60.0)]


def knows_nothing(classes: Sequence[str]) -> bool:
    """Say whether one of a task's classes means that nothing happens."""
    return any(name in NOTHING for name in classes)


class EventConfig(Config):
    """When a stream of class scores is an event.

    Attributes:
        on: mean score with which a class begins an event, where it leads.
        off: mean score below which its event ends.
        average_s: time constant of the mean of the scores.
        least_s: how long a class must lead before its event is told; it begins when it came to
            lead.
        hold_s: how long it must stay below ``off`` before the end is told; it ends when it fell.
        earlier_s: how much earlier than it is seen an event begins, for a network that looks back
            knows what happens only some time after it has begun; not before the stream, or before
            the end of the event in front of it.
        gap_s: a pause of the stream after which nothing of before counts.
        nothing: names of classes that are no event.
    """

    on: float = Field(0.5, gt=0.0, le=1.0)
    off: float = Field(0.35, ge=0.0, le=1.0)
    average_s: Seconds = 0.15
    least_s: Seconds = 0.1
    hold_s: Seconds = 0.3
    earlier_s: Seconds = 0.0
    gap_s: float = Field(1.0, gt=0.0, le=60.0)
    nothing: tuple[str, ...] = NOTHING

    @model_validator(mode="after")
    def _ordered(self) -> EventConfig:
        if self.off > self.on:
            raise ValueError(
                f"an event ends at a lower score than it begins with; found off {self.off:g} above "
                f"on {self.on:g}"
            )
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that a person did.

    Attributes:
        task: the class task that saw it.
        label: its class.
        confidence: mean score of the class while it lasted, in [0, 1].
        start_s: when it began, in the stream's time.
        end_s: when it ended; None: it goes on.
        told_s: time of the frame at which it was told to have begun.
        named_s: time of the frame since which it has had this label: later than ``told_s`` where
            the label was revised.
        track: who did it.
    """

    task: str
    label: str
    confidence: float
    start_s: float
    end_s: float | None
    told_s: float
    named_s: float
    track: int = 0

    def to_json(self) -> str:
        """Return everything as one JSON text."""
        return json.dumps(asdict(self), allow_nan=False)

    def segment(self) -> Segment:
        """Return it as the metrics of events want it; it counts as told when it had its label.

        Raises:
            ValueError: if it goes on.
        """
        if self.end_s is None:
            raise ValueError(f"{self.label!r} goes on since {self.start_s:g} s: it has no end yet.")
        return Segment(
            label=self.label,
            start_s=self.start_s,
            end_s=self.end_s,
            told_s=self.named_s,
            score=self.confidence,
        )


@dataclass(slots=True, kw_only=True)
class Lasting:
    """Something that goes on.

    Attributes:
        since: when it was seen to begin.
        floor: before which it cannot have begun.
        told: when it was told; NaN: not yet.
        fell: when it fell below the lower threshold; infinite: it is above.
    """

    since: float
    floor: float = -math.inf
    told: float = math.nan
    fell: float = math.inf


@dataclass(slots=True, kw_only=True)
class _Run(Lasting):
    """A class that leads, or its event.

    Attributes:
        index: number of the class.
        total, weight: sum of its scores, weighted by time, and of the weights.
        last: its last score.
    """

    index: int
    total: float = 0.0
    weight: float = 0.0
    last: float = 0.0

    def hear(self, score: float, passed: float) -> None:
        """Take in a score of the class."""
        self.total += score * passed
        self.weight += passed
        self.last = score

    @property
    def confidence(self) -> float:
        """The mean score."""
        mean = self.total / self.weight if self.weight else self.last
        return min(max(mean, 0.0), 1.0)


RunT = TypeVar("RunT", bound=Lasting)


class Spotter(ABC, Generic[RunT]):
    """Finds the events of one class task and one person; at most one goes on at a time.

    Scores are checked and averaged from moment to moment; subclasses say what they mean.

    Args:
        task: name of the task.
        classes: its C classes.
        config: thresholds and times.
        track: whose scores they are.

    Attributes:
        weighs_nothing: whether "nothing" has a score, so that no answer need be rejected before.
    """

    weighs_nothing: ClassVar[bool] = False

    def __init__(
        self, task: str, classes: Sequence[str], config: EventConfig, *, track: int = 0
    ) -> None:
        self.task, self.classes, self.config, self.track = task, tuple(classes), config, track
        self._counts = np.array([name not in config.nothing for name in self.classes])
        self._mean = np.zeros(len(self.classes))
        self._now = -math.inf
        self._event: RunT | None = None
        self._floor_s = -math.inf  # where the last event ended, or the stream began

    @property
    def current(self) -> Event | None:
        """The event that goes on; None: nothing happens."""
        return None if self._event is None else self._as_event(self._event, None)

    def push(
        self, time_s: float, scores: Array | None
    ) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
        """Take in the scores of the next moment.

        Args:
            time_s: later than that before.
            scores: ``[C]`` in [0, 1]; None: there is nobody, or it is none of the classes.

        Returns:
            Events that are told to have begun, and those that are told to have ended.

        Raises:
            ValueError: if time stands still or goes back, or scores are not finite or not C.
        """
        values = self._checked(time_s, scores)
        passed = time_s - self._now
        self._now, before = time_s, self._now
        ended: list[Event] = []
        if not passed <= self.config.gap_s:  # the first moment, or a pause
            ended, passed = self._end(before), 0.0
            self._forget()
            self._floor_s = time_s
        self._mean += _gain(passed, self.config.average_s) * (values - self._mean)
        started = self._heard(time_s, values, passed, ended)
        return started, tuple(ended)

    def finish(self) -> tuple[Event, ...]:
        """End what goes on; what comes later begins anew."""
        ended = self._end(self._now)
        self._forget()
        return tuple(ended)

    @abstractmethod
    def _heard(
        self, time_s: float, values: Doubles, passed: float, ended: list[Event]
    ) -> tuple[Event, ...]:
        """Return the events that begin with these scores, and add those that end."""

    @abstractmethod
    def _as_event(self, run: RunT, end_s: float | None) -> Event:
        """Return what goes on, or went on, as an event."""

    def _forget(self) -> None:
        """Let nothing of before count."""
        self._mean[:] = 0.0

    def _end(self, time_s: float) -> list[Event]:
        """End the event that goes on, if there is one, at the latest when it fell."""
        if self._event is None:
            return []
        event, self._event = self._event, None
        self._floor_s = min(time_s, event.fell)
        return [self._as_event(event, self._floor_s)]

    def _start(self, run: RunT) -> float:
        """Return when something began, by when it was seen to."""
        return max(run.since - self.config.earlier_s, min(run.floor, run.since))

    def _checked(self, time_s: float, scores: Array | None) -> Doubles:
        """Return scores as numbers; nobody's are 0."""
        if not self._now < time_s < math.inf:
            raise ValueError(
                f"Task {self.task!r}: expected scores after {self._now:g} s, found those of "
                f"{time_s:g} s."
            )
        if scores is None:
            return np.zeros(len(self.classes))
        values = np.asarray(scores, np.float64)
        if values.shape != self._mean.shape or not np.isfinite(values).all():
            raise ValueError(
                f"Task {self.task!r}: expected {len(self.classes)} finite scores at {time_s:g} s, "
                f"found {values.tolist()}. The network has diverged, or is another one."
            )
        return values


class EventSpotter(Spotter[_Run]):
    """Names the class that leads, where it passes two thresholds; see the module."""

    def __init__(
        self, task: str, classes: Sequence[str], config: EventConfig, *, track: int = 0
    ) -> None:
        super().__init__(task, classes, config, track=track)
        self._leader: _Run | None = None

    def _heard(
        self, time_s: float, values: Doubles, passed: float, ended: list[Event]
    ) -> tuple[Event, ...]:
        """Let the class that leads begin, replace or end an event."""
        self._follow_leader(time_s, values, passed)
        self._follow_event(time_s, values, passed)
        leader, event = self._leader, self._event
        if leader is not None and not self._is_ripe(leader, time_s):
            leader = None
        if event is not None and leader is not None and leader.index != event.index:
            ended += self._end(leader.since)
        elif event is not None and time_s - event.fell >= self.config.hold_s:
            ended += self._end(time_s)
        if self._event is None and leader is not None:
            return (self._begin(leader, time_s),)
        return ()

    def _forget(self) -> None:
        super()._forget()
        self._leader = None

    def _follow_leader(self, time_s: float, values: Doubles, passed: float) -> None:
        """Note which class leads, and since when; a class that means nothing is no leader."""
        best = int(np.argmax(self._mean))
        score, leader = float(self._mean[best]), self._leader
        if leader is not None and leader.index == best and score >= self.config.off:
            leader.hear(float(values[best]), passed)
        elif score >= self.config.on and self._counts[best]:
            self._leader = _Run(index=best, since=time_s)
            self._leader.hear(float(values[best]), 0.0)
        else:
            self._leader = None

    def _is_ripe(self, leader: _Run, time_s: float) -> bool:
        """Whether a class has led for long enough to be told, and still does."""
        long_enough = time_s - leader.since >= self.config.least_s
        return bool(long_enough and self._mean[leader.index] >= self.config.on)

    def _follow_event(self, time_s: float, values: Doubles, passed: float) -> None:
        """Note whether the class of the event has fallen, and when."""
        event = self._event
        if event is None:
            return
        if self._mean[event.index] < self.config.off:
            event.fell = min(event.fell, time_s)
        else:
            event.fell = math.inf
            event.hear(float(values[event.index]), passed)

    def _begin(self, leader: _Run, time_s: float) -> Event:
        """Make an event of the leading class, a copy, since the leader counts on."""
        since = max(leader.since, self._floor_s)
        self._event = replace(leader, since=since, floor=self._floor_s, told=time_s)
        return self._as_event(self._event, None)

    def _as_event(self, run: _Run, end_s: float | None) -> Event:
        return Event(
            task=self.task,
            label=self.classes[run.index],
            confidence=run.confidence,
            start_s=self._start(run),
            end_s=end_s,
            told_s=run.told,
            named_s=run.told,
            track=self.track,
        )


def _gain(passed_s: float, constant_s: float) -> float:
    """Return what the newest score counts in the mean.

    The very first moment counts nothing: a single one is no proof of an event (but where nothing is
    averaged, all counts at once).
    """
    return 1.0 if constant_s == 0 else -math.expm1(-passed_s / constant_s)
