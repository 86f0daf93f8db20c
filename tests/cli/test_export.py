import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from onebody.cli.app import app
from onebody.inference.export_step import read_step
from saved_runs import write_saved
from step_networks import step_network

pytestmark = pytest.mark.alone


def export(*arguments):
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    saved = step_network()
    write_saved(folder, saved, fps=15.0, license="CC0")
    return folder


def test_a_run_is_exported_checked_and_its_fastest_runtime_named(run):
    result = export(run, "--frames", 8, "--json", "--error", 1)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["passed"]
    assert found["tried_on"] == f"simulated people, for {run} holds no recipe"
    assert found["frames"] == 8
    assert max(found["differences"].values()) < 1e-4
    (best,) = [row for row in found["runtimes"] if row["fastest_within_error"]]
    assert best["frames_per_s"] == max(row["frames_per_s"] for row in found["runtimes"])
    content = json.loads((run / "export" / "step.json").read_text())
    assert (content["license"], content["input"]["fps"]) == ("CC0", 15.0)


def test_a_video_of_one_picture_makes_it_fail(run, tmp_path, monkeypatch):
    def copy(saved, folder):  # that of the test above
        shutil.copytree(run / "export", folder, dirs_exist_ok=True)
        return read_step(folder)

    monkeypatch.setattr("onebody.inference.export_check.export_step", copy)
    np.save(tmp_path / "still.npy", np.full((6, 40, 40, 3), 90, np.uint8))
    result = export(run, "--video", tmp_path / "still.npy", "--out", tmp_path / "to")
    assert result.exit_code == 2
    assert "hardly varies over these 6 frames" in " ".join(result.stderr.split())
    assert "fastest within 0.01:" in result.stdout
    assert "Nothing was written into" in " ".join(result.stderr.split())
    assert [path.name for path in tmp_path.iterdir()] == ["still.npy"]
    before = {path: path.read_bytes() for path in (run / "export").iterdir()}
    assert export(run, "--video", tmp_path / "still.npy").exit_code == 2
    assert {path: path.read_bytes() for path in (run / "export").iterdir()} == before


def test_what_cannot_be_exported_is_refused(run, tmp_path):
    missing = export(run, "--video", "nowhere.mp4")
    assert missing.exit_code == 2
    assert "nowhere.mp4" in missing.stderr
    saved = step_network({"kind": "light"})
    write_saved(tmp_path, saved)
    ahead = export(tmp_path, "--frames", 2)
    assert ahead.exit_code == 2
    assert "looks ahead" in ahead.stderr
