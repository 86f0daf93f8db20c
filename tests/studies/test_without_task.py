"""Networks that are not told the task: what is planned, and what is made of finished runs."""

from dataclasses import replace

import numpy as np
import pytest
from study_cases import tiny_study

from onebody.studies import Study
from onebody.studies import without_task as section
from onebody.studies.measure import Measured
from onebody.studies.runs import Run
from onebody.studies.without_task import ANSWER, ROUTER, without_task_plans
from onebody.studies.without_task_summary import summarize_without_task

UNKNOWN = {"gesture": ["blue"]}


@pytest.fixture(scope="module")
def study(tiny_recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("without")
    values = {"seeds": 2, "without_task": {"unknown": UNKNOWN}, "sharing": ["hard"]}
    return Study(tiny_study(folder / "data", **values), folder / "runs")


def planned(study, **changes):
    config = study.parts.sections["without_task"].model_copy(update=changes)
    return config, without_task_plans(study.context, config)


def test_the_named_network_is_not_trained_again(study):
    _, plans = planned(study)
    named = [plan for plan in plans if plan.arm == study.context.named.name]
    grid = {plan.folder: plan.recipe.fingerprint() for plan in study.grid_runs}
    assert len(named) == 4
    assert all(grid[plan.folder] == plan.recipe.fingerprint() for plan in named)


def test_ways_add_an_answer_and_the_router_it_needs(study):
    _, plans = planned(study)
    tasks = {plan.arm: set(plan.recipe.tasks) for plan in plans}
    assert tasks["without.union"] == {"action", "gesture", ANSWER}
    assert tasks["without.routed"] == {"action", "gesture", ANSWER, ROUTER}
    held = {plan.arm: plan.recipe.unknown for plan in plans}
    assert held["without.routed"] == {}
    assert held["without.routed.unknown"] == {"gesture": ("blue",)}


def test_added_names_must_be_free(study):
    named = study.context.named
    tasks = {**named.recipe.tasks, ANSWER: named.recipe.tasks["action"]}
    taken = replace(named, recipe=named.recipe.model_copy(update={"tasks": tasks}))
    with pytest.raises(ValueError, match=f"adds a task '{ANSWER}'; rename"):
        section.answering(replace(study.context, named=taken), "union")


def test_two_class_tasks_are_needed(study):
    alone = replace(study.context, twins={"action": ("action",)})
    with pytest.raises(ValueError, match=r"needs two tasks .* found action"):
        section.class_tasks(alone)


def test_across_trains_on_one_source_and_tests_all_people_of_the_others(study, monkeypatch):
    (table,) = section.read_tables(study.context.recipe)
    tables = [
        replace(table, name=name, subject=np.array([f"{name}{s}" for s in table.subject]))
        for name in "ab"
    ]
    monkeypatch.setattr(section, "read_tables", lambda recipe: tables)
    _, plans = planned(study, ways=("routed",), unknown={}, across=True)
    found = {plan.arm: plan for plan in plans if "from" in plan.arm}
    assert set(found) == {"without.routed.from-a", "without.routed.from-b"}
    tested = found["without.routed.from-a"].recipe.split.test["subject"]
    assert tested == tuple(sorted(set(tables[1].subject.tolist())))
    assert sum("from" in plan.arm for plan in plans) == 4  # two seeds of each
    monkeypatch.setattr(section, "read_tables", lambda recipe: tables[:1])
    with pytest.raises(ValueError, match="needs two sources or more"):
        planned(study, across=True)


def made_up(plans, given, not_given):
    """Return runs of eight subjects whose figures are known."""
    runs = []
    for plan in plans:
        figures = {}
        for number in range(8):
            own = 0.01 * number
            answer = {
                "top1_given": given + own,
                "top1": not_given + own,
                "task_accuracy": 0.9,
                "top1_gap": given - not_given,
            }
            class_figures = {"top1": 0.8 + own, "mean_class": 0.8}
            values = {"action": class_figures, "gesture": class_figures, ANSWER: answer}
            if ROUTER in plan.recipe.tasks:
                values[ROUTER] = {"top1": 0.95}
            for task, found in values.items():
                figures.setdefault(task, {})[f"p{number}"] = found
        neither = {"auroc": 0.75, "fpr95": 0.5, "rejected_known": 0.05, "rejected_neither": 0.25}
        measured = Measured(
            figures=figures,
            confusion={},
            classes={},
            samples={"action": 30, "gesture": 10, ANSWER: 40, ROUTER: 40},
            neither={ANSWER: neither} if plan.recipe.unknown else {},
        )
        runs.append(
            Run(arm=plan.arm, fold=plan.fold, seed=plan.seed, summary=None, measured=measured)
        )
    return runs


@pytest.mark.parametrize(
    ("not_given", "verdict"),
    [(0.89, "holds here"), (0.8, "does not hold here")],
)
def test_the_gap_is_shown_and_judged(study, not_given, verdict):
    config, plans = planned(study)
    plans = [plan for plan in plans if plan.fold == "s0"]
    result = summarize_without_task(study.context, config, made_up(plans, 0.9, not_given))
    told, gaps, unknown = result.tables
    assert [row[0] for row in told.rows] == [study.context.named.name, "routed", "union"]
    assert told.rows[1][1:] == ("83.5 +- 0.0 %", "83.5 +- 0.0 %")
    gap = 100 * (0.9 - not_given)
    assert gaps.rows[0] == (
        "routed",
        "93.5 +- 0.0 %",
        f"{100 * not_given + 3.5:.1f} +- 0.0 %",
        "90.0 +- 0.0 %",
        f"{gap:.1f} %",
        f"{gap:+.1f} to {gap:+.1f}",
    )
    assert unknown.rows[1] == ("union", "75.0 %", "75.0 to 75.0", "50.0 %", "5.0 %", "25.0 %")
    assert {finding.verdict for finding in result.findings} == {verdict}
    assert result.figures["union"]["gap"] == pytest.approx(0.9 - not_given)


def test_the_router_on_other_sources_is_shown_beside_the_likelier_task(study):
    config, plans = planned(study, ways=("routed",), unknown={})
    plans = [plan for plan in plans if plan.fold == "s0"]
    plans += [replace(plan, arm="without.routed.from-a", fold="") for plan in plans[-2:]]
    config = config.model_copy(update={"across": True})
    result = summarize_without_task(study.context, config, made_up(plans, 0.9, 0.9))
    assert result.tables[-1].rows == (
        ("routed.from-a", "90.0 +- 0.0 %", "95.0 +- 0.0 %", "75.0 %"),
    )
