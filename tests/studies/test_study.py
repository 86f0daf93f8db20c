"""A tiny study end to end: killed and gone on with, chosen before the test, and nothing twice."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from study_cases import tiny_study

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "training"))

from tiny_training import TinyConfig, build_tiny

from onebody.config import Factory
from onebody.datasets import DATASETS
from onebody.studies import runs
from onebody.studies.choice import FILE as CHOSEN
from onebody.studies.measure import FILE as MEASURED
from onebody.studies.study import Study
from onebody.studies.study_keep import keep_study
from onebody.studies.study_page import write_study_page
from onebody.training import load_summary

ARMS = {"hard.average.own", "cross-stitch.average.own"}
ARMS |= {
    f"twin.{task}.own.equal-depth.{budget}"
    for task in ("action", "gesture")
    for budget in ("epochs", "steps")
}


class Killed(KeyboardInterrupt):
    """What a user's Ctrl-C is to a study."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Register the tiny dataset; return a folder for its media."""
    DATASETS["tiny"] = Factory(config=TinyConfig, build=build_tiny, summary="for tests")
    yield tmp_path_factory.mktemp("tiny")
    del DATASETS["tiny"]


@pytest.fixture(scope="module")
def finished(tiny, tmp_path_factory):
    """Run a study that is killed in its seventh training and in its fourth measurement."""
    folder = tmp_path_factory.mktemp("study")
    recipe = tiny_study(tiny)
    calls: dict[str, list[str]] = {"train": [], "measure": []}
    kill_at = {"train": 7, "measure": 4}
    real = {"train": runs.train, "measure": runs.measure}

    def watched(name):
        def call(*given, **options):
            run = Path(given[1] if name == "train" else given[0])
            if len(calls[name]) + 1 == kill_at[name]:
                kill_at[name] = 0
                raise Killed
            if name == "measure":
                assert (folder / CHOSEN).exists(), "a test row was looked at before the choice"
            calls[name].append(run.name)
            return real[name](*given, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in calls:
            patch.setattr(runs, name, watched(name))
        said: list[str] = []
        for _ in range(2):
            with pytest.raises(Killed):
                Study(recipe, folder).run(jobs=1, say=said.append)
        result = Study(recipe, folder).run(jobs=1, say=said.append)
        trained = list(calls["train"])
        Study(recipe, folder).run(jobs=1, say=said.append)
        assert calls["train"] == trained
    return recipe, folder, result, calls, said


def test_every_run_is_trained_once_though_it_was_killed(finished):
    _, _, result, calls, said = finished
    expected = {
        f"{arm}.{fold}.seed{seed}" for arm in ARMS for fold in ("s0", "s1") for seed in (0, 1)
    }
    assert sorted(calls["train"]) == sorted(expected)
    assert result.runs == 24
    assert "6 of 24 runs are trained already." in said
    assert "24 of 24 runs are trained already." in said
    assert sum(line.startswith("named on validation") for line in said) == 3


def test_seeds_come_outermost(finished):
    seeds = [name[-1] for name in finished[3]["train"]]
    assert seeds == sorted(seeds)


def test_no_test_row_is_looked_at_before_the_choice(finished):
    _, folder, _, _, _ = finished
    chosen = (folder / CHOSEN).stat().st_mtime_ns
    measured = list(folder.glob(f"*/{MEASURED}"))
    assert len(measured) == 24
    assert all(path.stat().st_mtime_ns >= chosen for path in measured)
    for path in folder.glob("*/summary.json"):
        assert load_summary(path.parent).test == {}
        assert load_summary(path.parent).validation


def test_what_only_an_unfinished_run_needs_is_gone(finished):
    kept = {path.name for path in finished[1].glob("hard.average.own.s0.seed0/*")}
    assert {"model", "summary.json", MEASURED} <= kept
    assert not kept & {"resume", "final"}


def test_a_study_keeps_its_choice(finished):
    recipe, folder, result, _, _ = finished
    path = folder / CHOSEN
    before = path.read_text()
    other = next(
        iter(sorted({"hard.average.own", "cross-stitch.average.own"} - {result.choice.named}))
    )
    try:
        path.write_text(json.dumps({**json.loads(before), "named": other}))
        assert Study(recipe, folder).report().choice.named == other
        path.write_text(json.dumps({**json.loads(before), "grid": "0" * 16}))
        with pytest.raises(ValueError, match="the test rows have been looked at"):
            Study(recipe, folder).report()
        for text, fault in (
            ("", "expected JSON"),
            ("{}", "differs in budgets, grid, named, scores"),
        ):
            path.write_text(text)
            with pytest.raises(ValueError, match=rf"chosen\.json: .*{fault}.*with the test rows"):
                Study(recipe, folder).report()
    finally:
        path.write_text(before)


def test_the_choice_is_the_best_mean_on_validation(finished):
    _, folder, result, _, _ = finished
    scores = {}
    for path in folder.glob("*.average.own.*/summary.json"):
        found = json.loads(path.read_text())["validation"]
        arm = path.parent.name.rsplit(".", 2)[0]
        scores.setdefault(arm, []).append((found["action"]["top1"] + found["gesture"]["top1"]) / 2)
    means = {arm: sum(many) / len(many) for arm, many in scores.items()}
    assert set(means) == {"hard.average.own", "cross-stitch.average.own"}
    assert result.choice.scores["hard.average.own"] == pytest.approx(means["hard.average.own"])
    assert means[result.choice.named] == max(means.values())


def test_the_table_shows_every_configuration_and_the_twins(finished):
    result = finished[2]
    table = result.sections[0].tables[0]
    assert [row[0].removesuffix(" *") for row in table.rows] == [
        "hard.average.own",
        "cross-stitch.average.own",
        "twins.own.equal-depth",
    ]
    assert sum(row[0].endswith(" *") for row in table.rows) == 1
    assert all(len(row) == len(table.columns) for row in table.rows)
    lines = result.sections[0].tables[1].rows
    assert [row[-1] for row in lines] == ["named"] * 2 + ["exploratory"] * 2
    assert lines[0][0] == result.choice.named


def test_sentences_name_the_chosen_one_and_what_is_missing(finished):
    result = finished[2]
    assert result.named[0].startswith(f"{result.choice.named}, named on validation, against twins")
    verdicts = {finding.name: finding.verdict for finding in result.findings}
    assert len(verdicts) == 6
    assert verdicts["multi-task beats single-task"] == "not settled"  # two subjects: no interval
    assert verdicts["shallow joint beats deep single"] == "not computed"
    assert verdicts["the proportion of the tasks matters"] == "not computed"


def test_what_is_kept_is_small_and_the_same_each_time(finished, tmp_path):
    _, folder, result, _, _ = finished
    for place in ("a", "b"):
        keep_study(result, tmp_path / place, name="tiny", command="onebody study tiny")
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert {"study.json", "README.md", "delta.png", "action-macs.png"} <= set(names)
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    text = (tmp_path / "a" / "study.json").read_text()
    assert len(text) < 20_000
    assert str(folder) not in text
    kept = json.loads(text)
    assert kept["command"] == "onebody study tiny"
    figures = kept["sections"]["The grid"]["figures"]["hard.average.own"]["action"]["top1"]
    assert set(figures) == {"s0", "s1"}
    assert all(len(values) == 2 for values in figures.values())  # one per seed
    page = (tmp_path / "a" / "README.md").read_text()
    assert "```sh\nonebody study tiny\n```" in page
    assert page.isascii()


def test_the_page_needs_nothing_beside_it(finished, tmp_path):
    page = write_study_page(finished[2], tmp_path, title="tiny <study>", command="c").read_text()
    assert "tiny &lt;study&gt;" in page
    assert page.count("data:image/png;base64,") == len(finished[2].sections[0].plots)
    assert '<b class="quiet">not settled</b>' in page
    assert 'src="http' not in page


def test_a_report_of_a_part_says_what_is_missing(tiny, tmp_path):
    study = Study(tiny_study(tiny, seeds=1), tmp_path)
    with pytest.raises(ValueError, match=r"12 of 12 runs are not trained and measured \(hard"):
        study.report()


def test_a_failing_run_does_not_stop_the_others(tiny, tmp_path, monkeypatch):
    real = runs.train

    def fails(recipe, folder, **options):
        if folder.name == "twin.action.own.equal-depth.epochs.s0.seed0":
            raise ValueError("a loss is not finite")
        return real(recipe, folder, **options)

    monkeypatch.setattr(runs, "train", fails)
    recipe = tiny_study(
        tiny, seeds=1, sharing=["hard"], folds={"column": "subject", "values": ["s0"]}
    )
    said: list[str] = []
    with pytest.raises(ValueError, match=r"1 run\(s\) failed:\n.*epochs.s0.seed0: a loss is not"):
        Study(recipe, tmp_path).run(jobs=1, say=said.append)
    assert len(list(tmp_path.glob("*/summary.json"))) == 4
    assert any("FAILED: a loss is not finite" in line for line in said)
    assert not (tmp_path / CHOSEN).exists()
    assert not list(tmp_path.glob(f"*/{MEASURED}"))


def test_the_estimate_counts_runs_and_is_kept(tiny, tmp_path):
    study = Study(tiny_study(tiny), tmp_path)
    found = study.estimate(jobs=2)
    assert (found.arms, found.runs, found.left) == (6, 24, 24)
    assert found.seconds_left > 0.5 * 24
    sizes = {
        plan.arm: study.context.known.preview(plan.recipe).parameters for plan in study.grid_runs
    }
    assert found.bytes == 4 * 4 * sum(sizes.values())  # four runs of each, four bytes a weight
    text = "\n".join(found.lines())
    assert "24 runs (6 arms), 0 of them finished." in text
    assert "with --jobs 1, " in text
    assert study.estimate(jobs=2) == found  # nothing is timed again
    assert not any(path.is_dir() for path in tmp_path.iterdir())


def test_finished_runs_cost_nothing(finished):
    recipe, folder, _, _, _ = finished
    found = Study(recipe, folder).estimate(jobs=1)
    assert (found.runs, found.left, found.seconds_left) == (24, 0, 0)
    assert "24 of them finished" in found.lines()[0]


def test_the_proportions_are_a_section(tiny, tmp_path):
    recipe = tiny_study(
        tiny,
        sharing=["hard"],
        seeds=1,
        folds={"column": "subject", "values": ["s0"]},
        twins={"sizes": ["equal-depth"], "budgets": ["epochs"]},
        proportions={"shares": [0.4, 0.6]},
    )
    study = Study(recipe, tmp_path)
    result = study.run(jobs=1, say=lambda _: None)
    assert result.runs == 3 + 2 * 4  # named, balanced and two twins at each share
    section = result.sections[1]
    assert [row[0] for row in section.tables[0].rows] == ["40 %"] * 3 + ["60 %"] * 3
    assert [plot.name for plot in section.plots] == [
        "proportion-delta",
        "proportion-action",
        "proportion-gesture",
    ]
    verdicts = {finding.name: finding.verdict for finding in result.findings}
    assert verdicts["the proportion of the tasks matters"] in ("not settled", "not computed")
    thin = {p.recipe.data[0].thin["action"] for p in study._section_runs(study.context)}
    assert len(thin) == 2
    assert replace(result, runs=0).findings == result.findings
