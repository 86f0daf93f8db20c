import pytest
import torch

from onebody.simulate.body import BODY, make_bodies
from onebody.simulate.motion import MOVEMENTS, make_motion

KINDS = ["walk", "swipe_left", "sit_down", "swipe_left", "clap"]


def test_shapes():
    motion = make_motion(KINDS, range(5), range(5), 9, fps=12.0)
    assert motion.joints_mm.shape == (5, 9, 20, 3)
    assert motion.joints_mm.dtype == torch.float32
    assert motion.kinds == tuple(KINDS)
    assert motion.fps == 12
    assert torch.equal(motion.shape.rest_mm, make_bodies(range(5)).rest_mm)


def test_a_clip_does_not_depend_on_its_neighbors():
    together = make_motion(KINDS, [4, 5, 6, 7, 8], [1, 2, 3, 4, 5], 12)
    for i, kind in enumerate(KINDS):
        alone = make_motion([kind], [4 + i], [1 + i], 12)
        torch.testing.assert_close(alone.joints_mm[0], together.joints_mm[i])


@pytest.mark.parametrize("kind", sorted(MOVEMENTS))
def test_more_frames_show_the_same_movement(kind):
    """Twice the rate over the same time: every other frame is the same."""
    slow = make_motion([kind], [3], [4], 10, fps=10.0).joints_mm[0]
    fast = make_motion([kind], [3], [4], 20, fps=20.0).joints_mm[0]
    if MOVEMENTS[kind].backward:  # the last frame comes first, half a step later
        slow, fast = slow.flip(0), fast.flip(0)
    travel = torch.tensor([0.0, 1.0, 0.0])  # the way's middle differs by half a frame's step
    torch.testing.assert_close(fast[::2] * travel, slow * travel, atol=2.0, rtol=0)


def test_people_face_the_front():
    motion = make_motion(["wave"] * 50, range(50), range(50), 4, facing_deg=20.0)
    left = motion.joints_mm[:, 0, BODY.index("l_hip")] - motion.joints_mm[:, 0, BODY.index("r_hip")]
    angle = torch.rad2deg(torch.atan2(-left[:, 2], left[:, 0]))
    assert angle.abs().max() < 40  # trunk twist and sway come on top
    assert angle.std() > 5
    straight = make_motion(["wave"] * 50, range(50), range(50), 4, facing_deg=0.0)
    assert (straight.joints_mm - motion.joints_mm).abs().max() > 10


def test_one_frame():
    motion = make_motion(list(MOVEMENTS), range(len(MOVEMENTS)), range(len(MOVEMENTS)), 1)
    assert motion.joints_mm.isfinite().all()


def test_wrong_requests():
    with pytest.raises(ValueError, match=r"Unknown movement 'swipe'.*Did you mean"):
        make_motion(["swipe"], [0], [0], 4)
    with pytest.raises(ValueError, match="found 2, 1, 1 and 4 frames"):
        make_motion(["wave", "clap"], [0], [0], 4)
    with pytest.raises(ValueError, match="0 frames"):
        make_motion(["wave"], [0], [0], 0)
    with pytest.raises(ValueError, match="Seeds should be 0 or more"):
        make_motion(["wave"], [-1], [0], 4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_devices_agree():
    kinds = list(MOVEMENTS)
    cpu = make_motion(kinds, range(len(kinds)), range(len(kinds)), 12)
    gpu = make_motion(kinds, range(len(kinds)), range(len(kinds)), 12, device="cuda")
    torch.testing.assert_close(gpu.joints_mm.cpu(), cpu.joints_mm, atol=1.0, rtol=0)
