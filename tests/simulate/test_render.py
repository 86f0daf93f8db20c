from __future__ import annotations

import sys
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from onebody.simulate.body import BODY, BodyShape, make_bodies
from onebody.simulate.camera import Cameras, make_cameras
from onebody.simulate.render import CHANNELS, Rendering, render
from onebody.simulate.scene import Scenes, make_scenes

ALL = ("rgb", "depth", "silhouette")
SIZE = 64


@dataclass
class World:
    """What `render` takes."""

    joints: Tensor
    shape: BodyShape
    scenes: Scenes
    cameras: Cameras

    def render(self, modalities=ALL, size=SIZE, rows=None, **given) -> Rendering:
        chosen = torch.arange(len(self.joints)) if rows is None else torch.tensor(rows)
        return render(
            self.joints[chosen],
            self.shape.select(chosen),
            self.scenes.select(chosen),
            self.cameras.select(chosen),
            size,
            modalities,
            **given,
        )


def make_world(count=6, frames=3, size=SIZE, *, yaw=35.0, bent=0.5, **scene) -> World:
    """People who stand at the origin, facing +z, and lift their forearms bit by bit."""
    shape = make_bodies(range(count))
    place = torch.zeros(count, frames, len(BODY), 3)
    place[:, :, BODY.index("hip_center"), 1] = 0.55 * shape.height_mm[:, None]
    lift = bent * torch.linspace(0, 1, frames)[:, None]
    for parent, child in BODY.bones:
        offset = shape.rest_mm[:, None, child].expand(count, frames, 3)
        if BODY.joints[child][2:] in ("elbow", "wrist", "hand"):
            side = 1.0 if BODY.joints[child].startswith("l_") else -1.0
            length = offset.norm(dim=-1, keepdim=True)
            offset = offset + length * lift * torch.tensor([side, 0.3, 0.6])
        place[:, :, child] = place[:, :, parent] + offset
    place[..., 1] += 40 - place[..., 1].amin(dim=(1, 2), keepdim=True)  # stand on the floor
    cameras = make_cameras(range(count), size, joints_mm=place, yaw_degrees=yaw)
    scene = {"occluders": 0.0, **scene}
    scenes = make_scenes(range(count), **scene)
    return World(cameras.to_camera(place), shape, scenes, cameras)


def pixels(world: World, size=SIZE) -> tuple[Tensor, Tensor]:
    """Row and column of each joint, and whether they lie in the picture."""
    rows, columns = (size, size) if isinstance(size, int) else size
    column, row = world.cameras.project(world.joints).floor().long().unbind(dim=-1)
    inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    return torch.stack([row, column]), inside


def at_joints(picture: Tensor, place: Tensor) -> Tensor:
    """Values [B, T, 20] of one-channel pictures [B, T, H, W, 1] at pixels."""
    clip = torch.arange(picture.shape[0])[:, None, None]
    frame = torch.arange(picture.shape[1])[None, :, None]
    return picture[clip, frame, place[0], place[1], 0]


def test_shapes_and_types():
    rendering = make_world().render()
    for name, value in rendering.frames.items():
        assert value.shape == (6, 3, SIZE, SIZE, CHANNELS[name])
        assert value.dtype == torch.uint8
    assert rendering.visible.shape == (6, 3, 20)
    assert rendering.visible.dtype == torch.bool
    assert rendering.depth_ref_mm.shape == (6,)


@pytest.mark.parametrize("yaw", [35.0, 180.0])
def test_joints_lie_on_the_drawn_body(yaw):
    world = make_world(24, 2, 112, yaw=yaw, clutter=0.0)
    rendering = world.render(("silhouette",), size=112)
    place, inside = pixels(world, 112)
    assert inside.all()
    on_body = at_joints(rendering.frames["silhouette"], place) == 255
    assert on_body[rendering.visible].float().mean() > 0.98
    assert rendering.visible.float().mean() > 0.7


