import pytest
import torch

from onebody.models.softargmax import (
    expected_position,
    expected_value,
    spatial_softmax,
    window_confidence,
)


def _peak(height: int, width: int, row: int, column: int) -> torch.Tensor:
    logits = torch.full((1, 1, height, width), -50.0)
    logits[0, 0, row, column] = 50.0
    return spatial_softmax(logits)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (4, 4), (3, 7), (14, 9)])
def test_a_peak_lies_at_its_pixel_center(height: int, width: int) -> None:
    for row in (0, height // 2, height - 1):
        for column in (0, width // 2, width - 1):
            found = expected_position(_peak(height, width, row, column))[0, 0]
            expected = torch.tensor([(column + 0.5) / width, (row + 0.5) / height])
            assert torch.allclose(found, expected, atol=1e-6)


def test_an_even_map_means_the_middle() -> None:
    probability = spatial_softmax(torch.zeros(2, 3, 5, 6))
    assert torch.allclose(probability.sum((2, 3)), torch.ones(2, 3))
    assert torch.allclose(expected_position(probability), torch.full((2, 3, 2), 0.5))


def test_expected_value_is_read_at_the_peak() -> None:
    values = torch.arange(12.0).view(1, 1, 3, 4)
    assert expected_value(_peak(3, 4, 2, 1), values).item() == pytest.approx(9.0)


def test_confidence_is_the_best_two_by_two_window() -> None:
    probability = torch.zeros(1, 1, 4, 4)
    probability[0, 0, 1:3, 1:3] = 0.2
    probability[0, 0, 0, 0] = 0.1
    probability[0, 0, 3, 0] = 0.1
    assert window_confidence(probability).item() == pytest.approx(0.8)
    assert window_confidence(_peak(4, 4, 0, 3)).item() == pytest.approx(1.0)
    assert window_confidence(torch.full((1, 1, 8, 8), 1 / 64)).item() == pytest.approx(4 / 64)


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (5, 1), (2, 2)])
def test_confidence_of_maps_smaller_than_the_window(size: tuple[int, int]) -> None:
    sure = window_confidence(spatial_softmax(torch.randn(3, 2, *size)))
    assert sure.shape == (3, 2)
    assert bool(((sure > 0) & (sure <= 1)).all())


def test_half_precision_logits_are_computed_in_float32() -> None:
    logits = torch.randn(2, 3, 14, 14).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        probability = spatial_softmax(logits)
        where = expected_position(probability)
        depth = expected_value(probability, torch.ones(2, 3, 14, 14).bfloat16())
    assert probability.dtype == where.dtype == depth.dtype == torch.float32
    assert torch.allclose(depth, torch.ones(2, 3), atol=1e-6)
    full = expected_position(spatial_softmax(logits.float()))
    assert torch.allclose(where, full, atol=1e-6)
