import pytest
import torch
from model_helpers import frames, joints, vector

from onebody.models import StageInfo
from onebody.models.class_head import (
    ClassHeadConfig,
    FrameHeadConfig,
    build_class_head,
    build_frame_head,
)

VECTOR = StageInfo(width=4, space="vector")
MAP = StageInfo(width=4, space="map", stride_t=2, stride_s=8)


def _clip_head(**options: object):
    torch.manual_seed(0)
    return build_class_head(ClassHeadConfig(**options), task=vector("a"), info=[MAP, VECTOR]).eval()  # type: ignore[arg-type]


def test_averages_space_and_time() -> None:
    head = _clip_head(stage=0)
    x = torch.randn(2, 4, 3, 5, 6)
    (logits,), state = head({0: x}, 6, {})
    assert torch.allclose(logits, head.linear(x.mean((2, 3, 4))), atol=1e-6)
    assert state == {}
    assert not head.causal


@pytest.mark.parametrize("window", [1, 2, 5, 30])
@pytest.mark.parametrize("pieces", [[1] * 9, [4, 5], [8, 1], [9]])
def test_window_is_the_same_on_clips_and_streams(window: int, pieces: list[int]) -> None:
    head = _clip_head(window=window)
    assert head.causal
    x = torch.randn(2, 4, 9)
    (whole,), _ = head({1: x}, 9, {})
    assert torch.allclose(whole, head.linear(x[:, :, -window:].mean(2)), atol=1e-6)
    state: dict[str, torch.Tensor] = {}
    for piece in x.split(pieces, 2):
        (last,), state = head({1: piece}, piece.shape[2], state)
    assert torch.allclose(last, whole, atol=1e-6)
    assert state["past"].shape[2] <= window - 1


def test_window_counts_input_frames() -> None:
    head = _clip_head(stage=0, window=5)  # the stage has a frame for every two of the input
    x = torch.randn(1, 4, 6, 2, 2)
    assert torch.allclose(
        head({0: x}, 12, {})[0][0], head.linear(x[:, :, -3:].mean((2, 3, 4))), atol=1e-6
    )
    assert not head.causal


def test_frame_head_restores_the_input_frames() -> None:
    torch.manual_seed(0)
    head = build_frame_head(FrameHeadConfig(stage=0), task=frames("p"), info=[MAP, VECTOR]).eval()
    x = torch.randn(2, 4, 4, 3, 3)
    (logits,), _ = head({0: x}, 7, {})
    assert logits.shape == (2, 7, 2)
    own = head.linear(x.mean((3, 4)).transpose(1, 2))
    assert torch.allclose(logits[:, ::2], own, atol=1e-6)
    assert torch.allclose(logits[:, 1], (own[:, 0] + own[:, 1]) / 2, atol=1e-6)
    assert not head.causal
    assert build_frame_head(FrameHeadConfig(), task=frames("p"), info=[MAP, VECTOR]).causal


def test_dropout_only_in_training() -> None:
    head = _clip_head(dropout=0.5)
    x = {1: torch.randn(2, 4, 3)}
    assert torch.equal(head(x, 3, {})[0][0], head(x, 3, {})[0][0])
    head.train()
    assert not torch.equal(head(x, 3, {})[0][0], head(x, 3, {})[0][0])


def test_wrong_form_or_stage_is_refused() -> None:
    with pytest.raises(ValueError, match="'class' gives 'vector', but task 'j' asks for 'joints'"):
        build_class_head(ClassHeadConfig(), task=joints("j"), info=[VECTOR])
    with pytest.raises(ValueError, match="'frame' gives 'frames', but task 'a'"):
        build_frame_head(FrameHeadConfig(), task=vector("a"), info=[VECTOR])
    with pytest.raises(ValueError, match="reads stage 2, but the encoder has stages 0 to 1"):
        build_class_head(ClassHeadConfig(stage=2), task=vector("a"), info=[MAP, VECTOR])
