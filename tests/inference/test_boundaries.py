"""Segments where confidence rises and falls."""

from __future__ import annotations

import numpy as np
import pytest

from onebody.inference.boundaries import (
    GradientConfig,
    any_gradient_segments,
    gradient_segments,
    smoothed,
)
from onebody.inference.segments import ScoreTrack

FPS = 10.0


def track(*spans, seconds=20.0, level=0.4, classes=("walk", "wave", "nothing"), fps=FPS, seed=0):
    """Scores with a class raised over spans of seconds, from a third each, with some noise."""
    times = np.arange(0, seconds, 1 / fps)
    logits = np.random.default_rng(seed).normal(0, 0.1, (len(times), len(classes)))
    for name, start, end in spans:
        inside = (times >= start) & (times < end)
        logits[inside, classes.index(name)] += np.log(level * 2 / (1 - level))
    scores = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return ScoreTrack(classes=classes, times_s=times, scores=scores.astype(np.float32))


def test_starts_and_ends_are_where_confidence_changes():
    found = gradient_segments(
        track(("walk", 3, 6), ("wave", 6, 9), ("walk", 13, 15), level=0.8), GradientConfig()
    )
    assert [s.label for s in found] == ["walk", "wave", "walk"]
    assert [(s.start_s, s.end_s) for s in found] == [
        (pytest.approx(a, abs=0.25), pytest.approx(b, abs=0.25))
        for a, b in ((3, 6), (6, 9), (13, 15))
    ]
    assert all(0.3 < s.score <= 1 for s in found)
    assert all(s.end_s <= s.told_s <= s.end_s + 1.0 for s in found)


def test_a_class_that_is_never_likely_is_found_by_its_rise():
    weak = track(("walk", 5, 8), level=0.48)
    (found,) = gradient_segments(weak, GradientConfig(least=0.08, slope=0.1))
    assert found.label == "walk"
    assert (found.start_s, found.end_s) == (pytest.approx(5, abs=0.4), pytest.approx(8, abs=0.4))


def test_what_goes_on_at_the_ends_of_a_stream_begins_and_ends_there():
    found = gradient_segments(track(("walk", 0, 3), ("wave", 17, 20), level=0.8), GradientConfig())
    assert [s.label for s in found] == ["walk", "wave"]
    assert found[0].start_s == 0.0
    assert found[1].end_s == pytest.approx(19.9)


def test_nothing_is_no_segment_and_noise_is_none():
    assert gradient_segments(track(("nothing", 3, 9), level=0.6), GradientConfig()) == []
    assert gradient_segments(track(), GradientConfig()) == []
    assert gradient_segments(track(seconds=0.2), GradientConfig()) == []


def test_edges_of_anything_hold_together_what_classes_take_turns_in():
    turns = track(("walk", 5, 6.8), ("wave", 6.8, 8), ("wave", 12, 14), level=0.85)
    apart = gradient_segments(turns, GradientConfig(smooth_s=0.15))
    assert [s.label for s in apart] == ["walk", "wave", "wave"]
    whole = any_gradient_segments(turns, GradientConfig(smooth_s=0.15, least=0.1))
    assert [s.label for s in whole] == ["walk", "wave"]
    assert (whole[0].start_s, whole[0].end_s) == (
        pytest.approx(5, abs=0.25),
        pytest.approx(8, abs=0.25),
    )
    assert 0 < whole[0].score < whole[1].score <= 1, "half of the first one is another class"
    every = track(("walk", 5, 8), level=0.85, classes=("walk", "wave", "run"))
    assert any_gradient_segments(every, GradientConfig()) == [], "no class means nothing"
    assert any_gradient_segments(track(seconds=0.2), GradientConfig()) == []


def test_a_segment_can_begin_earlier_than_it_is_seen():
    scores = track(("walk", 5, 8), level=0.8)
    (plain,) = gradient_segments(scores, GradientConfig())
    (early,) = gradient_segments(scores, GradientConfig(earlier_s=0.5))
    assert early.start_s == pytest.approx(plain.start_s - 0.5)
    assert (early.end_s, early.score) == (plain.end_s, plain.score)


def test_no_frame_rate_is_special():
    ends = []
    for fps in (5.0, 10.0, 30.0):
        scores = track(("walk", 5, 9), level=0.8, fps=fps)
        (found,) = gradient_segments(scores, GradientConfig())
        ends.append((found.start_s, found.end_s))
    assert np.ptp(ends, axis=0).max() < 0.3


def test_smoothing_keeps_the_mean_and_a_constant():
    values = np.zeros(41)
    values[20] = 1.0
    assert smoothed(values, 2.0).sum() == pytest.approx(1.0)
    assert smoothed(values, 2.0)[20] == smoothed(values, 2.0).max()
    np.testing.assert_allclose(smoothed(np.full(9, 0.3), 4.0), 0.3)
