"""``onebody study`` from the command line, on a study as small as can be."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "training"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "studies"))

from study_cases import tiny_study
from tiny_training import TinyConfig, build_tiny

from onebody.cli.app import app
from onebody.config import Factory
from onebody.datasets import DATASETS


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """Return the file of a study of three runs."""
    tiny = Factory(config=TinyConfig, build=build_tiny, summary="for tests")
    monkeypatch.setitem(DATASETS, "tiny", tiny)
    monkeypatch.chdir(tmp_path)
    made = tiny_study(
        tmp_path,
        sharing=["hard"],
        seeds=1,
        folds={"column": "subject", "values": ["s0"]},
        twins={"sizes": ["equal-depth"], "budgets": ["epochs"]},
    )
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(made.plain(), sort_keys=False))
    return "tiny.yaml"


def call(*arguments: str):
    return CliRunner().invoke(app, ["study", *arguments])


def test_costs_first_then_runs_then_reports(recipe, tmp_path):
    dry = call(recipe, "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert "3 runs (3 arms), 0 of them finished." in dry.output
    assert not list((tmp_path / "runs").glob("study-tiny/*/"))

    early = call(recipe, "--report")
    assert early.exit_code == 2
    assert "3 of 3 runs are not trained and measured" in early.output

    whole = call(recipe, "--keep", "docs/studies")
    assert whole.exit_code == 0, whole.output
    assert whole.output.index("3 runs (3 arms)") < whole.output.index("0 of 3 runs are trained")
    assert "hard.average.own *" in whole.output
    assert "- hard.average.own, named on validation" in whole.output
    assert (tmp_path / "runs/study-tiny/report.html").is_file()
    kept = json.loads((tmp_path / "docs/studies/tiny/study.json").read_text())
    assert kept["command"] == "onebody study tiny.yaml"

    again = call(recipe, "--report", "--out", "runs/study-tiny")
    assert again.exit_code == 0, again.output
    assert (tmp_path / "runs/study-tiny/tiny/study.json").is_file()


def test_a_recipe_without_a_study_is_refused(recipe):
    found = call("debug-simulated")
    assert found.exit_code == 2
    assert "has no 'study:'" in found.output
    found = call(recipe, "study.sharing=[hrad]")
    assert found.exit_code == 2
    assert "Did you mean 'hard'" in found.output
