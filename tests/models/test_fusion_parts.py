"""Ways to join media, and media brought to one time axis."""

import pytest
import torch

from onebody.models.fusion_branches import Given, num_frames, to_frames
from onebody.models.fusion_parts import ApartStage, Join, Projection

THERE = torch.tensor([[1, 1, 0], [0, 1, 0], [0, 0, 0]], dtype=torch.bool).unsqueeze(-1)
"""Three rows of three media, one frame."""


def features() -> torch.Tensor:
    x = torch.arange(36.0).view(3, 3, 4, 1)
    return torch.where(THERE.unsqueeze(2), x, torch.zeros(()))


def test_the_average_is_that_of_the_media_that_are_there() -> None:
    found = Join(3, 4, "average")(features(), THERE)
    assert found[0, :, 0].tolist() == [2.0, 3.0, 4.0, 5.0]
    assert torch.equal(found[1], features()[1, 1])
    assert not found[2].any()


def test_attention_is_a_softmax_over_what_is_there() -> None:
    join = Join(3, 4, "attention")
    shares = join.shares(features(), THERE).detach()
    assert shares[0].sum() == pytest.approx(1.0)
    assert shares[:, 2].tolist() == [[0.0], [0.0], [0.0]]
    assert shares[1, :, 0].tolist() == [0.0, 1.0, 0.0]
    assert not shares[2].any()
    with torch.no_grad():
        join.weigh.weight.zero_()
        join.prior[0] = 100.0
    assert torch.allclose(join(features(), THERE)[0], features()[0, 0])


def test_early_fusion_puts_a_learned_vector_in_the_place_of_what_is_missing() -> None:
    torch.manual_seed(0)
    join = Join(3, 4, "early")
    before = join(features(), THERE)
    with torch.no_grad():
        join.none[2] += 1.0
    after = join(features(), THERE)
    assert not torch.allclose(before, after)
    with torch.no_grad():
        join.none[1] += 1.0  # only the last row lacks it
    assert torch.equal(join(features(), THERE)[:2], after[:2])
    assert not torch.equal(join(features(), THERE)[2], after[2])


def test_late_fusion_keeps_media_side_by_side_with_flags() -> None:
    found = Join(3, 4, "late")(features(), THERE)
    assert found.shape == (3, 15, 1)
    assert found[:, ::5, 0].tolist() == THERE.squeeze(-1).float().tolist()
    assert torch.equal(found[0, 1:5], features()[0, 0])
    stage = ApartStage(3, 4, (1,), dropout=0.0, causal=False)
    moved, state = stage(found, {})
    assert torch.equal(moved[:, ::5], found[:, ::5])
    assert not moved[0, 11:].any()
    assert moved[0, 1:5].any()
    assert state == {}


def test_a_view_has_a_part_of_its_own() -> None:
    torch.manual_seed(0)
    projection = Projection(6, 4, ("rgb", "rgb/2"), 3)
    x = torch.rand(2, 6, 5)
    assert torch.equal(projection(x, "rgb"), projection(x, "rgb/2"))
    with torch.no_grad():
        projection.own["rgb/2"][2].weight.normal_()
    assert not torch.allclose(projection(x, "rgb"), projection(x, "rgb/2"))
    assert projection(x, "rgb").shape == (2, 4, 5)


@pytest.mark.parametrize("wanted", [1, 4, 12, 30])
def test_a_value_that_tells_the_time_tells_it_after_resampling(wanted) -> None:
    """Frames divide the clip evenly; a strided one looks at its first input frame."""
    given, stride = 24, 3
    x = ((torch.arange(0, given, stride) + 0.5) / given).view(1, 1, -1)
    found = to_frames(x, stride, given, wanted)[0, 0]
    times = (torch.arange(wanted) + 0.5) / wanted
    assert torch.allclose(found, times.clamp(x.min(), x.max()), atol=1e-6)


def test_frames_that_fit_stay_as_they_are() -> None:
    x = torch.rand(2, 3, 7)
    assert to_frames(x, 1, 7, 7) is x
    assert num_frames(torch.zeros(1, 3, 5, 8, 8)) == num_frames(torch.zeros(1, 5, 20, 3)) == 5


def test_a_medium_is_absent_where_no_row_has_it() -> None:
    x = torch.zeros(2, 5, 20, 3)
    assert Given(x=None).absent
    assert Given(x=x, rows=torch.tensor([False, False])).absent
    assert not Given(x=x, rows=torch.tensor([False, True])).absent
    assert not Given(x=x).absent
