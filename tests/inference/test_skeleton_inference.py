"""Skeletons are predicted from arrays and drawn on sheets as a network gets them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from onebody.config import read_config
from onebody.data import ClassColumn, InputSpec, make_batch, make_table
from onebody.inference import Predictor
from onebody.inference.reader import open_medium, read_windows
from onebody.inference.sheet import draw_sheet, skeleton_samples
from onebody.labels import symmetric
from onebody.models import MultiTaskConfig, SavedNetwork, build_network, input_shapes
from onebody.tasks import ClassificationConfig, build_tasks

SPEC = InputSpec(modality="skeleton", skeleton="kinect-20", frames=6)


def _bodies(frames=20, seed=0):
    return np.random.default_rng(seed).normal(size=(frames, 20, 3)).astype(np.float32) * 300


def _predictor(spec=SPEC, notes=None):
    torch.manual_seed(0)
    config = read_config(
        MultiTaskConfig, {"encoder": {"kind": "skeleton", "channels": 8, "depth": 2}}, "test"
    )
    tasks = {"action": ClassificationConfig(name="action", classes=("walk", "sit"))}
    network = build_network(config, build_tasks(tasks), input_shapes(spec)).eval()
    saved = SavedNetwork(network=network, tasks=tasks, input=spec, config=config, notes=notes or {})
    return Predictor(saved=saved)


def _table(source, **given):
    return make_table(
        "made", {"skeleton": [source]}, layouts={"skeleton": "kinect-20"}, fps=[10.0], **given
    )


def test_a_prediction_is_what_evaluation_says(tmp_path):
    np.save(tmp_path / "body.npy", _bodies())
    predictor = _predictor()
    batch = make_batch(_table(str(tmp_path / "body.npy")), [0], SPEC, (), augment=None)
    with torch.no_grad():
        expected = predictor.saved.network([batch])[0]["action"][-1].softmax(1).numpy()
    from_file = predictor.predict(tmp_path / "body.npy", fps=10)
    in_memory = predictor.predict(_bodies(), fps=10)
    for prediction in (from_file, in_memory):
        np.testing.assert_allclose(prediction.classes["action"].scores, expected, atol=1e-6)
        assert len(prediction) == 20
    assert from_file.to_json()


def test_three_joints_are_no_picture():
    with pytest.raises(ValueError, match="the 20 joints of 'kinect-20', found 17"):
        _predictor().predict(np.ones((5, 17, 3), np.float32), fps=10)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "expected joints, found none in 20 frames"),
        (0.0, "expected joints, found none in 20 frames"),
        (np.inf, "infinite one in frame 3"),
    ],
)
def test_nothing_is_said_of_a_body_that_is_not_there(tmp_path, value, message):
    bodies = _bodies()
    bodies[3 if np.isinf(value) else slice(None)] = value
    np.save(tmp_path / "body.npy", bodies)
    with pytest.raises(ValueError, match=f"body.npy: .*{message}"):
        _predictor().predict(tmp_path / "body.npy", fps=10)


def test_windows_tell_frames_and_times(tmp_path):
    np.save(tmp_path / "body.npy", _bodies(24))
    medium = open_medium(str(tmp_path / "body.npy"), fps=10, span_s=(0.4, float("nan")))
    windows = np.array([[0, 12], [8, 20]])
    groups = list(read_windows(medium, windows, SPEC, clips=2))
    assert [group.windows.tolist() for group in groups] == [[0, 1], [0, 1]]
    first = groups[0].batch.context.times_s.numpy()  # clip 0 of 2: a quarter into each step of 2
    np.testing.assert_allclose(first[0], 0.4 + np.arange(6) * 0.2, atol=1e-9)
    np.testing.assert_allclose(first[1] - first[0], 0.8, atol=1e-9)
    assert groups[0].frames.tolist() == [[0, 2, 4, 6, 8, 10], [8, 10, 12, 14, 16, 18]]
    source = f"{tmp_path}/body.npy#12:24"
    alone = make_batch(_table(source), [0], SPEC, (), augment=None, clip=1, clips=2)
    torch.testing.assert_close(groups[1].batch.inputs["skeleton"][1], alone.inputs["skeleton"][0])


def test_long_skeletons_are_covered_by_windows():
    predictor = _predictor(notes={"clip_s": 1.0})
    prediction = predictor.predict(_bodies(50), fps=10)
    assert prediction.classes["action"].windows.tolist()[0] == [0, 10]
    assert prediction.classes["action"].windows.tolist()[-1] == [40, 50]


def test_sheets_draw_bodies_within_their_tiles(tmp_path):
    body = _bodies(12)
    body[:, 4] = np.nan
    np.save(tmp_path / "body.npy", body)
    space = symmetric("made", ("walk", "sit"))
    table = _table(
        str(tmp_path / "body.npy"),
        columns={"action": ClassColumn(values=np.array([1]), space=space)},
    )
    batch = make_batch(table, [0], SPEC, (), augment=None)
    (sample,) = skeleton_samples(table, batch, SPEC, pictures=3)
    assert sample.captions == ("action: sit",)
    assert sample.joints is not None
    assert sample.joints.shape == (3, 20, 3)
    assert np.isnan(sample.joints[:, 4, 0]).all()
    placed = np.delete(sample.joints, 4, axis=1)
    assert placed.min() >= 0
    assert placed.max() <= 1
    sheet = draw_sheet([sample], tile_px=40)
    assert len(np.unique(sheet.reshape(-1, 3), axis=0)) > 5


def test_a_body_that_is_never_seen_leaves_its_tile_empty(tmp_path):
    np.save(tmp_path / "body.npy", np.full((6, 20, 3), np.nan, np.float32))
    table = _table(str(tmp_path / "body.npy"))
    batch = make_batch(table, [0], SPEC, (), augment=None)
    (sample,) = skeleton_samples(table, batch, SPEC)
    assert sample.joints is not None
    assert np.isnan(sample.joints[..., :2]).all()
