import pytest
import torch

from onebody.models.differences import FrameDifferences


def test_differences_to_earlier_frames_by_hand() -> None:
    x = torch.rand(2, 3, 6, 4, 5)
    found, _ = FrameDifferences([1, 3])(x, {})
    assert found.shape == (2, 6, 6, 4, 5)
    assert torch.allclose(found[:, :3, 2], x[:, :, 2] - x[:, :, 1])
    assert torch.allclose(found[:, 3:, 5], x[:, :, 5] - x[:, :, 2])
    assert not found[:, :3, 0].any()  # before the first frame nothing is known
    assert not found[:, 3:, :3].any()


@pytest.mark.parametrize("pieces", [[1] * 6, [4, 2], [6]])
@pytest.mark.parametrize("blank", [False, True])
def test_a_stream_is_the_clip_and_may_begin_as_zeros(pieces: list[int], blank: bool) -> None:
    differences, x = FrameDifferences([1, 2]), torch.rand(2, 1, 6, 3, 3)
    whole, left = differences(x, {})
    state = {name: torch.zeros_like(value) for name, value in left.items()} if blank else {}
    parts = []
    for piece in x.split(pieces, 2):
        found, state = differences(piece, state)
        parts.append(found)
    assert torch.equal(torch.cat(parts, 2), whole)
    assert {name: v.shape for name, v in state.items()} == {n: v.shape for n, v in left.items()}
