"""A stream is brought to the rate of its network by time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onebody.inference.rate import RateKeeper, learned_fps
from stream_networks import tiny_stream


def taken(times, fps):
    """Return the times of the frames that are run."""
    keeper = RateKeeper(fps)
    return [time_s for time_s in times if keeper.take(float(time_s))]


@pytest.mark.parametrize("source", [15.0, 20.0, 24.0, 25.0, 30.0, 59.94, 120.0])
def test_faster_streams_are_thinned_to_the_rate(source):
    times = np.arange(0, 20, 1 / source)
    assert len(taken(times, 15.0)) == pytest.approx(15 * 20, abs=2)


def test_half_the_rate_is_every_other_frame():
    times = np.arange(40) / 30
    np.testing.assert_allclose(taken(times, 15.0), times[::2])


def test_jitter_passes_no_frame_over():
    rng = np.random.default_rng(0)
    times = np.arange(200) / 15 + rng.uniform(-0.008, 0.008, 200)
    assert len(taken(times, 15.0)) == 200


def test_without_a_rate_every_frame_counts():
    assert len(taken([0.0, 0.001, 5.0], None)) == 3


@settings(max_examples=40)
@given(st.lists(st.floats(0.001, 1.0), min_size=1, max_size=60), st.floats(2.0, 60.0))
def test_never_more_frames_than_the_rate_allows(steps, fps):
    times = np.cumsum(steps)
    found = taken(times, fps)
    assert found[0] == times[0]
    for number, first in enumerate(found):
        inside = sum(time_s <= first + 1.0 for time_s in found[number:])
        assert inside <= fps + 2


def test_a_slow_stream_is_noticed():
    keeper = RateKeeper(30.0)
    for number in range(30):
        assert not keeper.slow or number > 9
        assert keeper.take(number / 10)
    assert keeper.slow
    assert keeper.source_fps == pytest.approx(10)


def test_a_late_frame_is_no_slow_stream():
    keeper = RateKeeper(30.0)
    for time_s in [*np.arange(30) / 30, 1.05, *(1.1 + np.arange(5) / 30)]:
        keeper.take(float(time_s))
    assert not keeper.slow


def test_the_rate_of_a_network_is_in_its_notes():
    assert learned_fps(tiny_stream()) is None
    assert learned_fps(tiny_stream(notes={"clip_s": 2.0})) is None  # sampled densely
    assert learned_fps(tiny_stream(notes={"fps": 15, "clip_s": 2.0})) == 15.0
    saved = tiny_stream(frames=8, notes={"clip_s": 2.0})
    spread = saved.input.model_copy(update={"sampling": "uniform"})
    assert learned_fps(replace(saved, input=spread)) == 4.0


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), float("inf")])
def test_rates_are_positive(fps):
    with pytest.raises(ValueError, match="positive"):
        RateKeeper(fps)


def test_it_is_known_whether_frames_are_passed_over():
    cases = ((30.0, 12.0, True), (15.0, 12.0, True), (12.0, 12.0, False), (30.0, None, False))
    for source, fps, expected in cases:
        keeper = RateKeeper(fps)
        assert not keeper.passes_over
        for time_s in np.arange(20) / source:
            keeper.take(float(time_s))
        assert keeper.passes_over == expected
