import pytest
import torch

from onebody.simulate.body import BODY, PARENTS, make_bodies


def test_parents_lead_to_the_hips():
    assert [BODY.joints[j] for j, parent in enumerate(PARENTS) if parent < 0] == ["hip_center"]
    for joint in range(len(BODY)):
        steps = 0
        while PARENTS[joint] >= 0:
            joint, steps = PARENTS[joint], steps + 1
            assert steps < 10
        assert BODY.joints[joint] == "hip_center"
    # bones are listed from the hips outward: forward kinematics may walk them in order
    placed = {BODY.index("hip_center")}
    for a, b in BODY.bones:
        assert a in placed
        placed.add(b)


def test_bodies_are_human():
    shape = make_bodies(range(500))
    assert len(shape) == 500
    assert shape.rest_mm.shape == (500, 20, 3)
    assert shape.radii_mm.shape == shape.lengths_mm.shape == (500, 19)
    assert ((shape.height_mm > 1500) & (shape.height_mm < 1970)).all()
    assert shape.height_mm.std() > 50
    legs = [BODY.bones.index((BODY.index(a), BODY.index(b))) for a, b in LEG]
    share = shape.lengths_mm[:, legs].sum(dim=1) / shape.height_mm
    assert ((share > 0.44) & (share < 0.54)).all()
    assert (shape.radii_mm > 15).all()
    assert (shape.radii_mm < 200).all()
    # soles to crown, standing: the stature, or nearly
    sole = shape.radii_mm[:, BODY.bones.index((14, 15))]
    down = sum(shape.rest_mm[:, BODY.index(f"l_{n}"), 1] for n in ("hip", "knee", "ankle", "foot"))
    up = sum(shape.rest_mm[:, BODY.index(n), 1] for n in ("spine", "shoulder_center", "head"))
    stature = sole - down + up + shape.head_radius_mm
    assert ((stature / shape.height_mm - 1).abs() < 0.05).all()


LEG = (("l_hip", "l_knee"), ("l_knee", "l_ankle"))


def test_bodies_are_symmetric():
    shape = make_bodies(range(20))
    mirrored = shape.rest_mm[:, BODY.mirror()] * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(mirrored, shape.rest_mm)
    assert (shape.rest_mm[:, BODY.index("l_shoulder"), 0] > 100).all()


def test_identity_decides():
    shape = make_bodies([3, 8, 3])
    alone = make_bodies([8])
    assert torch.equal(shape.rest_mm[0], shape.rest_mm[2])
    assert torch.equal(shape.radii_mm[1], alone.radii_mm[0])
    assert not torch.equal(shape.height_mm[0], shape.height_mm[1])


def test_select():
    shape = make_bodies(range(5))
    some = shape.select(torch.tensor([4, 4, 0]))
    assert len(some) == 3
    assert some.height_mm.tolist() == shape.height_mm[[4, 4, 0]].tolist()
    assert len(shape.select(shape.height_mm > 0)) == 5
    assert torch.equal(shape.to("cpu").rest_mm, shape.rest_mm)


def test_negative_identity():
    with pytest.raises(ValueError, match="0 or more"):
        make_bodies([-1])
