"""The One-Euro filter: what it may never do, and what it is for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from onebody.inference.smooth import OneEuro, SmoothConfig, share

VALUES = st.floats(-1e3, 1e3, width=32)
STEPS = st.lists(st.tuples(st.floats(1e-3, 0.4), VALUES), min_size=1, max_size=20)


def run(steps, config=None, size=1.0):
    """Filter single numbers that come at irregular times."""
    smooth, now, found = OneEuro(config or SmoothConfig()), 0.0, []
    for passed, value in steps:
        now += passed
        found.append(float(smooth.step(np.array(value), now, size)))
    return found


def naive(steps, config, size):
    """The paper's algorithm 1 and 2, one number, written with plain arithmetic."""
    found, speed = [], 0.0
    for passed, value in steps:
        if not found:
            found.append(value)
            continue
        rate = 1 / passed

        def alpha(cutoff, rate=rate):
            return 1 / (1 + (1 / (2 * math.pi * cutoff)) * rate)

        weight = alpha(config.speed_hz)
        speed = weight * (value - found[-1]) * rate / size + (1 - weight) * speed
        weight = alpha(config.least_hz + config.per_speed * abs(speed))
        found.append(weight * value + (1 - weight) * found[-1])
    return found


@settings(max_examples=40)
@given(STEPS, st.floats(0.1, 100))
def test_it_is_the_algorithm_of_the_paper(steps, size):
    config = SmoothConfig(least_hz=0.7, per_speed=3.0, speed_hz=1.3)
    np.testing.assert_allclose(
        run(steps, config, size), naive(steps, config, size), rtol=1e-9, atol=1e-9
    )


@settings(max_examples=40)
@given(STEPS)
def test_it_stays_within_what_it_was_given(steps):
    given_values = [value for _, value in steps]
    for number, value in enumerate(run(steps), start=1):
        known = given_values[:number]
        assert min(known) - 1e-9 <= value <= max(known) + 1e-9


@settings(max_examples=40)
@given(STEPS, st.floats(-100, 100), st.sampled_from([0.25, 4.0]))
def test_it_moves_and_grows_with_its_input(steps, shift, factor):
    changed = [(passed, factor * value + shift) for passed, value in steps]
    expected = factor * np.array(run(steps)) + shift
    np.testing.assert_allclose(run(changed, size=factor), expected, rtol=1e-6, atol=1e-6)


@settings(max_examples=40)
@given(arrays.arrays(np.float64, (6, 4, 2), elements=VALUES))
def test_every_number_is_smoothed_alone(values):
    smooth = OneEuro(SmoothConfig())
    together = [smooth.step(frame, 0.1 * number) for number, frame in enumerate(values)]
    steps = [(0.1, float(frame[2, 1])) for frame in values]
    np.testing.assert_allclose([frame[2, 1] for frame in together], run(steps), atol=1e-6)


@settings(max_examples=40)
@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_what_is_unknown_stays_unknown(known):
    smooth = OneEuro(SmoothConfig())
    for number, there in enumerate(known):
        found = smooth.step(np.array([1.0, 5.0 if there else np.nan]), 0.05 * number)
        assert found[0] == 1.0
        assert found[1] == 5.0 if there else np.isnan(found[1])


def test_what_was_unknown_for_long_begins_anew():
    smooth = OneEuro(SmoothConfig(forget_s=0.5))
    smooth.step(np.array([0.0, 0.0]), 0.0)
    smooth.step(np.array([0.0, np.nan]), 0.4)
    found = smooth.step(np.array([100.0, 100.0]), 0.6)
    assert 0 < found[0] < 100
    assert found[1] == 100.0


def test_rest_trembles_less_and_movement_lags_little():
    rng = np.random.default_rng(0)
    times = np.arange(150) / 30
    still = run([(1 / 30, 0.5 + e) for e in rng.normal(0, 0.01, 150)])
    assert np.std(still[30:]) < 0.005
    wave = 0.5 + 0.4 * np.sin(2 * np.pi * times)  # a hand that waves once a second
    error = np.array(run([(1 / 30, value) for value in wave])) - wave
    assert np.abs(error[5:]).max() < 0.07
    slow = SmoothConfig(per_speed=0.0)
    assert np.abs(np.array(run([(1 / 30, v) for v in wave], slow)) - wave).max() > 0.2


def test_the_share_of_a_new_value_grows_with_cutoff_and_time():
    assert 0 < share(1.0, 0.01) < share(2.0, 0.01) < share(2.0, 0.1) < 1
    assert share(1.0, 1 / (2 * math.pi)) == pytest.approx(0.5)


@pytest.mark.parametrize("time_s", [1.0, 0.5, math.nan, math.inf])
def test_time_goes_forward(time_s):
    smooth = OneEuro(SmoothConfig())
    smooth.step(np.zeros(2), 1.0)
    with pytest.raises(ValueError, match="after 1 s"):
        smooth.step(np.zeros(2), time_s)


def test_another_number_of_joints_is_refused():
    smooth = OneEuro(SmoothConfig())
    smooth.step(np.zeros((3, 2)), 1.0)
    with pytest.raises(ValueError, match=r"\(3, 2\).*\(4, 2\)"):
        smooth.step(np.zeros((4, 2)), 2.0)
