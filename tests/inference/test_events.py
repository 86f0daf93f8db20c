"""Events: scores pass two thresholds, nothing is an answer, and times count, not frames."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onebody.inference.events import EventConfig, EventSpotter
from onebody.metrics.events import Segment
from spotting import CLASSES, STREAM, check_alike, check_order, spotted


def spot(frames, config=None, factor=1.0):
    """Run over (passed, scores); see `spotted`."""
    return spotted(
        EventSpotter("action", CLASSES, config or EventConfig(), track=7), frames, factor
    )


def steady(label, seconds, fps=20.0, score=0.9):
    """Frames in which one class has a score, and the others share the rest."""
    scores = np.full(3, (1 - score) / 2)
    scores[CLASSES.index(label)] = score
    return [(1 / fps, tuple(scores))] * round(seconds * fps)


@settings(max_examples=40)
@given(STREAM)
def test_events_are_orderly(frames):
    ended, started = spot(frames)
    assert [event.label for event in started] == [event.label for event in ended]
    assert [event.start_s for event in started] == [event.start_s for event in ended]
    check_order(ended, frames)
    for event in ended:
        assert event.told_s - event.start_s >= 0.1 - 1e-9  # least_s


@settings(max_examples=40)
@given(STREAM)
def test_only_seconds_count(frames):
    plain = EventConfig()
    slow = EventConfig(average_s=0.6, least_s=0.4, hold_s=1.2, gap_s=4.0)
    ended, _ = spot(frames, plain)
    four, _ = spot(frames, slow, factor=4.0)
    check_alike(four, ended, 4)


@settings(max_examples=40)
@given(STREAM)
def test_nobody_does_nothing(frames):
    assert spot([(passed, None) for passed, _ in frames]) == ([], [])


def naive(values, times, on, off, least, hold):
    """Hysteresis on one class's scores, which are not averaged, told as a story."""
    found, first, low, told = [], None, None, False
    for time_s, value in zip(times, values, strict=True):
        if told:
            low = (time_s if low is None else low) if value < off else None
            if low is not None and time_s - low >= hold:
                found.append((first, low))
                first, low, told = None, None, False
        elif value < off or (first is None and value < on):
            first = None
        else:
            first = time_s if first is None else first
            told = value >= on and time_s - first >= least
    if told:
        found.append((first, times[-1] if low is None else low))
    return found


ALONE = EventConfig(on=0.6, off=0.3, average_s=0.0, least_s=0.15, hold_s=0.3, gap_s=9.0)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0.02, 0.25), st.floats(0, 1)), min_size=1, max_size=40))
def test_one_class_alone_is_plain_hysteresis(frames):
    spotter, now, times, ended = EventSpotter("gesture", ("wave",), ALONE), 0.0, [], []
    for passed, value in frames:
        now += passed
        times.append(now)
        ended += spotter.push(now, np.array([value]))[1]
    ended += spotter.finish()
    expected = naive([value for _, value in frames], times, 0.6, 0.3, 0.15, 0.3)
    assert [(event.start_s, event.end_s) for event in ended] == expected


def test_a_wave_between_idling_is_one_event_told_at_once():
    frames = steady("idle", 2) + steady("wave", 2) + steady("idle", 2)
    (event,), (told,) = spot(frames)
    assert (event.task, event.label) == ("action", "wave")
    assert event.start_s == pytest.approx(2.0, abs=0.25)
    assert event.end_s == pytest.approx(4.0, abs=0.3)
    assert event.confidence == pytest.approx(0.9, abs=0.1)
    assert told.told_s - 2.0 < 0.35  # onset delay
    assert told.end_s is None


def test_one_movement_follows_another_without_a_gap():
    ended, _ = spot(steady("walk", 2) + steady("wave", 2))
    assert [event.label for event in ended] == ["walk", "wave"]
    assert ended[0].end_s <= ended[1].start_s
    assert ended[0].end_s == pytest.approx(2.0, abs=0.25)


def test_scores_about_one_threshold_make_one_event():
    flicker = [(0.05, (0.62, 0.19, 0.19)), (0.05, (0.4, 0.3, 0.3))] * 40
    ended, _ = spot(flicker)
    assert len(ended) == 1


def test_low_scores_and_single_frames_are_nothing():
    assert spot(steady("walk", 3, score=0.45)) == ([], [])
    glimpse = steady("idle", 1) + steady("walk", 0.05, score=1.0) + steady("idle", 1)
    assert spot(glimpse) == ([], [])


def test_a_pause_of_the_stream_ends_the_event_where_it_was_last_seen():
    frames = [*steady("walk", 2), (5.0, (0.9, 0.05, 0.05)), *steady("idle", 2)]
    ended, _ = spot(frames)
    assert [event.end_s for event in ended] == [pytest.approx(2.0)]


def test_a_person_who_leaves_ends_the_event():
    (event,), _ = spot(steady("walk", 2) + [(0.05, None)] * 40)
    assert event.end_s == pytest.approx(2.1, abs=0.2)


def test_no_frame_rate_is_special():
    ends = []
    for fps in (10, 15, 30, 60):
        frames = steady("idle", 2, fps) + steady("wave", 2, fps) + steady("idle", 2, fps)
        (event,), (told,) = spot(frames)
        ends.append((event.start_s, event.end_s, told.told_s))
    assert np.ptp(ends, axis=0).max() < 0.25


def test_events_say_everything_in_json_and_to_the_metrics():
    (event,), (told,) = spot(steady("walk", 2))
    content = json.loads(event.to_json())
    assert content["label"] == "walk"
    assert content["end_s"] == event.end_s
    assert json.loads(told.to_json())["end_s"] is None
    assert event.segment() == Segment(
        label="walk",
        start_s=event.start_s,
        end_s=event.end_s,
        told_s=event.named_s,
        score=event.confidence,
    )
    with pytest.raises(ValueError, match="goes on"):
        told.segment()


def test_impossible_scores_and_times_are_refused_and_change_nothing():
    spotter = EventSpotter("action", CLASSES, EventConfig())
    spotter.push(1.0, np.array([0.2, 0.3, 0.5]))
    for time_s in (1.0, 0.5, math.nan):
        with pytest.raises(ValueError, match="after 1 s"):
            spotter.push(time_s, None)
    for scores in ([0.5, 0.5], [math.nan, 0.5, 0.5]):
        with pytest.raises(ValueError, match="3 finite scores"):
            spotter.push(2.0, np.array(scores))
    assert spotter.push(2.0, np.array([1.0, 0.0, 0.0])) == ((), ())


def test_the_lower_threshold_is_lower():
    with pytest.raises(ValueError, match=r"off 0\.6 above on 0\.5"):
        EventConfig(on=0.5, off=0.6)
