"""Human3.6M's cameras: projection against the formula and real joints, and their two files."""

from __future__ import annotations

import json
import pickle
import re

import numpy as np
import pytest
from damage import cut, damaged
from human36m_files import in_camera, naive_projection, raw_camera, raw_cameras, world, write_h5
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onebody.datasets.human36m_calibration import _make, camera_of, read_cameras
from onebody.datasets.human36m_recording import CAMERAS
from onebody.datasets.pickle_reader import read_pickle

SLOW_FIXTURE = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def pickled(tmp_path):
    file = tmp_path / "cameras.pkl"
    file.write_bytes(pickle.dumps(raw_cameras(), protocol=2))
    return file


@given(st.integers(0, 3), st.integers(0, 10_000))
def test_projection_is_the_formula(number, seed):
    raw = raw_camera(number)
    camera = _make(raw, "here", 1000.0, CAMERAS[number])
    points = world(3, seed)[:, :17].astype(np.float64)
    local = in_camera(points, raw)
    np.testing.assert_allclose(camera.to_camera(points * 1000), local * 1000, atol=1e-6)
    expected = np.stack([naive_projection(frame, raw) for frame in local])
    np.testing.assert_allclose(camera.project(local * 1000), expected, atol=1e-9)


@given(st.integers(0, 3), st.integers(0, 10_000))
def test_what_is_projected_is_found_again(number, seed):
    camera = _make(raw_camera(number), "here", 1000.0, CAMERAS[number])
    pixels = np.random.default_rng(seed).uniform(0, 1000, (4, 2))
    depth = np.array([1000.0, 3000.0, 5000.0, 8000.0])
    points = camera.unproject(pixels, depth)
    np.testing.assert_array_equal(points[:, 2], depth)
    np.testing.assert_allclose(camera.project(points), pixels, atol=1e-6)


def test_without_distortion_it_is_a_pinhole(pickled):
    camera = read_cameras(pickled)["S1", CAMERAS[0]]
    straight = camera.project(np.array([0.0, 0.0, 4000.0]))
    np.testing.assert_allclose(straight, camera.matrix[2:])
    assert camera.sees(np.array([[0, 1002.0], [999, 1003.0], [-1, 5.0]])).tolist() == [
        True,
        False,
        False,
    ]


def test_both_files_say_the_same(tmp_path, pickled):
    pytest.importorskip("h5py")
    write_h5(tmp_path / "cameras.h5", raw_cameras())
    first, second = read_cameras(pickled), read_cameras(tmp_path / "cameras.h5")
    assert sorted(first) == sorted(second)
    for key, camera in first.items():
        for name in camera.__slots__:
            np.testing.assert_allclose(getattr(camera, name), getattr(second[key], name))
    with pytest.raises(ValueError, match=r"file\.npz: expected the camera '1' of S2 .*S1, S11, S9"):
        camera_of(first, "S2", "1", "file.npz")


@SLOW_FIXTURE
@given(damaged(dict(list(raw_cameras().items())[:2])))
def test_contradictory_cameras_are_named(tmp_path, content):
    file = tmp_path / "cameras.pkl"
    try:
        file.write_bytes(pickle.dumps(content))
    except TypeError:
        return
    try:
        cameras = read_cameras(file)
    except ValueError as error:
        assert str(file) in str(error)  # noqa: PT017
        return
    for camera in cameras.values():
        assert np.isfinite(camera.project(np.array([1.0, 2.0, 3000.0]))).all()


def test_a_mirrored_or_stretched_rotation_is_refused(tmp_path):
    for change in (np.diag([1.0, 1, -1]), 1.1 * np.eye(3)):
        cameras = raw_cameras()
        cameras["S9", CAMERAS[1]]["R"] = cameras["S9", CAMERAS[1]]["R"] @ change
        (tmp_path / "cameras.pkl").write_bytes(pickle.dumps(cameras))
        with pytest.raises(ValueError, match=r"'S9', '55011271'.*expected a rotation"):
            read_cameras(tmp_path / "cameras.pkl")


