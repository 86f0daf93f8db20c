from __future__ import annotations

import torch

from onebody.simulate.compose import expose, find_edges, paint_color, paint_depth, paint_silhouette
from onebody.simulate.raster import Surface
from onebody.simulate.scene import make_scenes
from onebody.simulate.texture import add_noise, fraction, mottle, noise_at


def surface(mask: torch.Tensor, depth: float = 3000.0) -> Surface:
    """A flat body where a mask [N, H, W] is true."""
    pixel = mask.flatten().nonzero().squeeze(1)
    zero = torch.zeros(len(pixel))
    return Surface(
        pixel=pixel,
        frame=pixel // mask[0].numel(),
        part=torch.zeros_like(pixel),
        depth=zero + depth,
        x=zero,
        y=zero,
    )


def square() -> torch.Tensor:
    mask = torch.zeros(2, 8, 9, dtype=torch.bool)
    mask[0, 2:7, 3:8] = True
    mask[1, 0:2, 0:2] = True
    return mask


def test_only_pixels_at_the_background_are_partly_covered():
    seen = surface(square())
    cover = find_edges(seen, torch.full((len(seen.pixel),), 0.3), (2, 8, 9))
    picture = torch.zeros(2 * 8 * 9)
    picture[seen.pixel] = cover
    picture = picture.view(2, 8, 9)
    assert (picture[0, 3:6, 4:7] == 1).all()
    assert (picture[0, 2, 3:8] == 0.3).all()
    assert (picture[0, 2:7, 7] == 0.3).all()
    assert picture[1, 0, 0] == 1  # the picture's border is no outline
    assert picture[1, 1, 1] == 0.3


def test_exposure_keeps_black_and_white_and_rises():
    light = torch.linspace(0, 1, 50)
    for curve in (-0.4, 0.0, 0.5):
        value = expose(light, torch.tensor(1.0), torch.tensor(curve))
        assert value[0] == 0
        assert value[-1] == 255
        assert (value.diff() > 0).all()
    assert expose(torch.tensor([0.4]), torch.tensor(3.0), torch.tensor(0.3)) == 255


def test_color_mixes_with_what_is_behind():
    seen = surface(square())
    room = torch.full((1, 3, 8, 9), 100.0)
    color = torch.tensor([200.0, 0.0, 50.0])[:, None].expand(3, len(seen.pixel))
    shadows = torch.ones(2, 4, 5)
    shadows[1] = 0.5
    picture = paint_color(
        room,
        torch.tensor([0, 0]),
        shadows,
        seen,
        color,
        torch.full((len(seen.pixel),), 0.5),
        torch.zeros(2),
        torch.tensor([1, 2]),
    )
    assert picture.shape == (2, 3, 8, 9)
    assert picture.dtype == torch.uint8
    assert picture[0, :, 4, 4].tolist() == [150, 50, 75]
    assert picture[0, :, 0, 0].tolist() == [100, 100, 100]
    assert picture[1, :, 7, 8].tolist() == [50, 50, 50]


def test_depth_is_encoded_as_documented():
    sensor = make_scenes([0, 1], noise=0).sensor
    mask, reference = square(), torch.tensor([3000.0, 2550.0])
    seen = surface(mask)
    cover = torch.ones(len(seen.pixel))
    picture = paint_depth(seen, cover, reference, sensor, torch.tensor([0, 1]), (8, 9))
    assert set(picture[0].unique().tolist()) == {0, 136}
    assert picture[1, 0, 0, 0] == 77  # 450 mm behind the reference: 136 - 59.5, rounded
    assert torch.equal(picture[:, 0] > 0, mask)
    outline = paint_silhouette(seen, 2, (8, 9))
    assert torch.equal(outline[:, 0] == 255, mask)


def test_noise_follows_seed_and_place():
    first, second = torch.zeros(2, 3, 20, 20), torch.zeros(1, 3, 20, 20)
    add_noise(first, torch.tensor([5, 6]), torch.tensor([1.0, 2.0]))
    add_noise(second, torch.tensor([6]), torch.tensor([2.0]))
    assert torch.equal(first[1], second[0])
    assert 0.9 < first[0].std() < 1.1
    assert 1.8 < first[1].std() < 2.2
    large = torch.zeros(1, 3, 700, 700)
    add_noise(large, torch.tensor([1]), torch.tensor([1.0]))
    assert 0.99 < large.std() < 1.01
    values = noise_at(torch.tensor([3]).expand(5000), torch.arange(5000))
    assert abs(float(values.mean())) < 0.05
    assert 0.95 < values.std() < 1.05


def test_textures_are_bounded_and_repeat():
    place = torch.linspace(-5000, 5000, 999)
    value = mottle(place, place.flip(0))
    assert value.abs().max() <= 1
    assert value.std() > 0.05
    torch.testing.assert_close(mottle(place + 256 * 9, place.flip(0)), value, atol=0.35, rtol=0)
    assert ((fraction(place) >= 0) & (fraction(place) < 1)).all()
    assert fraction(torch.tensor(-0.25)) == 0.75
