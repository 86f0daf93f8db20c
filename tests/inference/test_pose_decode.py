"""Reading joints off outputs: which outputs they are, and exact places."""

from __future__ import annotations

import numpy as np
import pytest

from onebody.inference.pose_decode import PoseOutput, decode, find_output

SIZE = (256, 192)


@pytest.mark.parametrize(
    ("shapes", "kind", "names"),
    [
        ({"maps": (1, 17, 64, 48)}, "heatmap", ("maps",)),
        ({"a": (1, 17, 384), "b": (1, 17, 512)}, "simcc", ("a", "b")),
        ({"y": (1, 17, 512), "x": (1, 17, 384)}, "simcc", ("x", "y")),
        ({"p": (1, 17, 3), "boxes": (1, 4)}, "coordinates", ("p",)),
        ({"p": (1, 17, 2), "features": (1, 512, 8, 6)}, "coordinates", ("p",)),
    ],
)
def test_shapes_tell_the_form(shapes, kind, names):
    assert find_output(shapes, 17, SIZE) == PoseOutput(kind=kind, names=names)


def test_equal_sides_leave_the_order_of_the_outputs():
    shapes = {"first": (1, 17, 512), "second": (1, 17, 512)}
    assert find_output(shapes, 17, (256, 256)).names == ("first", "second")


@pytest.mark.parametrize(
    "shapes",
    [
        {},
        {"maps": (1, 16, 64, 48)},
        {"a": (1, 17, 100), "b": (1, 17, 512)},  # not the same bins a pixel
        {"a": (1, 17, 96), "b": (1, 17, 128)},  # fewer bins than pixels
        {"people": (1, 56, 8400)},
        {"maps": (1, 17, 64, 48), "joints": (1, 17, 2)},
    ],
)
def test_what_does_not_fit_or_fits_twice_is_refused(shapes):
    with pytest.raises(ValueError, match=r"Expected one output of 17 joints.*--output NAME"):
        find_output(shapes, 17, SIZE)


def test_heat_maps_move_a_quarter_toward_the_higher_neighbor():
    maps = np.zeros((1, 1, 64, 48), np.float32)
    maps[0, 0, 10, 20] = 0.9
    maps[0, 0, 10, 21] = 0.5
    maps[0, 0, 9, 20] = 0.4
    output = PoseOutput(kind="heatmap", names=("m",))
    joints, scores = decode(output, (maps,), SIZE)
    np.testing.assert_allclose(joints[0, 0], [20.25 * 4 + 0.5, 9.75 * 4 + 0.5])
    assert scores[0, 0] == pytest.approx(0.9)
    centered, _ = decode(output, (maps,), SIZE, "center")
    np.testing.assert_allclose(centered[0, 0], [20.75 * 4, 10.25 * 4])


def test_heat_maps_do_not_move_at_the_border():
    maps = np.zeros((1, 2, 64, 48), np.float32)
    maps[0, 0, 0, 0] = maps[0, 1, 63, 47] = 1
    maps[0, 0, 0, 1] = 0.5
    joints, _ = decode(PoseOutput(kind="heatmap", names=("m",)), (maps,), SIZE)
    np.testing.assert_allclose(joints[0], [[0.5, 0.5], [47 * 4 + 0.5, 63 * 4 + 0.5]])


def test_simcc_takes_the_lower_of_both_values():
    x, y = np.zeros((1, 1, 384), np.float32), np.zeros((1, 1, 512), np.float32)
    x[0, 0, 101], y[0, 0, 30] = 0.8, 0.6
    joints, scores = decode(PoseOutput(kind="simcc", names=("x", "y")), (x, y), SIZE)
    np.testing.assert_allclose(joints[0, 0], [101 / 2 + 0.5, 30 / 2 + 0.5])
    assert scores[0, 0] == pytest.approx(0.6)


def test_coordinates_without_scores_and_without_numbers():
    output = PoseOutput(kind="coordinates", names=("p",))
    values = np.array([[[0.5, 0.25], [np.nan, 0.5]]], np.float32)
    joints, scores = decode(output, (values,), SIZE, scale="fractions")
    assert scores is None
    np.testing.assert_allclose(joints[0, 0], [96, 64])
    assert np.isnan(joints[0, 1]).all()
    with pytest.raises(ValueError, match="--coordinates"):
        decode(output, (values,), SIZE)


def test_nothing_found_is_missing_and_scores_end_at_one():
    output = PoseOutput(kind="coordinates", names=("p",))
    values = np.array([[[5, 6, -0.1], [7, 8, 1.7], [1, 1, np.nan]]], np.float32)
    joints, scores = decode(output, (values,), SIZE, scale="pixels")
    assert np.isnan(joints[0, [0, 2]]).all()
    np.testing.assert_allclose(joints[0, 1], [7, 8])
    assert scores[0, 1] == 1
    assert np.isnan(scores[0, [0, 2]]).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0])
def test_maps_of_no_numbers_are_missing(value):
    maps = np.full((1, 1, 4, 4), value, np.float32)
    joints, scores = decode(PoseOutput(kind="heatmap", names=("m",)), (maps,), SIZE)
    assert np.isnan(joints).all()
    assert np.isnan(scores).all()
