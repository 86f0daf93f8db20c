"""Streams: bursts are spread, broken samples are counted."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from onebody.datasets.wearable_trial import Faults, make_stream, spread_ties


def test_a_burst_is_spread_over_the_time_before_it():
    times = np.array([0.0, 0.01, 0.02, 0.05, 0.05, 0.05, 0.06])
    np.testing.assert_allclose(spread_ties(times), [0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06])


def test_the_first_burst_lies_before_its_time():
    found = spread_ties(np.array([1.0, 1.0, 1.0, 1.005, 1.01]))
    assert found[2] == 1.0
    np.testing.assert_allclose(np.diff(found[:3]), 0.01 / 4)


@given(st.lists(st.integers(0, 200), min_size=2, max_size=60))
def test_times_ascend_strictly_and_no_burst_ends_later(ms):
    times = np.sort(np.array(ms)) / 1000
    found = spread_ties(times)
    assert (np.diff(found) > 0).all()
    assert (found <= times + 1e-12).all()
    distinct = np.unique(times)
    assert np.isin(distinct, found).all()


def test_what_cannot_be_used_is_counted():
    faults = Faults()
    times = np.array([0.0, 0.1, 0.05, 0.2, 0.3])
    values = np.arange(15.0).reshape(5, 3)
    values[3, 1] = np.nan
    stream = make_stream("chest", "acceleration", times, values, faults, "a.csv")
    assert stream is not None
    assert stream.times_s.tolist() == [0.0, 0.1, 0.3]
    assert stream.values[:, 0].tolist() == [0.0, 3.0, 12.0]
    assert str(faults) == "1 not finite, 1 that go back in time (first: a.csv)"


def test_nothing_left_is_no_stream():
    faults = Faults()
    values = np.full((3, 3), np.nan)
    assert make_stream("chest", "turn_rate", np.arange(3.0), values, faults, "a") is None
    assert faults.broken == 3
