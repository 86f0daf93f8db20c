"""``import-poses`` and ``export-poses``: what they print, write and refuse."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from onebody.cli.app import app
from onebody.cli.choices import parse_choice, parse_numbers, parse_size
from onebody.data.store import load_table


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def results(tmp_path):
    """Write COCO results of two people over three frames."""
    poses = [
        {"image_id": t, "keypoints": [v for j in range(17) for v in (x + t, 5 * j + 1, score)]}
        for t in range(3)
        for x, score in ((10, 0.9), (400, 0.5))
    ]
    file = tmp_path / "clip.json"
    file.write_text(json.dumps(poses))
    return file


def test_poses_come_in_and_go_out(results, tmp_path):
    arguments = ("--format", "coco", "--layout", "coco-17", "--out", tmp_path / "set")
    result = run("import-poses", results, *arguments, "--fps", 25)
    assert result.exit_code == 0, result.output
    assert "1 samples, 1 recordings, 3 frames, 0.0 % of the joints missing" in result.stdout
    assert "1 further people in 3 poses left out (--person all keeps them)" in result.stdout
    table = load_table(tmp_path / "set")
    assert (table.name, table.fps.tolist()) == ("set", [25])
    result = run("export-poses", tmp_path / "set", "--out", tmp_path / "a.pkl", "--size", "640x480")
    assert result.exit_code == 0, result.output
    assert "1 annotations, splits: none" in result.stdout
    again = ("--format", "pyskl", "--layout", "coco-17", "--out", tmp_path / "again")
    result = run("import-poses", tmp_path / "a.pkl", *again)
    assert result.exit_code == 0, result.output
    assert load_table(tmp_path / "again").row_names.tolist() == ["clip"]


def test_recordings_without_anybody_are_named(results, tmp_path):
    (tmp_path / "empty.json").write_text(
        json.dumps([{"image_id": 0, "keypoints": [0] * 51, "score": 0}])
    )
    arguments = ("--format", "coco", "--layout", "coco-17", "--out", tmp_path / "set")
    result = run("import-poses", results, tmp_path / "empty.json", *arguments)
    assert result.exit_code == 0, result.output
    assert "1 recordings without anybody left out (empty)" in result.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--format", "coco"), "--layout: expected the joint layout"),
        (("--format", "cocoo", "--layout", "coco-17"), "Did you mean 'coco'"),
        (("--format", "coco", "--layout", "coco17"), "Did you mean 'coco-17'"),
        (("--format", "coco", "--layout", "coco-17", "--person", "most"), "--person: expected one"),
        (("--format", "coco", "--layout", "coco-17", "--size", "big"), "--size: expected a width"),
        (("--format", "mediapipe"), "--size 1920x1080"),
        (("--format", "coco", "--layout", "coco-17", "--fps", "0"), "--fps: expected frames"),
        (("--format", "coco", "--layout", "coco-17", "--splits", "a"), "--format pyskl alone"),
        (("--format", "coco", "--layout", "coco-17", "--world"), "--format mediapipe alone"),
    ],
)
def test_wrong_options_are_answered(results, tmp_path, options, message):
    result = run("import-poses", results, *options, "--out", tmp_path / "set")
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "set").exists()


def test_a_list_of_no_classes_is_refused(results, tmp_path):
    (tmp_path / "names.txt").write_text("\n \n")
    arguments = ("--format", "coco", "--layout", "coco-17", "--classes", tmp_path / "names.txt")
    result = run("import-poses", results, *arguments, "--out", tmp_path / "set")
    assert result.exit_code == 2
    assert "names.txt: expected class names, one a line, found none" in result.stderr


@pytest.mark.parametrize("command", ["import-poses", "export-poses", "extract"])
def test_commands_have_help(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "--out" in result.output


def test_values_of_options():
    assert parse_size("1920x1080") == (1920, 1080)
    assert parse_size("") is None
    assert parse_numbers("--mean", "0,0.5,1") == (0, 0.5, 1)
    assert parse_choice("--unit", "", ("", "m", "mm")) == ""
    for call in (
        lambda: parse_size("0x4"),
        lambda: parse_numbers("--mean", "a,b"),
        lambda: parse_choice("--unit", "cm", ("", "m", "mm")),
    ):
        with pytest.raises(ValueError, match="expected"):
            call()
