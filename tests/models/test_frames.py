import pytest
import torch

from onebody.models.frames import (
    channels_last,
    fold_frames,
    restore_frames,
    unfold_frames,
    use_channels_last,
)


def test_folding_keeps_every_frame_in_order() -> None:
    x = torch.arange(2 * 3 * 4 * 2 * 2).float().view(2, 3, 4, 2, 2)
    folded = fold_frames(x)
    assert folded.shape == (8, 3, 2, 2)
    assert torch.equal(folded[5], x[1, :, 1])
    assert torch.equal(unfold_frames(folded, 2), x)


def test_folding_is_a_view_in_channels_last() -> None:
    x = torch.rand(2, 3, 4, 5, 6).contiguous(memory_format=torch.channels_last_3d)
    folded = fold_frames(x)
    assert folded.data_ptr() == x.data_ptr()
    assert folded.is_contiguous(memory_format=torch.channels_last)
    assert unfold_frames(folded, 2).data_ptr() == x.data_ptr()


@pytest.mark.parametrize("shape", [(2, 1, 4, 5), (2, 3, 4, 5), (2, 1, 3, 4, 5), (2, 3, 3, 4, 5)])
def test_channels_last_strides_even_with_one_channel(shape: tuple[int, ...]) -> None:
    x = torch.rand(shape)
    out = channels_last(x)
    assert torch.equal(out, x)
    assert out.stride(1) == 1
    assert out.stride(-1) == shape[1]


def test_weights_become_channels_last_and_stay_parameters() -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Conv3d(4, 4, 3))
    before = [p.detach().clone() for p in module.parameters()]
    use_channels_last(module)
    assert module[0].weight.stride(1) == 1
    assert module[1].weight.stride(1) == 1
    assert all(torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))
    assert all(p.is_leaf and p.requires_grad for p in module.parameters())


@pytest.mark.parametrize("num_frames", [1, 2, 7, 8, 16])
@pytest.mark.parametrize("stride", [1, 2, 4, 8])
def test_restored_frames_lie_between_the_centers_of_the_stage(num_frames: int, stride: int) -> None:
    count = -(-num_frames // stride)
    # a stage whose frame i holds the time of its center restores to every frame's own time
    x = (torch.arange(count) * float(stride)).view(1, count, 1).repeat(2, 1, 3)
    restored = restore_frames(x, num_frames, stride)
    assert restored.shape == (2, num_frames, 3)
    expected = torch.arange(num_frames).float().clamp(max=(count - 1) * stride)
    assert torch.allclose(restored[1, :, 2], expected)
