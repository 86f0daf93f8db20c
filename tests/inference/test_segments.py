"""Class scores over time, and segments that overlap."""

from __future__ import annotations

import numpy as np
import pytest

from onebody.inference.segments import ScoreTrack, started_earlier, without_overlap
from onebody.metrics.events import Segment


def seg(label, start, end, score=0.5):
    return Segment(label=label, start_s=start, end_s=end, score=score)


def test_of_segments_that_overlap_the_best_stays_whatever_its_class():
    found = [seg("a", 0, 4, 0.5), seg("b", 1, 2, 0.9), seg("c", 5, 6, 0.1), seg("c", 5.9, 8, 0.2)]
    kept = without_overlap(found, 0.3)
    assert [(s.label, s.score) for s in kept] == [("b", 0.9), ("c", 0.1), ("c", 0.2)]
    assert without_overlap(found, 1.0) == found
    assert without_overlap([], 0.3) == []


def test_nothing_begins_before_what_was_there_has_ended():
    found = [seg("b", 5, 6), seg("a", 0.2, 4.8)]
    moved = started_earlier(found, 0.5)
    assert [(s.label, s.start_s, s.end_s) for s in moved] == [("a", 0.0, 4.8), ("b", 4.8, 6)]
    assert started_earlier(found, 0.0) == [found[1], found[0]]


def test_a_track_says_what_does_not_fit():
    track = ScoreTrack(
        classes=("walk", "none of these"),
        times_s=np.arange(4) * 0.5,
        scores=np.zeros((4, 2), np.float32),
    )
    assert track.counts.tolist() == [True, False]
    assert track.step_s == 0.5
    assert track.end_s == 2.0
    with pytest.raises(ValueError, match="scores should be"):
        ScoreTrack(classes=("walk",), times_s=np.arange(3.0), scores=np.zeros((2, 1), np.float32))
    with pytest.raises(ValueError, match="times go back"):
        ScoreTrack(
            classes=("walk",), times_s=np.array([1.0, 0.0]), scores=np.zeros((2, 1), np.float32)
        )
    with pytest.raises(ValueError, match="window_scores should be"):
        ScoreTrack(
            classes=("walk",),
            times_s=np.arange(2.0),
            scores=np.zeros((2, 1), np.float32),
            window_scores=np.zeros((1, 1), np.float32),
        )
