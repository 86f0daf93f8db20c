import pytest
import torch
from model_helpers import joints, vector

from onebody.config import read_config
from onebody.models import StageInfo
from onebody.models.joint_head import JointHeadConfig, build_joint_head
from onebody.models.softargmax import expected_position, spatial_softmax

QUARTER = StageInfo(width=4, space="map", stride_s=4)
EIGHTH = StageInfo(width=5, space="map", stride_s=8)
SIXTEENTH = StageInfo(width=6, space="map", stride_s=16)
SLOW = StageInfo(width=6, space="map", stride_t=4, stride_s=16)
VECTOR = StageInfo(width=7, space="vector")


def _head(info: list[StageInfo], dims: int = 2, **options: object):
    torch.manual_seed(0)
    config = read_config(JointHeadConfig, options, "test")
    return build_joint_head(config, task=joints("pose", 3, dims), info=info)


def test_the_default_stage_is_the_deepest_of_an_eighth() -> None:
    assert _head([QUARTER, EIGHTH, SIXTEENTH, VECTOR]).stages == (1,)
    assert _head([QUARTER, SIXTEENTH]).stages == (0,)
    assert _head([SIXTEENTH, VECTOR]).stages == (0,)
    assert _head([QUARTER, EIGHTH], stages=[-2]).stages == (0,)


@pytest.mark.parametrize("size", [(1, 1), (4, 4), (3, 7)])
def test_two_dimensional_joints(size: tuple[int, int]) -> None:
    head = _head([EIGHTH])
    x = torch.randn(2, 5, 4, *size)
    (out,), state = head({0: x}, 4, {})
    assert out.shape == (2, 4, 3, 3)
    assert state == {}
    probability = spatial_softmax(head.heat(x[1, :, 2:3].transpose(0, 1)))
    assert torch.allclose(out[1, 2, :, :2], expected_position(probability)[0], atol=1e-6)
    assert bool(((out[..., 2] > 0) & (out[..., 2] <= 1)).all())


@pytest.mark.parametrize("depth", ["linear", "sigmoid"])
def test_depth_begins_at_the_reference_and_is_read_under_the_joint(depth: str) -> None:
    head = _head([EIGHTH], dims=3, depth=depth)
    (out,), _ = head({0: torch.zeros(1, 5, 1, 4, 4)}, 1, {})
    assert out.shape == (1, 1, 3, 4)
    assert torch.allclose(out[..., 2], torch.full((1, 1, 3), 0.5))
    with torch.no_grad():
        head.heat.weight.fill_(20.0)
        head.depth.weight.fill_(1.0)
    x = torch.zeros(1, 5, 1, 4, 4)
    x[0, :, 0, 1, 3] = 2.0
    joint = head({0: x}, 1, {})[0][0][0, 0, 0]
    expected = 10.5 if depth == "linear" else torch.tensor(10.0).sigmoid().item()
    assert joint.tolist() == pytest.approx([3.5 / 4, 1.5 / 4, expected, 1.0], abs=1e-4)


@pytest.mark.parametrize("num_frames", [1, 7, 16])
def test_the_inputs_frames_come_back(num_frames: int) -> None:
    head = _head([SLOW])
    x = torch.randn(2, 6, -(-num_frames // 4), 2, 2)
    (out,), _ = head({0: x}, num_frames, {})
    assert out.shape == (2, num_frames, 3, 3)
    assert not head.causal
    assert _head([EIGHTH]).causal


def test_several_stages_meet_on_the_first_ones_grid() -> None:
    head = _head([QUARTER, EIGHTH, SIXTEENTH], stages=[1, 2], hidden=16)
    assert head.stages == (1, 2)
    fine, coarse = torch.randn(2, 5, 3, 6, 5), torch.randn(2, 6, 3, 3, 3)
    seen = []
    head.heat.register_forward_hook(lambda *given: seen.append(given[2].shape))
    head({1: fine, 2: coarse}, 3, {})
    assert seen == [(6, 3, 6, 5)]
    moved = head({1: fine, 2: coarse + 1.0}, 3, {})[0][0]
    assert not torch.allclose(moved, head({1: fine, 2: coarse}, 3, {})[0][0], atol=1e-4)


def test_frames_do_not_mix() -> None:
    head = _head([EIGHTH], hidden=8)
    x = torch.randn(2, 5, 4, 3, 3)
    alone = head({0: x[:, :, 2:3]}, 1, {})[0][0]
    assert torch.allclose(head({0: x}, 4, {})[0][0][:, 2:3], alone, atol=1e-6)


def test_stages_that_cannot_serve_are_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match=r"needs a stage with a map .* stages give vector"):
        _head([VECTOR])
    with pytest.raises(ValueError, match=r"stage 1 gives 'vector'\. Stages with a map: \[0\]"):
        _head([EIGHTH, VECTOR], stages=[-1])
    with pytest.raises(ValueError, match="needs 'hidden' channels"):
        _head([QUARTER, EIGHTH], stages=[0, 1])
    with pytest.raises(ValueError, match=r"strides over time: \[1, 4\]"):
        _head([EIGHTH, SLOW], stages=[0, 1], hidden=8)
    with pytest.raises(ValueError, match="'joints' gives 'joints', but task 'a'"):
        build_joint_head(JointHeadConfig(), task=vector("a"), info=[EIGHTH])
