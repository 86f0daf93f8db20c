"""Frames and arrays of any source of a table (see `onebody.data.table`), by number.

Nothing is kept open between calls that a worker process could inherit, and a short or damaged
medium is named: never an IndexError, never the last frame repeated in silence.
"""

from __future__ import annotations

import math

import numpy as np

from onebody.data.arrays import array_frames, load_array
from onebody.data.images import picture_size, picture_sources, read_pictures
from onebody.data.media import MediaError, MediaInfo, Place, parse
from onebody.data.table import Numbers
from onebody.data.video import read_video, video_info
from onebody.data.video_index import video_index
from onebody.types import Array, Frames, Ints

__all__ = [
    "MediaError",
    "MediaInfo",
    "frame_span",
    "probe",
    "read_array",
    "read_frames",
    "timestamps",
]


def probe(source: str) -> MediaInfo:
    """Return what a medium is, without decoding it; kept until the file changes.

    Raises:
        MediaError: if it is missing, empty, truncated or of no known kind.
    """
    place = parse(source)
    if place.kind == "video":
        return video_info(place)
    nan = float("nan")
    if place.kind in ("image", "folder"):
        sources = picture_sources(place) if place.kind == "folder" else (source,)
        return MediaInfo(len(sources), nan, *picture_size(sources[0]))
    array = load_array(place)
    if array.ndim == 0:
        raise MediaError(source, "an array of rows", "a single value")
    is_pictures = array.dtype == np.uint8 and array.ndim in (3, 4)
    height, width = array.shape[1:3] if is_pictures else (0, 0)
    return MediaInfo(len(array), nan, height, width)


def read_frames(source: str, indices: Ints, *, channels: int = 3) -> Frames:
    """Read exactly these frames.

    Args:
        source: a video, a folder of pictures, a picture, or a uint8 array of pictures.
        indices: ``[T]`` frame numbers from 0, in presentation order; any order, repeats allowed.
        channels: 3 (RGB) or 1 (grey); pictures of the other kind are converted.

    Returns:
        ``[T, H, W, channels]`` uint8, upright (rotation notes of phones and cameras are honored).

    Raises:
        MediaError: if the medium is missing, empty, truncated or damaged, or has no such frame.
    """
    if channels not in (1, 3):
        raise ValueError(f"{source}: expected 1 or 3 channels, found {channels}.")
    place = parse(source)
    indices = np.asarray(indices, np.int64).reshape(-1)
    size = _num_frames(place)
    outside = indices[(indices < 0) | (indices >= size)]
    if len(outside):
        raise MediaError(source, f"frame numbers from 0 to {size - 1}", f"frame {outside[0]}")
    if not len(indices):
        info = probe(source)
        return np.zeros((0, info.height, info.width, channels), np.uint8)
    if place.kind == "video":
        return read_video(place, indices, channels)
    if place.kind in ("npz", "npy"):
        return array_frames(place, indices, channels)
    return read_pictures(place, indices, channels)


def read_array(source: str) -> Array:
    """Read ``file.npz#key`` or ``file.npy#a:b`` (npy: memory-mapped, not yet read).

    Raises:
        MediaError: if there is no such array, or it holds Python objects.
    """
    place = parse(source)
    if place.kind not in ("npz", "npy"):
        raise MediaError(source, "an array: file.npz#key or file.npy#a:b", "another kind of file")
    return load_array(place)


def timestamps(source: str, indices: Ints, *, fps: float = math.nan) -> Numbers:
    """Return when frames are shown, in seconds after the first frame.

    Args:
        source: any medium.
        indices: ``[T]`` frame numbers.
        fps: the table's frame rate; NaN: the file's own times (of a variable rate, too).

    Raises:
        MediaError: if a number is outside the medium, or nobody knows the rate.
    """
    place = parse(source)
    indices = np.asarray(indices, np.int64)
    size = _num_frames(place)
    if len(indices) and not 0 <= indices.min() <= indices.max() < size:
        raise MediaError(source, f"frame numbers from 0 to {size - 1}", f"{indices.tolist()}")
    if not math.isnan(fps):
        return np.asarray(indices / fps, np.float64)
    if place.kind == "video":
        return video_index(place).seconds()[indices]
    if size == 1:
        return np.zeros(indices.shape)
    raise MediaError(source, "'fps' in the table (the medium has no clock)", "none")


def frame_span(
    source: str, start_s: float = math.nan, end_s: float = math.nan, *, fps: float = math.nan
) -> tuple[int, int]:
    """Turn a span in seconds into frame numbers.

    A frame belongs to the span if its time, rounded to the frame clock, lies in [start, end): a
    span written with few digits still begins at the frame that was meant.

    Args:
        source: any medium.
        start_s: where the span begins; NaN: at the beginning.
        end_s: where it ends; NaN: at the end.
        fps: the table's frame rate; NaN: the file's own times.

    Returns:
        (first frame, frame after the last), at least one frame apart.

    Raises:
        MediaError: if no frame lies in the span, or it needs a rate that nobody knows.
    """
    size = _num_frames(parse(source))
    if math.isnan(start_s) and math.isnan(end_s):
        return 0, size
    times = timestamps(source, np.arange(size), fps=fps)
    # Half a frame of tolerance, of the typical frame where the rate varies.
    half = float(np.median(np.diff(times))) / 2 if size > 1 else 0.0
    first = 0 if math.isnan(start_s) else int(np.searchsorted(times, start_s - half, "left"))
    stop = size if math.isnan(end_s) else int(np.searchsorted(times, end_s - half, "left"))
    if stop <= first:
        length = float(times[-1]) + 2 * half
        begin = "the beginning" if math.isnan(start_s) else f"{start_s:g} s"
        end = "the end" if math.isnan(end_s) else f"{end_s:g} s"
        raise MediaError(source, f"frames between {begin} and {end}", f"none in {length:.3f} s")
    return first, stop


def _num_frames(place: Place) -> int:
    """Count frames without decoding any."""
    if place.kind == "video":
        return len(video_index(place))
    if place.kind == "folder":
        return len(picture_sources(place))
    if place.kind == "image":
        place.stamp()
        return 1
    return len(array) if (array := load_array(place)).ndim else 0
