"""Human3.6M's files: damaged, truncated and contradictory ones are named or read whole."""

from __future__ import annotations

import numpy as np
import pytest
from damage import cut, cut_or_changed
from human36m_files import mmpose_arrays, raw_cameras, world, write_martinez, write_videopose3d
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onebody.datasets.human36m_calibration import _make
from onebody.datasets.human36m_mmpose import read_mmpose
from onebody.datasets.human36m_recording import CAMERAS, parse_action, parse_take
from onebody.datasets.human36m_world import read_martinez, read_videopose3d

RAW = raw_cameras()
CALIBRATED = {key: _make(values, "here", 1000.0, key[1]) for key, values in RAW.items()}
ARRAYS = mmpose_arrays([("S1", "Directions_1")], RAW, [1, 2, 3])
SLOW_FIXTURE = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def write(file, **changed):
    np.savez(file, **{**ARRAYS, **changed})
    return file


def assert_whole_or_named(file, read):
    """Read to the end: every recording is whole, or the error names the file."""
    try:
        found = list(read())
    except ValueError as error:
        assert str(file) in str(error)  # noqa: PT017
        return
    for recording in found:
        assert recording.joints_mm.shape == (len(recording.frames), 17, 4)
        assert recording.joints_px.shape == (len(recording.frames), 17, 3)
        assert np.isfinite(recording.joints_mm[:, 0]).all()


def test_names_of_recordings():
    assert str(parse_take("S8_WalkingDog_1.55011271")) == "S8 WalkDog 1.55011271"
    assert str(parse_take("S11_TakingPhoto.60457274")) == "S11 Photo.60457274"
    assert parse_take("S5_SittingDown 2.54138969").take == "2"
    assert parse_action("Sitting") == ("Sitting", "")
    for text in ("_ALL", "Directions_", "Directions 1 2", "Dancing", "Walking.5"):
        assert parse_action(text) is None
    for text in ("S1_Directions", "S1_Directions.1", "X1_Directions.54138969", "S1__ALL.54138969"):
        assert parse_take(text) is None


def test_records_may_stand_in_any_order(tmp_path):
    order = np.random.default_rng(0).permutation(12)
    file = write(tmp_path / "h36m_train.npz", **{k: v[order] for k, v in ARRAYS.items()})
    mixed = {str(r.take): r for r in read_mmpose(file, CALIBRATED)}
    for recording in read_mmpose(write(tmp_path / "b.npz"), CALIBRATED):
        other = mixed[str(recording.take)]
        assert recording.frames.tolist() == other.frames.tolist() == [0, 1, 2]
        np.testing.assert_array_equal(recording.joints_mm, other.joints_mm)


def test_a_joint_that_is_not_annotated_is_absent(tmp_path):
    part = ARRAYS["part"].copy()
    part[1, 5, 2] = 0
    first = next(read_mmpose(write(tmp_path / "a.npz", part=part), CALIBRATED))
    absent = np.isnan(first.joints_mm).all(-1)
    assert np.argwhere(absent).tolist() == [[1, 5]]
    assert np.argwhere(np.isnan(first.joints_px).all(-1)).tolist() == [[1, 5]]


def test_joints_outside_the_picture_are_not_seen(tmp_path):
    space, part = ARRAYS["S"].copy(), ARRAYS["part"].copy()
    space[0, 5, :2] = [-4, 0]
    part[0, 5, :2] = CALIBRATED["S1", CAMERAS[0]].project(1000 * space[0, 5, :3])
    first = next(read_mmpose(write(tmp_path / "a.npz", S=space, part=part), CALIBRATED))
    assert first.joints_mm[0, 5, 3] == first.joints_px[0, 5, 2] == 0
    assert first.joints_px[0, 5, 0] < 0


def changed_array(key, place, value):
    values = ARRAYS[key].copy()
    values[place] = value
    return {key: values}


def changed_names(change):
    names = ARRAYS["imgname"].tolist()
    names[4] = change
    return np.array(names)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"S": ARRAYS["S"][:5]}, r"expected S \[12, 17, 4\].*found float64 \[5, 17, 4\]"),
        ({"part": ARRAYS["part"][:, :16]}, r"expected part \[12, 17, 3\]"),
        ({"imgname": np.arange(12)}, "expected imgname"),
        ({"imgname": changed_names("S1_Dancing.54138969_000001.jpg")}, "record 5: expected a pict"),
        ({"imgname": changed_names("S1_Directions_1.54138969_000000.jpg")}, "record 5: expected"),
        ({"imgname": changed_names(ARRAYS["imgname"][3])}, "record 5: expected each picture once"),
        ({"imgname": changed_names("S7_Eating.54138969_000001.jpg")}, "record 5: expected the cam"),
        (
            {"S": ARRAYS["S"] * [1000, 1000, 1000, 1]},
            "expected joints before the camera, the root 1 to 15 m away",
        ),
        ({"S": -ARRAYS["S"]}, "expected"),
        ({"S": np.where(ARRAYS["S"] > 5, np.nan, ARRAYS["S"])}, "expected finite joints"),
        ({"part": ARRAYS["part"] + [30, 0, 0]}, "found a median of 30 px. Are these the cameras"),
        ({"part": ARRAYS["part"] * [1, 1, 0]}, "expected the root in every frame"),
        (
            changed_array("part", (4, 3, 0), 5000),
            r"record 5 \(S1 Directions 1.*\), joint 3: expected the 3D joint at .* within 100 px",
        ),
        (changed_array("S", (4, 3, 0), 1e300), "record 5 .*, joint 3: expected the 3D joint"),
        (changed_array("S", (4, 3, 1), np.nan), "record 5 .*, joint 3: expected finite joints in"),
        (
            changed_array("part", (4, 3, 2), 7),
            "joint 3: expected 1 .* number of 'part', found 7",
        ),
        (changed_array("S", (4, 3, 3), np.nan), "joint 3: expected 1 .* of 'S', found nan"),
    ],
)
def test_contradictions_of_mmpose_files_are_named(tmp_path, changed, message):
    file = write(tmp_path / "h36m_train.npz", **changed)
    with pytest.raises(ValueError, match=message) as error:
        list(read_mmpose(file, CALIBRATED))
    assert str(file) in str(error.value)


