"""Simulated sets of worn sensors: rows of bodies and of sensors, beside pictures and alone."""

from __future__ import annotations

import numpy as np
import pytest

from onebody.config import read_config
from onebody.data.sources import read_array
from onebody.datasets.simulated import SimulatedConfig, build_simulated
from onebody.datasets.simulated_imu import STATURES
from onebody.simulate.sensors import POSITIONS

BASE = {
    "frames": 40,
    "fps": 20,
    "people": 4,
    "test_people": 1,
    "clips": 1,
    "actions": ["walk", "squat"],
    "gestures": [],
}


def build(tmp_path, **changes):
    values = {**BASE, "modalities": ["imu"], "cache": str(tmp_path), **changes}
    return build_simulated(read_config(SimulatedConfig, values, "test"))


def test_a_row_is_a_body(tmp_path):
    table = build(tmp_path)
    assert list(table.media) == ["imu"]
    assert set(table.columns) == {"action", "wearer", "stature"}
    values = np.stack([read_array(source) for source in table.media["imu"]])
    assert values.shape == (8, 40, 5, 6)
    assert np.isfinite(values).all()
    assert 9 < np.median(np.linalg.norm(values[..., :3], axis=-1)) < 11
    assert table.columns["wearer"].space.classes == ("p00000", "p00001", "p00002", "p00003")
    assert table.columns["stature"].space.classes == STATURES
    assert table.columns["wearer"].values.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert table.split.tolist() == ["train"] * 6 + ["test"] * 2


def test_a_row_is_a_sensor_of_the_same_readings(tmp_path):
    bodies, table = build(tmp_path), build(tmp_path, per="sensor")
    assert len(table) == 40
    names = table.columns["position"].space.classes
    assert names == POSITIONS
    assert table.columns["position"].values.tolist() == list(range(5)) * 8
    assert len(set(table.group.tolist())) == 8
    for row in (0, 7, 39):
        body = np.asarray(read_array(bodies.media["imu"][row // 5]))
        own = np.asarray(read_array(table.media["imu"][row]))
        np.testing.assert_array_equal(own[:, 0], body[:, row % 5])


def test_sensors_beside_pictures(tmp_path):
    table = build(tmp_path, modalities=["silhouette", "imu"], size=16, frames=8, fps=8, people=2)
    assert set(table.media) == {"silhouette", "imu"}
    assert {"joints2d", "wearer"} <= set(table.columns)
    assert np.asarray(read_array(table.media["imu"][0])).shape == (8, 5, 6)


def test_a_slower_reading_is_of_the_same_movement(tmp_path):
    fast = build(tmp_path, fps=100, frames=200, noise=0.0, mounting_deg=0.0)
    slow = build(tmp_path, noise=0.0, mounting_deg=0.0)
    one, other = (np.asarray(read_array(t.media["imu"][0])) for t in (fast, slow))
    np.testing.assert_allclose(one[::5], other, atol=0.02)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"frames": 2}, "need 3 frames or more"),
        ({"modalities": ["rgb", "imu"], "per": "sensor"}, r"for 'modalities: \[imu\]' alone"),
        ({"modalities": ["rgb"], "per": "sensor"}, r"for 'modalities: \[imu\]' alone"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, changes, said):
    with pytest.raises(ValueError, match=said):
        build(tmp_path, **changes)
