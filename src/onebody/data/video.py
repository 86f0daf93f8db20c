"""Frames of a video file by number, exactly.

A file is scanned once (packets only, nothing decoded) for the presentation time of every frame.
Reading seeks to the key frame before a wanted frame, decodes forward and picks frames by their
time, so reordered (B) frames, edit lists, start offsets and variable rates all come out right.
Containers that keep no true times (AVI with reordered frames, raw streams) are decoded from the
beginning and counted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from onebody.data.media import MediaError, MediaInfo, Place, Stamp
from onebody.data.video_file import decode, open_video, to_pixels
from onebody.data.video_index import CACHED_FILES, VideoIndex, video_index
from onebody.types import Frames, Ints


def video_info(place: Place) -> MediaInfo:
    """Return the size (as displayed), rate and length of a video; kept until the file changes.

    Raises:
        MediaError: as `video_index`, and if its first frame cannot be decoded.
    """
    index = video_index(place)
    height, width = _size(place, place.stamp())
    return MediaInfo(num_frames=len(index), fps=index.fps, height=height, width=width)


def read_video(place: Place, indices: Ints, channels: int) -> Frames:
    """Decode exactly these frames.

    Args:
        place: a video file, or one in a zip archive.
        indices: ``[T]`` frame numbers in any order, repeats allowed, each below ``len(index)``.
        channels: 3 RGB, 1 grey.

    Returns:
        ``[T, H, W, channels]``.

    Raises:
        MediaError: if one of them cannot be decoded undamaged.
    """
    index = video_index(place)
    unique, where = np.unique(indices, return_inverse=True)
    wanted = [int(i) for i in unique]
    found: dict[int, npt.NDArray[np.uint8]] = {}
    if not index.counted:
        found, damaged = _by_time(place, index, wanted, channels, seek=True)
        if len(found) < len(wanted):  # a container whose seeking overshoots, an open group
            found, damaged = _by_time(place, index, wanted, channels, seek=False)
        if len(found) < len(wanted) and damaged:
            raise _lost(place, index, wanted, found)
    if len(found) < len(wanted):  # no true times, or times that the decoder does not repeat
        found = _by_count(place, index, wanted, channels)
    shapes = {frame.shape for frame in found.values()}
    if len(shapes) > 1:
        raise MediaError(place.source, "one picture size", f"several: {sorted(shapes)}")
    return np.stack([found[i] for i in wanted])[where]


@lru_cache(maxsize=CACHED_FILES)
def _size(place: Place, stamp: Stamp) -> tuple[int, int]:
    """Return (height, width) of the first frame as displayed (the note is on the frame)."""
    del stamp
    with open_video(place) as (container, stream):
        for frame, _ in decode(container, stream):
            turned = round(getattr(frame, "rotation", 0) / 90) % 2
            size = (frame.height, frame.width)
            return (size[1], size[0]) if turned else size
    raise MediaError(place.source, "a readable video", "not one frame")


def _by_time(
    place: Place, index: VideoIndex, wanted: list[int], channels: int, *, seek: bool
) -> tuple[dict[int, npt.NDArray[np.uint8]], bool]:
    """Pick frames by presentation time; what is not found or damaged is left out.

    Returns:
        The frames by number; was there any damage on the way?
    """
    found: dict[int, npt.NDArray[np.uint8]] = {}
    damaged = False
    number_at = {int(index.times[i]): i for i in wanted}
    with open_video(place) as (container, stream):
        for group in _groups(index, wanted) if seek else [wanted]:
            if seek:
                key = int(np.searchsorted(index.keys, index.times[group[0]], "right")) - 1
                container.seek(int(index.seeks[max(0, key)]), stream=stream, backward=True)
            # Reordered frames come before the damaged one that they are predicted from: look on.
            last = index.times[min(group[-1] + index.delay, len(index) - 1)]
            for frame, sound in decode(container, stream):
                number = number_at.get(frame.pts)
                if not sound:
                    damaged = True
                    _drop_before(found, index, frame.pts)
                elif number is not None and number not in found:
                    found[number] = to_pixels(frame, channels)
                if frame.pts is not None and frame.pts >= last:
                    break
    return found, damaged


def _drop_before(found: dict[int, npt.NDArray[np.uint8]], index: VideoIndex, pts: Any) -> None:
    """Drop the few frames shown before a damaged one that may be predicted from it."""
    at = int(np.searchsorted(index.times, pts)) if pts is not None else len(index)
    for number in range(at - index.delay + 1, at):
        found.pop(number, None)


def _groups(index: VideoIndex, wanted: list[int]) -> list[list[int]]:
    """Divide ascending frame numbers where a whole group of pictures lies between two."""
    if len(index.keys) < 2:
        return [wanted]
    key = np.searchsorted(index.keys, index.times[wanted], "right")
    cuts = np.flatnonzero(np.diff(key) > 1) + 1
    return [[int(i) for i in group] for group in np.split(np.array(wanted), cuts)]


def _by_count(
    place: Place, index: VideoIndex, wanted: list[int], channels: int
) -> dict[int, npt.NDArray[np.uint8]]:
    """Decode from the beginning and count.

    Where the decoder swallows a frame, every later number would be wrong in silence: it is noticed
    by the decoder being further behind its packets than it may be.
    """
    found: dict[int, npt.NDArray[np.uint8]] = {}
    got = 0
    with open_video(place) as (container, stream):
        fed = _Fed(container)
        for frame, sound in decode(fed, stream):
            if not sound or fed.packets - got > index.delay + 1:
                for number in range(got - index.delay, got):
                    found.pop(number, None)
                break
            if got in wanted:
                found[got] = to_pixels(frame, channels)
            got += 1
            if got > wanted[-1] + index.delay:
                break
        else:
            if got < len(index) - 1:  # swallowed near the end (one: the filler that closes XviD)
                found.clear()
    if len(found) < len(wanted):
        raise _lost(place, index, wanted, found)
    return found


class _Fed:
    """A container that counts the packets that it hands out."""

    def __init__(self, container: Any) -> None:
        self.container = container
        self.packets = 0

    def demux(self, stream: Any) -> Iterator[Any]:
        """Yield packets as the container does."""
        for packet in self.container.demux(stream):
            self.packets += bool(packet.size)
            yield packet


def _lost(place: Place, index: VideoIndex, wanted: list[int], found: Collection[int]) -> MediaError:
    """Say which frame could not be had."""
    frame = next(i for i in wanted if i not in found)
    return MediaError(
        place.source,
        f"{index.header} frames, as its header says",
        f"frame {frame} damaged or not decodable",
    )
