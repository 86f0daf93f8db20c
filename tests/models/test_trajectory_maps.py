import pytest
import torch

from onebody.models import InputShape
from onebody.models.trajectory_maps import FAINT, TrajectoryMaps
from onebody.skeletons import get_skeleton

JOINTS = get_skeleton("kinect-20").joints
SIZE = 16


def _draw(joint: str, path: list[list[float]], gone: tuple[int, ...] = ()) -> torch.Tensor:
    """Draw the path of one joint, the others missing: ``[P, 3, SIZE, SIZE]``."""
    dims = len(path[0])
    maps = TrajectoryMaps(InputShape(channels=dims, skeleton="kinect-20"), SIZE, 8.0)
    x = torch.zeros(1, len(path), len(JOINTS), dims)
    known = torch.zeros(1, len(path), len(JOINTS), dtype=torch.bool)
    place = JOINTS.index(joint)
    x[0, :, place] = torch.tensor(path)
    known[0, :, place] = True
    for frame in gone:
        x[0, frame, place], known[0, frame, place] = 0.0, False
    return maps(x, known, (torch.arange(len(path)) + 0.5) / len(path))[0]


def test_a_way_lies_where_the_joint_went_on_every_plane() -> None:
    # reach 8 and 16 pixels: a unit is a pixel, and pixel i has its center at i - 7.5
    drawn = _draw("l_hand", [[-4.5, 1.5, 3.5], [2.5, 1.5, 3.5]]).amax(1) > 0.2
    row = torch.arange(3, 11)
    front, top, side = torch.zeros(3, SIZE, SIZE, dtype=torch.bool)
    front[9, row], top[11, row], side[9, 11] = True, True, True
    assert torch.equal(drawn[0], front)
    assert torch.equal(drawn[1], top)
    assert torch.equal(drawn[2], side)


def test_hue_is_time_and_sides_run_against_each_other() -> None:
    path = [[-6.5 + step, 0.5, 0.5] for step in range(14)]
    left, right = _draw("l_hand", path)[0], _draw("r_hand", path)[0]
    first, last = left[:, 8, 1], left[:, 8, 14]
    assert first.argmax() == 2  # blue
    assert last.argmax() == 0  # red
    assert right[:, 8, 1].argmax() == 0
    assert right[:, 8, 14].argmax() == 2
    middle = _draw("head", path)[0]
    assert torch.allclose(middle[0], middle[2], atol=1e-6)  # gray
    assert middle[0, 8, 14] > middle[0, 8, 2]


def test_brightness_is_speed() -> None:
    path = [[-6.5, 0.5, 0.5], [-6.5, 0.5, 0.5], [-0.5, 0.5, 0.5], [2.5, 0.5, 0.5]]
    drawn = _draw("l_hand", path)[0].amax(0)[8]
    assert float(drawn[4]) == pytest.approx(1.0, abs=1e-4)  # the fastest
    assert float(drawn[10]) == pytest.approx(FAINT + (1 - FAINT) / 2, abs=0.01)  # half as fast
    still = _draw("l_hand", [[0.5, 0.5, 0.5]])[0]
    assert float(still.amax()) == pytest.approx(FAINT, abs=1e-4)


def test_a_missing_joint_draws_nothing() -> None:
    path = [[-6.5, 0.5, 0.5], [0.5, 0.5, 0.5], [6.5, 0.5, 0.5]]
    drawn = _draw("l_hand", path, gone=(1,))[0].amax(0) > 0.05
    assert drawn.nonzero().tolist() == [[8, 1], [8, 14]]  # seen there, and no way between
    assert not _draw("l_hand", path, gone=(0, 1, 2)).any()


def test_what_lies_outside_is_left_out() -> None:
    assert not _draw("l_hand", [[20.0, 0.0, 20.0], [30.0, -40.0, 20.0]]).any()
    half = _draw("l_hand", [[0.5, 0.5, 0.5], [20.5, 0.5, 0.5]])[0].amax(0) > 0
    assert half.nonzero()[:, 1].min() >= 8


def test_joints_in_2d_have_the_front_alone() -> None:
    assert _draw("l_hand", [[0.5, 0.5], [1.5, 0.5]]).shape == (1, 3, SIZE, SIZE)
