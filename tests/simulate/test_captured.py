from pathlib import Path

import numpy as np
import pytest
import torch

from onebody.simulate.body import BODY, make_bodies
from onebody.simulate.captured import make_captured
from onebody.simulate.motion import make_motion
from onebody.skeletons import convert, get_skeleton

CMU = Path(__file__).resolve().parents[3] / "shared" / "data" / "cmu_mocap8"
CMU_PLACES = {
    "hip_center": 0,
    "spine": 14,
    "shoulder_center": 17,
    "head": (18, 19),
    "l_shoulder": 21,
    "l_elbow": 22,
    "l_wrist": 23,
    "l_hand": 25,
    "r_shoulder": 30,
    "r_elbow": 31,
    "r_wrist": 32,
    "r_hand": 34,
    "l_hip": 2,
    "l_knee": 3,
    "l_ankle": 4,
    "l_foot": 5,
    "r_hip": 8,
    "r_knee": 9,
    "r_ankle": 10,
    "r_foot": 11,
}


def performance(kind="jump", identity=2, frames=20):
    return make_motion([kind], [identity], [5], frames).joints_mm[0]


def check(motion, identity):
    """Bones have the body's lengths, and someone stands on the floor."""
    joints, shape = motion.joints_mm, make_bodies([identity])
    assert joints.isfinite().all()
    first, second = zip(*BODY.bones, strict=True)
    lengths = (joints[:, :, list(second)] - joints[:, :, list(first)]).norm(dim=-1)
    torch.testing.assert_close(
        lengths, shape.lengths_mm[:, None].expand_as(lengths), atol=0.1, rtol=0
    )
    soles = joints[0, :, [BODY.index("l_foot"), BODY.index("r_foot")], 1]
    soles = soles - shape.radii_mm[0, BODY.bones.index((14, 15))]
    assert -60 < soles.min() < 60


def test_own_motion_comes_back():
    joints = performance()
    motion = make_captured(joints, "kinect-20", fps=30.0, identity=2)
    assert motion.kinds == ("captured",)
    check(motion, 2)
    change = motion.joints_mm[0] - joints
    spread = change.amax(dim=(0, 1)) - change.amin(dim=(0, 1))  # all but a shift of the whole
    assert spread.max() < 1


def test_another_person_moves_alike():
    joints = performance("kick")
    motion = make_captured(joints, "kinect-20", fps=30.0, identity=11)
    check(motion, 11)
    a, b = BODY.index("l_hip"), BODY.index("l_knee")
    thigh = motion.joints_mm[0, :, b] - motion.joints_mm[0, :, a]
    original = joints[:, b] - joints[:, a]
    cosine = torch.nn.functional.cosine_similarity(thigh, original, dim=-1)
    assert cosine.min() > 0.9999


def test_jumps_stay_jumps_unless_height_was_lost():
    joints = performance("jump")
    ankles = [BODY.index("l_ankle"), BODY.index("r_ankle")]
    flight = make_captured(joints, "kinect-20", fps=30.0).joints_mm[0, :, ankles, 1]
    assert flight.amin(dim=1).max() > 200
    relative = joints - joints[:, BODY.root[0], None]
    grounded = make_captured(relative, "kinect-20", fps=30.0, floor="frame").joints_mm[0]
    assert grounded[:, ankles, 1].amin(dim=1).max() < 200


def test_resampling():
    joints = performance(frames=21)
    half = make_captured(joints, "kinect-20", fps=30.0, to_fps=15.0, identity=2).joints_mm[0]
    full = make_captured(joints, "kinect-20", fps=30.0, identity=2).joints_mm[0]
    assert len(half) == 11
    gap = full[::2] - half
    assert (gap.amax(dim=(0, 1)) - gap.amin(dim=(0, 1))).max() < 2
    double = make_captured(joints, "kinect-20", fps=30.0, to_fps=60.0, identity=2)
    assert double.joints_mm.shape[1] == 41
    assert double.fps == 60
    check(double, 2)
    assert make_captured(joints[:1], "kinect-20", fps=30.0).joints_mm.shape[1] == 1


