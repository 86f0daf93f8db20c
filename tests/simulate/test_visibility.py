from __future__ import annotations

import torch

from onebody.simulate.body import BODY, make_bodies
from onebody.simulate.camera import Cameras
from onebody.simulate.raster import Surface
from onebody.simulate.visibility import find_visible, flesh_mm


def test_flesh_is_as_thick_as_the_limbs_that_meet():
    shape = make_bodies(range(5))
    flesh = flesh_mm(shape, torch.ones(5))
    place = {name: i for i, name in enumerate(BODY.joints)}
    assert (flesh > 40).all()
    assert (flesh[:, place["l_wrist"]] < flesh[:, place["l_knee"]]).all()
    assert (flesh[:, place["hip_center"]] > flesh[:, place["l_elbow"]]).all()
    assert torch.equal(flesh[:, place["l_knee"]], flesh[:, place["r_knee"]])
    assert (flesh_mm(shape, torch.full((5,), 1.2)) > flesh).all()
    torch.testing.assert_close(flesh[:, place["head"]], 1.35 * shape.head_radius_mm + 30)


def test_joints_are_visible_up_to_their_flesh():
    shape, loose = make_bodies([0]), torch.ones(1)
    one = torch.ones(1)
    cameras = Cameras(
        fx=10 * one,
        fy=10 * one,
        cx=5 * one,
        cy=5 * one,
        rotation=torch.eye(3)[None],
        position=torch.zeros(1, 3),
    )
    flesh = flesh_mm(shape, loose)
    nobody = torch.zeros(0, dtype=torch.long)
    room = torch.full((1, 10, 10), 9000.0)
    everyone = torch.tensor([0, 0, 0])

    def seen(body_mm: float, wall_mm: float = 9000.0, x: float = 0.0) -> list[bool]:
        joints = torch.tensor([x, 0.0, 3000.0]).expand(1, 20, 3)
        surface = Surface(
            pixel=torch.tensor([55]),
            frame=torch.tensor([0]),
            part=torch.tensor([0]),
            depth=torch.tensor([body_mm]),
            x=torch.zeros(1),
            y=torch.zeros(1),
        )
        backdrop = room.clamp(max=wall_mm)
        return find_visible(joints, shape, loose, cameras, surface, backdrop, everyone[:1])[
            0
        ].tolist()

    assert len(nobody) == 0
    assert all(seen(2990.0))
    assert not any(seen(2500.0))
    limit = 3000 - 100.0
    assert seen(limit) == (flesh[0] >= 100).tolist()
    assert not any(seen(2990.0, wall_mm=2000.0))
    assert not any(seen(2990.0, x=4000.0))  # outside the picture
    assert all(seen(2000.0, x=600.0))  # another pixel: the body there is not in the way
