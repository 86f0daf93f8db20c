"""Joint draws of subjects and their seeds."""

import numpy as np
import pytest

from onebody.metrics import Resampler, paired_difference


def make(subjects, seeds, value):
    return {(f"s{i}", k): value(i, k) for i in range(subjects) for k in range(seeds)}


def test_the_first_draw_is_the_sample_itself():
    figures = make(7, 3, lambda i, k: i + 0.1 * k)
    drawn = Resampler(figures, draws=10).mean(figures)
    assert drawn.shape == (11,)
    assert drawn[0] == pytest.approx(np.mean(list(figures.values())))


def test_every_draw_counts_as_many_subjects_as_there_are():
    resampler = Resampler(make(7, 3, lambda i, k: 0.0), draws=50)
    np.testing.assert_allclose(resampler.weights.sum((1, 2)), 7.0)
    np.testing.assert_allclose(resampler.weights * 3, np.round(resampler.weights * 3), atol=1e-12)


def test_equal_figures_leave_no_room():
    figures = make(6, 2, lambda i, k: 0.25)
    resampler = Resampler(figures)
    assert resampler.interval(resampler.mean(figures)).bounds == pytest.approx((0.25, 0.25))


def test_it_agrees_with_the_paired_difference():
    rng = np.random.default_rng(1)
    first = make(9, 3, lambda i, k: rng.normal(0.1 * i, 0.3))
    second = make(9, 3, lambda i, k: rng.normal(0.1 * i - 0.2, 0.3))
    resampler = Resampler(first)
    drawn = resampler.mean(first) - resampler.mean(second)
    known = paired_difference(first, second)
    assert drawn[0] == pytest.approx(known.mean)
    assert resampler.interval(drawn).bounds == pytest.approx(known.interval.bounds, abs=0.03)


def test_tasks_may_be_tested_on_different_subjects():
    actions = make(8, 1, lambda i, k: 1.0)
    gestures = {(f"t{i}", 0): 3.0 for i in range(8)}
    resampler = Resampler([*actions, *gestures])
    drawn = resampler.mean(actions) + resampler.mean(gestures)
    assert drawn[0] == 4.0
    assert resampler.interval(drawn).bounds == pytest.approx((4.0, 4.0))


def test_a_task_that_many_draws_lack_has_no_interval():
    keys = [*make(7, 1, lambda i, k: 0.0), ("alone", 0)]
    resampler = Resampler(keys)
    interval = resampler.interval(resampler.mean({("alone", 0): 1.0}))
    assert interval.bounds is None
    assert "lack the subjects of a task" in interval.reason


def test_few_subjects_have_no_interval():
    figures = make(1, 3, lambda i, k: float(k))
    resampler = Resampler(figures)
    assert resampler.interval(resampler.mean(figures)).reason.startswith("1 subject:")
    with pytest.raises(ValueError, match="no subject"):
        Resampler([])
