from dataclasses import replace

import numpy as np
import pytest

from onebody.metrics import (
    METRICS,
    MIN_GROUPS,
    Results,
    bootstrap,
    class_metrics,
    paired_difference,
)

TOP1 = class_metrics()["top1"]
AUROC = class_metrics()["auroc"]


def make(hits):
    """Two classes; entry i is right if hits[i]."""
    target = np.zeros(len(hits), np.int64)
    scores = np.where(np.asarray(hits)[:, None], [[0.9, 0.1]], [[0.1, 0.9]])
    return Results(prediction=scores, target=target, row=np.arange(len(hits), dtype=np.int64))


def pairs(values):
    """[subjects][seeds] figures to a mapping."""
    return {(f"s{i}", k): v for i, row in enumerate(values) for k, v in enumerate(row)}


def test_below_six_groups_there_is_no_interval():
    results = make([True, False] * 5)
    interval = bootstrap(results, TOP1, np.repeat(np.array(list("abcde")), 2))
    assert interval.bounds is None
    assert interval.reason == "5 groups: an interval needs at least 6"
    assert MIN_GROUPS == 6


def test_the_same_seed_gives_the_same_interval():
    rng = np.random.default_rng(0)
    results, groups = make(rng.random(60) < 0.7), np.array([f"g{i // 5}" for i in range(60)])
    first = bootstrap(results, TOP1, groups, draws=200, seed=3)
    assert first == bootstrap(results, TOP1, groups, draws=200, seed=3)
    assert first != bootstrap(results, TOP1, groups, draws=200, seed=4)
    assert first.bounds is not None
    low, high = first.bounds
    assert 0 <= low < TOP1.function(results) < high <= 1


def test_groups_stay_together():
    # Every group is all right or all wrong: the interval is that of 20 coin flips, not of 400.
    hits = np.repeat(np.arange(20) % 2 == 0, 20)
    together = bootstrap(make(hits), TOP1, np.repeat(np.arange(20), 20), draws=400)
    apart = bootstrap(make(hits), TOP1, np.arange(400), draws=400)
    assert together.bounds is not None
    assert apart.bounds is not None
    wide, narrow = np.diff(together.bounds), np.diff(apart.bounds)
    assert wide == pytest.approx(4 * 0.5 / np.sqrt(20), rel=0.15)
    assert narrow == pytest.approx(4 * 0.5 / np.sqrt(400), rel=0.15)


def test_no_spread_gives_an_interval_of_one_point():
    groups = np.array([f"g{i}" for i in range(8)])
    assert bootstrap(make([True] * 8), TOP1, groups, draws=20).bounds == (1.0, 1.0)


def test_a_wider_level_is_wider():
    hits, groups = np.arange(40) % 3 > 0, np.arange(40)
    narrow = bootstrap(make(hits), TOP1, groups, draws=300, level=0.5).bounds
    wide = bootstrap(make(hits), TOP1, groups, draws=300, level=0.99).bounds
    assert narrow is not None
    assert wide is not None
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_a_metric_that_some_draws_cannot_measure_has_no_interval():
    results = make([True] * 8)
    interval = bootstrap(results, AUROC, np.arange(8), draws=10)
    assert interval.bounds is None
    assert interval.reason == "auroc cannot be measured in 10 of 10 resampled sets"


def test_groups_belong_to_rows_not_entries():
    results = make([True, False, True, False, True, False]).select(np.array([5, 4, 3, 2, 1, 0]))
    groups = np.array(["a", "b", "c", "d", "e", "f"])
    assert bootstrap(results, TOP1, groups, draws=10).bounds is not None
    with pytest.raises(ValueError, match="row 5, but groups are given for 3 rows"):
        bootstrap(results, TOP1, groups[:3])


def test_rows_without_a_group_are_named():
    with pytest.raises(ValueError, match=r"Row 2 has no group"):
        bootstrap(make([True] * 7), TOP1, np.array(["a", "b", "", "d", "e", "f", "g"]))


def test_difference_is_the_mean_over_subjects_of_the_mean_over_seeds():
    first = pairs([[1.0, 3.0], [5.0]])
    second = pairs([[0.0, 0.0], [1.0]])
    found = paired_difference(first, second)
    assert found.mean == pytest.approx((2.0 + 4.0) / 2)
    assert (found.subjects, found.seeds) == (2, 1)
    assert found.interval.bounds is None
    assert found.interval.reason == "2 subjects: an interval needs at least 6"


def test_difference_covers_a_shift_and_not_zero():
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(12, 3))
    base = rng.normal(size=(12, 3))
    found = paired_difference(pairs(base + 1 + 0.1 * noise), pairs(base), draws=500)
    assert found.interval.bounds is not None
    low, high = found.interval.bounds
    assert 0.8 < low < 1 + 0.1 * noise.mean() < high < 1.2


def test_variation_between_seeds_widens_the_interval():
    # Equal subjects, wild seeds: only drawing inside subjects can see it.
    wild = np.tile([-1.0, 0.0, 1.0], (8, 1))
    found = paired_difference(pairs(wild), pairs(np.zeros((8, 3))), draws=500)
    assert found.interval.bounds is not None
    low, high = found.interval.bounds
    expected = 1.96 * np.sqrt(2 / 3 / 3 / 8)  # deviation of a mean of 8 means of 3 draws
    assert high == pytest.approx(expected, rel=0.2)
    assert low == pytest.approx(-expected, rel=0.2)


def test_subjects_with_fewer_seeds_draw_only_their_own():
    values = [[2.0]] * 6 + [[2.0, 2.0, 2.0]]
    found = paired_difference(pairs(values), pairs([[0.0] * len(v) for v in values]), draws=50)
    assert found.interval.bounds == (2.0, 2.0)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({("a", 0): 1.0}, "subject 'a', seed 1 in one only"),
        ({("a", 0): 1.0, ("a", 1): float("nan")}, "Subject 'a', seed 1: expected two finite"),
    ],
)
def test_unequal_or_missing_figures_are_named(second, message):
    with pytest.raises(ValueError, match=message):
        paired_difference({("a", 0): 1.0, ("a", 1): 2.0}, second)


def test_nothing_to_compare_is_refused():
    with pytest.raises(ValueError, match="found none"):
        paired_difference({}, {})


@pytest.mark.parametrize("name", ["top1", "pck_crop", "auc", "error", "mpjpe", "pa_mpjpe"])
def test_sums_give_the_interval_that_resampling_gives(name):
    rng = np.random.default_rng(0)
    rows = np.arange(40, dtype=np.int64)
    target = rng.normal(size=(40, 5, 3))
    results = Results(
        prediction=target + 0.1 * rng.normal(size=target.shape),
        target=target,
        row=rows,
        mask=rng.random((40, 5)) < 0.8,
        scale={"crop": 1 + rng.random(40)},
    )
    metric = METRICS[name]
    if name == "top1":
        results = Results(prediction=rng.random((40, 3)), target=rng.integers(0, 3, 40), row=rows)
    quick = bootstrap(results, metric, rows // 4, draws=50)
    slow = bootstrap(results, replace(metric, values=None), rows // 4, draws=50)
    assert quick.bounds is not None
    assert quick.bounds == pytest.approx(slow.bounds)
