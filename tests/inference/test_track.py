"""Class scores along a recording."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from onebody.config import read_config
from onebody.data import InputSpec, make_batch, make_table
from onebody.inference.track import video_tracks
from onebody.models import (
    Calibration,
    MultiTaskConfig,
    SavedNetwork,
    build_network,
    input_shapes,
)
from onebody.tasks import ClassificationConfig, build_tasks

SPEC = InputSpec(
    modality="skeleton", skeleton="kinect-20", frames=6, sampling="dense", stride=3, scale="none"
)
HEAD = {"action": {"kind": "frame"}}


@pytest.fixture
def saved():
    torch.manual_seed(0)
    encoder = {"kind": "skeleton", "channels": 8, "depth": 2, "causal": True}
    config = read_config(MultiTaskConfig, {"encoder": encoder, "heads": HEAD}, "test")
    tasks = {
        "action": ClassificationConfig(name="action", classes=("walk", "idle"), per_frame=True)
    }
    network = build_network(config, build_tasks(tasks), input_shapes(SPEC)).eval()
    return SavedNetwork(
        network=network,
        tasks=tasks,
        input=SPEC,
        config=config,
        notes={"fps": 10.0, "clip_s": 0.6},
        calibration={"action": Calibration(temperature=2.0)},
    )


@pytest.fixture
def recording(tmp_path):
    joints = np.random.default_rng(0).normal(size=(50, 20, 3)).astype(np.float32)
    joints[7:9, 4] = np.nan
    np.save(tmp_path / "body.npy", joints)
    return str(tmp_path / "body.npy")


def test_a_causal_network_runs_through_a_recording_of_skeletons(saved, recording):
    track = video_tracks(saved, recording, spaces=["action"], fps=30.0)["action"]
    assert track.times_s == pytest.approx((np.arange(17) + 0.5) * 50 / 17 / 30 - 0.5 / 30)
    table = make_table(
        "one", {"skeleton": [recording]}, layouts={"skeleton": "kinect-20"}, fps=[30.0]
    )
    spec = SPEC.model_copy(update={"frames": 17, "sampling": "uniform"})
    batch = make_batch(table, [0], spec, (), augment=None)
    assert not batch.valid["skeleton"].all()
    with torch.inference_mode():
        logits = saved.network([batch])[0]["action"][-1][0]
    np.testing.assert_allclose(track.scores, torch.softmax(logits / 2, 1).numpy(), atol=1e-6)


def test_the_baseline_looks_at_windows_of_it(saved, recording):
    track = video_tracks(saved, recording, spaces=["action"], fps=30.0, windows=True)["action"]
    assert track.window_scores is not None
    assert len(track.window_scores) == len(track.windows_s) > 3
    assert track.windows_s[:, 1].max() == pytest.approx(50 / 30)
    lengths = np.unique((track.windows_s[:, 1] - track.windows_s[:, 0]).round(3))
    assert lengths == pytest.approx(((np.array([4, 6, 8]) - 1) * 3 + 1) / 30, abs=1e-3)


def test_a_slow_recording_is_brought_to_the_rate_of_the_network(saved, recording):
    slow = video_tracks(saved, recording, spaces=["action"], fps=5.0)["action"]
    assert len(slow.times_s) == 100
    assert np.diff(slow.times_s)[1:-1] == pytest.approx(0.1)


def test_a_video_is_no_recording_of_skeletons(saved, tmp_path):
    with pytest.raises(ValueError, match=r"a\.mp4: this network reads skeletons.*found a video"):
        video_tracks(saved, str(tmp_path / "a.mp4"), spaces=["action"], fps=5.0)


def test_a_recording_without_a_clock_is_refused(saved, recording):
    with pytest.raises(ValueError, match="50 frames without a clock"):
        video_tracks(saved, recording, spaces=["action"])
