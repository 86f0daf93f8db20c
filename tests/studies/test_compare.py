"""Comparisons end to end on tiny clips, their arithmetic, and their page."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from onebody.studies import (
    COLUMNS,
    Arm,
    Run,
    compare,
    cost_rows,
    make_arms,
    notes,
    rows,
    twin_groups,
)
from onebody.studies.arms import with_fold, with_seed, with_width
from onebody.studies.compare import fold_values, summarize
from onebody.studies.measure import FILE, Measured
from onebody.studies.report import write_report
from onebody.tasks import TASKS, build_tasks
from onebody.training import RunSummary


@pytest.fixture(scope="module")
def finished(tiny_recipe, tmp_path_factory):
    """Run a comparison once; return it, its folder and what it said."""
    folder = tmp_path_factory.mktemp("compare")
    said: list[str] = []
    found = compare(tiny_recipe, folder, seeds=2, progress=False, say=said.append)
    return found, folder, said


def test_every_arm_and_seed_is_run_and_only_once(tiny_recipe, finished):
    found, folder, said = finished
    names = {"joint-seed0", "pose-seed0", "doing-seed0", "joint-seed1", "pose-seed1", "doing-seed1"}
    assert {path.name for path in folder.iterdir() if path.is_dir()} == names
    assert len(said) == 6
    before = {p: p.stat().st_mtime_ns for p in folder.glob("*/model/*")}
    again = compare(tiny_recipe, folder, seeds=2, progress=False, say=said.append)
    assert {p: p.stat().st_mtime_ns for p in folder.glob("*/model/*")} == before
    assert again.delta == found.delta


def test_lines_compare_a_task_with_the_twin_that_has_it(finished):
    found, _, _ = finished
    by_task = {line.task: line for line in found.lines}
    assert by_task["pose"].twin == "pose"
    assert by_task["action"].twin == by_task["gesture"].twin == "doing"
    assert by_task["who"].single is None
    assert by_task["who"].difference is None
    assert set(by_task["pose"].subjects) == {"s1", "s3"}
    assert by_task["pose"].difference.interval.bounds is None  # two subjects: no interval
    assert "2 subjects" in by_task["pose"].difference.interval.reason


def test_joint_figure_is_the_mean_of_the_measured_ones(finished):
    found, folder, _ = finished
    line = next(line for line in found.lines if (line.task, line.metric) == ("pose", "error_crop"))
    kept = [json.loads((folder / f"joint-seed{s}" / FILE).read_text()) for s in (0, 1)]
    values = [m["figures"]["pose"][who]["error_crop"] for m in kept for who in ("s1", "s3")]
    assert line.joint == pytest.approx(np.mean(values))


def test_table_costs_and_notes_are_text(finished):
    found, _, _ = finished
    assert all(len(row) == len(COLUMNS) for row in rows(found))
    assert [row[0] for row in cost_rows(found)] == ["joint", "pose", "doing"]
    text = " ".join(notes(found))
    assert "Delta_MTL" in text
    assert "2 seeds" in text
    assert "No interval" in text


def test_page_holds_everything_in_itself(finished):
    found, folder, _ = finished
    page = write_report(found, folder, "tiny <study>").read_text()
    assert "tiny &lt;study&gt;" in page
    assert page.count("data:image/png;base64,") >= 4  # curves, two confusions or more, samples
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    for line in found.lines:
        assert line.metric in page


def measured(**figures: dict[str, float]) -> Measured:
    return Measured(
        figures={
            task: {s: {"top1": v, "mean_class": v} for s, v in by.items()}
            for task, by in figures.items()
        },
        confusion={},
        classes={},
        samples={},
    )


def summary(parameters: int) -> RunSummary:
    values = dict.fromkeys(RunSummary.__dataclass_fields__)
    return RunSummary(**{**values, "parameters": parameters, "macs": 10, "seconds": 2.0})


def test_differences_are_paired_by_subject_and_seed(tiny_recipe):
    action = {"action": TASKS["classification"].config(name="action", classes=("a", "b"))}
    alone = tiny_recipe.only(["action"])
    arms = [Arm(name=n, tasks=("action",), recipe=alone) for n in ("joint", "action")]
    subjects = [f"p{i}" for i in range(7)]
    runs = []
    for seed in (0, 1):
        single = {s: 0.5 + 0.01 * i for i, s in enumerate(subjects)}
        joint = {s: v + 0.1 for s, v in single.items()}
        runs.append(
            Run(
                arm="joint", fold="", seed=seed, summary=summary(8), measured=measured(action=joint)
            )
        )
        runs.append(
            Run(
                arm="action",
                fold="",
                seed=seed,
                summary=summary(4),
                measured=measured(action=single),
            )
        )
    found = summarize(arms, runs, build_tasks(action))
    line = found.lines[0]
    assert line.difference.mean == pytest.approx(0.1)
    low, high = line.difference.interval.bounds
    assert low == pytest.approx(0.1)
    assert high == pytest.approx(0.1)
    assert rows(found)[0][4] == "+10.0 better"
    assert found.delta == pytest.approx(0.1 / 0.53)


def test_folds_are_put_together(tiny_recipe):
    action = {"action": TASKS["classification"].config(name="action", classes=("a", "b"))}
    alone = tiny_recipe.only(["action"])
    arms = [Arm(name=n, tasks=("action",), recipe=alone) for n in ("joint", "action")]
    runs = [
        Run(arm=arm, fold=fold, seed=0, summary=summary(1), measured=measured(action={fold: value}))
        for fold, joint, single in (("1", 0.8, 0.7), ("3", 0.6, 0.7))
        for arm, value in (("joint", joint), ("action", single))
    ]
    found = summarize(arms, runs, build_tasks(action))
    assert found.folds == ("1", "3")
    assert found.lines[0].joint == pytest.approx(0.7)
    assert found.lines[0].difference.mean == pytest.approx(0.0)


def test_twins_of_a_recipe(tiny_recipe):
    assert twin_groups(tiny_recipe) == {"pose": ("pose",), "doing": ("action", "gesture")}
    alone = tiny_recipe.model_copy(update={"twins": {}})
    assert list(twin_groups(alone)) == ["pose", "action", "gesture", "who"]
    with pytest.raises(ValueError, match="Did you mean 'gesture'"):
        twin_groups(tiny_recipe.model_copy(update={"twins": {"g": ("gestures",)}}))
    with pytest.raises(ValueError, match="rename the twin"):
        twin_groups(tiny_recipe.model_copy(update={"twins": {"joint": ("pose",)}}))


@pytest.mark.parametrize(("subject", "names"), [("everyone", {"f1", "f2"}), ("a", {"a"})])
def test_folds_that_test_the_same_subject_all_count(tiny_recipe, subject, names):
    alone = tiny_recipe.only(["action"])
    action = {"action": TASKS["classification"].config(name="action", classes=("a", "b"))}
    runs = [
        Run(
            arm="joint",
            fold=fold,
            seed=0,
            summary=summary(1),
            measured=measured(action={subject: value}),
        )
        for fold, value in (("f1", 0.5), ("f2", 0.7))
    ]
    line = summarize(make_arms(alone), runs, build_tasks(action)).lines[0]
    assert set(line.subjects) == names
    assert line.joint == pytest.approx(0.6)


def test_a_single_task_has_no_twin(tiny_recipe):
    alone = tiny_recipe.only(["action"])
    assert [arm.name for arm in make_arms(alone)] == ["joint"]
    action = {"action": TASKS["classification"].config(name="action", classes=("a", "b"))}
    runs = [
        Run(arm="joint", fold="", seed=0, summary=summary(1), measured=measured(action={"a": 0.5}))
    ]
    found = summarize(make_arms(alone), runs, build_tasks(action))
    assert found.delta is None
    assert found.lines[0].single is None
    assert "Delta_MTL" not in " ".join(notes(found))


def test_changed_recipes(tiny_recipe):
    assert with_seed(tiny_recipe, 7).train.seed == 7
    assert with_fold(tiny_recipe, "subject", "s2").split.test == {"subject": ("s2",)}
    assert with_width(tiny_recipe, 0.5).network.encoder.width == 0.5
    assert tiny_recipe.network.encoder.width == 1.0


def test_fold_values(tiny_recipe):
    from onebody.datasets import DATASETS

    dataset = tiny_recipe.data[0].dataset
    table = DATASETS["tiny"].build(dataset)
    assert fold_values(table, "subject") == ("s0", "s1", "s2", "s3")
    with pytest.raises(ValueError, match="use subject"):
        fold_values(table, "fps")
    with pytest.raises(ValueError, match="0 value"):
        fold_values(table, "camera")