def test_depth_at_a_visible_joint_is_before_it_by_the_limb():
    world = make_world(24, noise=0.0, clutter=0.0, yaw=20.0)
    rendering = world.render(("depth",))
    place, _ = pixels(world)
    grey = at_joints(rendering.frames["depth"], place).float()
    surface = rendering.depth_ref_mm[:, None, None] - (grey - 136) * 900 / 119
    seen = rendering.visible & (grey > 17) & (grey < 255)
    gap = world.joints[..., 2] - surface
    radius = torch.zeros(24, len(BODY))
    for bone, (_, child) in enumerate(BODY.bones):
        radius[:, child] = world.shape.radii_mm[:, bone]
    for name in ("l_elbow", "r_wrist", "l_knee", "head"):
        joint = BODY.index(name)
        limb = radius[:, joint] if name != "head" else world.shape.head_radius_mm
        share = (gap[:, :, joint] / limb[:, None])[seen[:, :, joint]]
        assert 0.6 < share.median() < 1.4, name
        assert (share > 0.2).float().mean() > 0.95, name


def test_nearer_is_brighter_and_the_reference_is_136():
    world = make_world(4, noise=0.0)
    frames = world.render(("depth",)).frames["depth"]
    body = frames[frames > 0].float()
    assert 120 < body.median() < 175
    nearer = world.render(("depth",), depth_ref_mm=world.joints[..., 2].amin(dim=(1, 2)) + 600)
    body = nearer.frames["depth"]
    assert body[body > 0].float().median() > 150
    far = world.render(("depth",), depth_ref_mm=torch.full((4,), 1.0)).frames["depth"]
    assert set(far.unique().tolist()) == {0, 17}


def test_silhouette_is_where_depth_is():
    frames = make_world(noise=0.0).render().frames
    assert torch.equal(frames["silhouette"] == 255, frames["depth"] > 0)
    assert set(frames["silhouette"].unique().tolist()) == {0, 255}
    share = (frames["silhouette"] > 0).float().mean(dim=(2, 3, 4))
    assert (share > 0.02).all()
    assert (share < 0.5).all()


def test_depth_noise_and_holes_spoil_only_the_depth():
    clean, noisy = make_world(noise=0.0), make_world(noise=3.0)
    frames, spoiled = clean.render().frames, noisy.render().frames
    assert torch.equal(frames["silhouette"], spoiled["silhouette"])
    body = frames["silhouette"] > 0
    assert (spoiled["depth"][body] == 0).any()
    assert (spoiled["depth"][~body] == 0).all()
    error = (spoiled["depth"].float() - frames["depth"].float())[spoiled["depth"] > 0]
    assert 0.1 < error.abs().mean() < 20


def test_same_input_same_pictures():
    first, second = make_world().render(), make_world().render()
    for name in ALL:
        assert torch.equal(first.frames[name], second.frames[name])
    assert torch.equal(first.visible, second.visible)


def test_a_clip_looks_the_same_alone_and_in_a_batch():
    world = make_world(7, occluders=0.5)
    together = world.render()
    for row in (0, 3, 6):
        alone = world.render(rows=[row])
        for name in ALL:
            assert torch.equal(together.frames[name][row], alone.frames[name][0]), (row, name)
        assert torch.equal(together.visible[row], alone.visible[0])
        assert together.depth_ref_mm[row] == alone.depth_ref_mm[0]


@pytest.mark.parametrize("at_once", [1, SIZE * SIZE * 2, SIZE * SIZE * 7])
def test_pictures_do_not_depend_on_how_much_is_drawn_at_once(monkeypatch, at_once):
    world = make_world(4, 3)
    expected = world.render()
    # The package exports the function under the name of its module.
    module = sys.modules[render.__module__]
    monkeypatch.setattr(module, "_PIXELS_AT_ONCE", at_once)
    found = world.render()
    for name in ALL:
        assert torch.equal(expected.frames[name], found.frames[name])
    assert torch.equal(expected.visible, found.visible)


