"""Kinds of scenes: drawn by seed alone, varied within a kind, told apart by more than a color."""

from dataclasses import fields

import pytest
import torch

from onebody.simulate import make_cameras, make_scenes
from onebody.simulate.room import draw_rooms
from onebody.simulate.scene import BOXES
from onebody.simulate.stage import set_stage
from onebody.simulate.surroundings import SURROUNDINGS

KINDS = list(SURROUNDINGS)


def room(seeds, kinds):
    return set_stage(make_scenes(seeds, occluders=1.0), seeds, surroundings=kinds).room


def test_a_scene_depends_on_its_seed_and_kind_alone():
    together = room([3, 8, 5, 8], ["park", "gym", "park", "street"])
    for number, (seed, kind) in enumerate([(3, "park"), (8, "gym"), (5, "park"), (8, "street")]):
        alone = room([seed], [kind])
        for f in fields(together):
            value = getattr(together, f.name)[number : number + 1]
            assert torch.equal(value, getattr(alone, f.name)), (kind, f.name)


@pytest.mark.parametrize("kind", KINDS)
def test_scenes_of_a_kind_vary(kind):
    found = room(range(12), [kind] * 12)
    assert len(torch.unique(found.colors.flatten(1), dim=0)) == 12
    assert len(torch.unique(found.box_color.flatten(1), dim=0)) == 12
    assert len(torch.unique(found.box_center.flatten(1), dim=0)) == 12
    for f in fields(found):
        assert getattr(found, f.name).isfinite().all(), f.name
    assert (found.box_half >= 0).all()
    assert ((found.box_half > 0).all(-1).sum(1) >= 7).all()


def test_what_hides_people_and_light_stay():
    seeds = range(6)
    base = make_scenes(seeds, occluders=1.0).room
    found = room(seeds, ["beach"] * 6)
    assert base.box_half.shape[1] == BOXES
    assert torch.equal(found.box_half[:, 0], base.box_half[:, 0])
    assert torch.equal(found.box_center[:, 0], base.box_center[:, 0])
    assert torch.equal(found.light, base.light)


def test_kinds_look_different_and_not_by_one_color():
    seeds = list(range(8))
    means, deviations = [], []
    for kind in KINDS:
        cameras = make_cameras(seeds, 24)
        anchor = torch.tensor([0.0, 0.0, 3500.0]).expand(len(seeds), 3)
        picture = draw_rooms(
            room(seeds, [kind] * 8), cameras, anchor, (24, 24), colored=True
        ).picture
        assert picture.isfinite().all()
        means.append(picture.mean((2, 3)))
        deviations.append(picture.std((2, 3)).mean())
    assert min(deviations) > 0.05  # no plain fields
    # the mean color of a picture tells the kind badly: kinds overlap
    color = torch.stack(means)  # [K, 8, 3]
    centers = color.mean(1)
    nearest = torch.cdist(color.flatten(0, 1), centers).argmin(1).view(len(KINDS), 8)
    hits = (nearest == torch.arange(len(KINDS))[:, None]).float().mean()
    assert hits < 0.6


def test_unknown_kinds_are_refused():
    with pytest.raises(ValueError, match="Did you mean 'beach'"):
        room([1], ["beech"])
