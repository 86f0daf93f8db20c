"""Pose networks in ONNX files: joints come back in source pixels, and odd files are refused."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_models import JOINTS, write_model

from onebody.inference.pose_models import PoseNetworkOptions, load_pose_network

PLAIN = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
FORMS = {
    "heatmap": {},
    "simcc": {},
    "coordinates": {"coordinates": "pixels"},
    "fractions": {"coordinates": "fractions"},
}


def spot(height, width, x, y, side=1):
    """Draw a black picture with one white square whose first pixel is (x, y)."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[y : y + side, x : x + side] = 255
    return picture


def network(path, kind, **options):
    return load_pose_network(path, JOINTS, PoseNetworkOptions(**{**PLAIN, **options}))


@pytest.mark.parametrize("kind", FORMS)
def test_every_form_finds_the_spot_in_source_pixels(tmp_path, kind):
    found = network(write_model(tmp_path / "m.onnx", kind), kind, **FORMS[kind])
    assert found.output.kind == {"fractions": "coordinates"}.get(kind, kind)
    pictures = [spot(48, 64, 10, 20), spot(48, 64, 63, 0)]
    joints, scores = found.joints(pictures, [None, None])
    assert joints.shape == (2, JOINTS, 2)
    np.testing.assert_allclose(joints[0], [[10.5, 20.5]] * JOINTS, atol=1e-4)
    np.testing.assert_allclose(joints[1], [[63.5, 0.5]] * JOINTS, atol=1e-4)
    np.testing.assert_allclose(scores, 1, atol=1e-6)


@pytest.mark.parametrize("kind", FORMS)
def test_a_larger_picture_of_another_shape_is_scaled_and_padded(tmp_path, kind):
    found = network(write_model(tmp_path / "m.onnx", kind), kind, **FORMS[kind])
    # 96 x 96 becomes the middle of a 96 x 128 window, which the network sees at half its size
    joints, _ = found.joints([spot(96, 96, 30, 60, side=2)], [None])
    np.testing.assert_allclose(joints[0, 0], [31, 61], atol=1e-4)  # the middle of the square


def test_a_box_hides_what_is_outside(tmp_path):
    found = network(write_model(tmp_path / "m.onnx", "heatmap"), "heatmap", box_scale=1.0)
    picture = spot(200, 200, 150, 150) // 2 + spot(200, 200, 20, 20)
    joints, scores = found.joints([picture, picture], [None, (130, 140, 64, 48)])
    np.testing.assert_allclose(joints[1, 0], [150.5, 150.5], atol=1e-4)
    np.testing.assert_allclose(scores[1], 127 / 255, atol=1e-4)
    assert np.linalg.norm(joints[0, 0] - 20.5) < 3  # a coarse look at the whole


@pytest.mark.parametrize(("cells", "place"), [("corner", (12.5, 20.5)), ("center", (14, 22))])
def test_cells_of_coarse_maps_lie_where_it_was_said(tmp_path, cells, place):
    found = network(write_model(tmp_path / "m.onnx", "stride4"), "heatmap", cells=cells)
    joints, _ = found.joints([spot(48, 64, 13, 21)], [None])  # in cell (3, 5)
    np.testing.assert_allclose(joints[0, 0], place, atol=1e-4)


def test_a_black_picture_has_no_joints(tmp_path):
    found = network(write_model(tmp_path / "m.onnx", "heatmap"), "heatmap")
    joints, scores = found.joints([spot(48, 64, 0, 0, side=0)], [None])
    assert np.isnan(joints).all()
    assert np.isnan(scores).all()


def test_channels_last_and_one_picture_at_a_time(tmp_path):
    path = write_model(tmp_path / "m.onnx", "simcc", batch=1, last=True)
    found = network(path, "simcc")
    assert (found.channels_last, found.batched) == (True, False)
    joints, _ = found.joints([spot(48, 64, 5, 6), spot(48, 64, 7, 8)], [None, None])
    np.testing.assert_allclose(joints[:, 0], [[5.5, 6.5], [7.5, 8.5]], atol=1e-4)