@pytest.mark.parametrize("threads", [1, 3])
def test_pictures_do_not_depend_on_the_number_of_threads(monkeypatch, threads):
    world = make_world(5, 2)
    expected = world.render()
    monkeypatch.setattr(sys.modules[render.__module__], "_PIXELS_AT_ONCE", SIZE * SIZE * 2)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = world.render()
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    for name in ALL:
        assert torch.equal(expected.frames[name], found.frames[name])


@pytest.mark.parametrize("modality", ALL)
def test_a_modality_does_not_depend_on_the_others(modality):
    world = make_world(3)
    alone, together = world.render((modality,)), world.render()
    assert list(alone.frames) == [modality]
    assert torch.equal(alone.frames[modality], together.frames[modality])
    assert torch.equal(alone.visible, together.visible)


def test_visibility_alone():
    rendering = make_world(2).render(())
    assert rendering.frames == {}
    assert rendering.visible.any()


@pytest.mark.parametrize("size", [(37, 53), (53, 37), 9, 8, 1, 113, (224, 40)])
def test_any_size(size):
    world = make_world(2, 2, size)
    rendering = world.render(size=size)
    rows, columns = (size, size) if isinstance(size, int) else size
    assert rendering.frames["rgb"].shape == (2, 2, rows, columns, 3)
    if min(rows, columns) > 30:
        assert (rendering.frames["silhouette"] > 0).any()
        place, inside = pixels(world, size)
        seen = rendering.visible & inside
        body = at_joints(rendering.frames["silhouette"], place.clamp(min=0))
        assert (body[seen] == 255).float().mean() > 0.95


def test_sizes_agree():
    small, large = make_world(3, 1, 32), make_world(3, 1, 96)
    coarse = small.render(("silhouette",), size=32).frames["silhouette"].float()
    fine = large.render(("silhouette",), size=96).frames["silhouette"].float()
    pooled = torch.nn.functional.avg_pool2d(fine[:, 0, :, :, 0], 3)
    assert ((pooled > 127) == (coarse[:, 0, :, :, 0] > 127)).float().mean() > 0.985


def test_the_left_hand_is_drawn_at_larger_x():
    world = make_world(6, 2, yaw=0.0, bent=1.2, clutter=0.0)
    rendering = world.render(("silhouette",))
    place, _ = pixels(world)
    left, right = (place[1][:, 1, BODY.index(name)] for name in ("l_hand", "r_hand"))
    assert (left > right + 10).all()
    body = (rendering.frames["silhouette"][:, 1, :, :, 0] > 0).any(dim=1)
    edge = torch.arange(SIZE).expand(6, SIZE)
    assert (edge.masked_fill(~body, 0).amax(dim=1) - left).abs().max() <= 6
    assert (edge.masked_fill(~body, SIZE).amin(dim=1) - right).abs().max() <= 6


def test_joints_behind_an_occluder_are_not_visible():
    world = make_world(3, 1, clutter=0.0, yaw=0.0)
    clear = world.render(("silhouette", "rgb"))
    room = world.scenes.room
    half, center = room.box_half.clone(), room.box_center.clone()
    half[:, 0] = torch.tensor([2000.0, 400.0, 50.0])
    center[:, 0] = torch.tensor([0.0, 400.0, -900.0])
    world.scenes = replace(
        world.scenes,
        room=replace(room, box_half=half, box_center=center, heading=torch.zeros(3)),
    )
    hidden = world.render(("silhouette", "rgb"))
    feet = [BODY.index(name) for name in ("l_foot", "r_foot", "l_ankle", "r_ankle")]
    assert clear.visible[..., feet].all()
    assert not hidden.visible[..., feet].any()
    assert hidden.visible[..., BODY.index("head")].all()
    lost = (clear.frames["silhouette"] > 0) & (hidden.frames["silhouette"] == 0)
    assert lost.any(dim=2).any()
    assert not ((clear.frames["silhouette"] == 0) & (hidden.frames["silhouette"] > 0)).any()


