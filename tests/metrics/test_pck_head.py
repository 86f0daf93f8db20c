"""PCKh beside a version that goes through MPII's evaluation step by step."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onebody.metrics import METRICS, Results, head_size, pckh, pckh_auc, pckh_per_joint
from onebody.metrics.registry import pose2d_metrics

TRUNK = (6, 7)


def made(seed, entries=12, spread=8.0):
    rng = np.random.default_rng(seed)
    target = rng.uniform(0, 200, (entries, 16, 2))
    heads = rng.uniform(5, 60, entries)
    heads[0] = math.nan
    return Results(
        prediction=target + spread * rng.normal(size=target.shape),
        target=target,
        row=np.arange(entries),
        mask=rng.random((entries, 16)) < 0.7,
        scale={"head": heads},
    )


def naive(results, threshold, *, at):
    """Return hits and counts as the toolkit's loops have them: 14 joints, one after the other."""
    hits = count = 0
    for entry in range(len(results)):
        size = results.scale["head"][entry]
        for joint in range(16):
            if joint in TRUNK or not results.mask[entry, joint] or math.isnan(size):
                continue
            gap = math.dist(results.prediction[entry, joint], results.target[entry, joint]) / size
            hits += gap <= threshold if at else gap < threshold
            count += 1
    return hits / count


@given(st.integers(0, 50), st.sampled_from((0.1, 0.2, 0.5)))
def test_pckh_is_that_of_the_plain_loops(seed, threshold):
    results = made(seed)
    assert pckh(results, threshold, TRUNK) == pytest.approx(naive(results, threshold, at=False))


@given(st.integers(0, 10))
def test_the_area_is_that_of_the_trapezoids_of_51_thresholds(seed):
    results = made(seed, entries=5)
    curve = [naive(results, i / 100, at=True) for i in range(51)]
    area = sum((a + b) / 2 for a, b in pairwise(curve)) / 50
    assert pckh_auc(results, 0.5, TRUNK) == pytest.approx(area)


def test_an_exact_prediction_scores_one_and_a_wild_one_zero():
    assert pckh(made(0, spread=0.0)) == pckh_auc(made(0, spread=0.0)) == 1.0
    assert pckh(made(0, spread=1e6)) == pckh_auc(made(0, spread=1e6)) == 0.0


def test_the_threshold_itself_is_wrong_and_left_out_joints_count_nowhere():
    target = np.zeros((1, 16, 2))
    prediction = target.copy()
    prediction[0, 0] = 5, 0
    prediction[0, 6:8] = 99, 99
    results = Results(
        prediction=prediction, target=target, row=np.arange(1), scale={"head": np.array([10.0])}
    )
    assert pckh(results, 0.5, TRUNK) == pytest.approx(13 / 14)
    assert pckh(results, 0.51, TRUNK) == 1.0
    assert pckh(results, 0.5) == pytest.approx(13 / 16)
    per_joint = pckh_per_joint(results, 0.5, TRUNK)
    assert np.isnan(per_joint[6:8]).all()
    assert per_joint[0] == 0
    assert pose2d_metrics(TRUNK)["pckh"].function(results) == pytest.approx(13 / 14)
    assert METRICS["pckh_auc"].function(results) == pytest.approx(pckh_auc(results))


def test_head_sizes_are_six_tenths_of_the_diagonal():
    boxes = np.array([[10, 20, 40, 60], [40, 60, 10, 20], [5, 5, 5, 5], [1, 2, np.nan, 4]])
    np.testing.assert_allclose(head_size(boxes), [30, 30, np.nan, np.nan])
    assert float(head_size(np.array([0, 0, 3, 4]))) == pytest.approx(3)


def test_without_heads_nothing_is_measured():
    results = made(3)
    bare = Results(
        prediction=results.prediction,
        target=results.target,
        row=results.row,
        scale={"head": np.full(len(results), np.nan)},
    )
    assert math.isnan(pckh(bare))
    assert math.isnan(pckh_auc(bare))
    with pytest.raises(ValueError, match="no length 'head'"):
        pckh(Results(prediction=results.prediction, target=results.target, row=results.row))
