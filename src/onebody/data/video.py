"""Frames of a video file by number, exactly.

A file is scanned once (packets only, nothing decoded) for the presentation time of every frame.
Reading seeks to the key frame before a wanted frame, decodes forward and picks frames by their
time, so reordered (B) frames, edit lists, start offsets and variable rates all come out right.
Containers that keep no true times (AVI with reordered frames, raw streams) are decoded from the
beginning and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from onebody.data.media import MediaError, MediaInfo, Place, Stamp
from onebody.types import Frames, Ints

_CACHED_FILES = 4096
_SLACK_FRAMES = 2
_SLACK_SHARE = 0.02
"""Headers of sound files are off by a frame or two (AVI writers count differently)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoIndex:
    """Where the frames of a file lie.

    Attributes:
        times: ``[N]`` presentation times in units of the stream, ascending; frame i has the i-th.
        keys: ``[K]`` presentation times of key frames, ascending.
        seeks: ``[K]`` what to seek to for each key frame.
        header: frames that the header promises.
        counted: the times cannot be trusted: frames are known by counting alone.
        delay: counted files: how many packets the decoder may be ahead of its frames.
        unit_s: seconds per unit of time.
        fps: mean frames per second; NaN if unknown.
    """

    times: Ints
    keys: Ints
    seeks: Ints
    header: int
    counted: bool
    delay: int
    unit_s: float
    fps: float

    def __len__(self) -> int:
        return len(self.times)

    def seconds(self) -> npt.NDArray[np.float64]:
        """Return ``[N]`` the time of every frame in seconds after the first."""
        if self.counted:
            return np.arange(len(self)) / self.fps
        return np.asarray((self.times - self.times[:1]) * self.unit_s, np.float64)


def video_index(place: Place) -> VideoIndex:
    """Scan a video's packets; kept until the file changes.

    Raises:
        MediaError: if it is missing, empty, no video, or holds fewer frames than its header says.
    """
    stamp = place.stamp()
    if stamp[1] == 0:
        raise MediaError(place.source, "a video", "an empty file")
    index = _scan(place, stamp)
    short = index.header - len(index)
    if len(index) == 0 or short > max(_SLACK_FRAMES, _SLACK_SHARE * index.header):
        raise MediaError(
            place.source,
            f"{index.header} frames, as its header says",
            f"{len(index)} in the file (truncated or damaged)",
        )
    return index


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
        found = _by_time(place, index, wanted, channels, seek=True)
        if len(found) < len(wanted):  # a container whose seeking overshoots, an open group
            found = _by_time(place, index, wanted, channels, seek=False)
    if len(found) < len(wanted):  # no true times, or times that the decoder does not repeat
        found = _by_count(place, index, wanted, channels)
    shapes = {frame.shape for frame in found.values()}
    if len(shapes) > 1:
        raise MediaError(place.source, "one picture size", f"several: {sorted(shapes)}")
    return np.stack([found[i] for i in wanted])[where]


@contextmanager
def open_video(place: Place, options: dict[str, str] | None = None) -> Iterator[tuple[Any, Any]]:
    """Open a file's first video stream with one decoder thread.

    Yields:
        (container, stream).

    Raises:
        MediaError: if the file cannot be opened or decoding fails within the block.
    """
    file = place.open()
    try:
        # The prefix keeps a colon in a file name from being read as a protocol.
        name = f"file:{file}" if isinstance(file, str) else file
        with av.open(name, metadata_errors="replace") as container:
            streams = container.streams.video
            if not streams:
                kinds = ", ".join(sorted({s.type for s in container.streams})) or "none"
                raise MediaError(place.source, "a video stream", f"streams: {kinds}")
            context = streams[0].codec_context
            if context is None:
                raise MediaError(place.source, "a known video codec", "one without decoder")
            context.thread_count = 1
            if options:
                context.options = options
            yield container, streams[0]
    except av.error.FFmpegError as error:
        raise MediaError(place.source, "a readable video", str(error.strerror)) from None


def decode(packet: Any) -> list[Any]:
    """Decode one packet; a packet that the decoder refuses gives no frame (its number is missed).

    Frames that the decoder marks as damaged are left out as well.
    """
    try:
        return [frame for frame in packet.decode() if not frame.is_corrupt]
    except av.error.FFmpegError:
        return []


def to_pixels(frame: Any, channels: int) -> npt.NDArray[np.uint8]:
    """Return ``[H, W, channels]`` as displayed: phones store turned pictures with a note."""
    pixels = frame.to_ndarray(format="rgb24" if channels == 3 else "gray")
    pixels = pixels.reshape(frame.height, frame.width, channels)
    turns = round(getattr(frame, "rotation", 0) / 90) % 4  # counterclockwise
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


