"""Learning curves: what is planned, and what is made of finished runs."""

import json
from dataclasses import replace

import numpy as np
import pytest

from onebody.studies.label_curve import (
    ALL,
    JOINT,
    SINGLE,
    TAUGHT,
    LabelsConfig,
    Place,
    label_plans,
    places,
    tasks_of,
)
from onebody.studies.label_summary import summarize_labels
from onebody.studies.measure import Measured
from onebody.studies.runs import Run
from onebody.studies.study import Study
from onebody.training import Recipe


def study_of(recipe: Recipe, folder, **labels):
    """A study of a single configuration, and its learning curves."""
    values = {
        "sharing": ["hard"],
        "balancing": ["average"],
        "seeds": 1,
        "twins": {"sizes": ["equal-depth"], "budgets": ["steps"]},
        "labels": {"per_class": [1, 2], "draws": 2, **labels},
    }
    network = recipe.network.model_copy(update={"heads": {}})
    changes = {
        "tasks": {name: recipe.tasks[name] for name in ("action", "gesture")},
        "network": network,
        "twins": {},
        "study": values,
        "split": {"own_split": True},
    }
    return Study(Recipe.model_validate({**dict(recipe), **changes}), folder)


@pytest.fixture(scope="module")
def study(tiny_recipe, tmp_path_factory):
    return study_of(tiny_recipe, tmp_path_factory.mktemp("planned"), pseudo=True)


@pytest.fixture(scope="module")
def config(study) -> LabelsConfig:
    return study.parts.sections["labels"]


def test_every_network_is_planned_once_per_draw(study, config):
    plans = label_plans(study.context, config)
    names = [plan.folder.name for plan in plans]
    assert len(set(names)) == len(names) == 2 * (2 * 2 * 3 + 2 + 2)
    assert "labels.joint.all.draw0" in names
    assert "labels.single-gesture.2.draw1" in names
    assert {plan.seed for plan in plans} == {0, 1}


def test_networks_of_a_draw_share_clips_and_seed(study, config):
    plans = {plan.folder.name: plan for plan in label_plans(study.context, config)}
    for draw in (0, 1):
        found = [plans[f"labels.{kind}-gesture.1.draw{draw}"] for kind in (JOINT, SINGLE, TAUGHT)]
        assert {plan.recipe.train.seed for plan in found} == {draw}
        keeps = [plan.recipe.data[0].keep for plan in found]
        assert {(keep.column, keep.per_class, keep.draw) for keep in keeps} == {
            ("gesture", 1, draw)
        }
        assert set(found[1].recipe.tasks) == {"gesture"}
    assert plans["labels.joint.all.draw0"].recipe.data[0].keep is None


def test_single_networks_make_the_joint_networks_steps(study, config):
    plans = {plan.folder.name: plan for plan in label_plans(study.context, config)}
    joint = plans["labels.joint-gesture.1.draw0"].recipe
    assert joint.schedule.epochs == 1
    steps = study.context.known.preview(joint).steps
    assert steps == 2  # its rows keep their other label; 3 labeled clips alone were one step
    assert plans["labels.single-gesture.1.draw0"].recipe.schedule.steps == steps
    budgets = {"gesture.own": "epochs"}
    other = label_plans(replace(study.context, budgets=budgets), config)
    chosen = {plan.folder.name: plan.recipe.schedule for plan in other}
    assert chosen["labels.single-gesture.1.draw0"].steps == steps
    assert chosen["labels.single-gesture.all.draw0"].epochs == 1


def test_teachers_are_the_sections_own_networks(study, config):
    plans = {plan.folder.name: plan for plan in label_plans(study.context, config)}
    few = plans["labels.pseudo-gesture.2.draw1"].recipe.pseudo
    assert {part.task: part.teacher.name for part in few} == {
        "gesture": "labels.single-gesture.2.draw1",
        "action": "labels.single-action.all.draw1",
    }
    assert all(part.teacher.name in plans for plan in plans.values() for part in plan.recipe.pseudo)


def test_draws_take_the_folds_in_turn(study, config):
    folds = tuple(replace(study.context.folds[0], name=name) for name in "ab")
    plans = label_plans(replace(study.context, folds=folds), config)
    assert {(plan.seed, plan.fold) for plan in plans} == {(0, "a"), (1, "b")}


