"""Steady rates: sines stay sines, gaps stay gaps, fast movements are filtered before."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onebody.datasets.wearable_resample import at_rate, interpolated, lowpass, native_rate


def sine(times, hz):
    return np.sin(2 * np.pi * hz * np.asarray(times))[:, None].astype(np.float32)


def test_irregular_samples_of_a_slow_sine_come_out_as_that_sine():
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.uniform(0.005, 0.03, 400))
    grid = np.arange(times[0], times[-1], 1 / 25)
    found = at_rate(times, sine(times, 0.7), grid, rate_hz=25.0, max_gap_s=0.1, lowpass_hz=5.0)
    inner = slice(10, -10)
    np.testing.assert_allclose(found[inner], sine(grid, 0.7)[inner], atol=0.02)


def test_what_the_new_rate_cannot_hold_is_filtered_out():
    times = np.arange(0, 5, 1 / 200)
    grid = np.arange(0, 4.9, 1 / 20)
    slow, fast = (
        at_rate(times, sine(times, hz), grid, rate_hz=20.0, max_gap_s=0.1)[10:-10]
        for hz in (2.0, 19.0)
    )
    np.testing.assert_allclose(slow, sine(grid, 2.0)[10:-10], atol=0.01)
    assert np.abs(fast).max() < 0.02


def test_a_stated_cutoff_holds_for_slow_sensors_too():
    times = np.arange(0, 8, 1 / 20)
    plain = at_rate(times, sine(times, 8.0), times, rate_hz=20.0, max_gap_s=0.1)
    cut = at_rate(times, sine(times, 8.0), times, rate_hz=20.0, max_gap_s=0.1, lowpass_hz=5.0)
    np.testing.assert_allclose(plain, sine(times, 8.0), atol=1e-6)
    assert np.abs(cut[20:-20]).max() < 0.05


def test_a_filter_at_its_cutoff_leaves_half():
    times = np.arange(0, 10, 1 / 100)
    found = lowpass(sine(times, 5.0), 100.0, 5.0)[200:-200]
    assert np.abs(found).max() == pytest.approx(0.5, abs=0.02)


def test_no_value_is_made_up_across_a_long_gap():
    times = np.r_[np.arange(0, 1, 0.05), np.arange(2, 3, 0.05)]
    grid = np.arange(0, 3, 0.05)
    found = interpolated(times, np.ones((len(times), 3), np.float32), grid, 0.25)
    inside = (grid > 0.96) & (grid < 1.99)
    assert np.isnan(found[inside]).all()
    assert (found[~inside] == 1).all()


def test_a_filter_keeps_a_constant_up_to_its_edges_and_gaps():
    values = np.full((300, 2), 4.0, np.float32)
    values[100:130] = np.nan
    found = lowpass(values, 100.0, 8.0)
    assert np.isnan(found[100:130]).all()
    np.testing.assert_allclose(found[np.isfinite(values)], 4.0, rtol=1e-5)


def test_bursts_and_gaps_do_not_change_the_rate():
    times = np.arange(0, 10, 0.02)
    late = times[(times < 3) | (times > 6)]
    assert native_rate(late) == pytest.approx(50.0, rel=0.01)
    assert native_rate(np.zeros(1)) == 0.0


@given(
    steps=st.lists(st.floats(0.001, 2.0), min_size=1, max_size=40),
    gap=st.floats(0.05, 1.0),
    rate=st.floats(2.0, 40.0),
)
def test_values_lie_between_their_neighbors_or_are_missing(steps, gap, rate):
    times = np.cumsum(steps)
    values = np.random.default_rng(0).normal(size=(len(times), 3)).astype(np.float32)
    grid = np.arange(times[0] - 1, times[-1] + 1, 1 / rate)
    found = interpolated(times, values, grid, gap)
    for at, row in zip(grid, found, strict=True):
        after = int(np.searchsorted(times, at))
        near = 0 < after < len(times) and times[after] - times[after - 1] <= gap * 0.999
        if near:
            low, high = np.sort(values[after - 1 : after + 1], axis=0)
            assert ((row >= low - 1e-5) & (row <= high + 1e-5)).all()
        elif not np.abs(times - at).min() < 1e-6 and (
            after in (0, len(times)) or times[after] - times[after - 1] > gap * 1.001
        ):
            assert np.isnan(row).all()
