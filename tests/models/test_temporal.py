import pytest
import torch
from model_helpers import scramble

from onebody.models.norms import BatchNorm1d
from onebody.models.temporal import FrameNorm, TemporalBlock, TemporalStage


def _stage(*, causal: bool, norm: str = "layer", dilations: tuple[int, ...] = (1, 2, 4)):
    torch.manual_seed(0)
    stage = TemporalStage(6, dilations, norm=norm, dropout=0.0, causal=causal)  # type: ignore[arg-type]
    scramble(stage)
    return stage.eval()


@pytest.mark.parametrize("norm", ["layer", "batch"])
@pytest.mark.parametrize("pieces", [[1] * 17, [5, 12], [1, 15, 1], [16, 1]])
def test_any_cutting_of_a_clip_gives_the_clip(norm: str, pieces: list[int]) -> None:
    stage = _stage(causal=True, norm=norm)
    x = torch.randn(2, 6, 17)
    whole, _ = stage(x, {})
    state: dict[str, torch.Tensor] = {}
    parts = []
    for piece in x.split(pieces, 2):
        part, state = stage(piece, state)
        parts.append(part)
    assert torch.allclose(torch.cat(parts, 2), whole, atol=1e-5)


def test_a_causal_stage_does_not_see_later_frames() -> None:
    stage = _stage(causal=True)
    x = torch.randn(1, 6, 12)
    changed = x.clone()
    changed[:, :, 7:] += 1.0
    before, after = stage(x, {})[0], stage(changed, {})[0]
    assert torch.allclose(before[:, :, :7], after[:, :, :7], atol=1e-6)
    assert not torch.allclose(before[:, :, 7], after[:, :, 7], atol=1e-2)


def test_both_ways_sees_the_stated_reach_and_no_further() -> None:
    stage = _stage(causal=False)
    assert stage(torch.randn(1, 6, 5), {})[1] == {}
    x = torch.randn(1, 6, 33)
    changed = x.clone()
    changed[:, :, 16] += 10.0
    moved = (stage(x, {})[0] - stage(changed, {})[0]).abs().amax((0, 1)) > 1e-6
    assert moved.nonzero().flatten().tolist() == list(range(16 - 7, 16 + 8))


def test_frame_norm_is_per_frame() -> None:
    norm = FrameNorm(6)
    x = torch.randn(2, 6, 4)
    assert torch.allclose(norm(x)[:, :, :1], norm(x[:, :, :1]), atol=1e-6)
    assert torch.allclose(norm(x).mean(1), torch.zeros(2, 4), atol=1e-6)


def test_batch_norm_takes_a_single_frame_in_training() -> None:
    norm = BatchNorm1d(3).train()
    norm.running_mean += 1.0
    x = torch.randn(1, 3, 1)
    assert torch.allclose(norm(x), x - 1.0, atol=1e-4)
    assert torch.allclose(norm.running_mean, torch.ones(3))
    many = norm(torch.randn(1, 3, 50) + 5.0)
    assert torch.allclose(many.mean(2), torch.zeros(1, 3), atol=1e-5)
    assert float(norm.running_mean.min()) > 1.1


def test_the_block_is_its_formula() -> None:
    torch.manual_seed(0)
    block = TemporalBlock(4, 3, norm="layer", dropout=0.0, causal=True)
    x = torch.randn(1, 4, 5)
    taps = block.conv.weight  # [out, in, 3]
    frame, here = x.new_zeros(4), 4
    for tap in range(3):
        at = here - 3 * (2 - tap)
        frame = frame + (taps[:, :, tap] @ x[0, :, at] if at >= 0 else 0.0)
    frame = torch.nn.functional.layer_norm(frame + block.conv.bias, (4,))
    expected = x[0, :, here] + block.mix.weight[:, :, 0] @ frame.relu() + block.mix.bias
    assert torch.allclose(block(x, {})[0][0, :, here], expected, atol=1e-5)
