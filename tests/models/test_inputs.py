import pytest
import torch
from model_helpers import mask

from onebody.models.inputs import single_modality, take_input


def test_the_only_modality_is_taken() -> None:
    assert single_modality({"depth": 1}, "light") == ("depth", 1)
    with pytest.raises(ValueError, match="'light' reads one modality, found rgb, depth"):
        single_modality({"rgb": 3, "depth": 1}, "light")
    with pytest.raises(ValueError, match="found none"):
        single_modality({}, "light")


def test_invalid_rows_and_frames_become_zero_even_if_nan() -> None:
    x = torch.ones(2, 1, 3, 2, 2)
    x[1] = torch.nan
    taken = take_input({"rgb": x}, {"rgb": mask(1, 0)}, "rgb", 1)
    assert torch.equal(taken[0], x[0])
    assert torch.equal(taken[1], torch.zeros(1, 3, 2, 2))
    x = torch.ones(2, 1, 3, 2, 2)
    x[0, :, 1] = torch.nan
    keep = torch.tensor([[True, False, True], [True, True, True]])
    taken = take_input({"rgb": x}, {"rgb": keep}, "rgb", 1)
    assert torch.equal(taken.sum((1, 3, 4)), torch.tensor([[4.0, 0.0, 4.0], [4.0, 4.0, 4.0]]))


def test_other_modalities_validity_is_not_ours() -> None:
    x = torch.ones(2, 3, 1, 2, 2)
    assert take_input({"rgb": x}, {"depth": mask(0, 0)}, "rgb", 3) is x


def test_missing_or_misshapen_input_is_named() -> None:
    x = torch.ones(2, 1, 3, 2, 2)
    with pytest.raises(ValueError, match="reads 'rgb', but the batch holds: depth"):
        take_input({"depth": x}, {}, "rgb", 3)
    with pytest.raises(ValueError, match=r"expected \[B, 3, T, H, W\], found \[2, 1, 3, 2, 2\]"):
        take_input({"rgb": x}, {}, "rgb", 3)
    with pytest.raises(ValueError, match="expected"):
        take_input({"rgb": x[:, :, 0]}, {}, "rgb", 1)
