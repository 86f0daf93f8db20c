import pytest
import torch
import torch.nn.functional as F
from model_helpers import TINY, by_name, cut, frames, make_batch, make_network, vector

from onebody.config import read_config
from onebody.models import InputShape, blank_state
from onebody.models.hierarchy import HierarchyConfig, MovingAverage, build_hierarchy

SKELETON = {"skeleton": InputShape(channels=3, skeleton="kinect-20")}


def test_averages_are_of_the_frames_that_there_are() -> None:
    x = torch.rand(2, 3, 7)
    back, state = MovingAverage(3, causal=True)(x, {})
    assert torch.allclose(back[:, :, 0], x[:, :, 0])
    assert torch.allclose(back[:, :, 1], x[:, :, :2].mean(2))
    assert torch.allclose(back[:, :, 6], x[:, :, 4:].mean(2))
    assert state["past"].shape == (2, 4, 2)
    around, _ = MovingAverage(3, causal=False)(x, {})
    expected = F.avg_pool1d(x, 3, 1, padding=1, count_include_pad=False)
    assert torch.allclose(around, expected, atol=1e-6)
    assert torch.equal(MovingAverage(1, causal=True)(x, {})[0], x)


def test_scales_lie_side_by_side() -> None:
    torch.manual_seed(0)
    config = read_config(HierarchyConfig, TINY["hierarchy"], "test")
    encoder = build_hierarchy(config, inputs=SKELETON).eval()
    assert [info.width for info in encoder.info] == [12, 12, 24, 36]
    assert [info.parts for info in encoder.info] == [1, 1, 2, 3]
    *_, two, three = encoder.run({"skeleton": torch.rand(2, 5, 20, 3)}, {}, 4, {}, {})
    assert torch.equal(three[:, :24], two)


@pytest.mark.parametrize("causal", [True, False])
def test_how_far_a_scale_looks(causal: bool) -> None:
    torch.manual_seed(0)
    trunk = {"kind": "skeleton", "channels": 8, "depth": 1, "dilations": [1], "causal": causal}
    trunk |= {"parts": ["joints"], "norm": "layer"}
    values = {"scales": [2, 4], "causal": causal, "trunk": trunk, "norm": "layer"}
    encoder = build_hierarchy(read_config(HierarchyConfig, values, "test"), inputs=SKELETON).eval()
    assert encoder.causal == causal
    x = torch.rand(1, 40, 20, 3)
    other = x.clone()
    other[:, 20] += 1.0
    pairs = zip(*(encoder.run({"skeleton": v}, {}, 3, {}, {}) for v in (x, other)), strict=True)
    reached = [
        (a - b).abs().amax(1).flatten().gt(1e-7).nonzero().flatten().tolist() for a, b in pairs
    ]
    # 3 frames of the trunk; an average over n frames and two more n apart on either side
    lengths = [3, 3 + 1 + 2 * 2, 3 + 1 + 2 * 2 + 3 + 2 * 4]
    assert [len(frames) for frames in reached] == lengths
    assert (min(reached[-1]) == 20) == causal


def test_every_scale_answers() -> None:
    heads = {"action": {"kind": "parts", "fusion": "joint"}}
    network = make_network("hierarchy-causal", by_name(vector("action")), heads=heads).eval()
    (outputs,) = network([make_batch(2, 4)])
    assert [o.shape for o in outputs["action"]] == [(2, 3)] * 4  # three scales, and all of them


@torch.no_grad()
def test_a_stream_may_begin_as_zeros() -> None:
    network = make_network("hierarchy-causal", by_name(frames("phase"))).eval()
    batch = make_batch(1, 4)
    blank = blank_state(network, cut(batch, 0, 1))
    assert any("average" in name for name in blank)
    assert all(not value.any() for value in blank.values())
