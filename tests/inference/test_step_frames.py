from dataclasses import replace

import numpy as np
import pytest

from marker_network import Markers, marker_table
from onebody.data import InputSpec, Source, make_batch, make_table
from onebody.inference.step_frames import (
    simulated_frames,
    source_frames,
    split_frames,
    video_frames,
)

SPEC = InputSpec(size=16, frames=3, sampling="dense")


def test_frames_of_a_video_are_prepared_as_in_training(make_video, tmp_path):
    path = str(make_video(tmp_path / "v.mp4", 6))
    found = video_frames(path, SPEC, 4)
    assert [frame.shape for frame in found] == [(1, 3, 16, 16)] * 4
    table = make_table("v", {"rgb": [f"{path}"]})
    batch = make_batch(table, [0], SPEC.model_copy(update={"frames": 6}), (), augment=None)
    expected = batch.inputs["rgb"].numpy()
    np.testing.assert_array_equal(np.stack(found, 2)[0], expected[:, :, :4][0])
    assert len(video_frames(path, SPEC, 99)) == 6


def test_frames_of_rows_come_clip_by_clip(tmp_path):
    table = marker_table(tmp_path, rows=5)
    targets = tuple(task.target_spec(table) for task in Markers().tasks.values())
    source = Source(table=table, spec=InputSpec(size=16, frames=3), targets=targets, batch_size=2)
    found = source_frames([source], 8)
    assert len(found) == 8
    batch = make_batch(table, [0, 2, 4], source.spec, (), augment=None)
    expected = split_frames(batch.inputs["rgb"].numpy())[:8]
    np.testing.assert_array_equal(np.stack(found), np.stack(expected))
    nothing = replace(table, media={"rgb": np.array([""] * len(table))})
    assert source_frames([replace(source, table=nothing)], 8) == []


def test_simulated_frames_differ_and_other_modalities_are_refused():
    found = simulated_frames(InputSpec(size=16, modality="depth"), 20)
    assert [frame.shape for frame in found] == [(1, 1, 16, 16)] * 20
    assert np.abs(found[0] - found[15]).max() > 0.05
    with pytest.raises(ValueError, match="no simulated frames of 'imu'"):
        simulated_frames(InputSpec(modality="imu"), 4)


def test_clips_are_split_in_order():
    clips = np.arange(2 * 1 * 3 * 2 * 2, dtype=np.float32).reshape(2, 1, 3, 2, 2)
    frames = split_frames(clips)
    assert [float(frame[0, 0, 0, 0]) for frame in frames] == [0, 4, 8, 12, 16, 20]
