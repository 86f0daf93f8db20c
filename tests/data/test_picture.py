"""A part of a picture is a part of its pixels, however it is stored."""

from __future__ import annotations

import av
import numpy as np
import pytest

from onebody.data.geometry import shrink
from onebody.data.picture import ArrayPicture, VideoPicture
from onebody.data.video_file import to_pixels, to_planes

FORMATS = ["yuv420p", "yuvj420p", "yuv422p", "yuv444p", "nv12", "yuv420p10le", "rgb24"]


def noise(name, width, height):
    """Make a frame of any numbers, among them those that no color has."""
    frame, random = av.VideoFrame(width, height, name), np.random.default_rng(0)
    for plane in frame.planes:
        np.frombuffer(plane, np.uint8)[:] = random.integers(0, 256, plane.buffer_size, np.uint8)
    return frame


def joined(picture, *place):
    """Return a part with its channels last."""
    return np.stack(picture.part(*place), axis=-1)


def parts(width, height, count):
    """Draw parts of at least one pixel."""
    random = np.random.default_rng(1)
    for _ in range(count):
        x0, y0 = random.integers(0, (width, height))
        yield x0, y0, random.integers(x0 + 1, width + 1), random.integers(y0 + 1, height + 1)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("width", "height"), [(64, 48), (65, 48), (61, 33)])
@pytest.mark.parametrize("name", FORMATS)
def test_parts_of_a_decoded_frame_are_those_of_its_pixels(name, width, height, channels):
    frame = noise(name, width, height)
    for matrix, extent in ((2, 0), (1, 1), (5, 1), (1, 2), (5, 2)):  # unknown, HD, SD; narrow, full
        frame.colorspace, frame.color_range = matrix, extent
        kind = "rgb24" if channels == 3 else "gray"
        expected = frame.to_ndarray(format=kind).reshape(height, width, channels)
        picture = VideoPicture(frame, channels)
        assert picture.shape == expected.shape
        for x0, y0, x1, y1 in parts(width, height, 12):
            np.testing.assert_array_equal(joined(picture, x0, y0, x1, y1), expected[y0:y1, x0:x1])
        np.testing.assert_array_equal(picture.pixels(), expected)
        assert picture.pixels() is picture.pixels()  # converted once


@pytest.mark.parametrize("factor", [1, 2, 3, 5])
def test_parts_are_shrunk_as_the_whole(factor):
    frame = noise("yuv420p", 122, 70)
    decoded = VideoPicture(frame, 3)
    array = ArrayPicture(VideoPicture(frame, 3).pixels())
    whole = shrink(array.pixels()[None], factor)[0]
    for place in [(0, 0, 122, 70), (30, 30, 122, 60), (60, 0, 90, 70)]:
        x0, y0, x1, y1 = place
        expected = whole[y0 // factor : -(-y1 // factor), x0 // factor : -(-x1 // factor)]
        np.testing.assert_array_equal(joined(array, *place, factor), expected)
        np.testing.assert_array_equal(joined(decoded, *place, factor), expected)


def test_only_a_part_is_converted(monkeypatch):
    sizes = []

    def noted(made):
        def convert(frame, channels):
            sizes.append((frame.width, frame.height))
            return made(frame, channels)

        return convert

    monkeypatch.setattr("onebody.data.picture.to_pixels", noted(to_pixels))
    monkeypatch.setattr("onebody.data.picture.to_planes", noted(to_planes))
    picture = VideoPicture(noise("yuv420p", 1280, 720), 3)
    assert joined(picture, 101, 51, 200, 151).shape == (100, 99, 3)
    assert sizes == [(112, 102)]  # widened to whole blocks of 16
    picture.pixels()
    picture.part(0, 0, 10, 10)  # of the whole, which is there
    assert sizes == [(112, 102), (1280, 720)]


def test_turned_pictures_are_given_as_displayed(tmp_path):
    class Turned:
        """A frame with a note, as phones write it."""

        def __init__(self, frame):
            self.frame, self.rotation = frame, 90

        def __getattr__(self, name):
            return getattr(self.frame, name)

    frame = noise("yuv420p", 64, 48)
    expected = np.rot90(VideoPicture(frame, 3).pixels())
    picture = VideoPicture(Turned(frame), 3)
    assert picture.shape == (64, 48, 3) == expected.shape
    np.testing.assert_array_equal(joined(picture, 3, 5, 40, 60), expected[5:60, 3:40])
