import numpy as np
import pytest
import torch

from onebody.data.augment import AugmentConfig, draw, row_generators
from onebody.data.pixels import (
    add_noise,
    color_tables,
    erase,
    saturate,
    shift_depth,
    to_float,
)


def draws_of(count=2, **options):
    generators = row_generators(0, np.zeros(count, np.int64), np.arange(count))
    return draw(AugmentConfig(**options), generators)


def frames(count=2, channels=3, seed=0):
    rng = np.random.default_rng(seed)
    return list(rng.integers(0, 256, (count, 4, 5, 6, channels), dtype=np.uint8))


def test_plain_floats_keep_every_value():
    clips = frames()
    out = to_float(clips, None)
    assert out.shape == (2, 3, 4, 5, 6)
    assert out.dtype == np.float32
    assert np.allclose(out, np.stack(clips).transpose(0, 4, 1, 2, 3) / 255, atol=1e-7)


def test_no_tables_where_no_color_is_varied():
    assert color_tables(np.zeros(2), draws_of(saturation=(0, 2)), 3) is None


def test_brightness_is_a_factor():
    draws = draws_of(brightness=(0.5, 0.9))
    tables = color_tables(np.full(2, 0.5), draws, 3)
    clips = frames()
    got = to_float(clips, tables)
    plain = to_float(clips, None)
    assert np.allclose(got, plain * draws.brightness.reshape(2, 1, 1, 1, 1), atol=1e-6)


def test_contrast_keeps_the_mean():
    draws = draws_of(contrast=(0.2, 0.6))
    clips = frames()
    means = np.array([clip.mean() / 255 for clip in clips])
    got = to_float(clips, color_tables(means, draws, 3))
    assert np.allclose(got.mean(axis=(1, 2, 3, 4)), means, atol=1e-5)
    spread = to_float(clips, None).std(axis=(1, 2, 3, 4))
    assert np.allclose(got.std(axis=(1, 2, 3, 4)), spread * draws.contrast, rtol=1e-4)


def test_gamma_is_an_exponent_per_channel():
    draws = draws_of(gamma=(0.5, 2.0))
    clips = frames()
    got = to_float(clips, color_tables(np.zeros(2), draws, 3))
    plain = to_float(clips, None).astype(np.float64)
    assert np.allclose(got, plain ** draws.gamma.reshape(2, 3, 1, 1, 1), atol=1e-5)


def test_colors_stay_in_range():
    draws = draws_of(brightness=(2, 3), contrast=(2, 3), gamma=(0.5, 0.6))
    got = to_float(frames(), color_tables(np.full(2, 0.4), draws, 3))
    assert got.min() >= 0
    assert got.max() <= 1


def test_saturation_moves_away_from_grey():
    pictures = torch.from_numpy(to_float(frames(3), None))
    grey, same, more = pictures.clone(), pictures.clone(), pictures.clone()
    saturate(grey, np.zeros(3))
    assert torch.allclose(grey[:, 0], grey[:, 1], atol=1e-6)
    saturate(same, np.ones(3))
    assert torch.equal(same, pictures)
    saturate(more, np.full(3, 2.0))
    assert more.std() > pictures.std()
    one = pictures[:, :1].clone()
    saturate(one, np.zeros(3))
    assert torch.equal(one, pictures[:, :1])


def test_erase_blackens_a_constant_box():
    pictures = torch.ones(2, 1, 3, 8, 8)
    erase(pictures, np.array([[0.25, 0.5, 0.75, 1.0], [0.3, 0.3, 0.3, 0.3]]))
    expected = torch.ones(8, 8)
    expected[4:8, 2:6] = 0
    assert (pictures[0, 0] == expected).all()
    assert (pictures[1] == 1).all()


def test_noise_has_its_deviation_and_depends_on_the_row_alone():
    clips = torch.full((2, 1, 4, 32, 32), 0.5)
    rows = np.array([3, 8])
    add_noise(clips, np.array([0.05, 0.0]), row_generators(0, np.zeros(2, np.int64), rows))
    assert clips[0].std().item() == pytest.approx(0.05, rel=0.03)
    assert clips[0].mean().item() == pytest.approx(0.5, abs=0.003)
    assert (clips[1] == 0.5).all()
    alone = torch.full((1, 1, 4, 32, 32), 0.5)
    add_noise(alone, np.array([0.05]), row_generators(0, np.zeros(1, np.int64), rows[:1]))
    assert torch.equal(alone[0], clips[0])


def test_noise_stays_in_range():
    clips = torch.ones(1, 1, 2, 8, 8)
    add_noise(clips, np.array([0.5]), row_generators(0, np.zeros(1, np.int64), np.arange(1)))
    assert clips.max() <= 1
    assert clips.min() >= 0


def test_depth_shift_moves_the_body_and_not_the_background():
    picture = np.array([[[[0], [17], [136], [255]]]], np.uint8)
    farther = shift_depth(picture, 900.0 / 119 * 10)  # ten grey steps
    assert farther.ravel().tolist() == [0, 17, 126, 245]
    nearer = shift_depth(picture, -900.0 / 119 * 10)
    assert nearer.ravel().tolist() == [0, 27, 146, 255]
    assert shift_depth(picture, 0.0) is picture
