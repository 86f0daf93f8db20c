"""``onebody evaluate --media``: a trained network that is shown some of its media."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from onebody.cli.app import app
from onebody.cli.predict import named_media
from onebody.models import load_network

CHANGES = (
    "data.0.dataset.modalities=[silhouette, imu]",
    "data.0.dataset.actions=[jump, catch]",
    "data.0.dataset.gestures=[clap, point]",
    "data.0.dataset.size=16",
    "input={modality: silhouette, size: 16, frames: 3, "
    "also: [{modality: imu, sensors: 5, frames: 8}]}",
    "tasks={action: classification, gesture: classification}",
    "network={kind: multitask, encoder: {kind: fusion, drop: 0.3, channels: 8, branches: {"
    "silhouette: {kind: light, width: 0.125, keypoints: 0, temporal_width: 8}, "
    "imu: {kind: tcn-imu, channels: 8}}}}",
    "augment={}",
    "balancer=average",
    "schedule={steps: 2}",
)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("media")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONEBODY_CACHE", str(folder / "cache"))
        result = run("train", "debug-simulated", *CHANGES, "--out", folder / "run", "--quiet")
        assert result.exit_code == 0, result.output
        yield folder / "run"


def test_all_subsets_are_a_table(trained) -> None:
    result = run("evaluate", trained, "--media", "all-subsets")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        "media",
        "silhouette",
        "imu",
        "silhouette + imu",
    ]
    assert "action top1" in lines[0]
    found = json.loads(run("evaluate", trained, "--media", "all-subsets", "--json").stdout)
    assert set(found) == {"silhouette", "imu", "silhouette,imu"}
    assert {part["rows"] for part in found.values()} == {found["imu"]["rows"]}


def test_one_subset_is_measured_like_a_network_of_these_media(trained) -> None:
    found = json.loads(run("evaluate", trained, "--media", "all-subsets", "--json").stdout)
    whole = json.loads(run("evaluate", trained, "--json").stdout)
    assert whole["action"] == found["silhouette,imu"]["figures"]["action"]
    worn = json.loads(run("evaluate", trained, "--media", "imu", "--json").stdout)
    assert worn["gesture"] == found["imu"]["figures"]["gesture"]
    assert worn["gesture"]["ece"] != whole["gesture"]["ece"]
    groups = json.loads(
        run("evaluate", trained, "--media", "imu", "--by", "subject", "--json").stdout
    )
    assert groups["action"]["all rows"]["top1"] == worn["action"]["top1"]


def test_a_twin_learns_from_some_of_the_media(trained, tmp_path) -> None:
    out = tmp_path / "twin"
    result = run("train", trained, "data.0.media=[imu]", "--out", out, "--quiet")
    assert result.exit_code == 0, result.output
    before, after = (load_network(folder / "model").network for folder in (trained, out))
    sizes = [sum(p.numel() for p in network.parameters()) for network in (before, after)]
    assert sizes[0] == sizes[1]
    alone = json.loads(run("evaluate", out, "--json").stdout)
    assert json.loads(run("evaluate", out, "--media", "imu", "--json").stdout) == alone
    assert "No row has 'silhouette'" in run("evaluate", out, "--media", "silhouette").output
    result = run("train", trained, "data.0.media=[imus]", "--out", tmp_path / "no", "--quiet")
    assert "'data.media': 'imus'. Did you mean 'imu'" in result.output


def test_what_has_no_place_beside_it_is_refused(trained) -> None:
    for more in (("--by", "subject"), ("--outputs",), ("--fuse", trained)):
        result = run("evaluate", trained, "--media", "all-subsets", *more)
        assert result.exit_code == 2, result.output
        assert "two tables" in result.output
    result = run("evaluate", trained, "--media", "rgb")
    assert "does not read 'rgb'" in result.output
    result = run("evaluate", trained, "--media", "imu", "--stress")
    assert "plain figures" in result.output


def test_a_sheet_shows_every_medium(trained, tmp_path) -> None:
    sheets = []
    for number, changes in enumerate(((), ("input.also=[]",))):
        out = tmp_path / f"{number}.png"
        result = run("data", "show", trained, *changes, "--samples", 2, "--augment", "--out", out)
        assert result.exit_code == 0, result.output
        sheets.append(np.asarray(Image.open(out)))
    assert sheets[0].shape[0] > sheets[1].shape[0]


def test_media_of_one_performance_are_named_together(trained, tmp_path) -> None:
    np.save(tmp_path / "body.npy", np.full((6, 16, 16), 200, np.uint8))
    np.save(tmp_path / "worn.npy", np.ones((12, 5, 6), np.float32))
    both = f"silhouette={tmp_path}/body.npy,imu={tmp_path}/worn.npy"
    worn = f"imu={tmp_path}/worn.npy"
    result = run("predict", trained, both, worn, "--fps", 10, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    # of the sensor alone there is no video
    assert written == ["body.jsonl", "body.mp4", "body.npz", "worn.jsonl", "worn.npz"]
    assert len((tmp_path / "out" / "body.jsonl").read_text().splitlines()) == 6
    assert len((tmp_path / "out" / "worn.jsonl").read_text().splitlines()) == 12


def test_names_of_media_are_told_from_names_of_files(tmp_path, monkeypatch) -> None:
    assert named_media("depth=a.npy#0:5,rgb/2=b.mp4") == {"depth": "a.npy#0:5", "rgb/2": "b.mp4"}
    assert named_media("flow/depth=a,flow/rgb/2=b") == {"flow/depth": "a", "flow/rgb/2": "b"}
    assert named_media("clip,one.mp4") == "clip,one.mp4"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a=b.mp4").touch()
    assert named_media("a=b.mp4") == "a=b.mp4"
    with pytest.raises(ValueError, match="named twice"):
        named_media("imu=a,imu=b")
