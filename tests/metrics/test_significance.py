"""Sign flips and Holm's correction against hand-worked numbers."""

import numpy as np
import pytest

from onebody.metrics import holm, sign_flip_test


def test_all_subjects_agree():
    # 3 subjects: of 8 patterns only +++ and --- reach |6|
    assert sign_flip_test([1.0, 2.0, 3.0]) == 2 / 8
    assert sign_flip_test([-1.0, -2.0, -3.0]) == 2 / 8
    assert sign_flip_test([1.0] * 8) == 2 / 256


def test_patterns_that_reach_the_sum_are_counted():
    # sum 4 of (1, 2, 3, -2): |+-1 +-2 +-3 +-2| >= 4. The sums of 1, 2, 3, 2 with signs are
    # 8, 6 (-1), 4 (-2, twice), 2 (-3; -1-2, twice), 0 (-1-3; -2-2) ... and their negatives:
    # 1 + 1 + 2 = 4 positive ones of 16.
    assert sign_flip_test([1.0, 2.0, 3.0, -2.0]) == 8 / 16


def test_no_difference_is_certain():
    assert sign_flip_test([0.0, 0.0]) == 1.0
    assert sign_flip_test([0.1, -0.1]) == 1.0
    assert sign_flip_test([0.3]) == 1.0  # one subject cannot show anything


def test_rounding_does_not_lose_a_pattern():
    assert sign_flip_test([0.1, 0.2, 0.3, 0.1, 0.2, 0.3]) == 2 / 64


def test_many_subjects_are_drawn():
    values = np.full(20, 0.5)
    assert sign_flip_test(values, draws=2000) == pytest.approx(1 / 2001)
    noisy = np.random.default_rng(0).normal(size=20)
    assert sign_flip_test(noisy, draws=2000) == sign_flip_test(noisy, draws=2000)
    assert 0.05 < sign_flip_test(noisy - noisy.mean() + 0.1, draws=2000) < 1.0


def test_impossible_differences_are_refused():
    for values in ([], [1.0, np.nan]):
        with pytest.raises(ValueError, match="finite differences"):
            sign_flip_test(values)


def test_holm_multiplies_by_what_is_left():
    # sorted 0.01, 0.03, 0.04: x3 = 0.03, x2 = 0.06, x1 = 0.04 raised to 0.06
    found = holm({"a": 0.04, "b": 0.01, "c": 0.03})
    assert found == pytest.approx({"a": 0.06, "b": 0.03, "c": 0.06})
    assert list(found) == ["a", "b", "c"]


def test_holm_stays_within_one():
    assert holm({"a": 0.6, "b": 0.9}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}
    with pytest.raises(ValueError, match=r"'a': expected a p-value"):
        holm({"a": 1.2})
