"""Figures of events beside a naive reference, and beside cases worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onebody.metrics.events import (
    EventCounts,
    Segment,
    count_events,
    event_f1,
    false_in_idle,
    idle_seconds,
    match_segments,
    onset_delays,
    overlap,
)

TICK = 0.5
LENGTH = 20


@st.composite
def segments(draw):
    """Segments on a grid that do not overlap each other."""
    ends = sorted(draw(st.sets(st.integers(0, LENGTH), max_size=10)))
    pairs = list(zip(ends[::2], ends[1::2], strict=False))
    return [
        Segment(
            label=draw(st.sampled_from("ab")),
            start_s=a * TICK,
            end_s=b * TICK,
            told_s=a * TICK + draw(st.integers(0, 4)) * TICK,
        )
        for a, b in pairs
    ]


def ticks(segment):
    """Return the grid cells of a segment."""
    return set(range(round(segment.start_s / TICK), round(segment.end_s / TICK)))


def share(a, b):
    """Intersection over union by counting cells."""
    either = ticks(a) | ticks(b)
    return len(ticks(a) & ticks(b)) / len(either) if either else 0.0


def most_pairs(found, truth, least):
    """The largest one-to-one matching, by trying all sets of pairs of fitting segments."""
    pairs = [
        (i, j)
        for i, a in enumerate(found)
        for j, b in enumerate(truth)
        if a.label == b.label and share(a, b) >= least
    ]
    for size in range(min(len(pairs), len(found), len(truth)), 0, -1):
        for chosen in combinations(pairs, size):
            if len({i for i, _ in chosen}) == size == len({j for _, j in chosen}):
                return size
    return 0


@settings(max_examples=30)
@given(segments(), segments(), st.sampled_from([0.5, 0.6, 0.75, 1.0]))
def test_counts_are_those_of_the_best_matching(found, truth, least):
    counts = count_events(found, truth, least)
    assert counts.right == most_pairs(found, truth, least)
    assert counts.right + counts.wrong == len(found)
    assert counts.right + counts.missed == len(truth)


@settings(max_examples=30)
@given(segments(), segments())
def test_overlap_is_counted_cells(found, truth):
    for a in found:
        for b in truth:
            assert overlap(a, b) == overlap(b, a) == pytest.approx(share(a, b))


@settings(max_examples=30)
@given(segments(), segments())
def test_false_alarms_are_those_mostly_in_idle_time(found, truth):
    busy = set().union(*map(ticks, truth))
    expected = sum(len(ticks(s) - busy) > len(ticks(s)) / 2 for s in found)
    count, minutes = false_in_idle(found, truth, LENGTH * TICK)
    assert count == expected
    assert minutes == pytest.approx((LENGTH - len(busy)) * TICK / 60)


@settings(max_examples=30)
@given(segments())
def test_a_perfect_answer_is_perfect(truth):
    for least, f1 in event_f1(truth, truth).items():
        assert math.isnan(f1) if not truth else f1 == 1.0, least
    assert false_in_idle(truth, truth, LENGTH * TICK)[0] == 0
    told = [segment.told_s - segment.start_s for segment in truth]
    np.testing.assert_allclose(onset_delays(truth, truth), told)


def segment(label, start, end, told=math.nan):
    return Segment(label=label, start_s=start, end_s=end, told_s=told)


def test_figures_worked_out_by_hand():
    truth = [segment("wave", 10, 12), segment("walk", 20, 26), segment("wave", 40, 42)]
    found = [
        segment("wave", 10.4, 12.4, told=10.6),  # 1.6 / 2.4: right
        segment("walk", 20, 22, told=20.5),  # 2 / 6: right at 0.25 only
        segment("walk", 22, 26, told=22.2),  # 4 / 6: right
        segment("clap", 40, 42, told=40.2),  # the wrong class, but no false alarm
        segment("wave", 50, 51, told=50.2),  # a false alarm
    ]
    assert match_segments(found, truth) == [0, None, 1, None, None]
    assert match_segments(found, truth, 0.25) == [0, 1, None, None, None]
    counts = count_events(found, truth)
    assert counts == EventCounts(right=2, wrong=3, missed=1)
    assert counts.f1 == pytest.approx(2 * 2 / (2 * 2 + 3 + 1))
    assert (counts.precision, counts.recall) == (pytest.approx(2 / 5), pytest.approx(2 / 3))
    assert idle_seconds(truth, 70.0) == 60.0
    assert false_in_idle(found, truth, 70.0) == (1, 1.0)
    np.testing.assert_allclose(onset_delays(found, truth), [0.6, 2.2])
    moving = [replace(truth[0], moves_s=10.5), truth[1], truth[2]]
    np.testing.assert_allclose(onset_delays(found, moving, since="movement"), [0.1])


def test_counts_of_streams_add_up():
    both = EventCounts(right=1, wrong=2) + EventCounts(right=2, missed=4)
    assert both == EventCounts(right=3, wrong=2, missed=4)
    assert both.f1 == pytest.approx(6 / 12)
    assert math.isnan(EventCounts().f1)
    assert EventCounts(missed=3).f1 == 0.0


def test_of_two_for_one_the_second_is_wrong():
    truth = [segment("wave", 0, 10)]
    found = [segment("wave", 5, 10), segment("wave", 0, 5)]
    assert match_segments(found, truth, 0.5) == [None, 0]


def test_what_happens_twice_at_once_is_busy_once():
    truth = [segment("wave", 0, 10), segment("walk", 5, 20), segment("sit", 90, 200)]
    assert idle_seconds(truth, 100.0) == 70.0


def test_moments_are_false_alarms_outside_of_what_happens():
    moments = [segment("wave", 5, 5), segment("wave", 15, 15)]
    assert false_in_idle(moments, [segment("wave", 0, 10)], 20.0) == (1, pytest.approx(1 / 6))


@pytest.mark.parametrize("span", [(2, 1), (math.nan, 1), (0, math.inf)])
def test_a_segment_has_an_end(span):
    with pytest.raises(ValueError, match="not after the end"):
        segment("wave", *span)


@pytest.mark.parametrize("least", [0.0, 1.5])
def test_an_overlap_is_a_share(least):
    with pytest.raises(ValueError, match="overlap lies"):
        match_segments([], [], least)


def test_a_delay_needs_to_know_when_it_was_told():
    with pytest.raises(ValueError, match="told_s"):
        onset_delays([segment("wave", 0, 1)], [segment("wave", 0, 1)])
