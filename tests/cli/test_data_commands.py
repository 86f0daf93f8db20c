"""``data check`` and ``data show`` on a small manifest."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from onebody.cli.app import app
from onebody.cli.data_show import choose_rows
from onebody.data import make_table
from onebody.data.store import save_table


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def manifest(tmp_path, make_video):
    """Three videos with a class each."""
    lines = ["rgb,action"]
    for i, name in enumerate(("walk", "sit", "walk")):
        make_video(tmp_path / f"{i}.mp4", 12)
        lines.append(f"{i}.mp4,{name}")
    path = tmp_path / "clips.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_good_manifest_passes(manifest):
    result = run("data", "check", manifest)
    assert result.exit_code == 0, result.output
    assert f"{manifest}: 3 rows, 3 without error, 36 frames" in result.output


def test_what_is_wrong_is_named_with_its_row(manifest):
    (manifest.parent / "1.mp4").unlink()
    result = run("data", "check", manifest, "--deep")
    assert result.exit_code == 1
    (line,) = [x for x in result.output.splitlines() if x.startswith("error: ")]
    assert "clips.csv:3" in line
    assert "1.mp4" in line
    assert "3 rows, 2 without error" in result.output


def test_a_prepared_folder_is_checked_by_its_table(tmp_path):
    np.save(tmp_path / "skeleton.npy", np.ones((4, 17, 2), np.float32))
    source = f"{tmp_path}/skeleton.npy#0:4"
    save_table(
        make_table("poses", {"skeleton": [source]}, layouts={"skeleton": "coco-17"}), tmp_path
    )
    result = run("data", "check", tmp_path)
    assert result.exit_code == 0, result.output
    assert "poses: 1 rows, 1 without error" in result.output
    np.save(tmp_path / "skeleton.npy", np.ones((4, 16, 2), np.float32))
    result = run("data", "check", tmp_path)
    assert result.exit_code == 1
    assert "[T, 17 joints of coco-17, 2 or 3]" in result.output


def test_json(manifest):
    (manifest.parent / "1.mp4").write_bytes(b"")
    result = run("data", "check", manifest, "--json")
    assert result.exit_code == 1
    report = json.loads(result.output)
    assert report["rows"] == 3
    assert [defect["record"] for defect in report["defects"] if not defect["warning"]] == [3]


def test_a_missing_manifest_is_one_line(tmp_path):
    result = run("data", "check", tmp_path / "none.csv")
    assert result.exit_code in (1, 2)
    assert "none.csv" in result.output
    assert "Traceback" not in result.output


def test_showing_a_manifest_writes_a_picture(manifest, tmp_path):
    result = run("data", "show", manifest, "--out", tmp_path / "deep" / "sheet.png")
    assert result.exit_code == 0, result.output
    assert "3 samples" in result.output
    with Image.open(tmp_path / "deep" / "sheet.png") as sheet:
        assert np.asarray(sheet).std() > 10


def test_showing_worn_sensors_draws_their_readings(tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=(60, 3, 6)))
    (tmp_path / "clips.csv").write_text("imu,fps,action\na.npy,20,walk\n")
    result = run("data", "show", tmp_path / "clips.csv", "--out", tmp_path / "sheet.png")
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 3 * 160  # a picture for each sensor
        assert np.asarray(sheet).std() > 10


def test_showing_nothing_says_what_is_meant(tmp_path):
    result = run("data", "show", "debug-simulatd", "--out", tmp_path / "sheet.png")
    assert result.exit_code == 2
    assert "Did you mean 'debug-simulated'?" in result.stderr


def test_rows_are_drawn_among_those_with_the_modality():
    table = make_table("t", {"rgb": ["a", "", "b", "c", ""]})
    assert choose_rows(table, "rgb", 10, 0) == [0, 2, 3]
    assert len(choose_rows(table, "rgb", 2, 0)) == 2
    assert choose_rows(table, "rgb", 2, 0) == choose_rows(table, "rgb", 2, 0)
    with pytest.raises(ValueError, match="Known: rgb"):
        choose_rows(table, "depth", 2, 0)
    with pytest.raises(ValueError, match="no row has the modality"):
        choose_rows(make_table("t", {"rgb": [""]}), "rgb", 2, 0)


RECIPE = """
data:
  - dataset: {{kind: ucf101, folder: {folder}}}
input: {{size: 32, frames: 4}}
split: {{own_split: true}}
tasks: {{action: {{kind: classification}}}}
network: {{kind: multitask, encoder: {{kind: light}}}}
schedule: {{epochs: 1}}
"""


@pytest.fixture
def official(tmp_path, make_video):
    """A recipe over four videos in the layout of UCF101, whose splits test other groups."""
    lists = tmp_path / "ucfTrainTestlist"
    lists.mkdir()
    (lists / "classInd.txt").write_text("1 Walk\n2 Sit\n")
    names = [
        f"{label}/v_{label}_g0{group}_c01.avi" for label in ("Walk", "Sit") for group in (1, 2)
    ]
    for name in names:
        make_video(tmp_path / "UCF-101" / name, 12, codec="mpeg4")
    for part in (1, 2):
        train = [f"{name} {1 + ('Sit' in name)}\n" for name in names if f"g0{part}" not in name]
        (lists / f"trainlist0{part}.txt").write_text("".join(train))
        test = [f"{name}\n" for name in names if f"g0{part}" in name]
        (lists / f"testlist0{part}.txt").write_text("".join(test))
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(RECIPE.format(folder=tmp_path))
    return recipe


def test_the_data_of_a_recipe_are_checked(official):
    result = run("data", "check", official)
    assert result.exit_code == 0, result.output
    assert "ucf101: 4 rows, 4 without error, 48 frames (rgb 4, action 4)" in result.output
    video = official.parent / "UCF-101" / "Sit" / "v_Sit_g02_c01.avi"
    video.write_bytes(b"")
    result = run("data", "check", official, "data.0.dataset.split=2", "--json")
    assert result.exit_code == 1
    (report,) = json.loads(result.output)["sources"]
    assert report["usable"] == 3
    (error,) = [defect for defect in report["defects"] if not defect["warning"]]
    assert error["file"] == "ucf101: testlist02.txt:2"
    assert "empty" in error["found"]


def test_samples_of_an_official_layout_are_shown(official, tmp_path):
    out = tmp_path / "sheet.png"
    result = run("data", "show", official, "--out", out)
    assert result.exit_code == 0, result.output
    assert "4 samples" in result.output


def test_changes_are_for_recipes(manifest):
    result = run("data", "check", manifest, "data.0.dataset.split=2")
    assert result.exit_code == 2
    assert "are for recipes, not manifests" in result.stderr