@SLOW_FIXTURE
@given(data=st.data())
def test_damaged_h5_files_are_named(tmp_path, data):
    pytest.importorskip("h5py")
    file = tmp_path / "cameras.h5"
    if not (tmp_path / "good.h5").exists():
        write_h5(tmp_path / "good.h5", raw_cameras(("S1",)))
    content = (tmp_path / "good.h5").read_bytes()
    file.write_bytes(data.draw(cut(content)))
    try:
        cameras = read_cameras(file)
    except ValueError as error:
        assert str(file) in str(error)  # noqa: PT017
        return
    assert all(camera.focal_px.min() > 0 for camera in cameras.values())


def test_h5_without_h5py_names_the_extra(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=re.escape("onebody[keras]")):
        read_cameras(tmp_path / "cameras.h5")


def test_h5_files_that_are_none(tmp_path):
    pytest.importorskip("h5py")
    with pytest.raises(ValueError, match="found none"):
        read_cameras(tmp_path / "cameras.h5")
    (tmp_path / "cameras.h5").write_text("no")
    with pytest.raises(ValueError, match=r"cameras\.h5: expected an HDF5 file"):
        read_cameras(tmp_path / "cameras.h5")


def test_real_joints_are_where_real_cameras_put_them(shared):
    """Within 0.00004 px in 2D and 0.0003 mm from the world's frame: what the files' digits hold."""
    folder = shared / "data" / "formats" / "mmpose" / "h36m"
    cameras = read_cameras(folder / "cameras.pkl")
    assert len(cameras) == 44
    truth = np.load(folder / "test_h36m_body3d.npz")
    annotations = json.loads((folder / "h36m_coco.json").read_text())["annotations"]
    raw_all = read_pickle(folder / "cameras.pkl")
    usual, pinhole, shape = [], [], []
    for row, name in enumerate(truth["imgname"]):
        key = name.split("/")[0], camera_name(name)
        camera = cameras[key]
        local, flat = 1000 * truth["S"][row, :, :3], truth["part"][row, :, :2]
        assert np.abs(camera.project(local) - flat).max() < 4e-5
        points = np.array(annotations[row]["keypoints_3d"]).reshape(17, 4)[:, :3]
        np.testing.assert_allclose(camera.to_camera(1000 * points), local, atol=3e-4)
        np.testing.assert_allclose(
            naive_projection(truth["S"][row, :, :3], raw_all[key]), flat, atol=4e-5
        )
        np.testing.assert_allclose(camera.unproject(flat, local[:, 2]), local, atol=3e-4)
        straight = (flat - camera.center_px) / camera.focal_px * local[:, 2:]
        shape.append(np.linalg.norm((straight - straight[0]) - (local - local[0])[:, :2], axis=1))
        place = local[:, :2] / local[:, 2:]
        bent = 2 * camera.tangential[::-1] @ place.T
        square = (place**2).sum(1, keepdims=True)
        radial = 1 + (square ** np.arange(1, 4)) @ camera.radial
        opencv = place * (radial + bent)[:, None] + square * camera.tangential[::-1]
        usual.append(np.abs(opencv * camera.focal_px + camera.center_px - flat).max())
        away = place * camera.focal_px + camera.center_px - flat
        pinhole.append(np.linalg.norm(away, axis=1))
    assert max(usual) < 0.19
    assert max(usual) > 0.1
    assert np.max(pinhole) < 3.4
    assert np.mean(shape) == pytest.approx(2.94, abs=0.01)  # mm, relative to the root
    assert np.mean(pinhole) == pytest.approx(0.82, abs=0.01)


def camera_name(image):
    """Return the camera that a picture's name says."""
    return image.rsplit(".", 2)[1].partition("_")[0]


def test_lists_of_different_lengths_name_file_and_camera(tmp_path):
    cameras = raw_cameras()
    cameras["S9", "55011271"]["R"] = [[1, 2], [3]]
    (tmp_path / "cameras.pkl").write_bytes(pickle.dumps(cameras))
    with pytest.raises(ValueError, match=r"cameras\.pkl: .*'55011271'.*: expected 9 finite .* 'R'"):
        read_cameras(tmp_path / "cameras.pkl")
