import pytest
import torch

from onebody.models.pooling import KeypointPool


def test_one_vector_per_frame() -> None:
    pool = KeypointPool(4, 6, keypoints=3, point_width=2, norm="layer")
    out, state = pool(torch.randn(2, 4, 5, 3, 7), {})
    assert out.shape == (2, 6, 5)
    assert state == {}


def test_frames_do_not_mix() -> None:
    torch.manual_seed(0)
    pool = KeypointPool(4, 6, keypoints=3, point_width=2, norm="layer")
    x = torch.randn(2, 4, 5, 3, 3)
    assert torch.allclose(pool(x, {})[0][:, :, 3:4], pool(x[:, :, 3:4], {})[0], atol=1e-6)


@pytest.mark.parametrize(("keypoints", "moves"), [(0, False), (2, True)])
def test_keypoints_tell_where_a_thing_is(keypoints: int, moves: bool) -> None:
    torch.manual_seed(0)
    pool = KeypointPool(1, 8, keypoints=keypoints, point_width=2, norm="layer")
    corners = torch.zeros(2, 1, 1, 6, 6)
    corners[0, 0, 0, 0, 0] = corners[1, 0, 0, 5, 5] = 20.0  # the same picture, shifted
    one, other = pool(corners, {})[0]
    assert bool((one - other).abs().max() > 1e-3) == moves


def test_keypoint_values_are_position_confidence_and_feature_under_it() -> None:
    pool = KeypointPool(1, 8, keypoints=1, point_width=1, norm="layer")
    with torch.no_grad():
        pool.maps.weight.fill_(50.0)
        pool.points.weight.fill_(1.0)
        pool.points.bias.zero_()
    frame = torch.zeros(1, 1, 4, 8)
    frame[0, 0, 3, 1] = 2.0
    x, y, sure, value = pool._look(frame)[0].tolist()
    assert (x, y) == pytest.approx((2 * 1.5 / 8 - 1, 2 * 3.5 / 4 - 1), abs=1e-5)
    assert sure == pytest.approx(1.0)
    assert value == pytest.approx(2.0)
