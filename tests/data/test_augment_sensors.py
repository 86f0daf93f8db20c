"""Variation of worn sensors: turned, scaled, noisy, with channels and sensors missing."""

import numpy as np
import pytest

from onebody.data import InputSpec, make_table
from onebody.data.assemble import make_batch
from onebody.data.augment import AugmentConfig, row_generators
from onebody.data.augment_sensors import draw_sensors, turn_sensors, vary_sensors
from onebody.data.checks import check_request


def generators(count: int, seed: int = 0):
    return row_generators(seed, np.zeros(count, np.int64), np.arange(count))


def readings(rows: int = 4, frames: int = 10, sensors: int = 3):
    values = np.random.default_rng(0).normal(size=(rows, frames, sensors, 6)).astype(np.float32)
    return values, np.ones(values.shape, np.bool_)


def test_nothing_changes_where_nothing_is_varied():
    values, known = readings()
    found, there = vary_sensors(values, known, draw_sensors(AugmentConfig(), generators(4)))
    np.testing.assert_array_equal(found, values)
    assert there.all()


def test_a_sensor_that_sits_otherwise_reads_the_same_lengths_and_angles():
    values, known = readings()
    draws = draw_sensors(AugmentConfig(mount_deg=(20, 30)), generators(4))
    found, _ = vary_sensors(values, known, draws)
    acceleration, turn = values[..., :3], values[..., 3:]
    np.testing.assert_allclose(
        np.linalg.norm(found[..., :3], axis=-1), np.linalg.norm(acceleration, axis=-1), rtol=1e-4
    )
    np.testing.assert_allclose(
        (found[..., :3] * found[..., 3:]).sum(-1), (acceleration * turn).sum(-1), atol=1e-4
    )
    assert np.abs(found - values).max() > 0.1


def test_a_quarter_turn_about_the_vertical():
    values = np.array([1, 0, 0, 0, 2, 5], np.float32).reshape(1, 1, 1, 6)
    known = np.ones_like(values, np.bool_)
    turned = turn_sensors(values, known, np.array([[np.pi / 2]]), np.array([[[0.0, 0.0, 1.0]]]))
    np.testing.assert_allclose(turned.ravel(), [0, 1, 0, -2, 0, 5], atol=1e-6)
    known[..., 1] = False  # no whole vector of acceleration: it stays
    turned = turn_sensors(values, known, np.array([[np.pi / 2]]), np.array([[[0.0, 0.0, 1.0]]]))
    np.testing.assert_allclose(turned.ravel(), [1, 0, 0, -2, 0, 5], atol=1e-6)


def test_gains_are_drawn_for_accelerometer_and_gyroscope():
    values, known = readings()
    found, _ = vary_sensors(
        values, known, draw_sensors(AugmentConfig(gain=(0.5, 2)), generators(4))
    )
    factors = found / values
    same = np.broadcast_to(factors[:, :1, :, :1], factors[..., :3].shape)
    np.testing.assert_allclose(factors[..., :3], same, rtol=1e-4)
    assert np.abs(factors[..., 0] - factors[..., 3]).max() > 0.1
    assert factors.min() > 0.49
    assert factors.max() < 2.01


def test_what_is_missing_stays_missing_and_zero():
    values, known = readings()
    known[:, 3:5, 1, 4] = False
    values = np.where(known, values, np.float32(0))
    config = AugmentConfig(reading_noise=(0.5, 0.5), mount_deg=(10, 20), gain=(2, 2))
    found, there = vary_sensors(values, known, draw_sensors(config, generators(4)))
    np.testing.assert_array_equal(there, known)
    assert (found[~known] == 0).all()


def test_one_sensor_always_stays():
    values, known = readings(rows=50)
    known[:, :, 0] = False
    draws = draw_sensors(AugmentConfig(drop_sensors=1.0), generators(50))
    _, there = vary_sensors(values, known, draws)
    np.testing.assert_array_equal(there.any(axis=(1, 3)).sum(axis=1), 1)
    assert not there[:, :, 0].any()


def test_channels_are_missing_for_a_part_of_the_clip():
    values, known = readings(rows=200, frames=20)
    config = AugmentConfig(drop_channels=0.3, drop_span=(0.25, 0.25))
    _, there = vary_sensors(values, known, draw_sensors(config, generators(200)))
    gone = (~there).sum(axis=1)
    assert set(np.unique(gone)) <= {0, 4, 5, 6}
    assert (gone > 0).mean() == pytest.approx(0.3, abs=0.05)


def test_noise_has_the_deviation_that_is_asked_for():
    values, known = readings(rows=20, frames=50)
    config = AugmentConfig(reading_noise=(0.3, 0.3))
    found, _ = vary_sensors(values, known, draw_sensors(config, generators(20)))
    assert (found - values).std() == pytest.approx(0.3, rel=0.03)


def test_a_row_looks_the_same_in_every_batch(tmp_path):
    values, _ = readings(rows=6, frames=12)
    np.save(tmp_path / "imu.npy", values.reshape(-1, 3, 6))
    table = make_table(
        "worn", {"imu": [f"{tmp_path}/imu.npy#{12 * i}:{12 * i + 12}" for i in range(6)]}
    )
    config = AugmentConfig(
        mount_deg=(0, 30), gain=(0.8, 1.2), reading_noise=(0, 0.2), drop_channels=0.2, warp=0.3
    )
    spec = InputSpec(modality="imu", frames=8, sensors=3)
    whole = make_batch(table, range(6), spec, (), augment=config, key=(3, 1))
    one = make_batch(table, [4], spec, (), augment=config, key=(3, 1))
    assert whole.inputs["imu"][4].equal(one.inputs["imu"][0])
    other = make_batch(table, [4], spec, (), augment=config, key=(3, 2))
    assert not other.inputs["imu"].equal(one.inputs["imu"])


def test_options_that_a_medium_has_no_use_for_are_refused():
    table = make_table("worn", {"imu": ["a.npy"], "rgb": ["a.mp4"]})
    spec = InputSpec(modality="imu")
    with pytest.raises(ValueError, match="turn off flip"):
        check_request(table, spec, (), AugmentConfig(flip=0.5))
    with pytest.raises(ValueError, match="turn off mount_deg, gain"):
        check_request(table, InputSpec(), (), AugmentConfig(mount_deg=(0, 5), gain=(0.9, 1.1)))
