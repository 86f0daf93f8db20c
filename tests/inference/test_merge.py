"""Overlapping poses become one smooth track, and interpolated frames are marked."""

from __future__ import annotations

import numpy as np
import pytest

from onebody.inference.merge import PoseTrack, interpolate


def poses(values, confidence=1.0):
    """One joint at (v, 2 v) with a confidence, for each value."""
    values = np.asarray(values, np.float32)
    return np.stack([values, 2 * values, np.full_like(values, confidence)], axis=-1)[:, None]


def test_one_window_passes_unchanged():
    track = PoseTrack(4)
    track.add(np.arange(4), poses([1, 5, 2, 8], 0.5))
    joints, measured = track.finish()
    np.testing.assert_allclose(joints, poses([1, 5, 2, 8], 0.5), rtol=1e-6)
    assert measured.all()


def test_agreeing_windows_agree_and_order_does_not_matter():
    truth = poses(np.arange(12), 0.8)
    forward, backward = PoseTrack(12), PoseTrack(12)
    windows = [np.arange(0, 8), np.arange(4, 12)]
    for frames in windows:
        forward.add(frames, truth[frames])
    for frames in reversed(windows):
        backward.add(frames, truth[frames])
    np.testing.assert_allclose(forward.finish()[0], truth, rtol=1e-5)
    np.testing.assert_allclose(backward.finish()[0], forward.finish()[0], rtol=1e-6)


def test_an_overlap_fades_from_one_window_to_the_next():
    track = PoseTrack(12)
    track.add(np.arange(0, 8), poses(np.zeros(8)))
    track.add(np.arange(4, 12), poses(np.ones(8)))
    x = track.finish()[0][:, 0, 0]
    np.testing.assert_allclose(x[:4], 0.0)
    np.testing.assert_allclose(x[8:], 1.0)
    np.testing.assert_allclose(x[4:8], [0.2, 0.4, 0.6, 0.8], rtol=1e-6)


def test_the_trusted_pose_counts_more():
    track = PoseTrack(1)
    track.add(np.array([0]), poses([0.0], 0.9))
    track.add(np.array([0]), poses([1.0], 0.1))
    joints, _ = track.finish()
    assert joints[0, 0, 0] == pytest.approx(0.1)
    assert joints[0, 0, 2] == pytest.approx(0.5)


def test_poses_without_any_confidence_still_average():
    track = PoseTrack(1)
    track.add(np.array([0, 0]), poses([1.0, 3.0], 0.0))
    assert track.finish()[0][0, 0, 0] == pytest.approx(2.0)
    assert track.finish()[0][0, 0, 2] == 0.0


def test_repeated_frames_average():
    track = PoseTrack(2)
    track.add(np.array([0, 1, 1, 1]), poses([0, 4, 4, 4]))
    np.testing.assert_allclose(track.finish()[0][:, 0, 0], [0, 4], rtol=1e-6)


def test_frames_between_samples_are_interpolated_and_marked():
    track = PoseTrack(9)
    track.add(np.array([1, 3, 7]), poses([10, 20, 40], 0.5))
    joints, measured = track.finish()
    np.testing.assert_allclose(joints[:, 0, 0], [10, 10, 15, 20, 25, 30, 35, 40, 40], rtol=1e-6)
    np.testing.assert_array_equal(np.flatnonzero(measured), [1, 3, 7])


def test_unknown_joints_are_left_out_not_averaged():
    track = PoseTrack(3)
    unknown = poses([1.0, 2.0, 3.0])
    unknown[1, 0, 0] = np.nan
    track.add(np.arange(3), unknown)
    joints, measured = track.finish()
    assert joints[1, 0, 0] == pytest.approx(2.0)
    assert not measured[1]


def test_a_joint_that_is_never_known_stays_unknown():
    track = PoseTrack(2)
    track.add(np.arange(2), np.full((2, 1, 3), np.nan, np.float32))
    joints, measured = track.finish()
    assert np.isnan(joints).all()
    assert not measured.any()


def test_interpolate_leaves_known_values_alone():
    track = poses([1, 2, 3])
    np.testing.assert_array_equal(interpolate(track), track)


def test_no_window_is_an_error():
    with pytest.raises(ValueError, match="No window"):
        PoseTrack(3).finish()
