"""Events of anything that happens: told before it is clear what, named by all that was heard."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings

from onebody.inference.activity import ActivityConfig, ActivitySpotter, make_spotter
from onebody.inference.events import EventConfig, EventSpotter
from spotting import CLASSES, STREAM, check_alike, check_order, spotted

PLAIN = ActivityConfig(on=0.9, off=0.45, earlier_s=0.0)


def spot(frames, config=PLAIN, factor=1.0):
    """Run over (passed, scores); see `spotted`."""
    spotter = ActivitySpotter("action", CLASSES, config, track=7)
    return spotted(spotter, frames, factor)


def steady(scores, seconds, fps=20.0):
    """Frames with the same scores of walk, wave and idle."""
    return [(1 / fps, scores)] * round(seconds * fps)


IDLE, WALK, WAVE, EITHER = (0.0, 0.0, 1.0), (0.95, 0.0, 0.05), (0.0, 0.95, 0.05), (0.5, 0.45, 0.05)


@settings(max_examples=40)
@given(STREAM)
def test_events_are_orderly(frames):
    ended, started = spot(frames)
    assert [event.start_s for event in started] == [event.start_s for event in ended]
    check_order(ended, frames)


@settings(max_examples=40)
@given(STREAM)
def test_only_seconds_count(frames):
    plain = ActivityConfig(average_s=0.15)
    slow = ActivityConfig(
        average_s=0.6, least_s=0.8, hold_s=1.2, earlier_s=2.4, gap_s=4.0, split_s=3.2
    )
    ended, _ = spot(frames, plain)
    four, _ = spot(frames, slow, factor=4.0)
    check_alike(four, ended, 4, atol=1e-6)  # a first moment weighs 1e-9 s


@settings(max_examples=40)
@given(STREAM)
def test_the_span_is_that_of_two_thresholds_on_whether_anything_happens(frames):
    """With one class that counts it finds what the other spotter finds."""
    config = ActivityConfig(on=0.6, off=0.3, average_s=0.15)
    spotters = [
        ActivitySpotter("t", ("any", "idle"), config),
        EventSpotter("t", ("any",), EventConfig(**config.model_dump(exclude={"split_s"}))),
    ]
    now, found = 0.0, [[], []]
    for passed, scores in frames:
        now += passed
        share = 0.0 if scores is None else scores[0]
        found[0] += spotters[0].push(now, np.array([share, 1 - share]))[1]
        found[1] += spotters[1].push(now, np.array([share]))[1]
    for events, spotter in zip(found, spotters, strict=True):
        events += spotter.finish()
    one, other = ([(e.start_s, e.end_s, e.told_s) for e in events] for events in found)
    assert one == other


def test_it_is_told_before_it_is_clear_what_and_its_label_is_revised():
    frames = steady(IDLE, 1) + steady(EITHER, 0.5) + steady(WAVE, 1.5) + steady(IDLE, 1)
    (event,), (told,) = spot(frames)
    assert told.label == "walk"
    assert event.label == "wave"
    assert event.start_s == told.start_s == pytest.approx(1.05)
    assert event.told_s == pytest.approx(1.25)
    assert 1.5 < event.named_s < 1.7
    assert event.end_s == pytest.approx(3.05)
    assert event.segment().told_s == event.named_s


def test_a_glimpse_of_another_class_changes_nothing():
    frames = steady(WALK, 1) + steady(WAVE, 0.4) + steady(WALK, 1)
    (event,), _ = spot(frames)
    assert event.label == "walk"
    assert event.confidence == pytest.approx(0.95 * 2 / 2.4, abs=0.05)


def test_one_movement_follows_another_without_a_gap():
    ended, started = spot(steady(WALK, 2) + steady(WAVE, 2))
    assert [event.label for event in ended] == ["walk", "wave"]
    assert ended[0].end_s == ended[1].start_s == pytest.approx(2.05)
    assert started[1].told_s == pytest.approx(2.85, abs=0.06)  # split_s
    assert ended[1].confidence == pytest.approx(0.95, abs=1e-4)


def test_what_leads_by_less_than_a_half_takes_over_nothing():
    unsure = (0.36, 0.48, 0.16)
    (event,), _ = spot(steady(WALK, 2) + steady(unsure, 1.5))
    assert event.label == "walk"


def test_a_pause_and_an_absence_end_it():
    ended, _ = spot([*steady(WALK, 2), (5.0, WALK), *steady(IDLE, 2)])
    assert [event.end_s for event in ended] == [pytest.approx(2.0)]
    (event,), _ = spot(steady(WALK, 2) + [(0.05, None)] * 40)
    assert event.end_s == pytest.approx(2.05)


def test_a_short_or_unsure_one_is_nothing():
    glimpse = steady(IDLE, 1) + steady(WALK, 0.15) + steady(IDLE, 1)
    assert spot(glimpse) == ([], [])
    assert spot(steady((0.4, 0.4, 0.2), 2)) == ([], [])


def test_it_needs_a_class_that_means_nothing():
    with pytest.raises(ValueError, match=r"'action'.*means nothing.*found walk, wave. Take an Ev"):
        ActivitySpotter("action", ("walk", "wave"), ActivityConfig())
    own = ActivityConfig(nothing=("wave",))
    assert ActivitySpotter("action", ("walk", "wave"), own).current is None


def test_bad_scores_change_nothing():
    spotter = ActivitySpotter("action", CLASSES, ActivityConfig())
    spotter.push(1.0, np.array(IDLE))
    for values in ((0.5, math.nan, 0.5), (0.5, 0.5)):
        with pytest.raises(ValueError, match="expected 3 finite scores at 2 s"):
            spotter.push(2.0, np.array(values))
    with pytest.raises(ValueError, match="after 1 s"):
        spotter.push(0.5, None)
    assert spotter.push(1.5, np.array(WALK)) == ((), ())
    assert len(spotter.push(1.8, np.array(WALK))[0]) == 1


def test_what_suits_the_classes_is_made():
    assert isinstance(make_spotter("a", CLASSES), ActivitySpotter)
    assert isinstance(make_spotter("a", ("walk", "wave")), EventSpotter)
    assert isinstance(make_spotter("a", CLASSES, EventConfig()), EventSpotter)
    assert make_spotter("a", CLASSES, ActivityConfig(on=0.5, off=0.4), track=3).track == 3
