"""Windows cover every frame and overlap by half."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onebody.data import InputSpec
from onebody.inference.windows import plan_windows

DENSE = InputSpec(frames=8, sampling="dense")


@settings(deadline=None)
@given(
    num_frames=st.integers(1, 400),
    frames=st.integers(1, 40),
    stride=st.integers(1, 4),
    sampling=st.sampled_from(["uniform", "dense"]),
    window_s=st.none() | st.floats(0.05, 5.0),
)
def test_every_frame_is_covered_and_none_outside(num_frames, frames, stride, sampling, window_s):
    spec = InputSpec(frames=frames, stride=stride, sampling=sampling)
    windows = plan_windows(num_frames, spec, fps=25.0, window_s=window_s)
    held = np.zeros(num_frames, int)
    for start, stop in windows:
        assert 0 <= start < stop <= num_frames
        held[start:stop] += 1
    assert (held > 0).all()
    assert windows[0, 0] == 0
    assert windows[-1, 1] == num_frames


@settings(deadline=None)
@given(num_frames=st.integers(1, 400), frames=st.integers(2, 40))
def test_windows_are_as_long_as_a_clip_and_overlap_by_half(num_frames, frames):
    windows = plan_windows(num_frames, InputSpec(frames=frames, sampling="dense"))
    lengths = windows[:, 1] - windows[:, 0]
    assert (lengths == min(frames, num_frames)).all()
    assert (np.diff(windows[:, 0]) > 0).all()
    assert (np.diff(windows[:, 0]) <= frames // 2).all()


def test_dense_windows_by_hand():
    windows = plan_windows(17, DENSE)
    np.testing.assert_array_equal(windows, [[0, 8], [4, 12], [8, 16], [9, 17]])


def test_a_dense_window_spans_its_strides():
    windows = plan_windows(40, InputSpec(frames=8, sampling="dense", stride=3))
    np.testing.assert_array_equal(windows[0], [0, 22])


def test_uniform_sampling_takes_the_whole_medium():
    np.testing.assert_array_equal(plan_windows(500, InputSpec()), [[0, 500]])


def test_uniform_windows_have_the_length_of_training_clips():
    windows = plan_windows(100, InputSpec(), fps=20.0, window_s=2.0)
    np.testing.assert_array_equal(windows, [[0, 40], [20, 60], [40, 80], [60, 100]])


def test_a_medium_little_longer_than_a_window_is_not_divided():
    assert len(plan_windows(59, InputSpec(), fps=20.0, window_s=2.0)) == 1
    assert len(plan_windows(60, InputSpec(), fps=20.0, window_s=2.0)) == 2


def test_a_still_is_one_window():
    np.testing.assert_array_equal(plan_windows(1, DENSE), [[0, 1]])


@pytest.mark.parametrize("num_frames", [0, -3])
def test_no_frames_are_refused(num_frames):
    with pytest.raises(ValueError, match="no frame"):
        plan_windows(num_frames, DENSE)


@pytest.mark.parametrize("window_s", [0.0, -1.0, float("nan")])
def test_a_window_without_length_is_refused(window_s):
    with pytest.raises(ValueError, match="should be positive"):
        plan_windows(10, InputSpec(), window_s=window_s)
