"""``onebody predict``: three files for each video, bad files by name, the others go on."""

from __future__ import annotations

import json
from dataclasses import replace

import av
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from onebody.cli.app import app
from onebody.cli.predict import result_names
from onebody.inference import Prediction, load, write_video
from onebody.models import blank_batch, save_network
from onebody.models.familiar import fit_familiar, save_familiar
from onebody.models.features import features_of
from saved_runs import write_run
from stream_networks import tiny_stream


@pytest.fixture(scope="module")
def saved_run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("run"))


def predict(*arguments):
    return CliRunner().invoke(app, ["predict", *map(str, arguments)])


def test_a_video_gets_its_files(saved_run, tmp_path, make_video):
    video = make_video(tmp_path / "clip.mp4", 9)
    result = predict(saved_run, video, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "clip.jsonl",
        "clip.mp4",
        "clip.npz",
    ]
    prediction = Prediction.load_npz(tmp_path / "out" / "clip.npz")
    assert len(prediction) == 9
    lines = (tmp_path / "out" / "clip.jsonl").read_text().splitlines()
    assert [json.loads(line)["frame"] for line in lines] == list(range(9))
    assert lines == list(prediction.to_jsonl())
    with av.open(str(tmp_path / "out" / "clip.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert sum(1 for _ in container.decode(stream)) == 9
        assert stream.height >= 480
    (label,) = prediction.labels()
    assert f"{label.task} '{label.name}'" in result.output
    assert "pose of 9 frames" in result.output


def test_it_says_whether_training_has_shown_the_like(tmp_path, make_video):
    run = write_run(tmp_path / "run")
    video = make_video(tmp_path / "clip.mp4", 9)
    assert "training clips" not in predict(run, video, "--out", tmp_path / "o").output
    names = ("action", "gesture")
    network = load(run).saved.network
    with features_of(network, names) as heard, torch.inference_mode():
        network([blank_batch(load(run).saved.input)])
    familiar = fit_familiar(torch.randn(9, heard[0].shape[1]), torch.zeros(9).long(), names)
    for limit, words in (
        (0.0, "unlike its training clips in 4 of 4 windows (mahalanobis "),
        (1e9, ", like its training clips (mahalanobis "),
    ):
        save_familiar(run / "model", replace(familiar, limits={"mahalanobis": limit}))
        assert words in predict(run, video, "--out", tmp_path / "o").output
    save_familiar(run / "model", familiar)
    assert "training clips" not in predict(run, video, "--out", tmp_path / "o").output


@pytest.mark.parametrize("option", ["--fps", "--window", "--depth-ref"])
@pytest.mark.parametrize("value", ["0", "-3", "nan", "inf"])
def test_impossible_numbers_are_refused_once_before_anything_is_read(tmp_path, option, value):
    result = predict("a.mp4", "b.mp4", option, value, "--out", tmp_path / "o")
    assert result.exit_code == 2
    assert result.stderr.count(f"{option}: expected a positive number, found") == 1
    assert not (tmp_path / "o").exists()


def test_a_bad_file_is_named_and_the_others_go_on(saved_run, tmp_path, make_video):
    good = make_video(tmp_path / "good.mp4", 5)
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"not a video")
    result = predict(
        saved_run, bad, good, tmp_path / "none.mp4", "--out", tmp_path / "o", "--no-video"
    )
    assert result.exit_code == 1
    assert sorted(p.name for p in (tmp_path / "o").iterdir()) == ["good.jsonl", "good.npz"]
    assert "bad.mp4: " in result.stderr
    assert "none.mp4: " in result.stderr
    assert result.stderr.count("\n") == 2
    assert "good.mp4: " in result.stdout


def test_an_array_of_pictures_needs_a_rate(saved_run, tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((5, 24, 24, 3), np.uint8))
    without = predict(saved_run, tmp_path / "a.npy", "--out", tmp_path / "o")
    assert without.exit_code == 1
    assert "--fps 30" in without.stderr
    result = predict(saved_run, tmp_path / "a.npy", "--fps", 10, "--out", tmp_path / "o")
    assert result.exit_code == 0
    assert Prediction.load_npz(tmp_path / "o" / "a.npz").fps == 10.0


def test_millimeters_without_a_camera_are_explained(tmp_path, make_video):
    run = write_run(tmp_path / "run", with_3d=True)
    video = make_video(tmp_path / "a.mp4", 5)
    without = predict(run, video, "--out", tmp_path / "o", "--no-video")
    assert without.exit_code == 0
    assert "space is empty: millimeters need --camera" in without.stderr
    assert "space of" not in without.stdout
    lens = ("--camera", "60,60,32,24", "--depth-ref", 3000)
    result = predict(run, video, "--out", tmp_path / "o", "--no-video", *lens)
    assert result.stderr == ""
    assert "space of 5 frames" in result.stdout


def test_a_missing_run_is_refused(tmp_path):
    result = predict(tmp_path / "nowhere", "a.mp4")
    assert result.exit_code == 2
    assert "nowhere: no such folder" in result.stderr


def test_without_a_run_the_package_answers_and_says_what_it_is(tmp_path, make_video, monkeypatch):
    import onebody.inference.default as default

    saved = tiny_stream(notes={"demo": "demo weights, of no use"})
    save_network(
        tmp_path / "own", saved.network, config=saved.config, tasks=saved.tasks,
        input=saved.input, notes=dict(saved.notes),
    )  # fmt: skip
    monkeypatch.setattr(default.load_default, "__defaults__", (tmp_path / "own",))
    video = make_video(tmp_path / "a.mp4", 5)
    result = predict(video, "--out", tmp_path / "o")
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("demo weights, of no use\n")
    lines = (tmp_path / "o" / "a.jsonl").read_text().splitlines()
    assert [json.loads(line)["notice"] for line in lines] == ["demo weights, of no use"] * 5
    named = predict(tmp_path / "own", video, "--out", tmp_path / "named")
    assert named.exit_code == 0
    assert (tmp_path / "named" / "a.jsonl").read_text().splitlines() == lines


def test_a_folder_that_is_no_network_any_more_is_not_passed_over(tmp_path, make_video):
    video = make_video(tmp_path / "a.mp4", 5)
    (tmp_path / "run" / "resume").mkdir(parents=True)
    result = predict(tmp_path / "run", video, "--out", tmp_path / "o")
    assert result.exit_code == 2
    assert "run: expected a run or a saved network (recipe.yaml" in result.stderr
    assert not (tmp_path / "o").exists()


def test_a_network_without_videos_is_refused(saved_run):
    result = predict(saved_run)
    assert result.exit_code == 2
    assert "is a network. Name videos after it." in result.stderr


@pytest.mark.parametrize("camera", ["1,2", "nan,1,1,1", "-1,1,1,1"])
def test_a_strange_camera_is_refused(saved_run, camera):
    result = predict(saved_run, "a.mp4", "--camera", camera)
    assert result.exit_code == 2
    assert "fx,fy,cx,cy" in result.stderr


def test_equal_names_are_numbered():
    assert result_names(["a/x.mp4", "b/x.avi", "x", "y.mp4"]) == ["x", "x-2", "x-3", "y"]


def test_a_result_never_replaces_what_is_looked_at(saved_run, tmp_path, make_video):
    video = make_video(tmp_path / "clip.mp4", 5)
    other = make_video(tmp_path / "sub" / "clip.mp4", 5)
    before = video.read_bytes()
    # The result of the first would lie where the second is read.
    for videos in ((video,), (other, video)):
        result = predict(saved_run, *videos, "--out", tmp_path)
        assert result.exit_code == 2
        assert "clip.mp4: is to be looked at" in result.stderr
        assert result.stderr.count("\n") == 1
    assert video.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "sub"]
    # Without a video there is nothing in the way, and earlier results are replaced.
    for _ in range(2):
        assert predict(saved_run, video, "--out", tmp_path, "--no-video").exit_code == 0
    assert video.read_bytes() == before
    np.savez(tmp_path / "b.npz", frames=np.zeros((3, 24, 24, 3), np.uint8))
    array = f"{tmp_path / 'b.npz'}#frames"
    assert predict(saved_run, array, "--fps", 5, "--out", tmp_path).exit_code == 2
    assert np.load(tmp_path / "b.npz")["frames"].shape == (3, 24, 24, 3)


