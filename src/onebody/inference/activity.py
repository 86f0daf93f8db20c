"""Events of anything that happens: begun before it is clear what, named by what all of it says.

Where a class means "nothing", what is left of its probability says that something happens, whatever
it is. That is known sooner than which class it is, and does not waver between two classes that are
much alike. So the two thresholds (see `onebody.inference.events`) are about this sum; the label is
the class with the greatest sum of scores since the event began, and may be revised while it lasts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from onebody.inference.events import (
    Event,
    EventConfig,
    EventSpotter,
    Lasting,
    Seconds,
    Spotter,
    knows_nothing,
)
from onebody.types import Doubles


class ActivityConfig(EventConfig):
    """When something happens at all; the thresholds are about the sum of the classes that count.

    Attributes:
        split_s: how long each of two classes must have led, the second by more than a half on
            average, for one event to be two.
    """

    on: float = Field(0.9, gt=0.0, le=1.0)
    off: float = Field(0.72, ge=0.0, le=1.0)
    average_s: Seconds = 0.0
    least_s: Seconds = 0.2
    hold_s: Seconds = 0.3
    earlier_s: Seconds = 0.6
    split_s: float = Field(0.8, gt=0.0, le=60.0)


@dataclass(slots=True, kw_only=True)
class _Span(Lasting):
    """A time of something.

    Attributes:
        total: ``[C]`` sum of the scores, weighted by time.
        weight: sum of the weights.
        label: class number; -1: not yet told.
        named: when it got this label.
    """

    total: Doubles
    weight: float = 0.0
    label: int = -1
    named: float = math.nan

    def hear(self, values: Doubles, passed: float) -> None:
        """Take in scores."""
        self.total += values * passed
        self.weight += passed


class ActivitySpotter(Spotter[_Span]):
    """Finds the events of one class task that knows "nothing", and one person; see the module.

    Args:
        task: name of the task.
        classes: its C classes.
        config: thresholds and times.
        track: whose scores they are.

    Raises:
        ValueError: if no class means nothing: then something would happen all the time.
    """

    config: ActivityConfig
    weighs_nothing = True

    def __init__(
        self, task: str, classes: Sequence[str], config: ActivityConfig, *, track: int = 0
    ) -> None:
        super().__init__(task, classes, config, track=track)
        if self._counts.all():
            raise ValueError(
                f"Task {task!r}: expected a class that means nothing, one of "
                f"{', '.join(config.nothing)}; found {', '.join(classes)}. Take an EventConfig."
            )
        self._rise: _Span | None = None
        self._leader, self._lead = -1, self._begun(-math.inf)

    def _heard(
        self, time_s: float, values: Doubles, passed: float, ended: list[Event]
    ) -> tuple[Event, ...]:
        """Let anything that happens begin an event, or end, split or name the one that goes on."""
        self._follow_leader(time_s, values, passed)
        if self._event is not None:
            ended += self._follow_event(self._event, time_s, values, passed)
        if self._event is None:
            return self._follow_rise(time_s, values, passed)
        self._name(self._event, time_s)
        return self._split(self._event, time_s, ended)

    def _forget(self) -> None:
        super()._forget()
        self._rise, self._leader = None, -1

    def _begun(self, time_s: float) -> _Span:
        return _Span(since=time_s, total=np.zeros(len(self.classes)))

    def _happening(self) -> float:
        """Return the mean probability that something happens."""
        return float(self._mean[self._counts].sum())

    def _follow_leader(self, time_s: float, values: Doubles, passed: float) -> None:
        """Note which of the classes that count leads, and since when."""
        best = self._best(self._mean)
        if best != self._leader:
            self._leader, self._lead = best, self._begun(time_s)
        self._lead.hear(values, passed)

    def _follow_rise(self, time_s: float, values: Doubles, passed: float) -> tuple[Event, ...]:
        """Note since when something happens, and tell it when it has for long enough."""
        happening = self._happening()
        if self._rise is not None and happening >= self.config.off:
            self._rise.hear(values, passed)
        elif happening >= self.config.on:
            self._rise = self._begun(time_s)
            self._rise.hear(values, 1e-9)  # so that a label is known at once
        else:
            self._rise = None
        if self._rise is None or happening < self.config.on:
            return ()
        if time_s - self._rise.since < self.config.least_s:
            return ()
        event, self._rise = self._rise, None
        event.since, event.told = max(event.since, self._floor_s), time_s
        event.floor = self._floor_s
        self._event = event
        self._name(event, time_s)
        return (self._as_event(event, None),)

    def _follow_event(
        self, event: _Span, time_s: float, values: Doubles, passed: float
    ) -> list[Event]:
        """Take in what happens during the event, or that it is over."""
        if self._happening() >= self.config.off:
            event.fell = math.inf
            event.hear(values, passed)
            return []
        event.fell = min(event.fell, time_s)
        return self._end(time_s) if time_s - event.fell >= self.config.hold_s else []

    def _split(self, event: _Span, time_s: float, ended: list[Event]) -> tuple[Event, ...]:
        """Make two events of one in which another class has come to lead for good."""
        lead = self._lead
        if (
            self._leader == event.label
            or lead.total[self._leader] <= lead.weight / 2
            or time_s - lead.since < self.config.split_s
            or lead.since - event.since < self.config.split_s
        ):
            return ()
        ended += self._end(lead.since)
        self._event = _Span(
            since=lead.since,
            floor=self._floor_s,
            total=lead.total.copy(),
            weight=lead.weight,
            told=time_s,
        )
        self._name(self._event, time_s)
        return (self._as_event(self._event, None),)

    def _name(self, event: _Span, time_s: float) -> None:
        """Name an event by all that was heard of it."""
        best = self._best(event.total)
        if best != event.label:
            event.label, event.named = best, time_s

    def _best(self, values: Doubles) -> int:
        """Return the greatest of the classes that count."""
        return int(np.argmax(np.where(self._counts, values, -1.0)))

    def _as_event(self, run: _Span, end_s: float | None) -> Event:
        mean = float(run.total[run.label]) / run.weight
        return Event(
            task=self.task,
            label=self.classes[run.label],
            confidence=min(max(mean, 0.0), 1.0),
            start_s=self._start(run),
            end_s=end_s,
            told_s=run.told,
            named_s=run.named,
            track=self.track,
        )


def make_spotter(
    task: str, classes: Sequence[str], config: EventConfig | None = None, *, track: int = 0
) -> EventSpotter | ActivitySpotter:
    """Make what finds the events of a class task.

    Args:
        task: name of the task.
        classes: its C classes.
        config: how; None: by anything that happens where a class means nothing, else by class.
        track: whose scores they are.
    """
    if config is None:
        config = ActivityConfig() if knows_nothing(classes) else EventConfig()
    if isinstance(config, ActivityConfig):
        return ActivitySpotter(task, classes, config, track=track)
    return EventSpotter(task, classes, config, track=track)
