"""Rates are kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onebody.viewer.limits import Allowance


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=200))
def test_no_second_has_more_than_twice_its_share(waits):
    allowance, now, taken = Allowance(10.0, 0.0), 0.0, []
    for wait in waits:
        now += wait
        if allowance.take(now):
            taken.append(now)
    assert all(sum(start <= t < start + 1 for t in taken) <= 21 for start in taken)


def test_a_steady_sender_is_never_refused():
    allowance = Allowance(30.0, 100.0)
    assert all(allowance.take(100 + n / 30) for n in range(300))


def test_a_clock_that_goes_back_gives_nothing():
    allowance = Allowance(2.0, 10.0)
    assert [allowance.take(t) for t in (10.0, 9.0, 5.0, 10.2)] == [True, True, False, False]


def test_a_rate_is_positive():
    with pytest.raises(ValueError, match="positive, found 0"):
        Allowance(0.0, 0.0)
