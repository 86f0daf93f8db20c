"""What a study may say, how it is laid out, and what validation decides."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from study_cases import tiny_study

from onebody.config import Factory
from onebody.datasets import DATASETS
from onebody.studies.arms import single_task, with_balancer, with_network, with_steps
from onebody.studies.choice import choose
from onebody.studies.config import StudyConfig, part_names, read_study
from onebody.studies.folds import make_folds
from onebody.studies.grid import grid_plans, make_context, make_grid
from onebody.studies.proportion import (
    ProportionConfig,
    arm_of,
    fractions,
    pair_of,
    proportion_plans,
)
from onebody.training import RunSummary, build_run, build_sources


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Register the tiny dataset; return a folder for its media."""
    from tiny_training import TinyConfig, build_tiny

    DATASETS["tiny"] = Factory(config=TinyConfig, build=build_tiny, summary="for tests")
    yield tmp_path_factory.mktemp("tiny")
    del DATASETS["tiny"]


def test_faults_are_named_with_the_nearest(tiny):
    for study, message in (
        ({"sharin": ["hard"]}, "Did you mean 'sharing'"),
        ({"proportion": {}}, "Did you mean 'proportions'"),
        ({"sharing": ["cross_stitch"]}, "Did you mean 'cross-stitch'"),
        ({"balancing": ["automatc"]}, "Did you mean 'automatic'"),
        ({"balancing": []}, "at least 1 item"),
        ({"twins": {"sizes": ["equal"]}}, "equal-depth"),
        ({"twins": {"budgets": ["steps", "steps"]}}, "twice"),
        ({"folds": {"column": "subject", "key": "a.b"}}, "one of 'column', 'key' and 'k'"),
        ({"folds": {"key": "a.b"}}, "state the 'values'"),
        ({"proportions": {"shares": [0.6, 0.4]}}, "ascending"),
        ({"proportions": {"shares": [0.5, 1.0]}}, "between 0 and 1"),
    ):
        with pytest.raises(ValueError, match=message):
            read_study(tiny_study(tiny, **study))
    with pytest.raises(ValueError, match="no 'study:'"):
        read_study(tiny_study(tiny).model_copy(update={"study": {}}))


def test_the_paper_is_the_default():
    config = StudyConfig()
    assert list(part_names(config.sharing)) == ["hard", "cross-stitch", "learned"]
    assert list(part_names(config.balancing)) == ["average", "dwa", "automatic"]
    assert config.twins.sizes == ("equal-depth", "equal-size")


def test_parts_of_one_kind_are_told_apart_by_their_options():
    parts = StudyConfig(sharing=["hard", {"kind": "learned", "routings": 2}, "learned"]).sharing
    assert list(part_names(parts)) == ["hard", "learned-routings2", "learned"]
    with pytest.raises(ValueError, match="stated twice"):
        part_names(StudyConfig(sharing=["hard", "hard"]).sharing)


def test_a_study_is_nothing_to_a_training(tiny):
    recipe = tiny_study(tiny)
    assert recipe.fingerprint() == recipe.model_copy(update={"study": {}}).fingerprint()
    assert recipe.only(["action"]).study == {}


def test_folds_hold_out_several_values_together(tiny):
    recipe = tiny_study(tiny)
    config = StudyConfig(folds={"column": "subject", "values": [["s0", "s1"], "s3"]}).folds
    folds = make_folds(recipe, config)
    assert [fold.name for fold in folds] == ["s0-s1", "s3"]
    assert folds[0].apply(recipe).split.test == {"subject": ("s0", "s1")}
    assert folds[0].apply(recipe).split.validation == {"subject": ("s2",)}
    every = make_folds(recipe, StudyConfig(folds={"column": "subject"}).folds)
    assert [fold.name for fold in every] == ["s0", "s1", "s2", "s3"]
    assert make_folds(recipe, None)[0].apply(recipe) is recipe
    with pytest.raises(ValueError, match="twice"):
        make_folds(recipe, StudyConfig(folds={"column": "subject", "values": [1, "1"]}).folds)


def test_folds_by_a_key_of_the_recipe(tiny):
    recipe = tiny_study(tiny)
    config = StudyConfig(folds={"key": "data.0.dataset.name", "values": ["one", "two"]}).folds
    folds = make_folds(recipe, config)
    assert [fold.name for fold in folds] == ["name-one", "name-two"]
    assert folds[1].apply(recipe).data[0].dataset.name == "two"