def test_colors_are_normalized_and_turned_around(tmp_path):
    path = write_model(tmp_path / "m.onnx", "heatmap")
    red = np.zeros((48, 64, 3), np.uint8)
    red[..., 0] = 51  # a fifth of white
    mean, std = (0.1, 0.2, 0.4), (0.5, 0.25, 0.2)
    found = load_pose_network(path, JOINTS, PoseNetworkOptions(mean=mean, std=std))
    expected = [(0.2 - 0.1) / 0.5, -0.2 / 0.25, -0.4 / 0.2]
    np.testing.assert_allclose(found._to_input(red[None])[0, :, 0, 0], expected, rtol=1e-5)
    turned = load_pose_network(path, JOINTS, PoseNetworkOptions(mean=mean, std=std, bgr=True))
    np.testing.assert_allclose(turned._to_input(red[None])[0, :, 0, 0], expected[::-1], rtol=1e-5)


def test_an_open_size_has_to_be_stated_and_a_fixed_one_stays(tmp_path):
    path = write_model(tmp_path / "m.onnx", "heatmap", fixed=False)
    with pytest.raises(ValueError, match=r"expected the size of the input.*--input-size"):
        network(path, "heatmap")
    joints, _ = network(path, "heatmap", size=(48, 64)).joints([spot(48, 64, 3, 4)], [None])
    np.testing.assert_allclose(joints[0, 0], [3.5, 4.5])
    fixed = write_model(tmp_path / "fixed.onnx", "heatmap")
    with pytest.raises(ValueError, match=r"found \[48, 64\] in the file and \(64, 64\) stated"):
        network(fixed, "heatmap", size=(64, 64))


def test_several_outputs_that_fit_are_refused_until_one_is_chosen(tmp_path):
    path = write_model(tmp_path / "m.onnx", "heatmap", extra=True)
    with pytest.raises(ValueError, match=r"m\.onnx: Expected one output.*--output NAME"):
        network(path, "heatmap")
    assert network(path, "heatmap", output=("twin",)).output.names == ("twin",)
    with pytest.raises(ValueError, match=r"no output 'none'\. Outputs: maps, twin"):
        network(path, "heatmap", output=("none",))


def test_another_layout_is_refused(tmp_path):
    path = write_model(tmp_path / "m.onnx", "heatmap")
    with pytest.raises(ValueError, match=r"one output of 17 joints.*maps \[1, 13, 48, 64\]: none"):
        load_pose_network(path, 17, PoseNetworkOptions())


def test_coordinates_without_a_scale_are_refused(tmp_path):
    with pytest.raises(ValueError, match="--coordinates pixels"):
        network(write_model(tmp_path / "m.onnx", "coordinates"), "coordinates")


@pytest.mark.parametrize("content", [b"", b"no network", b"\x08\x07\x12\x04test" * 3])
def test_files_that_are_no_networks_are_named(tmp_path, content):
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(ValueError, match=r"m\.onnx: expected an ONNX network"):
        network(tmp_path / "m.onnx", "heatmap")


def test_a_missing_file_and_a_fixed_number_of_pictures(tmp_path):
    with pytest.raises(ValueError, match="expected an ONNX file, found none"):
        network(tmp_path / "none.onnx", "heatmap")
    with pytest.raises(ValueError, match="takes one picture at a time"):
        network(write_model(tmp_path / "m.onnx", "heatmap", batch=4), "heatmap")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mean": (123.7, 116.3, 103.5)}, "--mean: expected three fractions of white"),
        ({"std": (1.0, 1.0)}, "--std: expected three"),
        ({"std": (0.0, 1.0, 1.0)}, "--std above 0"),
        ({"box_scale": 0.0}, "--box-scale in"),
    ],
)
def test_impossible_options_are_refused(tmp_path, options, message):
    path = write_model(tmp_path / "m.onnx", "heatmap")
    with pytest.raises(ValueError, match=message):
        load_pose_network(path, JOINTS, PoseNetworkOptions(**options))