def test_tasks_are_class_tasks_with_columns_of_their_own(study, config):
    assert tasks_of(study.context, config) == ("action", "gesture")
    with pytest.raises(ValueError, match=r"'study.labels' names 'gestur'.*'gesture'"):
        tasks_of(study.context, LabelsConfig(tasks=("gestur",)))
    tasks = study.context.tasks
    alike = {**tasks, "gesture": replace(tasks["gesture"], column="action")}
    with pytest.raises(ValueError, match="read one column, 'action'"):
        tasks_of(replace(study.context, tasks=alike), LabelsConfig(tasks=("gesture",)))


@pytest.mark.parametrize("counts", [(2, 1), (0, 1), (1, 1)])
def test_numbers_of_labels_ascend_from_one(counts):
    with pytest.raises(ValueError, match="state 'per_class' ascending"):
        LabelsConfig(per_class=counts)


FIGURES = {JOINT: {1: 0.5, 2: 0.6, ALL: 0.8}, SINGLE: {1: 0.3, 2: 0.5, ALL: 0.8}}


def run_of(place: Place, seed: int, jitter: float) -> Run:
    """A finished run that nobody has made."""
    value = FIGURES[place.kind][place.count] + jitter
    figures = {t: {"s1": {"top1": value}, "s2": {"top1": value}} for t in ("action", "gesture")}
    measured = Measured(figures=figures, confusion={}, classes={}, samples={})
    return Run(arm=place.arm, fold="", seed=seed, summary=None, measured=measured)


def finished(context, config, noise=0.01):
    """Runs whose gain is 0.2 with one label, 0.1 with two and 0 with all, in every draw."""
    rng = np.random.default_rng(0)
    jitters = rng.normal(0, noise, config.draws)
    runs = {
        (place.arm, draw): run_of(place, draw, jitters[draw])
        for place in places(context, config)
        for draw in range(config.draws)
    }
    return list(runs.values())


def test_summary(study):
    config = LabelsConfig(tasks=("gesture",), per_class=(1, 2), draws=8)
    result = summarize_labels(study.context, config, finished(study.context, config))
    (table,) = result.tables
    assert table.columns == (
        *("labels", "joint", "single", "gain of joint", "spread", "95 % interval"),
    )
    assert [row[0] for row in table.rows] == ["1", "2", "all"]
    assert [row[3] for row in table.rows] == ["+20.0 better", "+10.0 better", "+0.0"]
    assert [row[4] for row in table.rows] == ["0.0 %"] * 3  # paired: what draws share cancels
    assert table.rows[0][1].endswith(" %")
    assert "+-" in table.rows[0][1]
    (finding,) = result.findings
    assert finding.verdict == "holds here"
    assert finding.value == pytest.approx(0.2)
    lines, gains = result.plots
    assert [series.label for series in lines.series] == ["joint", "single"]
    assert lines.series[0].x == ("1", "2", "all")
    assert gains.series[0].y == pytest.approx((20, 10, 0))
    assert json.loads(json.dumps(result.figures))["gesture"]["gain"]["joint"]["2"] == (
        pytest.approx(0.1)
    )


def test_few_draws_have_no_interval(study):
    config = LabelsConfig(tasks=("gesture",), per_class=(1,), draws=3)
    result = summarize_labels(study.context, config, finished(study.context, config))
    assert result.tables[0].rows[0][-1] == "-"
    assert result.findings[0].verdict == "not settled"
    assert result.findings[0].interval is None
    assert "no interval: 3 draws, 6 are needed" in result.findings[0].sentence


@pytest.mark.slow
def test_a_whole_study(tiny_recipe, tmp_path):
    small = study_of(tiny_recipe, tmp_path, tasks=["gesture"], per_class=[1], pseudo=True)
    assert small.estimate(jobs=1).runs == 3 + 2 * 6
    said: list[str] = []
    result = small.run(jobs=1, say=said.append)
    section = result.sections[-1]
    assert section.title == "Few labels"
    assert [row[0] for row in section.tables[0].rows] == ["1", "all"]
    assert section.tables[0].columns[3] == "joint + pseudo-labels"
    again = study_of(tiny_recipe, tmp_path, tasks=["gesture"], per_class=[1], pseudo=True)
    assert again.run(jobs=1, say=said.append).sections[-1].tables == section.tables
    assert said.count("12 of 12 runs are trained already.") == 1
