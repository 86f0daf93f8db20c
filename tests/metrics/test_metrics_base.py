import numpy as np
import pytest

from onebody.metrics import Results, concatenate


def make(rows, mask=True):
    size = len(rows)
    return Results(
        prediction=np.arange(size * 4, dtype=float).reshape(size, 2, 2),
        target=np.zeros((size, 2, 2)),
        row=np.asarray(rows, np.int64),
        mask=np.ones((size, 2), bool) if mask else None,
        scale={"crop": np.arange(size, dtype=float)},
    )


def test_select_repeats_entries_in_the_order_asked():
    drawn = make([4, 5, 6]).select(np.array([2, 2, 0]))
    assert drawn.row.tolist() == [6, 6, 4]
    assert drawn.scale["crop"].tolist() == [2, 2, 0]
    assert drawn.prediction[:, 0, 0].tolist() == [8, 8, 0]
    assert drawn.mask is not None
    assert len(drawn) == len(drawn.mask) == 3


def test_select_by_mask():
    assert make([4, 5, 6]).select(np.array([False, True, False])).row.tolist() == [5]


@pytest.mark.parametrize("mask", [True, False])
def test_concatenate_undoes_a_division(mask):
    whole = make([1, 2, 3, 4], mask)
    joined = concatenate([whole.select(np.arange(3)), whole.select(np.array([3]))])
    assert joined.row.tolist() == [1, 2, 3, 4]
    np.testing.assert_array_equal(joined.prediction, whole.prediction)
    np.testing.assert_array_equal(joined.scale["crop"], whole.scale["crop"])
    assert (joined.mask is None) != mask