def test_an_impossible_folder_is_said_before_anything_is_computed(saved_run, tmp_path, make_video):
    video = make_video(tmp_path / "clip.mp4", 5)
    result = predict(saved_run, video, "--out", video)
    assert result.exit_code == 2
    assert "clip.mp4: expected a folder" in result.stderr


def test_a_bad_file_is_named_once(saved_run, tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"not a video")
    result = predict(saved_run, tmp_path / "bad.mp4", "--out", tmp_path / "o")
    assert result.stderr.count("bad.mp4") == 1


@pytest.mark.parametrize("device", ["foo", "meta", "cuda:99"])
def test_a_device_that_is_not_there_is_refused(saved_run, device):
    result = predict(saved_run, "a.mp4", "--device", device)
    assert result.exit_code == 2
    assert repr(device) in result.stderr
    assert "Use 'cpu'" in result.stderr


def test_boxes_are_stated_or_found(saved_run, tmp_path, make_video):
    video = make_video(tmp_path / "clip.mp4", 6)
    result = predict(saved_run, video, "--out", tmp_path / "out", "--no-video", "--own-boxes")
    assert result.exit_code == 0, result.output
    boxes = Prediction.load_npz(tmp_path / "out" / "clip.npz").boxes
    missed = int(np.isnan(boxes).any(axis=1).sum())
    assert (f"in {missed} of 6 frames" in result.output) == (missed > 0)
    arguments = (saved_run, video, "--out", tmp_path / "out", "--no-video")
    result = predict(*arguments, "--box", "1,2,20,30")
    assert result.exit_code == 0, result.output
    boxes = Prediction.load_npz(tmp_path / "out" / "clip.npz").boxes
    assert boxes.tolist() == [[1, 2, 20, 30]] * 6
    both = predict(*arguments, "--box", "1,2,20,30", "--own-boxes")
    assert both.exit_code == 2
    assert "both say where to look" in " ".join(both.output.split())
    strange = predict(*arguments, "--box", "1,2,20")
    assert strange.exit_code == 2
    assert "expected x0,y0,x1,y1" in " ".join(strange.output.split())
    turned = predict(*arguments, "--box", "20,2,1,30")
    assert turned.exit_code == 2
    assert "x0 < x1" in " ".join(turned.output.split())


def test_a_network_of_depth_tells_that_a_video_is_in_color(tmp_path):
    run = write_run(tmp_path / "run", modality="depth")
    grey = np.repeat(np.random.default_rng(0).integers(0, 255, (6, 32, 32, 1), np.uint8), 3, -1)
    color = grey.copy()
    color[:, :8, :, 0] = 255 - color[:, :8, :, 0]
    for name, pictures in (("grey", grey), ("color", color)):
        write_video(tmp_path / f"{name}.mp4", pictures, 25.0)
    result = predict(run, tmp_path / "color.mp4", "--out", tmp_path, "--no-video")
    assert result.exit_code == 0, result.output
    assert "color.mp4: is in color, but the network reads depth: it was shown" in result.output
    result = predict(run, tmp_path / "grey.mp4", "--out", tmp_path, "--no-video")
    assert result.exit_code == 0, result.output
    assert "in color" not in result.output