def test_joints_behind_the_body_or_outside_the_picture_are_not_visible():
    world = make_world(5, 1, yaw=0.0, clutter=0.0)
    hand, spine = BODY.index("l_hand"), BODY.index("spine")
    world.joints[:, :, hand] = world.joints[:, :, spine] + torch.tensor([0.0, 0.0, 350.0])
    assert not world.render(()).visible[..., hand].any()
    world.joints[:, :, hand] = world.joints[:, :, spine] - torch.tensor([0.0, 0.0, 350.0])
    world.joints[:, :, BODY.index("l_wrist")] = world.joints[:, :, hand] + 60
    assert world.render(()).visible[..., hand].all()
    world.joints[:, :, hand] += torch.tensor([5000.0, 0.0, 0.0])
    assert not world.render(()).visible[..., hand].any()


def test_a_frontal_person_is_seen_wholly():
    world = make_world(20, 2, yaw=0.0, bent=0.4, clutter=0.0)
    visible = world.render(()).visible[:, 1].float().mean(dim=0)
    for joint, share in enumerate(visible.tolist()):
        assert share > 0.8, BODY.joints[joint]


def test_clothes_move_with_the_person_and_rooms_stay():
    world = make_world(3, 2, noise=0.0, bent=1.0)
    frames = world.render(("rgb", "silhouette")).frames
    away = (frames["silhouette"] == 0).all(dim=1)
    change = (frames["rgb"][:, 0].int() - frames["rgb"][:, 1].int()).abs().amax(dim=-1)
    top = slice(0, SIZE // 4)  # above the floor, where shadows move
    still = change[:, top][away[:, top, :, 0]]
    assert (still < 60).all()
    assert (still == 0).float().mean() > 0.9


def test_noise_differs_between_frames_and_is_as_strong_as_asked():
    world = make_world(2, 2, noise=0.0, bent=0.0)
    sensor = replace(world.scenes.sensor, noise=torch.full((2,), 0.02))
    quiet = world.render(("rgb",)).frames["rgb"].float()
    assert torch.equal(quiet[:, 0], quiet[:, 1])
    world.scenes = replace(world.scenes, sensor=sensor)
    loud = world.render(("rgb",)).frames["rgb"].float()
    assert not torch.equal(loud[:, 0], loud[:, 1])
    middle = (quiet > 30) & (quiet < 225)
    assert 4 < (loud - quiet)[middle].std() < 6.5


def test_people_stand_out_from_their_rooms():
    world = make_world(20, 1)
    frames = world.render(("rgb", "silhouette")).frames
    body = frames["silhouette"][..., 0] > 0
    for row in range(20):
        picture = frames["rgb"][row].float()
        assert picture[body[row]].std() > 5
        assert (picture[body[row]].mean(dim=0) - picture[~body[row]].mean(dim=0)).abs().max() > 2


def test_a_person_beside_the_camera_leaves_an_empty_room():
    world = make_world(1, 1)
    world.joints = world.joints - torch.tensor([0.0, 0.0, 20000.0])
    rendering = world.render()
    assert (rendering.frames["silhouette"] == 0).all()
    assert not rendering.visible.any()


def test_bad_input_is_refused():
    world = make_world(2, 1)
    with pytest.raises(ValueError, match=r"Unknown modality 'dept'. Did you mean 'depth'"):
        world.render(("dept",))
    with pytest.raises(ValueError, match=r"Expected joints \[B, T, 20, 3\].*found \[2, 20, 3\]"):
        render(world.joints[:, 0], world.shape, world.scenes, world.cameras, SIZE)
    with pytest.raises(ValueError, match="each of 1 clips, found 2 bodies"):
        render(world.joints[:1], world.shape, world.scenes, world.cameras, SIZE)
    world.joints[1, 0, 4, 2] = torch.nan
    with pytest.raises(ValueError, match="Joints of clip 1 are not finite"):
        world.render()
