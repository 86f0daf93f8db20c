from __future__ import annotations

from dataclasses import replace

import torch

from onebody.simulate.camera import make_cameras
from onebody.simulate.room import FAR_MM, draw_rooms, room_frame, room_light
from onebody.simulate.scene import make_scenes

SIZE = (40, 56)


def setting(count=6, **scene):
    cameras = make_cameras(range(count), SIZE)
    anchor = cameras.to_camera(torch.tensor([0.0, 900.0, 0.0]).expand(count, 1, 3))[:, 0]
    return make_scenes(range(count), **scene).room, cameras, anchor


def points(backdrop, cameras):
    """Room places [B, 3, H, W] of what the pixels see."""
    column, row = torch.arange(SIZE[1]) + 0.5, torch.arange(SIZE[0]) + 0.5
    x = ((column - cameras.cx[:, None]) / cameras.fx[:, None])[:, None].expand(-1, *SIZE)
    y = ((row - cameras.cy[:, None]) / cameras.fy[:, None])[:, :, None].expand(-1, *SIZE)
    ray = torch.stack([x, y, torch.ones_like(x)], dim=1)
    seen = torch.einsum("bkc,bchw->bkhw", backdrop.axes, ray * backdrop.depth[:, None])
    return seen + backdrop.origin[:, :, None, None]


def test_the_room_stands_upright_under_the_person():
    room, cameras, anchor = setting()
    axes, origin = room_frame(room, cameras, anchor)
    torch.testing.assert_close(axes @ axes.mT, torch.eye(3).expand(6, 3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(axes[:, 1], cameras.rotation[:, :, 1], atol=1e-6, rtol=0)
    person = (axes * anchor[:, None]).sum(dim=2) + origin
    expected = torch.tensor([0.0, 900.0, 0.0]).expand(6, 3)
    torch.testing.assert_close(person, expected, atol=0.5, rtol=0)
    assert (origin[:, 2] < -1500).all()  # the camera stands before the person


def test_every_pixel_sees_floor_wall_or_ceiling():
    room, cameras, anchor = setting(clutter=0, occluders=0)
    backdrop = draw_rooms(room, cameras, anchor, SIZE, colored=True)
    x, y, z = points(backdrop, cameras).unbind(dim=1)
    planes = [
        y.abs(),
        (y - room.ceiling_mm[:, None, None]).abs(),
        (z - room.wall_mm[:, None, None]).abs(),
        (x.abs() - room.side_mm[:, None, None]).abs(),
    ]
    assert torch.stack(planes).amin(dim=0).max() < 3
    assert (y > -3).all()
    assert (z < room.wall_mm[:, None, None] + 3).all()


def test_floor_places_are_where_the_floor_is():
    room, cameras, anchor = setting(clutter=0, occluders=0)
    backdrop = draw_rooms(room, cameras, anchor, SIZE, colored=True)
    seen = points(backdrop, cameras)[:, :, ::2, ::2]
    on_floor = backdrop.floor[:, 0] < FAR_MM
    assert (seen[:, 1][on_floor].abs() < 1).all()
    assert (on_floor == (seen[:, 1].abs() < 1)).float().mean() > 0.995  # but for the walls' feet
    for axis, place in ((0, 0), (2, 1)):
        error = (seen[:, axis] - backdrop.floor[:, place])[on_floor]
        assert error.abs().max() < 2


def test_boxes_only_come_nearer_and_have_their_size():
    room, cameras, anchor = setting(clutter=1, occluders=1)
    bare = replace(room, box_half=torch.zeros_like(room.box_half))
    full = draw_rooms(room, cameras, anchor, SIZE, colored=True)
    empty = draw_rooms(bare, cameras, anchor, SIZE, colored=True)
    assert (full.depth <= empty.depth).all()
    changed = full.depth < empty.depth
    assert 0.02 < changed.float().mean() < 0.95
    x, y, z = points(full, cameras).unbind(dim=1)
    inside = torch.zeros_like(changed)
    for k in range(room.box_half.shape[1]):
        half, center = room.box_half[:, k, :, None, None], room.box_center[:, k, :, None, None]
        cosine, sine = room.box_yaw[:, k].cos(), room.box_yaw[:, k].sin()
        cosine, sine = cosine[:, None, None], sine[:, None, None]
        dx, dy, dz = x - center[:, 0], y - center[:, 1], z - center[:, 2]
        near = (cosine * dx + sine * dz).abs() < half[:, 0] + 3
        near &= (cosine * dz - sine * dx).abs() < half[:, 2] + 3
        inside |= near & (dy.abs() < half[:, 1] + 3)
    assert inside[changed].float().mean() > 0.99
    same = ~changed
    assert torch.equal(
        full.picture.transpose(0, 1)[:, same], empty.picture.transpose(0, 1)[:, same]
    )


def test_depth_without_color_is_the_same_depth():
    room, cameras, anchor = setting(clutter=1, occluders=1)
    plain = draw_rooms(room, cameras, anchor, SIZE, colored=False)
    colored = draw_rooms(room, cameras, anchor, SIZE, colored=True)
    assert torch.equal(plain.depth, colored.depth)
    assert plain.picture.numel() == 0


def test_pictures_are_finite_and_not_flat():
    room, cameras, anchor = setting(20)
    picture = draw_rooms(room, cameras, anchor, SIZE, colored=True).picture
    assert picture.shape == (20, 3, *SIZE)
    assert picture.isfinite().all()
    assert picture.min() >= 0
    assert picture.max() < 2
    assert (picture.flatten(1).std(dim=1) > 0.01).all()


def test_plain_surfaces_have_one_color():
    room, cameras, anchor = setting(4, clutter=0, occluders=0)
    room = replace(
        room, pattern=room.pattern * torch.tensor([1.0, 0, 1.0, 0]), grain=torch.zeros(4, 4)
    )
    picture = draw_rooms(room, cameras, anchor, SIZE, colored=True).picture
    for row in range(4):
        assert len(torch.unique(picture[row].flatten(1), dim=1).T) <= 4


def test_surfaces_that_face_the_light_are_brighter():
    room, _, _ = setting()
    room = replace(room, light=torch.tensor([[0.0, 1.0, 0.0]]).expand(6, 3))
    light = room_light(room)
    torch.testing.assert_close(light[:, 0], torch.ones(6))
    torch.testing.assert_close(light[:, 1], room.ambient)
