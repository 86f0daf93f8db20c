"""Every page learns of every event once, and of its end."""

from __future__ import annotations

from dataclasses import replace

from onebody.inference.events import Event
from onebody.viewer.event_log import EventLog


def event(start_s, end_s=None, label="wave", track=0):
    return Event(
        task="gesture", label=label, confidence=0.87654, start_s=start_s, end_s=end_s,
        told_s=start_s + 0.1, named_s=start_s + 0.1, track=track,
    )  # fmt: skip


def test_an_end_changes_the_event_that_began():
    log = EventLog(10)
    log.tell([event(1.0)], [])
    assert log.since(0) == [
        {
            "number": 1, "task": "gesture", "label": "wave", "confidence": 0.877, "start_s": 1.0,
            "end_s": None, "track": 0,
        }
    ]  # fmt: skip
    known = log.change
    log.tell([event(2.5, label="clap")], [replace(event(1.0, 2.0), confidence=0.5)])
    changed = log.since(known)
    assert [(e["number"], e["label"], e["end_s"]) for e in changed] == [
        (1, "wave", 2.0),
        (2, "clap", None),
    ]
    assert changed[0]["confidence"] == 0.5
    assert log.since(log.change) == []


def test_a_label_that_is_revised_is_told():
    log = EventLog(10)
    log.tell([event(1.0)], [])
    known = log.change
    log.tell([], [], [event(1.0)])
    assert log.since(known) == []
    log.tell([], [], [event(1.0, label="clap"), event(4.0)])  # the second was never told
    assert [(e["number"], e["label"], e["end_s"]) for e in log.since(known)] == [(1, "clap", None)]
    log.tell([], [event(1.0, 2.0, label="clap")])
    assert [(e["number"], e["end_s"]) for e in log.since(known)] == [(1, 2.0)]


def test_people_are_kept_apart():
    log = EventLog(10)
    log.tell([event(1.0, track=0), event(1.0, track=1)], [])
    log.tell([], [event(1.0, 3.0, track=1)])
    assert [(e["track"], e["end_s"]) for e in log.since(0)] == [(0, None), (1, 3.0)]


def test_an_end_without_a_beginning_is_an_event():
    log = EventLog(10)
    log.tell([], [event(1.0, 2.0)])
    log.tell([], [event(1.0, 2.0)])
    assert [e["number"] for e in log.since(0)] == [1, 2]


def test_the_oldest_are_forgotten():
    log = EventLog(3)
    log.tell([event(float(n)) for n in range(10)], [])
    assert [e["start_s"] for e in log.since(0)] == [7.0, 8.0, 9.0]
