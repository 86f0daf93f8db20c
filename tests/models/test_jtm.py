import pytest
import torch
from model_helpers import TINY, batch_for, by_name, make_network, vector

from onebody.config import read_config
from onebody.models import InputShape
from onebody.models.jtm import JtmConfig, build_jtm

SKELETON = {"skeleton": InputShape(channels=3, skeleton="kinect-20")}


def _encoder(channels: int = 3, **options: object):
    torch.manual_seed(0)
    config = read_config(JtmConfig, {**TINY["jtm"], **options}, "test")
    shape = InputShape(channels=channels, skeleton="kinect-20")
    return build_jtm(config, inputs={"skeleton": shape}).eval()


def test_default_size_is_small() -> None:
    encoder = build_jtm(JtmConfig(), inputs=SKELETON)
    assert 0.4e6 < sum(p.numel() for p in encoder.parameters()) < 0.8e6
    assert [info.points for info in encoder.info] == [3 * 16 * 16, 3 * 8 * 8, 3 * 4 * 4, 0]
    assert (encoder.info[-1].width, encoder.info[-1].parts) == (3 * 64, 3)
    assert not encoder.causal


@pytest.mark.parametrize(("frames", "windows"), [(1, 1), (8, 1), (9, 2), (20, 3)])
def test_a_map_for_every_window(frames: int, windows: int) -> None:
    encoder, x = _encoder(), torch.randn(2, frames, 20, 3)
    maps = encoder.stem.draw(x, torch.ones(2, frames, 20, dtype=torch.bool))
    assert maps.shape == (2, windows, 3, 3, 16, 16)
    *_, last = encoder.run({"skeleton": x}, {}, 4, {}, {})
    assert last.shape == (2, 48, windows)


def test_windows_do_not_hear_each_other() -> None:
    encoder, x = _encoder(), torch.randn(1, 16, 20, 3)
    known = torch.ones(1, 16, 20, dtype=torch.bool)
    whole = encoder.stem.draw(x, known)
    assert torch.allclose(whole[:, 1:], encoder.stem.draw(x[:, 8:], known[:, 8:]), atol=1e-6)


def test_planes_do_not_hear_each_other() -> None:
    encoder = _encoder()
    x = torch.randn(1, 8, 20, 3)
    other = x.clone()
    other[..., 2] = torch.randn(1, 8, 20)  # depth; the front shows none of it, but for the speed
    x[:, 1:], other[:, 1:] = x[:, :1], other[:, :1]  # so nobody moves
    (*_, a), (*_, b) = (encoder.run({"skeleton": v}, {}, 4, {}, {}) for v in (x, other))
    same = [
        torch.allclose(p, q, atol=1e-5) for p, q in zip(a.chunk(3, 1), b.chunk(3, 1), strict=True)
    ]
    assert same == [True, False, False]


def test_missing_joints_influence_nothing() -> None:
    encoder = _encoder()
    x, mask = torch.randn(2, 6, 20, 3), torch.rand(2, 6, 20) > 0.3
    garbage = torch.where(mask.unsqueeze(-1), x, torch.nan)
    (*_, a), (*_, b) = (
        encoder.run({"skeleton": v}, {"skeleton": mask}, 4, {}, {}) for v in (x, garbage)
    )
    assert torch.equal(a, b)


def test_joints_in_2d_have_one_plane() -> None:
    encoder = _encoder(channels=2)
    assert (encoder.info[-1].width, encoder.info[-1].parts) == (16, 1)


def test_each_plane_answers_and_the_product_counts() -> None:
    heads = {"action": {"kind": "parts", "fused_loss": 0.0}}
    network = make_network("jtm", by_name(vector("action")), heads=heads).eval()
    (outputs,) = network([batch_for("jtm", 2, 6)])
    *planes, fused = outputs["action"]
    assert len(planes) == 3
    logs = torch.stack([logits.log_softmax(1) for logits in planes]).sum(0)
    assert torch.allclose(fused.softmax(1), logs.softmax(1), atol=1e-6)
    assert network.output_weights("action", 4) == (1.0, 1.0, 1.0, 0.0)


def test_impossible_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one entry per map stage, found \[2, 3\]"):
        read_config(JtmConfig, {"widths": [8, 16]}, "test")
    with pytest.raises(ValueError, match="reads joints, but 'rgb' holds pictures"):
        build_jtm(JtmConfig(), inputs={"rgb": InputShape(channels=3)})