def test_the_grid_is_every_combination_and_twins_are_shared(tiny, tmp_path):
    recipe = tiny_study(
        tiny,
        balancing=["average", "dwa"],
        depths={"shallow": {"blocks": [1, 1]}, "deep": {"blocks": [2, 2]}},
        twins={},
        seeds=1,
    )
    grid = make_grid(recipe, read_study(recipe).grid)
    assert [cell.name for cell in grid.cells][:3] == [
        "hard.average.shallow",
        "hard.dwa.shallow",
        "cross-stitch.average.shallow",
    ]
    assert len(grid.cells) == 8
    assert len(grid.twins) == 2 * 2 * 2 * 2  # tasks, depths, sizes, budgets
    assert grid.cell("cross-stitch.dwa.deep").recipe.network.encoder.blocks == (2, 2)
    context = make_context(recipe, grid, tmp_path)
    plans = grid_plans(context, grid)
    assert len(plans) == (8 + 16) * 2
    assert context.named.sharing == "cross-stitch"  # until one is named, the largest
    by_arm = {plan.arm: plan.recipe for plan in plans if plan.fold == "s0"}
    twin = by_arm["twin.action.deep.equal-depth.steps"]
    assert list(twin.tasks) == ["action"]
    assert twin.network.sharing.kind == "hard"
    assert twin.schedule.steps == build_run(by_arm["hard.average.deep"]).total_steps == 2
    small = [by_arm[f"twin.{task}.deep.equal-size.epochs"] for task in ("action", "gesture")]
    sizes = [sum(p.numel() for p in build_run(r).network.parameters()) for r in small]
    whole = sum(p.numel() for p in build_run(by_arm["hard.average.deep"]).network.parameters())
    assert sum(sizes) == pytest.approx(whole, rel=0.15)


def test_budgets_that_are_the_same_are_trained_once(tiny, tmp_path):
    recipe = tiny_study(tiny, seeds=1)
    data = recipe.data[0].model_copy(update={"batch_size": 64})
    recipe = recipe.model_copy(update={"data": (data,)})  # every epoch is one step
    grid = make_grid(recipe, read_study(recipe).grid)
    arms = {plan.arm for plan in grid_plans(make_context(recipe, grid, tmp_path / "a"), grid)}
    assert not any(arm.endswith(".steps") for arm in arms)
    fixed = with_steps(recipe, 3)
    grid = make_grid(fixed, read_study(recipe).grid)
    assert {twin.budget for twin in grid.twins} == {"steps"}


def test_what_cannot_be_studied_is_refused(tiny, tmp_path):
    recipe = tiny_study(tiny)
    parts = read_study(recipe).grid
    with pytest.raises(ValueError, match="two tasks or more"):
        make_grid(recipe.only(["action"]), parts)
    with pytest.raises(ValueError, match="names folders"):
        make_grid(recipe, parts.model_copy(update={"depths": {"a/b": {}}}))
    with pytest.raises(ValueError, match="Did you mean 'blocks'"):
        make_grid(recipe, parts.model_copy(update={"depths": {"a": {"block": [1]}}}))
    bare = recipe.model_copy(update={"split": recipe.split.model_copy(update={"validation": {}})})
    with pytest.raises(ValueError, match=r"No validation row of fold s0 .* 'action'"):
        make_context(bare, make_grid(bare, parts), tmp_path / "a")
    none = parts.model_copy(update={"folds": None})
    with pytest.raises(ValueError, match="No test row carries a label of 'action'"):
        make_context(recipe, make_grid(recipe, none), tmp_path / "b")


def summary(**validation: float) -> RunSummary:
    values = dict.fromkeys(RunSummary.__dataclass_fields__)
    figures = {task: {"top1": value} for task, value in validation.items()}
    return RunSummary(**{**values, "folder": "run", "validation": figures})


