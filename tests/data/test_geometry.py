import numpy as np
import pytest
import torch
from make_samples import blobs

from onebody.data.augment import AugmentConfig, draw, row_generators
from onebody.data.geometry import (
    crop_to_source,
    is_identity,
    shrink,
    shrink_factor,
    to_crop,
    warp,
)


def apply(affine, points):
    """Map crop fractions [B, P, 2] to source pixels."""
    return np.einsum("bij,bpj->bpi", affine[:, :, :2], points) + affine[:, None, :, 2]


def test_square_window_holds_the_picture_and_center_fits_inside():
    sizes = np.array([[48.0, 64.0], [64.0, 48.0]])
    corners = np.array([[[0.0, 0.0], [1.0, 1.0]]] * 2)
    square = apply(crop_to_source(sizes, "square"), corners)
    assert square.tolist() == [[[0, -8], [64, 56]], [[-8, 0], [56, 64]]]
    center = apply(crop_to_source(sizes, "center"), corners)
    assert center.tolist() == [[[8, 0], [56, 48]], [[0, 8], [48, 56]]]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"flip": 1.0},
        {"rotate_deg": (-60, 60)},
        {"crop": (0.6, 0.9)},
        {"scale": (0.7, 1.4)},
        {"translate": 0.1},
        {"flip": 0.5, "rotate_deg": (-45, 45), "scale": (0.8, 1.2), "crop": (0.7, 1.0)},
    ],
    ids=lambda options: "+".join(options) or "none",
)
@pytest.mark.parametrize("shape", [(48, 64), (64, 48), (64, 64)])
def test_a_blob_is_where_its_joint_is(options, shape):
    count, size = 8, 64
    draws = draw(
        AugmentConfig(**options), row_generators(1, np.zeros(count, np.int64), np.arange(count))
    )
    centers = np.random.default_rng(2).uniform(0.4, 0.6, (count, 2)) * shape[::-1]
    pictures = torch.from_numpy(blobs(centers, *shape)).float()[:, None]
    affine = crop_to_source(np.tile(shape, (count, 1)).astype(float), "square", draws, draws.flip)
    out = warp(pictures, affine, size)[:, 0].numpy()
    expected = to_crop(centers[:, None], affine)[:, 0]
    fractions = (np.arange(size) + 0.5) / size
    for picture, place in zip(out, expected, strict=True):
        mass = picture.sum()
        found = ((picture.sum(0) * fractions).sum(), (picture.sum(1) * fractions).sum()) / mass
        assert np.abs(found - place).max() * size < 0.35  # a third of a pixel


def test_to_crop_inverts_the_map():
    draws = draw(
        AugmentConfig(flip=0.5, rotate_deg=(-90, 90), scale=(0.5, 2)),
        row_generators(0, np.zeros(5, np.int64), np.arange(5)),
    )
    affine = crop_to_source(np.full((5, 2), 40.0), "square", draws, draws.flip)
    points = np.random.default_rng(0).random((5, 7, 2))
    assert np.allclose(to_crop(apply(affine, points), affine), points)


def test_flip_mirrors_about_the_middle():
    sizes = np.full((1, 2), 8.0)
    picture = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    affine = crop_to_source(sizes, "square", flip=np.array([True]))
    assert torch.allclose(warp(picture, affine, 8), picture.flip(-1), atol=1e-6)


def test_the_plain_map_leaves_a_fitting_picture_as_it_is():
    picture = torch.rand(1, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    affine = crop_to_source(np.full((1, 2), 8.0), "square")
    assert is_identity(affine[0], 8, 8, 8)
    assert not is_identity(affine[0], 8, 10, 8)
    assert not is_identity(affine[0] * 1.01, 8, 8, 8)
    assert torch.allclose(warp(picture, affine, 8), picture, atol=1e-6)


def test_outside_the_picture_is_black():
    picture = torch.ones(1, 1, 4, 8)
    out = warp(picture, crop_to_source(np.array([[4.0, 8.0]]), "square"), 8)[0, 0]
    assert (out[:2] == 0).all()
    assert (out[6:] == 0).all()
    assert torch.allclose(out[2:6], torch.ones(4, 8))


def test_clips_are_resampled_alone_as_together():
    pictures = torch.rand(3, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    draws = draw(
        AugmentConfig(rotate_deg=(-30, 30)), row_generators(0, np.zeros(3, np.int64), np.arange(3))
    )
    affine = crop_to_source(np.full((3, 2), 16.0), "square", draws)
    together = warp(pictures, affine, 16)
    for b in range(3):
        assert torch.equal(warp(pictures[b : b + 1], affine[b : b + 1], 16)[0], together[b])


def test_shrink_averages_squares():
    frames = np.random.default_rng(0).integers(0, 256, (2, 6, 9, 3), dtype=np.uint8)
    got = shrink(frames, 3)
    expected = frames.reshape(2, 2, 3, 3, 3, 3).mean(axis=(2, 4))
    assert got.dtype == np.uint8
    assert np.abs(got - expected).max() <= 0.5 + 1e-6
    assert shrink(frames, 1) is frames


@pytest.mark.parametrize("layout", ["plane", "part", "mirrored", "column"])
def test_planes_are_halved_as_colors_are(layout):
    colors = np.random.default_rng(0).integers(0, 256, (2, 12, 22, 3), dtype=np.uint8)
    plane = {
        "plane": colors[..., :1].copy(),
        "part": colors[..., 0].copy()[:, 2:, 3:-1, None],
        "mirrored": colors[:, :, ::-1, :1],
        "column": colors[..., 1:2],
    }[layout]
    expected = shrink(np.repeat(plane, 3, axis=3), 2)[..., :1]
    np.testing.assert_array_equal(shrink(plane, 2), expected)
    pairs = plane.reshape(2, plane.shape[1] // 2, 2, plane.shape[2] // 2, 2)
    np.testing.assert_array_equal(expected[..., 0], np.floor(pairs.mean(axis=(2, 4)) + 0.5))


def test_shrink_repeats_the_edge_where_squares_do_not_fit():
    frames = np.full((1, 5, 7, 1), 200, np.uint8)
    assert (shrink(frames, 4) == np.full((1, 2, 2, 1), 200)).all()


def test_large_factors_do_not_overflow():
    frames = np.full((1, 40, 40, 1), 255, np.uint8)
    assert (shrink(frames, 20) == 255).all()
    assert (shrink(frames, 16) == 255).all()


def test_shrink_factor_keeps_at_least_the_wanted_size():
    assert shrink_factor(640, 112) == 5
    assert shrink_factor(112, 112) == 1
    assert shrink_factor(60, 112) == 1
    assert shrink_factor(224, 112) == 2
