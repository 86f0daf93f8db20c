"""Overlap of boxes: by hand, and against torchmetrics' counterpart in pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onebody.metrics import Results, box_metrics, overlap_above, overlaps

TRUE = [0.0, 0.0, 10.0, 10.0]


def results(*found, true=None):
    target = np.array([TRUE] * len(found) if true is None else true, np.float32).reshape(-1, 4)
    prediction = np.array(found, np.float32).reshape(-1, 4)
    return Results(prediction=prediction, target=target, row=np.arange(len(target)))


def test_overlaps_by_hand():
    some = results(TRUE, [5, 0, 15, 10], [10, 0, 20, 10], [0, 0, 10, 5.001], [4, 4, 4, 9])
    np.testing.assert_allclose(overlaps(some), [1, 1 / 3, 0, 0.5001, 0], rtol=1e-5)
    assert overlap_above(some, 0.5).tolist() == [1, 0, 0, 1, 0]
    metrics = box_metrics()
    assert metrics["iou"].function(some) == pytest.approx(overlaps(some).mean())
    assert metrics["iou50"].function(some) == pytest.approx(0.4)
    assert overlaps(results([10, 10, 0, 0])).tolist() == [0]  # exchanged corners hold nothing


@given(st.lists(st.integers(0, 12), min_size=8, max_size=8))
def test_overlaps_count_common_pixels(ends):
    x, y = np.sort(np.array(ends).reshape(2, 2, 2), axis=-1).transpose(1, 0, 2)
    y, x = y + np.array([0, 1]), x + np.array([0, 1])
    boxes = np.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], axis=1)
    grids = np.zeros((2, 14, 14), np.bool_)
    for grid, (x0, y0, x1, y1) in zip(grids, boxes, strict=True):
        grid[y0:y1, x0:x1] = True
    expected = (grids[0] & grids[1]).sum() / (grids[0] | grids[1]).sum()
    assert overlaps(results(boxes[0], true=boxes[1:])) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("found", "true", "message"),
    [
        ([np.nan, 0, 1, 1], TRUE, "found box of row 0 should be finite"),
        (TRUE, [3, 3, 3, 9], "true box of row 0 should be finite and have an area"),
        (TRUE, [np.nan, 3, 4, 9], "true box of row 0"),
    ],
)
def test_what_is_no_box_is_refused(found, true, message):
    with pytest.raises(ValueError, match=message):
        overlaps(results(found, true=[true]))


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\[M, 4\] twice"):
        overlaps(Results(prediction=np.zeros((2, 3)), target=np.zeros((2, 3)), row=np.arange(2)))
