from dataclasses import replace

import numpy as np
import pytest
from make_samples import JOINTS, SPEC, gesture_spec, pose_spec, sample_table

from onebody.data import RowError
from onebody.data.reading import Wish, channels_of, read_clip, read_joints


def test_modalities_have_channels():
    assert [channels_of(m) for m in ("rgb", "depth", "silhouette")] == [3, 1, 1]
    assert channels_of("rgb/2") == 3
    assert channels_of("imu") is None


def test_a_clip_holds_its_frames_and_their_joints(tmp_path):
    table = sample_table(tmp_path)
    clip = read_clip(table, 3, SPEC, (pose_spec(), gesture_spec()), Wish())
    assert clip.content.shape == (4, 24, 32, 1)  # 48 x 64, halved for a crop of 32
    assert (clip.factor, clip.height, clip.width) == (2, 48, 64)
    assert np.allclose(clip.times_s, [0.1, 0.3, 0.5, 0.7])
    values, known = clip.joints["pose"]
    stored = np.load(tmp_path / "joints.npy")[24:32][[1, 3, 5, 7]]
    assert np.allclose(values, stored)
    assert known.all()
    assert list(clip.joints) == ["pose"]


def test_a_zoomed_window_keeps_more_pixels(tmp_path):
    table = sample_table(tmp_path)
    clip = read_clip(table, 0, SPEC, (), Wish(side=0.5))
    assert clip.factor == 1
    assert clip.content.shape == (4, 48, 64, 1)


@pytest.mark.parametrize("begin", [0.0, 0.3, 0.999999, 1.0])
def test_a_temporal_crop_looks_at_its_part(tmp_path, begin):
    clip = read_clip(sample_table(tmp_path), 0, SPEC, (), Wish(duration=0.5, begin=begin))
    frames = np.rint(clip.times_s * 10).astype(int)
    first = min(int(begin * 5), 4)
    assert frames.tolist() == list(range(first, first + 4))


def test_random_sampling_follows_the_generator(tmp_path):
    table = sample_table(tmp_path)
    times = [
        read_clip(table, 0, SPEC, (), Wish(generator=np.random.default_rng(k))).times_s.tolist()
        for k in (1, 1, 2)
    ]
    assert times[0] == times[1] != times[2]


def test_a_middle_joint_is_seen_where_both_of_its_sides_are(tmp_path):
    table = sample_table(tmp_path)
    joints = np.load(tmp_path / "joints.npy")
    column = replace(table.columns["pose"], skeleton="coco-17")
    coco = joints[:, :17].copy()
    coco[0, 11, 2] = 0.0  # left hip hidden in frame 0
    coco[1, 12] = np.nan  # right hip not annotated in frame 1
    np.save(tmp_path / "joints.npy", coco)
    table = replace(table, columns={"pose": column})
    values, known = read_joints(table, 0, replace(pose_spec(), skeleton="h36m-17"), 8)
    assert values.shape == (8, 17, 3)
    assert known[:3, 0].tolist() == [True, False, True]
    assert values[:3, 0, 2].tolist() == [0, 0, 1]
    assert np.allclose(values[2, 0, :2], (coco[2, 11, :2] + coco[2, 12, :2]) / 2)
    assert np.isfinite(values).all()


@pytest.mark.parametrize(
    ("shape", "found"),
    [((8, JOINTS, 4), r"\[8, 20, 4\]"), ((7, JOINTS, 3), r"\[7, 20, 3\]"), ((8, 3), r"\[8, 3\]")],
)
def test_joints_of_another_shape_are_refused(tmp_path, shape, found):
    table = sample_table(tmp_path, rows=1)
    np.save(tmp_path / "joints.npy", np.zeros(shape, np.float32))
    sources = np.array([str(tmp_path / "joints.npy")])
    table = replace(table, columns={"pose": replace(table.columns["pose"], sources=sources)})
    with pytest.raises(RowError, match=rf"made:0: .*expected joints \[8, J, 3\].*found {found}"):
        read_clip(table, 0, SPEC, (pose_spec(),), Wish())


def test_a_layout_with_another_number_of_joints_is_refused(tmp_path):
    table = sample_table(tmp_path)
    column = replace(table.columns["pose"], skeleton="coco-17")
    table = replace(table, columns={"pose": column})
    with pytest.raises(RowError, match=r"made:0: .*'coco-17' should have shape"):
        read_clip(table, 0, SPEC, (replace(pose_spec(), skeleton="coco-17"),), Wish())


def test_an_empty_span_is_refused(tmp_path):
    table = replace(sample_table(tmp_path), start_s=np.full(6, 5.0), end_s=np.full(6, 6.0))
    with pytest.raises(RowError, match=r"made:4: .*between 5 s and 6 s"):
        read_clip(table, 4, SPEC, (), Wish())
