"""``onebody detect`` and ``onebody unusual`` on tiny runs, trained for a few steps."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from onebody.cli.app import app
from onebody.data import ClassColumn, make_table
from onebody.data.store import save_table
from onebody.datasets.prepared import store_arrays
from onebody.inference.detectors import DETECTORS
from onebody.labels import symmetric
from onebody.models.familiar import load_familiar

CLASSES = ("left", "right", "both")


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A causal network on 24 clips of 3 people, in which a part of the picture is bright."""
    folder = tmp_path_factory.mktemp("detect")
    (folder / "clips").mkdir()
    labels = np.arange(24) % 3
    clips = []
    for label in labels:
        frames = np.full((8, 16, 16), 60, np.uint8)
        frames[2:7, :, slice(*((0, 8), (8, 16), (0, 16))[label])] = 200
        clips.append(frames)
    table = make_table(
        "halves",
        {"depth": store_arrays(folder / "clips" / "depth.npy", clips)},
        columns={"action": ClassColumn(values=labels, space=symmetric("halves", CLASSES))},
        subject=[str(1 + i // 8) for i in range(24)],
        fps=[10.0] * 24,
        row_names=[f"clip{i}" for i in range(24)],
    )
    save_table(table, folder / "clips")
    recipe = {
        "data": [{"dataset": {"kind": "prepared", "folder": str(folder / "clips")}}],
        "input": {"modality": "depth", "size": 16, "frames": 8, "sampling": "dense"},
        "split": {"test": {"subject": ["3"]}, "validation": {"subject": ["2"]}},
        "tasks": {"action": {"kind": "classification", "per_frame": True}},
        "network": {
            "kind": "multitask",
            "encoder": {"kind": "stream", "size": "s", "width": 0.25, "patch": 2, "points": 2},
        },
        "schedule": {"steps": 2},
        "unknown": {"action": ["both"]},
    }
    (folder / "halves.yaml").write_text(yaml.safe_dump(recipe))
    result = run("train", folder / "halves.yaml", "--out", folder / "run", "--quiet")
    assert result.exit_code == 0, result.output
    return folder


def test_streams_of_held_out_clips_are_measured_and_what_was_chosen_is_kept(trained):
    folder = trained / "run"
    result = run("detect", folder, "--minutes", 0.2, "--json")
    assert result.exit_code == 0, result.output
    (space,) = json.loads(result.stdout).values()
    assert 0.2 <= space["minutes"] < 0.4
    assert set(space["decoders"]) == set(DETECTORS)
    for way in space["decoders"].values():
        assert set(way["f1"]) == {"0.1", "0.25", "0.5"}
        assert way["true"] >= 2
        assert 0 <= way["validation_f1"] <= 1
        assert way["median_delay_from_movement_s"] is None, "there are no joints"
    kept = json.loads((folder / "detect.json").read_text())["action"]
    assert kept == {name: way["config"] for name, way in space["decoders"].items()}
    table = run("detect", folder, "--minutes", 0.1, "--decoder", "events")
    assert table.exit_code == 0, table.output
    assert "F1@50" in table.stdout
    assert "gradient" not in table.stdout
    assert "mean F1 of validation streams" in table.stdout
    assert set(json.loads((folder / "detect.json").read_text())["action"]) == set(DETECTORS)
    kept = (folder / "detect.json").read_text()
    plain = run("detect", folder, "--minutes", 0.1, "--decoder", "events", "--defaults")
    assert "the defaults (nothing was chosen" in plain.stdout
    assert (folder / "detect.json").read_text() == kept
    other = trained / "other"
    shutil.copytree(folder, other, ignore=shutil.ignore_patterns("detect.json"))
    given = ("--minutes", 0.1, "--decoder", "events", "--settings", folder)
    taken = run("detect", other, *given)
    assert f"(as chosen for {folder})" in taken.stdout
    events = json.loads(kept)["action"]["events"]
    assert json.loads((other / "detect.json").read_text()) == {"action": {"events": events}}
    nobody = run("detect", folder, *given[:-1], other, "--decoder", "gradient")
    assert "found none for action.gradient" in nobody.output
    soon = run("detect", folder, "--minutes", 0.1, "--decoder", "gradient", "--max-delay", 0)
    assert "no setting tells within 0 s there: the quickest one, " in soon.stdout
    assert f"written: {folder / 'detect.json'}" in soon.stderr


@pytest.mark.parametrize("decoder", DETECTORS)
def test_segments_of_a_video_are_written(trained, tmp_path, decoder):
    frames = np.full((60, 16, 16, 1), 60, np.uint8)
    frames[20:40, :, :8] = 200
    np.save(tmp_path / "seen.npy", frames)
    (trained / "run" / "detect.json").write_text(json.dumps({"action": {}}))
    result = run(
        "detect", trained / "run", tmp_path / "seen.npy", "--fps", 10, "--decoder", decoder,
        "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "defaults" in result.stderr
    content = json.loads((tmp_path / "out" / "seen.segments.json").read_text())
    assert content == json.loads(result.stdout)
    assert content["decoder"] == decoder
    assert content["length_s"] == pytest.approx(6.0, abs=0.2)
    with (tmp_path / "out" / "seen.segments.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == [s["label"] for s in content["segments"]["action"]]


def test_held_out_classes_are_measured_and_what_is_familiar_is_kept(trained):
    result = run("unusual", trained / "run", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["fitted"], found["usual"] + found["unusual"]) == (6, 8)
    assert found["unusual"] in (2, 3)
    assert set(found["scores"]) == {"probability", "energy", "mahalanobis", "neighbors", "motion"}
    assert all(0 <= score["auroc"] <= 1 for score in found["scores"].values())
    familiar = load_familiar(trained / "run" / "model")
    assert familiar.tasks == ("action",)
    assert set(familiar.limits) == {"probability", "energy", "mahalanobis", "neighbors"}
    table = run("unusual", trained / "run")
    assert "unusual test clips" in table.stdout
    assert "no interval" in table.stdout


def test_faults_are_told(trained):
    folder = trained / "run"
    for arguments, message in (
        (("detect", folder, "--decoder", "evens"), "events"),
        (("detect", folder, "--split", "train"), "expected test or validation"),
        (("detect", folder, "--out", folder), "only with a VIDEO"),
        (
            ("detect", folder, "x.mp4", "--decoder", "events", "--decoder", "window"),
            "one --decoder",
        ),
        (
            ("detect", folder, "x.mp4", "--max-delay", 1),
            "--max-delay means something only without VIDEO",
        ),
        (("detect", folder, "x.mp4", "--seed", 3), "--seed means something only without"),
        (("detect", folder, "--minutes", "inf"), "--minutes"),
        (("detect", folder, "--defaults", "--max-delay", 1), "leave one out"),
        (("detect", folder, "--defaults", "--settings", folder), "leave one out"),
        (("detect", folder, "x.mp4", "--settings", folder), "--settings means something only"),
        (("unusual", trained), "expected a run's folder"),
        (("unusual", folder, "split.test=null"), "are of another recipe"),
        (
            ("unusual", folder, "--on", trained / "halves.yaml", "split.test.subject=[1]"),
            "training",
        ),
        (("unusual", folder, "--on", trained / "halves.yaml", "unknown={}"), "holds no class out"),
    ):
        result = run(*arguments)
        assert result.exit_code != 0, arguments
        assert message in str(result.exception) + result.output, arguments
