"""A joint network and its twin under stress, on the same rows."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from onebody.cli.app import app
from onebody.config import Factory
from onebody.data.loader import evaluation_batches
from onebody.datasets import DATASETS
from onebody.evaluation import LeakageError
from onebody.evaluation.stress import STRESSES
from onebody.inference import load
from onebody.studies.stress import _sources_of, draw_stress, stress_runs, write_stress
from onebody.training import build_sources, save_recipe, train


@pytest.fixture(scope="module")
def runs(tiny_recipe, tmp_path_factory):
    """Folders of the joint network and of its twin of action and gesture."""
    folder = tmp_path_factory.mktemp("stressed")
    train(tiny_recipe, folder / "joint", progress=False)
    train(tiny_recipe.only(["gesture"]), folder / "twin", progress=False)
    return folder / "joint", folder / "twin"


def test_both_networks_are_measured_at_every_strength(runs):
    said: list[str] = []
    report = stress_runs(*runs[:1], runs[1:], stresses=["light", "occlusion"], say=said.append)
    assert list(report.curves) == ["joint", "twin"]
    assert said == [f"{run}: {name}" for run in runs for name in ("light", "occlusion")]
    for name, tasks in (("joint", {"pose", "action", "gesture", "who"}), ("twin", {"gesture"})):
        for curve in report.curves[name]:
            assert set(curve.values) == tasks
            assert curve.samples["gesture"] == 12
            assert all(len(values) == 5 for values in curve.values.values())


def test_the_twin_sees_the_same_pictures(runs, tiny_recipe):
    sources = build_sources(tiny_recipe).splits["test"]
    joint, twin = (load(run).saved for run in runs)
    own = _sources_of(runs[1], twin, joint, sources, "test")
    stress = STRESSES["occlusion"]
    for first, second in zip(sources, own, strict=True):
        seen = [
            torch.cat([batch.inputs["rgb"] for batch in evaluation_batches(stress.apply(s, 50))])
            for s in (first, second)
        ]
        assert torch.equal(*seen)
        assert {target.task for target in second.targets} == {"gesture"}


def test_a_twin_that_knows_the_rows_is_refused(runs, tiny_recipe, tmp_path):
    split = tiny_recipe.split.model_copy(update={"test": {"subject": ("s0",)}})
    other = tiny_recipe.only(["gesture"]).model_copy(update={"split": split})
    train(other, tmp_path / "other", progress=False)
    with pytest.raises(LeakageError, match="other knows rows that are tested here"):
        stress_runs(runs[0], [tmp_path / "other"], stresses=["light"])


def test_networks_need_a_task_in_common(runs):
    own = load(runs[1]).saved
    bare = replace(own, network=_Renamed(own.network))
    with pytest.raises(ValueError, match=r"its tasks \(gesture\) are none of the first"):
        _sources_of(runs[1], own, bare, [], "test")


class _Renamed:
    """A network whose tasks are called otherwise."""

    def __init__(self, network):
        self.tasks = {f"other {name}": task for name, task in network.tasks.items()}


def test_figures_and_picture_are_written(runs, tmp_path):
    report = stress_runs(runs[0], runs[1:], stresses=["light"])
    data, picture = write_stress(report, tmp_path / "out")
    found = json.loads(data.read_text())
    assert found["curves"]["twin"][0]["levels"] == [0, 30, 50, 70, 85]
    assert picture.stat().st_size > 1000
    axes = draw_stress(report).axes
    assert [axis.get_title() for axis in axes] == ["light"]
    assert len(axes[0].lines) == 5  # four tasks, and the twin's


def command(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_stress_on_the_command_line(runs, tmp_path):
    out = tmp_path / "report"
    result = command(
        *("evaluate", runs[0], "--stress", "--kind", "light", "--kind", "speed"),
        *("--against", runs[1], "--out", out),
    )
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["light", "(%", "darker)", "network", "0", "30", "50", "70", "85"]
    assert sum(line[:2] == ["gesture", "top1"] for line in lines) == 4
    assert {path.name for path in out.iterdir()} == {"stress.json", "stress.png"}
    plain = command("evaluate", runs[0], "--stress", "--kind", "light", "--json")
    assert json.loads(plain.stdout)["curves"]["joint"][0]["stress"] == "light"


def test_another_dataset_on_the_command_line(runs, tiny_recipe, tmp_path, monkeypatch):
    tiny = DATASETS["tiny"]
    elsewhere = tmp_path / "elsewhere"

    def build(config):
        return tiny.build(config.model_copy(update={"folder": elsewhere}))

    monkeypatch.setitem(DATASETS, "tiny", Factory(config=tiny.config, build=build, summary="moved"))
    data = tiny_recipe.data[0].dataset.model_copy(update={"folder": elsewhere})
    part = tiny_recipe.data[0].model_copy(update={"dataset": data})
    places = {"red": "red", "green": "red", "blue": None}
    task = tiny_recipe.tasks["gesture"].model_copy(update={"places": places})
    other = tiny_recipe.model_copy(
        update={"data": (part,), "tasks": {"gesture": task}, "twins": {}}
    )
    save_recipe(other, tmp_path / "other.yaml")
    monkeypatch.setitem(DATASETS, "tiny", tiny)
    result = command(
        *("evaluate", runs[0], "--on", tmp_path / "other.yaml", "--split", "all"),
        *("--out", tmp_path / "out"),
    )
    assert result.exit_code == 0, result.output
    assert "gesture  mean_class" in result.stdout
    assert "not tested for gesture, being no class of the network: blue (" in result.stdout
    found = json.loads((tmp_path / "out" / "cross.json").read_text())
    assert found["classes"] == {"gesture": ["red"]}
    assert found["restricted"]["gesture"]["top1"] == 1.0
    labels = tiny.build(data).columns["gesture"].values
    assert found["rows"] == {"gesture": int(np.sum(labels < 2))}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stress", "--on", "own"], "two evaluations"),
        (["--kind", "light"], "--kind means something only with --stress."),
        (["--against", "there"], "--against means something only with --stress."),
        (["--out", "there"], "--out means something only with --stress or --on."),
        (["--stress", "--kind", "lihgt"], "Did you mean 'light'?"),
        (["--stress", "--against", "there"], "there: expected a finished run's folder"),
    ],
)
def test_options_that_make_no_sense_are_refused(runs, arguments, message):
    result = command("evaluate", runs[0], *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_a_run_is_not_its_own_twin(runs):
    result = command("evaluate", runs[0], "--stress", "--against", runs[1].parent / "." / runs[0])
    assert result.exit_code == 2
    assert "given twice" in " ".join(result.stderr.split())
