import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onebody.data import InputSpec, clip_indices


def uniform(frames: int) -> InputSpec:
    return InputSpec(frames=frames)


def dense(frames: int, stride: int = 1) -> InputSpec:
    return InputSpec(frames=frames, sampling="dense", stride=stride)


def test_uniform_test_takes_segment_centers():
    assert clip_indices(12, uniform(4), rng=None).tolist() == [1, 4, 7, 10]
    assert clip_indices(4, uniform(4), rng=None).tolist() == [0, 1, 2, 3]
    assert clip_indices(7, uniform(3), rng=None).tolist() == [1, 3, 5]
    assert clip_indices(101, uniform(1), rng=None).tolist() == [50]


def test_uniform_training_draws_one_frame_in_each_segment():
    rng = np.random.default_rng(0)
    draws = np.stack([clip_indices(12, uniform(4), rng=rng) for _ in range(300)])
    assert (draws // 3 == np.arange(4)).all()  # segment i holds frames 3 i .. 3 i + 2
    assert all(set(draws[:, i]) == {3 * i, 3 * i + 1, 3 * i + 2} for i in range(4))


def test_several_uniform_clips_interleave():
    clips = [clip_indices(12, uniform(4), rng=None, clip=k, clips=3) for k in range(3)]
    assert sorted(np.concatenate(clips).tolist()) == list(range(12))


def test_dense_test_takes_the_middle_window():
    assert clip_indices(10, dense(4), rng=None).tolist() == [3, 4, 5, 6]
    assert clip_indices(10, dense(4, 2), rng=None).tolist() == [1, 3, 5, 7]


def test_dense_training_reaches_every_window_and_no_other():
    rng = np.random.default_rng(1)
    draws = [clip_indices(10, dense(4, 2), rng=rng) for _ in range(200)]
    assert {int(d[0]) for d in draws} == {0, 1, 2, 3}  # the last window is 3, 5, 7, 9
    assert all(np.diff(d).tolist() == [2, 2, 2] for d in draws)


def test_several_dense_clips_reach_from_the_first_to_the_last_frame():
    clips = [clip_indices(10, dense(4), rng=None, clip=k, clips=3) for k in range(3)]
    assert [c.tolist() for c in clips] == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]


@pytest.mark.parametrize("spec", [uniform(5), dense(5)])
@pytest.mark.parametrize("seed", [None, 0])
def test_short_media_repeat_their_last_frame(spec, seed):
    rng = None if seed is None else np.random.default_rng(seed)
    assert clip_indices(3, spec, rng=rng).tolist() == [0, 1, 2, 2, 2]
    assert clip_indices(1, spec, rng=rng).tolist() == [0] * 5


def test_speed_stretches_the_time_axis():
    assert clip_indices(20, dense(4), rng=None, speed=3.0).tolist() == [5, 8, 11, 14]
    slow = clip_indices(24, uniform(4), rng=None, speed=0.5)
    assert slow.tolist() == [7, 10, 13, 16]  # the middle half of the medium
    fast = clip_indices(12, uniform(4), rng=None, speed=2.0)
    assert fast.tolist() == [3, 9, 11, 11]  # holds its last frame


def test_draws_follow_the_generator():
    first = clip_indices(50, uniform(8), rng=np.random.default_rng(5))
    again = clip_indices(50, uniform(8), rng=np.random.default_rng(5))
    other = clip_indices(50, uniform(8), rng=np.random.default_rng(6))
    assert (first == again).all()
    assert (first != other).any()


@settings(deadline=None, max_examples=150)
@given(
    num_frames=st.integers(1, 60),
    frames=st.integers(1, 33),
    stride=st.integers(1, 4),
    sampling=st.sampled_from(["uniform", "dense"]),
    speed=st.floats(0.3, 3.0),
    seed=st.none() | st.integers(0, 9),
    clips=st.integers(1, 4),
)
def test_indices_are_ascending_and_inside(num_frames, frames, stride, sampling, speed, seed, clips):
    spec = InputSpec(frames=frames, sampling=sampling, stride=stride)
    rng = None if seed is None else np.random.default_rng(seed)
    indices = clip_indices(num_frames, spec, rng=rng, clip=clips - 1, clips=clips, speed=speed)
    assert indices.shape == (frames,)
    assert indices.dtype == np.int64
    assert indices.min() >= 0
    assert indices.max() < num_frames
    assert (np.diff(indices) >= 0).all()


@given(num_frames=st.integers(1, 200), frames=st.integers(1, 40))
def test_uniform_covers_the_medium_evenly(num_frames, frames):
    indices = clip_indices(num_frames, uniform(frames), rng=None)
    if num_frames >= frames:
        assert len(set(indices.tolist())) == frames
        assert indices[0] <= num_frames / frames
        assert indices[-1] >= num_frames - 1 - num_frames / frames


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_frames": 0}, "at least 1 frame, found 0"),
        ({"clip": 2, "clips": 2}, "Clip 2 of 2"),
        ({"speed": 0.0}, "above 0, found 0.0"),
    ],
)
def test_nonsense_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        clip_indices(**{"num_frames": 4, "spec": uniform(2), "rng": None, **arguments})
