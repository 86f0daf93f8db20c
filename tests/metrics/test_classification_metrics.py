import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from onebody.metrics import (
    Results,
    auroc,
    class_metrics,
    confusion_matrix,
    expected_calibration_error,
    given_task_hits,
    macro_f1,
    mean_class_accuracy,
    per_class,
    precision,
    predicted_classes,
    recall,
    task_gap,
    top_k,
)

ALL = class_metrics()


def make(scores, target, rows=None):
    scores = np.asarray(scores, np.float32)
    return Results(
        prediction=scores,
        target=np.asarray(target, np.int64),
        row=np.arange(len(scores), dtype=np.int64) if rows is None else np.asarray(rows),
    )


def random_results(seed=0, entries=60, classes=5, grid=4):
    """Scores on a coarse grid, so that ties are common."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, grid, (entries, classes)) / grid
    return make(scores, rng.integers(0, classes, entries))


# Hand-written versions, entry by entry.


def naive_ranking(scores):
    return sorted(range(len(scores)), key=lambda c: (-scores[c], c))


def naive_top_k(results, k):
    hits = [
        t in naive_ranking(s)[:k] for s, t in zip(results.prediction, results.target, strict=True)
    ]
    return sum(hits) / len(hits)


def naive_counts(results):
    best = [naive_ranking(s)[0] for s in results.prediction]
    classes = results.prediction.shape[1]
    rows = []
    for c in range(classes):
        hit = sum(b == c and t == c for b, t in zip(best, results.target, strict=True))
        said = sum(b == c for b in best)
        true = sum(t == c for t in results.target)
        rows.append((hit, said, true))
    return rows


def naive_macro(results, what):
    values = []
    for hit, said, true in naive_counts(results):
        if said + true == 0:
            continue
        p = hit / said if said else 0.0
        r = hit / true if true else 0.0
        f = 2 * p * r / (p + r) if p + r else 0.0
        values.append({"precision": p, "recall": r, "f1": f}[what])
    return sum(values) / len(values)


def naive_auroc(results):
    """Share of (true, other) pairs in order; ties count half."""
    areas = []
    for c in range(results.prediction.shape[1]):
        scores = results.prediction[:, c]
        yes, no = scores[results.target == c], scores[results.target != c]
        if len(yes) and len(no):
            won = [(a > b) + 0.5 * (a == b) for a in yes for b in no]
            areas.append(sum(won) / len(won))
    return sum(areas) / len(areas)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [1, 2, 5])
def test_top_k_equals_a_stable_ranking(seed, k):
    results = random_results(seed)
    assert top_k(results, k) == pytest.approx(naive_top_k(results, k))


@pytest.mark.parametrize("seed", range(5))
def test_macro_figures_equal_counts(seed):
    results = random_results(seed, entries=12, classes=7)
    assert precision(results) == pytest.approx(naive_macro(results, "precision"))
    assert recall(results) == pytest.approx(naive_macro(results, "recall"))
    assert macro_f1(results) == pytest.approx(naive_macro(results, "f1"))


@pytest.mark.parametrize("seed", range(5))
def test_mean_class_accuracy_counts_classes_that_occur(seed):
    results = random_results(seed, entries=12, classes=7)
    shares = [hit / true for hit, _, true in naive_counts(results) if true]
    assert mean_class_accuracy(results) == pytest.approx(sum(shares) / len(shares))


@pytest.mark.parametrize("seed", range(5))
def test_auroc_equals_the_share_of_ordered_pairs(seed):
    results = random_results(seed, entries=25, classes=4, grid=5)
    assert auroc(results) == pytest.approx(naive_auroc(results))


def test_auroc_is_not_disturbed_by_scores_above_one():
    # A probability of 1.0000001 must not turn the scores into logits.
    results = make([[1.0000001, 0.0], [0.6, 0.4], [0.5, 0.5]], [0, 1, 0])
    assert auroc(results) == pytest.approx(naive_auroc(results))


def test_confusion_matrix_has_truth_in_rows():
    results = make([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0], [0.1, 0.2, 0.7]], [0, 1, 2])
    assert confusion_matrix(results).tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 1]]


def test_ties_go_to_the_lower_class():
    results = make([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0]], [0, 1])
    assert predicted_classes(results).tolist() == [0, 0]
    assert top_k(results) == 0.5
    assert top_k(results, 2) == 1.0


def test_equal_scores_earn_no_credit():
    # A network that says the same for all classes is right for class 0 alone.
    results = make(np.ones((10, 10)), np.arange(10))
    assert top_k(results) == pytest.approx(0.1)
    assert top_k(results, 5) == pytest.approx(0.5)
    assert auroc(results) == pytest.approx(0.5)


def test_absent_classes_do_not_count():
    # Class 2 is predicted but never true, class 3 neither.
    results = make([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], [0, 1, 1])
    assert mean_class_accuracy(results) == pytest.approx((1 + 0.5) / 2)
    assert recall(results) == pytest.approx((1 + 0.5 + 0) / 3)
    assert np.isnan(per_class(results, "f1")).tolist() == [False, False, False, True]


def test_one_class_alone_has_no_auroc():
    assert math.isnan(auroc(make([[0.9, 0.1], [0.4, 0.6]], [0, 0])))


@pytest.mark.parametrize("name", ALL)
def test_no_entries_measure_nothing(name):
    assert math.isnan(ALL[name].function(make(np.zeros((0, 3)), [])))


def test_no_entries_have_an_empty_confusion():
    assert confusion_matrix(make(np.zeros((0, 3)), [])).sum() == 0


@pytest.mark.parametrize("name", ALL)
def test_perfect_predictions_are_perfect(name):
    target = np.array([0, 1, 2, 2, 1, 5, 3, 4])
    best = float(ALL[name].higher_is_better)
    assert ALL[name].function(make(np.eye(6)[target], target)) == pytest.approx(best)
    assert best == (name != "ece")
    assert ALL[name].unit == "%"


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_not_finite_are_refused(name, bad):
    with pytest.raises(ValueError, match=r"row 7 is not finite"):
        ALL[name].function(make([[0.5, 0.5], [0.5, bad]], [0, 1], rows=[3, 7]))


def test_classes_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match=r"Row 1 has class -1, expected 0 to 1"):
        top_k(make([[0.5, 0.5], [0.5, 0.5]], [0, -1]))


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"scores \[M, C\]"):
        top_k(make(np.zeros((2, 3, 4)), [0, 1]))


@settings(max_examples=30, deadline=None)
@given(
    scores=hnp.arrays(np.float32, (6, 3), elements=st.floats(0, 1, width=32)),
    target=hnp.arrays(np.int64, 6, elements=st.integers(0, 2)),
    order=st.permutations(range(6)),
)
def test_figures_do_not_depend_on_the_order_of_entries(scores, target, order):
    results = make(scores, target)
    shuffled = results.select(np.array(order))
    for metric in ALL.values():
        value = metric.function(results)
        assert metric.function(shuffled) == pytest.approx(value, nan_ok=True)
        assert math.isnan(value) or 0 <= value <= 1


def naive_ece(scores, target, bins):
    total = 0.0
    for b in range(bins):
        inside = [
            i
            for i, row in enumerate(scores)
            if b / bins < max(row) <= (b + 1) / bins or (b == 0 and max(row) == 0)
        ]
        if inside:
            sure = sum(max(scores[i]) for i in inside) / len(inside)
            right = sum(int(np.argmax(scores[i])) == target[i] for i in inside) / len(inside)
            total += len(inside) / len(scores) * abs(sure - right)
    return total


@pytest.mark.parametrize("bins", [5, 15])
def test_calibration_error_is_that_of_the_naive_count(bins):
    rng = np.random.default_rng(3)
    scores = rng.dirichlet(np.full(4, 0.4), size=300)
    target = rng.integers(0, 4, 300)
    found = expected_calibration_error(make(scores, target), bins)
    assert found == pytest.approx(naive_ece(scores, target, bins), abs=1e-6)


def test_sure_and_half_right_is_half_off():
    found = expected_calibration_error(make([[1.0, 0.0], [1.0 + 1e-9, 0.0]], [0, 1]))
    assert found == pytest.approx(0.5)


def test_knowing_the_task_helps_where_only_the_task_is_wrong():
    # Two tasks of two classes, and a class of none: right, wrong task, wrong class, none.
    scores = [
        [0.6, 0.1, 0.1, 0.1, 0.1],
        [0.3, 0.1, 0.5, 0.1, 0.0],
        [0.2, 0.5, 0.1, 0.1, 0.1],
        [0.2, 0.2, 0.2, 0.2, 0.2],
    ]
    results = make(scores, [0, 0, 0, 4])
    np.testing.assert_array_equal(given_task_hits(results, (2, 2)), [1, 1, 0, np.nan])
    np.testing.assert_array_equal(task_gap(results, (2, 2)), [0, 1, 0, np.nan])
