"""Fusion of class probabilities, beside a naive version in exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from onebody.evaluation import fuse_clips, fuse_outputs, fuse_probabilities
from onebody.metrics import Results

scores = arrays(np.float32, (3, 2, 4), elements=st.floats(0.0078125, 1.0, width=32))


def probabilities(values):
    return (values / values.sum(-1, keepdims=True)).astype(np.float32)


def naive_product(parts):
    """Multiply in exact fractions."""
    out = []
    for row in range(parts.shape[1]):
        found = [Fraction(1)] * parts.shape[2]
        for part in parts:
            found = [a * Fraction(float(b)) for a, b in zip(found, part[row], strict=True)]
        out.append([float(value / sum(found)) for value in found])
    return np.array(out)


@given(scores)
def test_the_product_is_the_naive_one(values):
    parts = probabilities(values)
    found = fuse_probabilities(list(parts), "product")
    np.testing.assert_allclose(found, naive_product(parts), rtol=1e-9)


@given(scores)
def test_the_average_is_the_mean(values):
    parts = probabilities(values)
    np.testing.assert_allclose(fuse_probabilities(list(parts)), parts.mean(0), rtol=1e-6)


@given(scores, st.sampled_from(["average", "product"]))
def test_clips_are_joined_as_outputs_are(values, fusion):
    parts = probabilities(values)
    clips = Results(
        prediction=parts.reshape(6, 4), target=np.array([1, 2] * 3), row=np.array([8, 3] * 3)
    )
    outputs = [
        Results(prediction=part, target=np.array([1, 2]), row=np.array([8, 3])) for part in parts
    ]
    own, other = fuse_clips(clips, fusion), fuse_outputs(outputs, fusion)
    assert own.row.tolist() == [3, 8]
    assert own.target.tolist() == [2, 1]
    np.testing.assert_allclose(own.prediction, other.prediction[::-1], rtol=1e-9)


def test_many_small_probabilities_do_not_underflow():
    part = np.array([[1e-30, 2e-30, 1 - 3e-30]])
    found = fuse_probabilities([part, part[:, ::-1], *[part[:, [1, 0, 2]]] * 40], "product")
    assert np.isfinite(found).all()
    assert found.sum() == pytest.approx(1)
    assert found.argmax() == 2


def test_a_zero_is_no_veto_and_gives_no_nan():
    sure = np.array([[1.0, 0.0]], np.float32)
    assert fuse_probabilities([sure, sure[:, ::-1]], "product").tolist() == [[0.5, 0.5]]
    rows = Results(
        prediction=np.array([[1, 0], [0, 1], [0, 1]], np.float32),
        target=np.array([1, 1, 1]),
        row=np.zeros(3, np.int64),
    )
    assert fuse_clips(rows, "product").prediction[0] == pytest.approx([0, 1])


def test_average_and_product_can_differ():
    parts = [np.array([[0.98, 0.02]]), np.array([[0.3, 0.7]]), np.array([[0.2, 0.8]])]
    assert fuse_probabilities(parts)[0].argmax() == 1
    assert fuse_probabilities(parts, "product")[0].argmax() == 0


@pytest.mark.parametrize("fusion", ["average", "product"])
def test_clips_of_a_row_must_agree(fusion):
    rows = Results(prediction=np.full((2, 2), 0.5), target=np.array([0, 1]), row=np.array([4, 4]))
    with pytest.raises(ValueError, match="row 4 have different labels"):
        fuse_clips(rows, fusion)
