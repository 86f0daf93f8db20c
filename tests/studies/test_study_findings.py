"""Each statement of the paper on figures in which it is known to hold, not to, or to be open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from study_cases import grid_figures

from onebody.metrics import Interval
from onebody.studies.findings import (
    automatic_suits_soft,
    findings,
    joint_beats_single,
    judged,
    shallow_beats_deep,
    soft_gains_most,
)
from onebody.studies.gains import Gains

KINDS = [("hard", "average"), ("hard", "automatic")]
KINDS += [("cross-stitch", "average"), ("cross-stitch", "automatic")]


def gains(values, twins, **given):
    joint = {(*kind, depth): v for depth, row in values.items() for kind, v in zip(KINDS, row)}  # noqa: B905
    return Gains(grid_figures(joint, twins, **given), draws=500)


@pytest.mark.parametrize(
    ("values", "noise", "verdict"),
    [
        ([0.6, 0.6, 0.6, 0.6], 0.0, "holds here"),
        ([0.4, 0.4, 0.6, 0.6], 0.0, "does not hold here"),  # half of them is not almost all
        ([0.51, 0.51, 0.51, 0.51], 0.3, "not settled"),
    ],
)
def test_joint_beats_single(values, noise, verdict):
    found = joint_beats_single(gains({"own": values}, {"own": 0.5}, noise=noise))
    assert found.verdict == verdict
    assert f": {verdict}. " in found.sentence


def test_the_share_of_winners_is_counted_on_both_tasks():
    found = joint_beats_single(gains({"own": [0.4, 0.5, 0.6, 0.6]}, {"own": 0.5}))
    assert found.value == 0.5  # an equal figure is no win
    assert "2 of 4 configurations beat" in found.sentence
    assert found.interval == (0.5, 0.5)


@pytest.mark.parametrize(
    ("values", "noise", "verdict"),
    [
        ([0.5, 0.5, 0.6, 0.6], 0.0, "holds here"),
        ([0.6, 0.6, 0.5, 0.5], 0.0, "does not hold here"),
        ([0.5, 0.5, 0.52, 0.52], 0.3, "not settled"),
    ],
)
def test_soft_gains_most(values, noise, verdict):
    assert soft_gains_most(gains({"own": values}, {"own": 0.5}, noise=noise)).verdict == verdict


def test_soft_gain_is_a_difference_of_relative_gains():
    found = soft_gains_most(gains({"own": [0.5, 0.55, 0.6, 0.7]}, {"own": 0.5}))
    # hard: 0 and 10 %, cross-stitch: 20 and 40 %
    assert found.value == pytest.approx(0.25)
    assert "hard +5.0 %, cross-stitch +30.0 %" in found.sentence


@pytest.mark.parametrize(
    ("shallow", "noise", "verdict"),
    [
        ([0.7, 0.5, 0.5, 0.5], 0.0, "holds here"),
        ([0.5, 0.5, 0.5, 0.5], 0.0, "does not hold here"),
        ([0.62, 0.5, 0.5, 0.5], 0.3, "not settled"),
    ],
)
def test_shallow_beats_deep(shallow, noise, verdict):
    values = {"shallow": shallow, "deep": [0.9] * 4}
    found = shallow_beats_deep(gains(values, {"shallow": 0.4, "deep": 0.6}, noise=noise))
    assert found.verdict == verdict
    assert found.sentence.count("hard.average.shallow") == 1


def test_the_shallow_network_is_taken_by_validation_not_by_test():
    joint = {("hard", "average", "shallow"): 0.5, ("cross-stitch", "average", "shallow"): 0.9}
    scores = {("hard", "average", "shallow"): 0.8, ("cross-stitch", "average", "shallow"): 0.7}
    made = grid_figures(joint, {"shallow": 0.4, "deep": 0.6}, scores=scores)
    found = shallow_beats_deep(Gains(made, draws=100))
    assert found.verdict == "does not hold here"
    assert found.value == pytest.approx(-1 / 6)
    assert "1 of 2 shallow configurations" in found.sentence


@pytest.mark.parametrize(
    ("values", "noise", "verdict"),
    [
        ([0.5, 0.5, 0.5, 0.6], 0.0, "holds here"),
        ([0.5, 0.6, 0.5, 0.6], 1e-9, "not settled"),
        ([0.5, 0.6, 0.5, 0.5], 0.0, "does not hold here"),
    ],
)
def test_automatic_suits_soft(values, noise, verdict):
    found = automatic_suits_soft(gains({"own": values}, {"own": 0.5}, noise=noise))
    assert found.verdict == verdict


def test_what_is_not_in_the_grid_is_not_computed():
    joint = {("hard", "dwa", "own"): 0.5, ("nddr", "dwa", "own"): 0.6}
    made = findings(Gains(grid_figures(joint, {"own": 0.5}), draws=100))
    assert [found.verdict for found in made[1:]] == ["not computed"] * 3
    assert "neither of them" in made[1].sentence
    assert "only one depth" in made[2].sentence
    assert all(found.value is None for found in made[1:])


def test_few_subjects_settle_nothing():
    made = grid_figures({("hard", "average", "own"): 0.9}, {"own": 0.5})
    few = {k: v for k, v in made.joint["hard.average.own"]["action"].items() if k[0] < "p3"}
    small = {"action": few, "gesture": few}
    twins = {("own", "equal-depth"): {task: dict.fromkeys(few, 0.5) for task in small}}
    made = replace(made, joint={"hard.average.own": small}, twins=twins)
    found = joint_beats_single(Gains(made, draws=100))
    assert found.verdict == "not settled"
    assert "3 subjects: an interval needs at least 6" in found.sentence


def test_a_single_figure_of_zero_leaves_no_gain():
    found = soft_gains_most(gains({"own": [0.5, 0.5, 0.6, 0.6]}, {"own": 0.0}))
    assert found.verdict == "not computed"
    assert "figure is 0" in found.sentence


def test_errors_gain_where_they_fall():
    made = grid_figures({("hard", "average", "own"): 0.4}, {"own": 0.5})
    gain = Gains(replace(made, higher={"action": False, "gesture": True}), draws=10)
    assert gain.delta("hard.average.own", "own", "equal-depth")[0] == pytest.approx(0.0)


def test_an_interval_at_the_bound_is_open():
    touching = Interval(bounds=(0.0, 0.2))
    assert judged("n", "C", "t", np.array([0.1]), touching).verdict == "not settled"