@lru_cache(maxsize=_CACHED_FILES)
def _scan(place: Place, stamp: Stamp) -> VideoIndex:
    """Read every packet's times."""
    del stamp
    with open_video(place) as (container, stream):
        table = _table_size(container, stream)
        packets = list(_packets(container, stream))
        times = [pts for pts, _, _, shown in packets if shown]
        unit = float(stream.time_base or 1)
        rate = stream.average_rate or stream.guessed_rate
        fps = float(rate) if rate else float("nan")
        counted = None in times or len(set(times)) < len(times)
        if container.format.name == "avi":  # its times are those of packets, not of frames
            counted = counted or any(pts != dts for pts, dts, _, _ in packets)
        if counted:
            times = list(range(len(times)))
        keys = sorted(
            (p, p if d is None else min(p, d)) for p, d, k, _ in packets if k and p is not None
        )
        reordering = 1 if stream.codec_context.name.startswith(("mpeg", "msmpeg")) else 16
        return VideoIndex(
            times=np.array(sorted(times), np.int64),
            keys=np.array([k for k, _ in keys], np.int64),
            seeks=np.array([s for _, s in keys], np.int64),
            header=table or _promised(stream, packets, fps),
            counted=counted,
            delay=reordering if stream.codec_context.has_b_frames else 1,
            unit_s=unit,
            fps=fps,
        )


def _packets(container: Any, stream: Any) -> Iterator[tuple[Any, Any, bool, bool]]:
    """Yield (pts, dts, is key frame, is shown) of every whole packet until the file breaks off."""
    try:
        for packet in container.demux(stream):
            if packet.size and not packet.is_corrupt:
                yield packet.pts, packet.dts, packet.is_keyframe, not packet.is_discard
    except av.error.FFmpegError:
        return  # fewer packets than promised: the caller compares


def _table_size(container: Any, stream: Any) -> int:
    """Count the shown frames in an MP4's own table; 0 for files without one.

    The frame count beside it includes frames that an edit list hides.
    """
    if not stream.frames or "mp4" not in container.format.name:
        return 0
    return sum(not entry.is_discard for entry in getattr(stream, "index_entries", ()))


def _promised(stream: Any, packets: list[Any], fps: float) -> int:
    """Return how many frames the header says that there are."""
    shown = sum(p[3] for p in packets)
    if stream.frames:
        return int(stream.frames)
    stated = _clock_s(stream.metadata.get("DURATION", ""))  # Matroska states a length per stream
    if not stated or not np.isfinite(fps) or not packets:
        return shown
    last = max((p[0] for p in packets if p[0] is not None), default=0) * float(stream.time_base)
    return shown + max(0, round((stated - last) * fps) - 1)


def _clock_s(text: str) -> float:
    """Turn "00:01:02.5" into seconds; 0 if it is nothing of the kind."""
    try:
        hours, minutes, seconds = text.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return 0.0


@lru_cache(maxsize=_CACHED_FILES)
def _size(place: Place, stamp: Stamp) -> tuple[int, int]:
    """Return (height, width) of the first frame as displayed (the note is on the frame)."""
    del stamp
    with open_video(place) as (container, stream):
        for packet in container.demux(stream):
            for frame in decode(packet):
                turned = round(getattr(frame, "rotation", 0) / 90) % 2
                size = (frame.height, frame.width)
                return (size[1], size[0]) if turned else size
    raise MediaError(place.source, "a readable video", "not one undamaged frame")


def _by_time(
    place: Place, index: VideoIndex, wanted: list[int], channels: int, *, seek: bool
) -> dict[int, npt.NDArray[np.uint8]]:
    """Pick frames by presentation time; what is not found is left out."""
    found: dict[int, npt.NDArray[np.uint8]] = {}
    with open_video(place) as (container, stream):
        for group in _groups(index, wanted) if seek else [wanted]:
            numbers = {int(index.times[i]): i for i in group}
            last = max(numbers)
            if seek:
                key = max(0, int(np.searchsorted(index.keys, min(numbers), "right")) - 1)
                container.seek(int(index.seeks[key]), stream=stream, backward=True)
            left = len(numbers)
            for packet in container.demux(stream):
                frames = decode(packet)
                for frame in frames:
                    if frame.pts in numbers and numbers[frame.pts] not in found:
                        found[numbers[frame.pts]] = to_pixels(frame, channels)
                        left -= 1
                if not left or (frames and frames[-1].pts is not None and frames[-1].pts > last):
                    break
    return found


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
    fed = got = 0
    with open_video(place) as (container, stream):
        for packet in container.demux(stream):
            fed += bool(packet.size)
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                break
            for frame in frames:
                if frame.is_corrupt and got in wanted:
                    raise _lost(place, index, got)
                if got in wanted:
                    found[got] = to_pixels(frame, channels)
                got += 1
            if fed - got > index.delay or len(found) == len(wanted):
                break
    if len(found) < len(wanted):
        raise _lost(place, index, next(i for i in wanted if i not in found))
    return found


def _lost(place: Place, index: VideoIndex, frame: int) -> MediaError:
    """Say which frame could not be had."""
    return MediaError(
        place.source,
        f"{index.header} frames, as its header says",
        f"frame {frame} damaged or not decodable",
    )
