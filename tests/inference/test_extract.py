"""From a video by a pose network to a prepared folder."""

from __future__ import annotations

import json

import numpy as np
import pytest
from onnx_models import JOINTS, write_model
from PIL import Image
from typer.testing import CliRunner

from onebody.cli.app import app
from onebody.data.sources import read_array
from onebody.datasets import DATASETS
from onebody.datasets.prepared import PreparedConfig
from onebody.inference.extract import extract_poses, read_boxes
from onebody.inference.pose_models import PoseNetworkOptions, load_pose_network

PATH = [(5, 6), (9, 8), (13, 10), (17, 12), (21, 14)]


@pytest.fixture
def pictures(tmp_path):
    """Write a folder of pictures in which a bright pixel walks, and a dimmer one rests."""
    folder = tmp_path / "walk"
    folder.mkdir()
    for t, (x, y) in enumerate(PATH):
        picture = np.zeros((48, 64, 3), np.uint8)
        picture[y, x] = 255
        picture[40, 50] = 102
        Image.fromarray(picture).save(folder / f"{t}.png")
    return folder


@pytest.fixture
def network(tmp_path):
    path = write_model(tmp_path / "spot.onnx", "heatmap")
    plain = PoseNetworkOptions(mean=(0, 0, 0), std=(1, 1, 1), box_scale=1.0)
    return load_pose_network(path, JOINTS, plain)


def test_one_person_anywhere(pictures, network):
    clip = extract_poses(str(pictures), network, JOINTS, fps=10)
    assert (clip.name, clip.fps) == ("walk", 10)
    assert clip.joints.shape == (1, 5, JOINTS, 2)
    np.testing.assert_allclose(clip.joints[0, :, 0], np.array(PATH) + 0.5, atol=1e-4)


def test_people_in_boxes(pictures, network, tmp_path):
    boxes = [
        {"image_id": t, "bbox": [x, y, 64, 48], "track_id": track}
        for t in (0, 1, 3)
        for track, (x, y) in ((1, (0, -10)), (7, (30, 20)))
    ]
    (tmp_path / "walk.json").write_text(json.dumps(boxes))
    found = read_boxes(tmp_path / "walk.json")
    clip = extract_poses(str(pictures), network, JOINTS, boxes=found, fps=10)
    assert clip.joints.shape == (2, 5, JOINTS, 2)
    assert np.isnan(clip.joints[:, [2, 4]]).all()  # no box there
    np.testing.assert_allclose(clip.joints[1, [0, 1, 3], 0], [[50.5, 40.5]] * 3, atol=1e-4)
    np.testing.assert_allclose(clip.scores[1, 0], 0.4, atol=1e-6)
    np.testing.assert_allclose(clip.joints[0, 3, 0], [17.5, 12.5], atol=1e-4)


def test_boxes_beyond_the_video_are_refused(pictures, network):
    with pytest.raises(ValueError, match="boxes of frames 0 to 4, found one of 5"):
        extract_poses(str(pictures), network, JOINTS, boxes={5: [((0, 0, 9, 9), "")]}, fps=10)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "a list of boxes"),
        ([{"bbox": [0, 0, 1, 1]}], "record 0: expected a frame from 0 on"),
        ([{"image_id": 0, "bbox": [0, 0, 1]}], "record 0: expected 4 finite numbers as 'bbox'"),
        ([{"image_id": 0, "bbox": [0, 0, 0, 1]}], "a box with an area"),
    ],
)
def test_boxes_of_another_form_are_refused(tmp_path, content, message):
    file = tmp_path / "boxes.json"
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message) as error:
        read_boxes(file)
    assert str(file) in str(error.value)


def test_the_command_writes_a_prepared_folder(pictures, tmp_path):
    write_model(tmp_path / "spot.onnx", "simcc")
    arguments = ["extract", str(pictures), "--pose", str(tmp_path / "spot.onnx"), "--fps", "10"]
    arguments += ["--layout", "penn-13", "--mean", "0,0,0", "--std", "1,1,1"]
    result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.stderr
    assert "1 samples, 1 recordings, 5 frames, 0.0 % of the joints missing" in result.stdout
    table = DATASETS["prepared"].build(PreparedConfig(folder=tmp_path / "out"))
    assert table.layouts == {"skeleton": "penn-13"}
    assert table.fps.tolist() == [10]
    joints = read_array(str(table.media["skeleton"][0]))
    np.testing.assert_allclose(joints[:, 0], np.array(PATH) + 0.5, atol=1e-4)


def test_the_command_goes_on_after_a_video_that_cannot_be_read(pictures, tmp_path):
    write_model(tmp_path / "spot.onnx", "heatmap")
    arguments = ["extract", str(tmp_path / "none.mp4"), str(pictures), "--fps", "10"]
    arguments += ["--pose", str(tmp_path / "spot.onnx"), "--layout", "penn-13"]
    result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "none.mp4" in result.stderr
    assert "1 samples" in result.stdout


@pytest.mark.parametrize(
    ("further", "message"),
    [
        (["elsewhere/frames.mp4"], "frames.mp4: expected videos of different names"),
        (["--to", "hand-21"], "in common with 'penn-13', found 'hand-21'"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_work(pictures, tmp_path, further, message):
    (tmp_path / "frames").symlink_to(pictures)
    arguments = ["extract", str(tmp_path / "frames"), "--fps", "10", "--layout", "penn-13"]
    arguments += ["--pose", str(tmp_path / "none.onnx"), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, [*arguments, *further])
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_real_video(shared, tmp_path):
    video = shared / "data" / "formats" / "mmaction2" / "test.avi"
    network = load_pose_network(
        write_model(tmp_path / "m.onnx", "heatmap"), JOINTS, PoseNetworkOptions()
    )
    clip = extract_poses(str(video), network, JOINTS)
    assert clip.joints.shape[0] == 1
    assert clip.joints.shape[1] > 10
    assert clip.fps > 0
    assert np.isfinite(clip.joints).any()
