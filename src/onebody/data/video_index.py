"""Where the frames of a video lie: one pass over its packets, nothing decoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from onebody.data.media import MediaError, Place, Stamp
from onebody.data.video_file import open_video
from onebody.types import Ints

CACHED_FILES = 4096
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
        delay: how many packets the decoder may be ahead of its frames (reordering).
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


def partial_index(place: Place) -> VideoIndex:
    """Scan what there is of a video that may hold fewer frames than its header says.

    Raises:
        MediaError: if it is missing or no video.
    """
    return _scan(place, place.stamp())


@lru_cache(maxsize=CACHED_FILES)
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
        return VideoIndex(
            times=np.array(sorted(times), np.int64),
            keys=np.array([k for k, _ in keys], np.int64),
            seeks=np.array([s for _, s in keys], np.int64),
            header=table or _promised(stream, packets, fps),
            counted=counted,
            delay=_delay(stream.codec_context),
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


def _delay(context: Any) -> int:
    """Return how many frames a decoder may hold back for reordering (H.264's most: 16)."""
    if not context.has_b_frames:
        return 1
    default = 1 if context.name.startswith(("mpeg", "msmpeg")) else 16
    return max(1, int(getattr(context, "reorder_depth", default)))
