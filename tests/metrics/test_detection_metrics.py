"""Figures of scored segments, worked out by hand."""

from __future__ import annotations

import math

import pytest

from onebody.metrics.detection import average_precision, edit_score, mean_average_precision
from onebody.metrics.events import Segment


def seg(label, start, end, score=math.nan):
    return Segment(label=label, start_s=start, end_s=end, score=score)


TRUTH = [[seg("a", 0, 2), seg("b", 4, 6)], [seg("a", 1, 3)]]


def test_average_precision_is_the_area_under_the_interpolated_precision():
    found = [[seg("a", 10, 12, 0.9), seg("a", 0, 2, 0.8)], [seg("a", 1, 3, 0.7)]]
    # wrong, right, right: precision 1/2 and 2/3 at recall 1/2 and 1, interpolated 2/3 and 2/3
    assert average_precision(found, TRUTH, "a") == pytest.approx(2 / 3)


def test_of_two_for_one_the_better_scored_is_right():
    twice = [[seg("a", 0, 2, 0.9), seg("a", 0, 2, 0.8)], []]
    assert average_precision(twice, TRUTH, "a") == pytest.approx(1 / 2)


def test_streams_are_not_mixed_up():
    assert average_precision([[], [seg("a", 0, 2, 0.9)]], TRUTH, "a", 0.5) == 0.0
    assert average_precision([[seg("a", 0, 2, 0.9)], []], TRUTH, "a", 0.5) == 0.5


def test_the_mean_is_over_classes_that_happen():
    found = [[seg("b", 4, 5, 0.5), seg("c", 0, 1, 0.9)], [seg("a", 1, 3, 0.2)]]
    values = mean_average_precision(found, TRUTH, (0.5, 0.6))
    assert values == {0.5: pytest.approx((0.5 + 1) / 2), 0.6: pytest.approx(0.25)}
    assert math.isnan(mean_average_precision([[]], [[]], (0.5,))[0.5])
    assert math.isnan(average_precision(found, TRUTH, "c"))


def test_a_missing_score_and_other_faults_are_refused():
    with pytest.raises(ValueError, match="expected a score"):
        average_precision([[seg("a", 0, 1)], []], TRUTH, "a")
    with pytest.raises(ValueError, match="streams"):
        average_precision([[]], TRUTH, "a")
    with pytest.raises(ValueError, match="overlap"):
        average_precision([[], []], TRUTH, "a", 0.0)


def test_the_edit_score_looks_at_the_order_alone():
    truth = [seg("a", 0, 1), seg("b", 2, 3), seg("c", 4, 5)]
    assert edit_score([seg(n, 9 + i, 10 + i) for i, n in enumerate("abc")], truth) == 1.0
    assert edit_score(truth[::-1], truth) == 1.0  # in whatever order they are given
    assert edit_score(truth[:2], truth) == pytest.approx(2 / 3)
    assert edit_score([seg("b", 0, 1), seg("a", 2, 3), seg("c", 4, 5)], truth) == pytest.approx(
        1 / 3
    )
    assert edit_score([], truth) == 0.0
    assert math.isnan(edit_score([], []))
