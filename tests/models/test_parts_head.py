import pytest
import torch
from model_helpers import by_name, frames, make_network, union, vector

from onebody.models import StageInfo
from onebody.models.parts_head import PartsHeadConfig, build_parts_head

PARTS = StageInfo(width=6, space="vector", parts=3)
MAP = StageInfo(width=6, space="map", stride_t=2, stride_s=8)


def _head(**options: object):
    torch.manual_seed(0)
    config = PartsHeadConfig(**options)  # type: ignore[arg-type]
    return build_parts_head(config, task=vector("a"), info=[MAP, PARTS]).eval()


def test_the_product_of_the_parts_probabilities() -> None:
    head, x = _head(), torch.randn(2, 6, 4)
    (*found, fused), left = head({1: x}, 4, {})
    assert len(found) == 3
    assert left == {}
    assert torch.allclose(found[1], head.linears[1](x[:, 2:4].mean(2)), atol=1e-6)
    product = torch.stack([logits.softmax(1) for logits in found]).prod(0)
    expected = product / product.sum(1, keepdim=True)
    assert torch.allclose(fused.softmax(1), expected, atol=1e-6)


def test_a_classifier_of_all_parts() -> None:
    head, x = _head(fusion="joint"), torch.randn(2, 6, 4)
    outputs, _ = head({1: x}, 4, {})
    assert torch.allclose(outputs[-1], head.joint(x.mean(2)), atol=1e-6)


def test_stated_parts_of_any_stage() -> None:
    head, x = _head(stage=0, parts=2), torch.randn(1, 6, 2, 3, 3)
    outputs, _ = head({0: x}, 4, {})
    assert torch.allclose(outputs[1], head.linears[1](x[:, 3:].mean((2, 3, 4))), atol=1e-6)


@pytest.mark.parametrize("pieces", [[1] * 7, [5, 2]])
def test_a_window_is_the_same_on_clips_and_streams(pieces: list[int]) -> None:
    head, x = _head(window=4), torch.randn(2, 6, 7)
    assert head.causal
    whole, _ = head({1: x}, 7, {})
    state: dict[str, torch.Tensor] = {}
    for piece in x.split(pieces, 2):
        found, state = head({1: piece}, piece.shape[2], state)
    for a, b in zip(whole, found, strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_losses_of_parts_weigh_what_is_asked() -> None:
    tasks = by_name(vector("a"), vector("b"), union("any", "a", "b"))
    heads = {"a": {"kind": "parts", "part_loss": 0.5, "fused_loss": 2.0}}
    network = make_network("hierarchy", tasks, heads=heads)
    assert network.output_weights("a", 4) == (0.5, 0.5, 0.5, 2.0)
    assert network.output_weights("b", 1) == (1.0,)
    assert network.output_weights("any", 1) == (1.0,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"part_loss": 0.0, "fused_loss": 0.0}, "leaves the parts unlearned"),
        ({"part_loss": 0.0, "fusion": "joint"}, "leaves the parts unlearned"),
        ({"fused_loss": 0.0, "fusion": "joint"}, "needs a fused_loss above 0"),
        ({"stage": 0}, r"stage 0, but that has 6 channels and 1 part"),
        ({"parts": 4}, r"6 channels and 3 part\(s\), and 4 were asked for"),
    ],
)
def test_impossible_parts_are_refused(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        _head(**options)


def test_answers_per_frame_are_refused() -> None:
    with pytest.raises(ValueError, match="gives 'vector', but task 'p' asks for 'frames'"):
        build_parts_head(PartsHeadConfig(), task=frames("p"), info=[PARTS])
