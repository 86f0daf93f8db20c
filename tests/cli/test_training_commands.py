"""``train``, ``evaluate``, ``demo`` and ``compare`` on a few simulated people."""

from __future__ import annotations

import json
from types import SimpleNamespace

import av
import pytest
from typer.testing import CliRunner

from onebody.cli.app import app
from onebody.cli.demo import write_test_video
from onebody.cli.train import run_folder
from onebody.inference import load
from onebody.training import load_recipe

CHANGES = (
    "data.0.dataset.actions=[jump, catch]",
    "data.0.dataset.gestures=[clap, point]",
    "data.0.dataset.size=32",
    "input.size=32",
    "schedule.epochs=1",
)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of the smallest recipe, made smaller, and what the command printed."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONEBODY_CACHE", str(folder / "cache"))
        result = run("train", "debug-simulated", *CHANGES, "--out", folder / "run", "--quiet")
        assert result.exit_code == 0, result.output
        yield folder / "run", result.output


def test_training_prints_the_test_figures(trained):
    folder, output = trained
    assert (folder / "model").is_dir()
    assert "On the test split:" in output
    assert "top1" in output
    assert output.splitlines()[-1].startswith(f"{folder}: ")


def test_evaluating_gives_the_same_figures(trained):
    folder, output = trained
    result = run("evaluate", folder)
    assert result.exit_code == 0, result.output
    found = {" ".join(line.split()) for line in result.output.splitlines()}
    expected = {" ".join(line.split()) for line in output.splitlines()[1:-1]}
    assert expected < found  # and, besides, what is reached without a task id


def test_evaluating_says_what_a_missing_task_id_costs(trained):
    lines = run("evaluate", trained[0]).output.splitlines()
    block = [" ".join(line.split()) for line in lines[lines.index("without a task id: movement") :]]
    assert block[1] == "clips task given not given gap right task after rejection"
    assert [line.split()[0] for line in block[2:5]] == ["all", "action", "gesture"]
    assert block[5].startswith("calibration error ")
    assert "of known clips are taken for none of these" in block[6]
    assert len(block) == 7  # no class was held out


def test_evaluating_as_json(trained):
    result = run("evaluate", trained[0], "--json", "--split", "validation")
    figures = json.loads(result.output)
    assert set(figures) == {"pose", "action", "gesture", "movement", "judged", "without_task"}
    assert set(figures["judged"]) == {"action", "gesture"}
    found = figures["without_task"]["movement"]
    assert found["parts"]["all"]["without"] == figures["movement"]["top1"]
    assert (found["neither"], found["auroc"]) == (0, None)
    assert 0 <= figures["action"]["top1"] <= 1


def test_evaluating_by_class(trained):
    whole = json.loads(run("evaluate", trained[0], "--json").output)
    found = json.loads(run("evaluate", trained[0], "--by", "action", "--json").output)["action"]
    assert set(found) == {"jump", "catch", "mean of groups", "all rows"}
    assert found["all rows"] == whole["action"]
    groups = [found[name]["top1"] for name in ("jump", "catch")]
    assert found["mean of groups"]["top1"] == pytest.approx(sum(groups) / 2)
    lines = [
        line.split() for line in run("evaluate", trained[0], "--by", "subject").stdout.splitlines()
    ]
    assert lines[0][:3] == ["task", "subject", "pck_crop"]
    wrong = run("evaluate", trained[0], "--by", "acton")
    assert wrong.exit_code == 2
    assert "expected a class column to group rows by, found 'acton'" in wrong.stderr
    assert run("evaluate", trained[0], "--by", "action", "--stress").exit_code == 2


def test_an_unknown_split_says_what_is_meant(trained):
    result = run("evaluate", trained[0], "--split", "tset")
    assert result.exit_code == 2
    assert "Did you mean 'test'?" in result.stderr


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    result = run("evaluate", tmp_path)
    assert result.exit_code == 2
    assert "expected a run's folder" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["debug-simulatd"], "Did you mean 'debug-simulated'?"),
        (["debug-simulated", "train.sed=1"], "Did you mean 'seed'?"),
        (["debug-simulated", "nonsense"], "Expected key=value"),
    ],
)
def test_mistakes_are_explained_in_one_line(arguments, message, tmp_path):
    result = run("train", *arguments, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_runs_go_to_a_folder_of_the_recipes_name(trained):
    assert str(run_folder("recipes/mine.yaml")) == "runs/mine"
    assert run_folder(str(trained[0])) == trained[0]


def test_the_demo_video_shows_test_clips(trained, tmp_path):
    folder, _ = trained
    recipe = load_recipe(str(folder))
    path = write_test_video(load(folder), recipe, tmp_path / "demo.mp4", clips=3, slower=2.0)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.frames == 3 * 8
        assert stream.average_rate == 4
        assert stream.height > stream.width  # the labels stand below the square picture


@pytest.fixture
def study(monkeypatch, trained):
    """Stands in for the comparison, which trains several networks; keeps what it was asked."""
    from onebody import studies

    asked = {}

    def compare(recipe, folder, **given):
        asked.update(given, recipe=recipe, folder=folder)
        one = SimpleNamespace(arm=studies.JOINT, summary=SimpleNamespace(folder=str(trained[0])))
        return SimpleNamespace(runs=(one,))

    def write_report(comparison, folder, title):
        asked["title"] = title
        return folder / "report.html"

    monkeypatch.setattr(studies, "compare", compare)
    monkeypatch.setattr(studies, "rows", lambda _: [("a", "top1", "1 %", "2 %", "-1", "-")])
    monkeypatch.setattr(studies, "notes", lambda _: ["a note"])
    monkeypatch.setattr(studies, "write_report", write_report)
    return asked


def test_compare_prints_the_table_and_names_the_report(study, tmp_path):
    result = run("compare", "debug-simulated", "--seeds", 2, "--out", tmp_path / "c")
    assert result.exit_code == 0, result.output
    assert study["seeds"] == 2
    assert study["folds"] == ()
    assert "together" in result.output
    assert "a note" in result.output
    assert f"report: {tmp_path / 'c' / 'report.html'}" in result.output


def test_compare_holds_out_subjects_in_turn(study, tmp_path, trained):
    recipe = trained[0] / "recipe.yaml"
    result = run("compare", recipe, "--fold-by", "subject", "--out", tmp_path / "c")
    assert result.exit_code == 0, result.output
    assert study["fold_by"] == "subject"
    assert len(study["folds"]) > 1


def test_the_demo_ends_with_a_video(study, tmp_path, trained):
    recipe = trained[0] / "recipe.yaml"
    result = run("demo", "--recipe", recipe, "--out", tmp_path / "d")
    assert result.exit_code == 0, result.output
    assert study["title"] == "onebody demo"
    assert (tmp_path / "d" / "demo.mp4").is_file()
    assert result.output.splitlines()[-1] == f"video: {tmp_path / 'd' / 'demo.mp4'}"


def test_an_interruption_says_how_to_go_on(tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("onebody.training.train", interrupted)
    result = run("train", "debug-simulated", "--out", tmp_path / "run")
    assert result.exit_code == 130
    assert result.stderr == f"{tmp_path / 'run'}: interrupted. The same command goes on with it.\n"
