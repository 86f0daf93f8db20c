from __future__ import annotations

from dataclasses import fields

import pytest
import torch

from onebody.simulate.scene import BOTTOM, BOXES, HAIR, SKIN, TOP, hsv_to_rgb, make_scenes

ROOMS = ("outfit", "room", "sensor")


def tensors(scenes):
    """All tensors of scenes by name."""
    return {
        f"{part}.{f.name}": getattr(getattr(scenes, part), f.name)
        for part in ROOMS
        for f in fields(getattr(scenes, part))
    }


def test_every_tensor_has_one_row_per_scene():
    scenes = make_scenes(range(5))
    assert len(scenes) == 5
    for name, value in tensors(scenes).items():
        assert len(value) == 5, name
        if value.is_floating_point():
            assert value.isfinite().all(), name


def test_same_seed_same_scene_whatever_stands_beside_it():
    together, alone = make_scenes(range(9)), make_scenes([6])
    for name, value in tensors(together).items():
        assert torch.equal(value[6:7], tensors(alone)[name]), name


def test_other_seeds_other_scenes():
    scenes = make_scenes(range(20))
    for name in ("outfit.colors", "room.colors", "room.wall_mm", "sensor.brightness"):
        value = tensors(scenes)[name].flatten(1) if "colors" in name else None
        value = tensors(scenes)[name][:, None] if value is None else value
        assert len(torch.unique(value, dim=0)) == 20, name


def test_outfits_can_follow_people_instead_of_scenes():
    first = make_scenes([1, 2], outfit_seeds=[7, 7])
    assert torch.equal(first.outfit.colors[0], first.outfit.colors[1])
    assert not torch.equal(first.room.colors[0], first.room.colors[1])
    assert torch.equal(make_scenes([1, 2]).room.colors, first.room.colors)
    with pytest.raises(ValueError, match="Expected 2 outfit seeds"):
        make_scenes([1, 2], outfit_seeds=[7])


def test_colors_are_colors():
    scenes = make_scenes(range(60))
    for value in (scenes.outfit.colors, scenes.room.colors, scenes.room.box_color):
        assert value.min() >= 0
        assert value.max() <= 1
    assert scenes.outfit.colors.shape == (60, 5, 2, 3)
    skin = scenes.outfit.colors[:, SKIN, 0]
    assert (skin[:, 0] > skin[:, 2]).all()  # skin is redder than blue
    assert scenes.outfit.colors[:, HAIR].std() > 0.05


def test_clothes_vary():
    outfit = make_scenes(range(200)).outfit
    striped = (outfit.pattern[:, TOP, [1, 3]] > 0).any(dim=1).float().mean()
    assert 0.4 < striped < 0.8
    assert (outfit.pattern[:, BOTTOM, [1, 3]] == 0).all()
    assert (outfit.pattern[..., [0, 2]] > 0).all()
    for cover in (outfit.sleeves, outfit.legs):
        assert (cover[:, 0] < 1).any()
        assert (cover[:, 0] == 1).any()
        assert (cover[cover[:, 0] < 1, 1] == 0).all()  # a short sleeve leaves the forearm bare
    assert 0.05 < outfit.skirt.float().mean() < 0.25
    assert (outfit.hair_length == 0).any()
    assert (outfit.hair_length > 0).any()
    assert outfit.looseness.min() >= 1


def test_light_comes_from_above_and_before():
    light = make_scenes(range(50)).room.light
    torch.testing.assert_close(light.norm(dim=1), torch.ones(50))
    assert (light[:, 1] > 0.2).all()
    assert (light[:, 2] < 0).all()


def test_occluders_and_clutter_can_be_asked_for():
    none = make_scenes(range(30), occluders=0, clutter=0).room
    assert (none.box_half == 0).all()
    full = make_scenes(range(30), occluders=1, clutter=1).room
    assert full.box_half.shape == (30, BOXES, 3)
    assert (full.box_half > 0).all()
    assert (full.box_center[:, 0, 2] < -500).all()  # before the person
    assert (full.box_center[:, 1:, 2] > 0).all()  # behind
    share = (make_scenes(range(300)).room.box_half[:, 0, 0] > 0).float().mean()
    assert 0.15 < share < 0.35


def test_noise_can_be_turned_off():
    sensor = make_scenes(range(10), noise=0).sensor
    for value in (sensor.noise, sensor.depth_noise_mm, sensor.depth_holes):
        assert (value == 0).all()
    assert (make_scenes(range(10)).sensor.noise > 0).any()
    assert (sensor.curve.abs() < 1).all()  # the tone curve must rise everywhere


def test_select_picks_and_repeats():
    scenes = make_scenes(range(4))
    picked = scenes.select(torch.tensor([3, 3, 1]))
    for name, value in tensors(picked).items():
        assert torch.equal(value, tensors(scenes)[name][[3, 3, 1]]), name
    assert torch.equal(picked.to("cpu").room.light, picked.room.light)


def test_hsv_to_rgb_at_known_places():
    pairs = torch.tensor([[[0.0, 1.0], [1 / 3, 1.0], [2 / 3, 1.0], [0.3, 0.0]]])
    color = hsv_to_rgb(pairs, scale=torch.ones(4), draw=torch.tensor([[1.0, 1.0, 1.0, 0.0]]))[0]
    assert [int(c.argmax()) for c in color[:3]] == [0, 1, 2]
    torch.testing.assert_close(color[:3].amin(dim=1), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(color[3], torch.full((3,), 0.12))
