import os
from dataclasses import replace

import numpy as np
import pytest

from onebody.data import InputSpec, RowError, make_table
from onebody.data import series as module
from onebody.data.series import Series, interpolate, positions, read_series, steady


def _spec(frames, **given):
    return InputSpec(modality="skeleton", skeleton="kinect-20", frames=frames, **given)


def _of(values):
    return Series(values=np.asarray(values, np.float32), first=0)


def _places(counts, spec, clip=0, clips=1, **changes):
    tempo = steady(len(counts), spec, clip, clips)
    changed = {name: np.asarray(value, float) for name, value in changes.items()}
    return positions(np.array(counts), spec, replace(tempo, **changed))


def test_a_clip_of_all_frames_is_the_medium():
    assert _places([5], _spec(5))[0] == pytest.approx(np.arange(5))
    assert _places([5], _spec(1))[0] == pytest.approx([2])


def test_samples_lie_in_the_middle_of_equal_parts():
    assert _places([8, 4], _spec(4)) == pytest.approx(
        np.array([[0.5, 2.5, 4.5, 6.5], [0, 1, 2, 3]])
    )


def test_more_frames_than_there_are_lie_between_them():
    assert _places([2], _spec(4))[0] == pytest.approx([0, 0.25, 0.75, 1])
    assert _places([1], _spec(3))[0] == pytest.approx([0, 0, 0])


def test_several_clips_divide_the_steps():
    found = np.concatenate([_places([8], _spec(4), k, 2)[0] for k in range(2)])
    assert np.sort(found) == pytest.approx([0, 1, 2, 3, 4, 5, 6, 7])


def test_speed_duration_and_begin():
    spec = _spec(4)
    assert _places([8], spec, duration=[0.5], begin=[1.0])[0] == pytest.approx([4, 5, 6, 7])
    assert _places([8], spec, speed=[0.5], start=[0.0])[0] == pytest.approx([0, 1, 2, 3])
    assert _places([8], spec, speed=[2.0])[0] == pytest.approx([1.5, 5.5, 7, 7])  # the last stays


def test_windows_begin_on_a_frame_and_repeat_the_last():
    spec = _spec(3, sampling="dense", stride=2)
    assert _places([9], spec)[0] == pytest.approx([2, 4, 6])
    assert _places([3], spec)[0] == pytest.approx([0, 2, 2])
    assert [_places([9], spec, k, 3)[0, 0] for k in range(3)] == [0, 2, 4]


def test_an_uneven_tempo_is_monotone_and_ends_where_an_even_one_does():
    spec = _spec(64)
    tempo = np.array([[1.5, 0.5, 1.0, 0.6]])
    even, uneven = _places([64], spec), _places([64], spec, warp=tempo)
    assert (np.diff(uneven) > 0).all()
    assert np.diff(uneven[0])[:10].mean() == pytest.approx(1.5 / 0.9)  # of the mean tempo
    assert uneven[0, -1] == pytest.approx(even[0, -1], abs=0.5)
    assert np.abs(uneven - even).max() > 5


def test_values_between_frames_are_linear():
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(5, 2, 3)), rng.normal(size=(9, 2, 3))
    places = np.array([[0.0, 0.25, 4.0], [7.5, 8.0, 3.0]])
    found = interpolate([_of(one), _of(two)], places)
    assert found[0, 1] == pytest.approx(0.75 * one[0] + 0.25 * one[1], abs=1e-6)
    assert found[0, 2] == pytest.approx(one[4], abs=1e-6)
    assert found[1, 0] == pytest.approx((two[7] + two[8]) / 2, abs=1e-6)
    assert found[1, 1:] == pytest.approx(two[[8, 3]], abs=1e-6)


def test_what_lies_beside_a_gap_is_missing_too_but_not_a_frame_itself():
    values = np.ones((3, 1, 1))
    values[1] = np.nan
    found = interpolate([_of(values)], np.array([[0.0, 0.5, 1.0, 1.5, 2.0]]))
    assert np.isnan(found[0, :, 0, 0]).tolist() == [False, True, True, True, False]


@pytest.fixture
def table(tmp_path):
    np.save(tmp_path / "s.npy", np.arange(60, dtype=np.float32).reshape(10, 2, 3))
    sources = [f"{tmp_path}/s.npy#0:4", f"{tmp_path}/s.npy#4:10"]
    return make_table("made", {"imu": sources}, fps=[2.0, 2.0], start_s=[np.nan, 1.0])


def test_spans_are_cut_and_kept_until_the_file_changes(table, tmp_path):
    whole, part = (read_series(table, row, "imu") for row in (0, 1))
    assert (len(whole.values), whole.first) == (4, 0)
    assert (len(part.values), part.first) == (4, 2)
    assert part.values[0, 0, 0] == 36
    assert read_series(table, 1, "imu") is part
    np.save(tmp_path / "s.npy", np.zeros((10, 2, 3), np.float32))
    os.utime(tmp_path / "s.npy", ns=(1, 1))  # a clock may be too coarse to see the change
    assert read_series(table, 1, "imu").values.max() == 0


def test_little_memory_keeps_the_latest(table, monkeypatch):
    monkeypatch.setattr(module, "CACHE_BYTES", 100)
    monkeypatch.setattr(module, "_CACHE", module._Cache())
    first = read_series(table, 0, "imu")
    second = read_series(table, 1, "imu")
    assert read_series(table, 1, "imu") is second
    assert read_series(table, 0, "imu") is not first


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((8, 6)), r"numbers \[T, J, C\], found float64 \[8, 6\]"),
        (np.zeros((0, 2, 3)), "expected frames, found none"),
        (np.full((8, 2, 3), "a"), "expected numbers"),
        (np.full((8, 2, 3), np.inf), "found an infinite one in frame 0. Use NaN"),
    ],
)
def test_what_is_no_series_is_named(tmp_path, values, message):
    np.save(tmp_path / "bad.npy", values)
    table = make_table("made", {"imu": ["a.npy", str(tmp_path / "bad.npy")]})
    with pytest.raises(RowError, match=f"made:1: .*bad.npy: .*{message}"):
        read_series(table, 1, "imu")
    with pytest.raises(RowError, match=r"made:0: .*nothing there"):
        read_series(table, 0, "imu")
