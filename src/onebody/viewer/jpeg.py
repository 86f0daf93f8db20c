"""Compressed pictures from and to pages."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from onebody.types import Frames
from onebody.viewer.limits import Limits

QUALITY = 80
"""JPEG quality of pictures sent to pages."""


def read_jpeg(data: bytes, limits: Limits) -> Frames:
    """Unpack a JPEG that somebody sent.

    Returns:
        ``[H, W, 3]``.

    Raises:
        ValueError: if it is none, is too large (told by its header, before it is unpacked), or is
            cut off.
    """
    if len(data) > limits.picture_bytes:
        raise ValueError(f"a picture of {len(data)} bytes; at most {limits.picture_bytes} are read")
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as picture:
            if max(picture.size) > limits.picture_side:
                raise ValueError(
                    f"a picture of {picture.width} x {picture.height} pixels; at most "
                    f"{limits.picture_side} a side are read"
                )
            return np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(f"{len(data)} bytes that are no whole JPEG picture") from None


def write_jpeg(picture: Frames, longest_side: int) -> bytes:
    """Pack a picture ``[H, W, 1 or 3]``, made smaller where a side is longer than allowed."""
    image = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
    factor = longest_side / max(image.size)
    if factor < 1.0:
        size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
        image = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    packed = io.BytesIO()
    image.save(packed, "JPEG", quality=QUALITY)
    return packed.getvalue()