def test_an_array_that_is_missing_or_holds_objects(tmp_path):
    np.savez(tmp_path / "a.npz", imgname=ARRAYS["imgname"], S=ARRAYS["S"])
    with pytest.raises(ValueError, match=r"a\.npz: expected imgname, part and S"):
        list(read_mmpose(tmp_path / "a.npz", CALIBRATED))
    file = write(tmp_path / "b.npz", imgname=np.array([None] * 12))
    with pytest.raises(ValueError, match=r"b\.npz: expected a whole npz file of plain arrays"):
        list(read_mmpose(file, CALIBRATED))


@SLOW_FIXTURE
@given(data=st.data())
def test_damaged_mmpose_files(tmp_path, data):
    good = tmp_path / "good.npz"
    if not good.exists():
        write(good)
    file = tmp_path / "h36m_train.npz"
    file.write_bytes(data.draw(cut_or_changed(good.read_bytes())))
    assert_whole_or_named(file, lambda: read_mmpose(file, CALIBRATED))


@SLOW_FIXTURE
@given(data=st.data())
def test_damaged_videopose3d_files(tmp_path, data):
    if not (tmp_path / "good").exists():
        (tmp_path / "good").mkdir()
        write_videopose3d(tmp_path / "good", {"S1": {"Walking": world(2), "Eating 1": world(1)}})
    content = (tmp_path / "good" / "data_3d_h36m.npz").read_bytes()
    file = tmp_path / "data_3d_h36m.npz"
    file.write_bytes(data.draw(cut_or_changed(content)))
    assert_whole_or_named(file, lambda: read_videopose3d(file, CALIBRATED))


@SLOW_FIXTURE
@given(data=st.data())
def test_damaged_martinez_files(tmp_path, data):
    pytest.importorskip("h5py")
    file = tmp_path / "S1" / "MyPoses" / "3D_positions" / "Walking.h5"
    if not (tmp_path / "good").exists():
        write_martinez(tmp_path, {"S1": {"Walking": world(2)}})
        (tmp_path / "good").write_bytes(file.read_bytes())
    file.write_bytes(data.draw(cut((tmp_path / "good").read_bytes())))
    assert_whole_or_named(file, lambda: read_martinez(tmp_path, CALIBRATED))


@pytest.mark.parametrize(
    ("positions", "message"),
    [
        ([1, 2], "expected one object"),
        ({"S1": [world(2)]}, "found no mappings"),
        ({"S1": {}}, "expected recordings, found none"),
        ({"S1": {"Walking": world(2)[:, :17]}}, r"S1 'Walking': expected positions \[T, 32, 3\]"),
        ({"S1": {"Walking": [1.0]}}, r"S1 'Walking': expected positions \[T, 32, 3\]"),
        ({"S1": {"Dancing": world(2)}}, "S1 'Dancing': expected an action"),
        ({"S1": {"Walking": world(2) * np.nan}}, "of finite numbers"),
        ({"S1": {"Walking": world(2) * 1000}}, "expected joints before the camera"),
        ({"S3": {"Walking": world(2)}}, "expected the camera '54138969' of S3"),
    ],
)
def test_contradictions_of_videopose3d_files_are_named(tmp_path, positions, message):
    write_videopose3d(tmp_path, positions)
    with pytest.raises(ValueError, match=message) as error:
        list(read_videopose3d(tmp_path / "data_3d_h36m.npz", CALIBRATED))
    assert str(tmp_path) in str(error.value)


def test_martinez_files_of_another_shape(tmp_path):
    h5py = pytest.importorskip("h5py")
    file = tmp_path / "S1" / "MyPoses" / "3D_positions" / "Walking.h5"
    write_martinez(tmp_path, {"S1": {"Walking": world(2)}})
    with h5py.File(file, "w") as opened:
        opened["3D_positions"] = np.zeros((2, 96))
    with pytest.raises(ValueError, match=r"Walking\.h5: 3D_positions: .*\[96, T\].*\[2, 96\]"):
        list(read_martinez(tmp_path, CALIBRATED))