def test_validation_names_a_configuration_and_each_twins_budget(tiny, tmp_path):
    recipe = tiny_study(tiny)
    grid = make_grid(recipe, read_study(recipe).grid)
    context = make_context(recipe, grid, tmp_path)
    twin = "twin.{}.own.equal-depth.{}"
    found = {
        "hard.average.own": [summary(action=0.6, gesture=0.4), summary(action=0.5, gesture=0.5)],
        "cross-stitch.average.own": [summary(action=0.9, gesture=0.3)] * 2,
        twin.format("action", "epochs"): [summary(action=0.5), summary(action=0.7)],
        twin.format("action", "steps"): [summary(action=0.65), summary(action=0.6)],
        twin.format("gesture", "epochs"): [summary(gesture=0.4)] * 2,
        twin.format("gesture", "steps"): [summary(gesture=0.4)] * 2,
    }
    choice = choose(context, grid, found, "f" * 16)
    assert choice.named == "cross-stitch.average.own"
    assert choice.scores["hard.average.own"] == pytest.approx(0.5)
    assert choice.budgets == {
        "action.own.equal-depth": "steps",  # 0.625 against 0.6
        "gesture.own.equal-depth": "epochs",  # the first of equals
    }
    found["hard.average.own"] = [summary()]
    with pytest.raises(ValueError, match="nothing was measured on validation"):
        choose(context, grid, found, "f" * 16)


def test_a_column_of_both_tasks_cannot_be_thinned_out_for_one():
    tasks = dict.fromkeys(("action", "gesture"), SimpleNamespace(form="vector", column="class"))
    context = SimpleNamespace(tasks=tasks, twins={name: (name,) for name in tasks})
    with pytest.raises(ValueError, match="'action' and 'gesture' read one column, 'class'"):
        pair_of(context, ProportionConfig())


def test_fractions_keep_the_sum_and_make_the_proportion():
    # 80 and 40 rows: at 50 % 40 + 40, at 80 % 80 + 20 would be most: 80 % allows 100, 50 % 80
    for share, rows in ((0.5, (40, 40)), (0.8, (64, 16))):
        kept = fractions((80, 40), (0.5, 0.8), share)
        assert (80 * kept[0], 40 * kept[1]) == pytest.approx(rows)
    assert fractions((10, 10), (0.5,), 0.5) == (1.0, 1.0)


def test_the_sweep_thins_training_rows_alone(tiny, tmp_path):
    recipe = tiny_study(tiny, seeds=1, proportions={"shares": [0.25, 0.75]})
    parts = read_study(recipe)
    context = make_context(recipe, make_grid(recipe, parts.grid), tmp_path)
    config = parts.sections["proportions"]
    plans = proportion_plans(context, config)
    assert {plan.arm for plan in plans} == {
        arm_of(kind, share)
        for share in (0.25, 0.75)
        for kind in ("named", "hard", "balanced", "twin-action", "twin-gesture")
    }
    chosen = next(p for p in plans if p.arm == "proportion.named.0.25" and p.fold == "s0")
    rows = build_sources(chosen.recipe).rows
    whole = build_sources(context.folds[0].apply(context.named.recipe)).rows
    assert rows["test"] == whole["test"]
    assert rows["validation"] == whole["validation"]
    assert rows["train"] < whole["train"]
    balanced = next(p for p in plans if p.arm == "proportion.balanced.0.25")
    assert balanced.recipe.data[0].balance == ("action", "gesture")
    wrong = config.model_copy(update={"of": "action", "to": "gestur"})
    with pytest.raises(ValueError, match="Did you mean 'gesture'"):
        pair_of(context, wrong)
    pose = replace(context, tasks={**context.tasks, "action": _Pose()})
    with pytest.raises(ValueError, match="no task of one class"):
        pair_of(pose, config)


class _Pose:
    form = "joints"


def test_recipes_are_changed_part_by_part(tiny):
    recipe = tiny_study(tiny)
    wide = with_network(recipe, sharing="cross-stitch", encoder={"stem": 4})
    assert wide.network.sharing.kind == "cross-stitch"
    assert wide.network.encoder.stem == 4
    assert wide.network.encoder.widths == recipe.network.encoder.widths
    with pytest.raises(ValueError, match="has no 'depth' to vary"):
        with_network(recipe, depth=3)
    alone = single_task(
        with_balancer(wide, part_names(StudyConfig().balancing)["dwa"]), ("action",)
    )
    assert alone.balancer.kind == "average"
    assert alone.network.sharing.kind == "hard"
    assert with_steps(alone, 7).schedule.epochs is None
