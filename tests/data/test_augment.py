import numpy as np
import pytest

from onebody.config import read_config
from onebody.data.augment import AugmentConfig, draw, row_generators

FULL = AugmentConfig(
    flip=0.5,
    crop=(0.6, 0.9),
    scale=(0.8, 1.25),
    translate=0.1,
    rotate_deg=(-20, 10),
    brightness=(0.7, 1.3),
    contrast=(0.5, 1.5),
    saturation=(0.0, 2.0),
    gamma=(0.5, 2.0),
    erase=0.3,
    erase_side=(0.2, 0.5),
    noise=(0.0, 0.1),
    speed=(0.5, 2.0),
    duration=(0.5, 1.0),
    depth_shift_mm=(-100, 300),
)


def drawn(config, count=400, seed=0):
    rows = np.arange(count)
    return draw(config, row_generators(seed, np.zeros(count, np.int64), rows))


def test_everything_is_off_by_default():
    off = drawn(AugmentConfig(), 50)
    assert not off.flip.any()
    for name in ("side", "brightness", "contrast", "saturation", "gamma", "speed", "duration"):
        assert (getattr(off, name) == 1).all(), name
    for name in ("shift", "angle", "noise", "depth_shift_mm"):
        assert (getattr(off, name) == 0).all(), name
    assert (off.erase[:, :2] == off.erase[:, 2:]).all()  # empty boxes
    assert AugmentConfig().without_use("numbers") == []


def test_draws_fill_their_ranges():
    got = drawn(FULL)
    ranges = {
        "brightness": (0.7, 1.3),
        "contrast": (0.5, 1.5),
        "saturation": (0, 2),
        "gamma": (0.5, 2),
        "noise": (0, 0.1),
        "speed": (0.5, 2),
        "duration": (0.5, 1),
        "begin": (0, 1),
        "depth_shift_mm": (-100, 300),
        "angle": (np.radians(-20), np.radians(10)),
    }
    for name, (low, high) in ranges.items():
        values = getattr(got, name)
        assert values.min() >= low, name
        assert values.max() <= high, name
        assert np.ptp(values) > 0.9 * (high - low), name
    assert 0.4 < got.flip.mean() < 0.6
    assert np.ptp(got.gamma, axis=1).min() > 0  # each channel its own


def test_a_crop_stays_inside_the_window():
    got = drawn(AugmentConfig(crop=(0.5, 1.0)))
    reach = np.abs(got.shift) + got.side[:, None] / 2
    assert reach.max() <= 0.5 + 1e-12
    assert reach.max() > 0.499


def test_erased_boxes_are_squares_inside_the_picture():
    got = drawn(FULL)
    side = got.erase[:, 2:] - got.erase[:, :2]
    erased = side[:, 0] > 0
    assert 0.2 < erased.mean() < 0.4
    assert np.allclose(side[:, 0], side[:, 1])
    assert (side[erased] >= 0.2 - 1e-9).all()
    assert got.erase.min() >= 0
    assert got.erase.max() <= 1


def test_a_row_is_drawn_alike_in_any_company():
    rows = np.array([5, 9, 2])
    together = draw(FULL, row_generators(3, np.array([0, 7, 1]), rows))
    alone = draw(FULL, row_generators(3, np.array([7]), rows[1:2]))
    for name in ("side", "shift", "gamma", "erase", "speed"):
        assert (getattr(together, name)[1] == getattr(alone, name)[0]).all(), name


def test_seed_pass_and_row_each_change_the_draw():
    keys = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    values = [
        draw(FULL, row_generators(seed, np.array([number]), np.array([row]))).angle[0]
        for seed, number, row in keys
    ]
    assert len(set(values)) == 4


def test_an_option_moves_no_other():
    plain, more = (
        drawn(AugmentConfig(scale=(0.5, 2))),
        drawn(AugmentConfig(scale=(0.5, 2), erase=1)),
    )
    assert (plain.side == more.side).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"crop": [0.9, 0.6]}, "lower to its higher"),
        ({"crop": [0.5, 1.2]}, "parts of a whole"),
        ({"speed": [0.0, 1.0]}, "above 0"),
        ({"noise": [-0.1, 0.1]}, "at or above 0"),
        ({"flip": 1.5}, "flip"),
        ({"rotate": [-5, 5]}, "Did you mean 'rotate_deg'"),
    ],
)
def test_bad_options_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        read_config(AugmentConfig, values, "recipe.yaml")


def test_options_in_use_are_named():
    config = AugmentConfig(flip=0.5, speed=(0.5, 1), noise=(0, 0.1))
    assert config.without_use("numbers") == ["flip", "noise"]
