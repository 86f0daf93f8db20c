"""A frame in memory becomes the pixels that the same frame of a file becomes in training."""

from __future__ import annotations

import av
import numpy as np
import pytest
import torch

from onebody.data import InputSpec, make_table
from onebody.data.assemble import make_batch
from onebody.data.picture import ArrayPicture, VideoPicture
from onebody.inference import prepare as module
from onebody.inference.prepare import checked_frame, picture_channels, prepare_frame

NAN = np.full(4, np.nan)
BOXES = [
    NAN,
    np.array([10.0, 12.0, 40.0, 60.0]),
    np.array([-20.3, 5.7, 33.1, 300.2]),  # reaches beyond the picture
    np.array([70.2, 3.0, 95.9, 20.0]),
]


def picture(height, width, channels):
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def trained(path, frame, spec, box):
    """Make the frame a Batch, by way of a file and a table."""
    np.save(path, frame[None])
    table = make_table("test", {spec.modality: [str(path)]}, fps=np.array([25.0]), box=box[None])
    return make_batch(table, [0], spec, (), augment=None)


@pytest.mark.parametrize("box", range(len(BOXES)))
@pytest.mark.parametrize("crop", ["square", "center"])
@pytest.mark.parametrize("shape", [(64, 64), (90, 120), (181, 97), (300, 200), (9, 30)])
def test_pixels_are_those_of_training(tmp_path, shape, crop, box):
    for modality, channels in (("rgb", 3), ("depth", 1)):
        spec = InputSpec(modality=modality, size=64, frames=1, sampling="dense", crop=crop)
        frame = picture(*shape, channels)
        made = prepare_frame(checked_frame(frame, spec), spec, BOXES[box])
        batch = trained(tmp_path / "frame.npy", frame, spec, BOXES[box])
        expected = batch.inputs[modality][:, :, 0].numpy()
        np.testing.assert_array_equal(made.pixels, expected)
        affine = torch.from_numpy(made.crop_to_source[None]).float()
        assert torch.equal(affine, batch.context.crop_to_source)
        assert made.side_px == pytest.approx(float(affine[0, 0, 0]))


def test_what_is_left_unfilled_is_never_looked_at(monkeypatch):
    def unknown(shape):
        return np.full(shape, np.nan, np.float32)

    monkeypatch.setattr(module, "_unfilled", unknown)
    random = np.random.default_rng(0)
    for number in range(300):
        spec = InputSpec(size=32, sampling="dense", crop=("square", "center")[number % 2])
        frame = picture(*random.integers(9, 200, 2), 3)
        middle, half = random.uniform(-40, 240, 2), random.uniform(0.3, 150, 2)
        box = np.concatenate([middle - half, middle + half])
        box = [box, np.rint(box), None][number % 3]
        assert np.isfinite(prepare_frame(checked_frame(frame, spec), spec, box).pixels).all()


def test_a_decoded_frame_gives_the_same_as_its_pixels():
    decoded = av.VideoFrame(320, 180, "yuv420p")
    random = np.random.default_rng(0)
    for plane in decoded.planes:
        np.frombuffer(plane, np.uint8)[:] = random.integers(0, 256, plane.buffer_size, np.uint8)
    for modality, channels in (("rgb", 3), ("depth", 1)):
        spec = InputSpec(modality=modality, size=48, sampling="dense")
        pixels = ArrayPicture(VideoPicture(decoded, channels).pixels())
        for box in (None, np.array([101.0, 33.0, 180.5, 140.0]), np.array([5.0, 5.0, 30.0, 40.0])):
            made = prepare_frame(VideoPicture(decoded, channels), spec, box).pixels
            np.testing.assert_array_equal(made, prepare_frame(pixels, spec, box).pixels)


def test_grey_and_color_are_converted():
    color = InputSpec(size=16)
    grey = InputSpec(modality="depth", size=16)
    frame = picture(20, 20, 1)
    repeated = checked_frame(frame[..., 0], color).pixels()
    np.testing.assert_array_equal(repeated, np.repeat(frame, 3, 2))
    np.testing.assert_array_equal(checked_frame(frame, grey).pixels(), frame)
    red = np.zeros((20, 20, 3), np.uint8)
    red[..., 0] = 255
    assert checked_frame(red, grey).pixels().tolist() == [[[76]] * 20] * 20


@pytest.mark.parametrize(
    ("frame", "match"),
    [
        (np.zeros((1, 1, 3), np.uint8), "at least 8 x 8 pixels, found 1 x 1"),
        (np.zeros((480, 4, 3), np.uint8), "found 4 x 480"),
        (np.zeros((20, 20, 3), np.float32), "uint8.*float32"),
        (np.zeros((20, 20, 4), np.uint8), r"\[20, 20, 4\]"),
        (np.zeros((2, 20, 20, 3), np.uint8), r"\[2, 20, 20, 3\]"),
        (torch.zeros(20, 20, 3, dtype=torch.uint8), "a NumPy array, found Tensor"),
        ([[1, 2], [3, 4]], "found list"),
        (None, "found NoneType"),
    ],
)
def test_what_is_no_picture_is_refused(frame, match):
    with pytest.raises(ValueError, match=match):
        checked_frame(frame, InputSpec(size=16))


def test_networks_of_numbers_are_refused():
    with pytest.raises(ValueError, match="pictures, found one that reads 'imu'"):
        picture_channels(InputSpec(modality="imu"))