def test_up_axes():
    joints = performance("kick")
    z_up = joints[..., [2, 0, 1]]  # x forward, y left, z up
    same = make_captured(z_up, "kinect-20", fps=30.0, up="z")
    original = make_captured(joints, "kinect-20", fps=30.0)
    torch.testing.assert_close(same.joints_mm, original.joints_mm)


@pytest.mark.parametrize("name", ["ntu-25", "spnet-17", "h36m-17", "mpii-16", "jhmdb-15"])
def test_other_layouts(name):
    joints, known = convert(performance("pick_up"), None, "kinect-20", name)
    names = get_skeleton(name).joints
    unknown = {n for n, k in zip(names, known[0], strict=True) if not k}
    assert unknown <= {
        *("neck", "upper_neck", "head", "head_top", "neck_base", "belly"),
        *("l_handtip", "l_thumb", "r_handtip", "r_thumb"),
    }
    joints[:, ~known[0]] = torch.nan  # nothing that kinect-20 asks for
    motion = make_captured(joints, name, fps=30.0, identity=4)
    check(motion, 4)
    head = motion.joints_mm[0, 0, BODY.index("head"), 1]
    assert head > motion.joints_mm[0, 0, BODY.index("shoulder_center"), 1]


def test_incomplete_captures_are_refused():
    hand = torch.zeros(4, 21, 3)
    with pytest.raises(ValueError, match=r"lacks shoulder_center, hip_center, l_shoulder"):
        make_captured(hand, "hand-21", fps=30.0)
    with pytest.raises(ValueError, match=r"lacks .*r_ankle"):
        make_captured(
            performance(), {n: i for i, n in enumerate(BODY.joints) if n != "r_ankle"}, fps=30.0
        )
    broken = performance().clone()
    broken[7, 3] = torch.nan
    with pytest.raises(ValueError, match="frame 7 is not finite"):
        make_captured(broken, "kinect-20", fps=30.0)
    with pytest.raises(ValueError, match="should be among 20 joints"):
        make_captured(performance(), {"head": 20}, fps=30.0)
    with pytest.raises(ValueError, match="joint 'heads'"):
        make_captured(performance(), {"heads": 0}, fps=30.0)
    with pytest.raises(ValueError, match=r"\[T, J, 3\]"):
        make_captured(torch.zeros(20, 3), "kinect-20", fps=30.0)
    with pytest.raises(ValueError, match="rates should be above 0"):
        make_captured(performance(), "kinect-20", fps=0.0)


@pytest.mark.skipif(not CMU.is_dir(), reason="needs the CMU recordings (shared/data/cmu_mocap8)")
@pytest.mark.parametrize("name", ["walking_1", "jumping_1", "basketball_1", "washwindow_1"])
def test_real_recordings(name):
    with np.load(CMU / "cmu_mocap8_positions_30hz.npz", allow_pickle=False) as file:
        ends = np.cumsum(file["nf"])
        row = file["name"].tolist().index(name)
        joints = file["pos_mm"][ends[row] - file["nf"][row] : ends[row]][:120]
    captured = torch.from_numpy(joints.astype(np.float32))
    motion = make_captured(captured, CMU_PLACES, fps=30.0, identity=3, floor="frame")
    check(motion, 3)
    body = motion.joints_mm[0]
    assert (body[:, BODY.index("head"), 1] > body[:, BODY.index("hip_center"), 1]).all()
    left = body[:, BODY.index("l_shoulder")] - body[:, BODY.index("r_shoulder")]
    toes = body[:, BODY.index("l_foot")] - body[:, BODY.index("l_ankle")]
    forward = torch.linalg.cross(left, torch.tensor([0.0, 1.0, 0.0]).expand_as(left))
    assert ((forward * toes).sum(dim=-1) > 0).float().mean() > 0.9, "left and right are swapped"
    speed = body.diff(dim=0).norm(dim=-1) * 30 / 1000
    assert speed.mean() < 3
