import math

import numpy as np
import pytest

from onebody.metrics import false_positive_rate, keeping_threshold, known_auroc


def naive_auroc(scores, known):
    pairs = [(a, b) for a in scores[known] for b in scores[~known]]
    return sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs) / len(pairs)


@pytest.mark.parametrize("seed", range(3))
def test_auroc_is_the_share_of_ordered_pairs(seed):
    rng = np.random.default_rng(seed)
    scores, known = np.round(rng.random(60), 1), rng.random(60) < 0.6
    assert known_auroc(scores, known) == pytest.approx(naive_auroc(scores, known), abs=1e-6)


def test_auroc_of_order_alone():
    known = np.array([True, True, False, False])
    assert known_auroc(np.array([9.0, 8.0, 2.0, 1.0]), known) == 1.0
    assert known_auroc(np.array([1.0, 2.0, 8.0, 9.0]), known) == 0.0
    assert known_auroc(np.ones(4), known) == 0.5


@pytest.mark.parametrize(("keep", "expected"), [(1.0, 1), (0.95, 1), (0.9, 2), (0.5, 6), (0.1, 10)])
def test_the_threshold_is_the_highest_that_keeps_the_share(keep, expected):
    scores = np.random.default_rng(0).permutation(np.arange(1.0, 11.0))
    threshold = keeping_threshold(scores, keep)
    assert threshold == expected
    assert np.mean(scores >= threshold) >= keep
    assert np.mean(scores > threshold) < keep


def test_equal_scores_are_all_kept():
    assert keeping_threshold(np.array([3.0, 3.0, 3.0, 4.0]), 0.5) == 3.0


def test_false_positives_at_95_percent():
    known = np.r_[np.ones(100, bool), np.zeros(4, bool)]
    scores = np.r_[np.arange(100.0), [4.0, 5.0, 6.0, 200.0]]  # the threshold is 5
    assert false_positive_rate(scores, known) == 0.75
    assert false_positive_rate(scores, known, keep=1.0) == 1.0


@pytest.mark.parametrize("known", [np.ones(3, bool), np.zeros(3, bool), np.zeros(0, bool)])
def test_one_side_alone_measures_nothing(known):
    scores = np.arange(float(len(known)))
    assert math.isnan(known_auroc(scores, known))
    assert math.isnan(false_positive_rate(scores, known))
