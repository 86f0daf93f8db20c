"""Pictures that somebody sends are looked at before they are unpacked."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from onebody.viewer.jpeg import read_jpeg, write_jpeg
from onebody.viewer.limits import Limits

LIMITS = Limits(picture_side=200, picture_bytes=50_000)


def smooth(height, width, channels=3):
    ramp = np.linspace(0, 255, width)[None, :, None] * np.ones((height, 1, channels))
    return ramp.astype(np.uint8)


def test_a_picture_goes_and_comes_back():
    picture = smooth(40, 60)
    found = read_jpeg(write_jpeg(picture, 1000), LIMITS)
    assert found.shape == (40, 60, 3)
    assert np.abs(found.astype(int) - picture).max() < 8


def test_large_pictures_are_made_smaller():
    assert read_jpeg(write_jpeg(smooth(40, 400), 100), LIMITS).shape == (10, 100, 3)
    assert read_jpeg(write_jpeg(smooth(40, 400, 1), 100), LIMITS).shape == (10, 100, 3)


def packed(kind):
    made = io.BytesIO()
    Image.fromarray(smooth(20, 20)).save(made, kind)
    return made.getvalue()


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", packed("PNG"), packed("GIF")])
def test_what_is_no_jpeg_is_refused(data):
    with pytest.raises(ValueError, match=f"^{len(data)} bytes that are no whole JPEG"):
        read_jpeg(data, LIMITS)


def test_a_bomb_is_not_unpacked():
    whole = bytearray(packed("JPEG"))
    at = whole.index(b"\xff\xc0") + 5  # the header's height and width
    whole[at : at + 4] = struct.pack(">HH", 65_000, 65_000)
    with pytest.raises(ValueError, match=r"65000 x 65000 pixels|no whole JPEG"):
        read_jpeg(bytes(whole), LIMITS)
    with pytest.raises(ValueError, match="60000 bytes; at most 50000"):
        read_jpeg(bytes(60_000), LIMITS)
