"""What happened lately, so that a page that opens late, or skips results, misses no event."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from onebody.inference.events import Event


@dataclass(slots=True)
class _Entry:
    """An event as pages know it.

    Attributes:
        number: its name for pages.
        change: number of the change that made it what it is.
        event: as it is now.
    """

    number: int
    change: int
    event: Event


class EventLog:
    """Keeps the latest events; every change has a number, and a page asks for those since its own.

    Attributes:
        change: number of the latest change; 0: none yet.
    """

    def __init__(self, most: int) -> None:
        self.change = 0
        self._entries: deque[_Entry] = deque(maxlen=most)
        self._numbers = 0

    def tell(
        self, started: Iterable[Event], ended: Iterable[Event], current: Iterable[Event] = ()
    ) -> None:
        """Take in events that began or ended, and those that go on, whose label may be another now.

        An event that ended is the one that began at the same time, of the same task and track; one
        whose beginning was not told is entered whole.
        """
        for event in started:
            self._enter(event)
        for event in ended:
            if not self._revise(event):
                self._enter(event)
        for event in current:
            self._revise(event)

    def since(self, change: int) -> list[dict[str, Any]]:
        """Return events that are new or other since a change, oldest first, as pages read them."""
        return [
            {
                "number": entry.number,
                "task": entry.event.task,
                "label": entry.event.label,
                "confidence": round(entry.event.confidence, 3),
                "start_s": round(entry.event.start_s, 3),
                "end_s": None if entry.event.end_s is None else round(entry.event.end_s, 3),
                "track": entry.event.track,
            }
            for entry in self._entries
            if entry.change > change
        ]

    def _revise(self, event: Event) -> bool:
        """Take in what an event that goes on has become; return whether there is such an event."""
        known = next((e for e in reversed(self._entries) if _same(e.event, event)), None)
        if known is None:
            return False
        if event.end_s is not None or event.label != known.event.label:
            self.change += 1
            known.event, known.change = event, self.change
        return True

    def _enter(self, event: Event) -> None:
        self.change += 1
        self._numbers += 1
        self._entries.append(_Entry(self._numbers, self.change, event))


def _same(known: Event, event: Event) -> bool:
    """Whether two values speak of one event, whose label may have been revised."""
    same = (known.task, known.track, known.start_s) == (event.task, event.track, event.start_s)
    return known.end_s is None and same
