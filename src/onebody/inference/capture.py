"""Frames with their times, one after the other, from a file or a camera.

A file that is read as fast as it goes is decoded in a thread of its own, some frames ahead. What
is decoded becomes pixels where they are asked for, and only those (`onebody.data.picture`).

`onebody.data.sources` reads any frame by its number and refuses a damaged file before it begins. A
stream is read once, forward, and what came before a fault stands: the frames that can be had are
given first, and then the fault is raised.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from onebody.data.media import MediaError, Place, parse
from onebody.data.picture import ArrayPicture, Picture, VideoPicture
from onebody.data.sources import probe, read_frames
from onebody.data.video_file import decode, open_video
from onebody.data.video_index import VideoIndex, partial_index, video_index
from onebody.inference.read_ahead import read_ahead
from onebody.types import Frames

_CAMERA = re.compile(r"^(?:camera(?::(?P<number>\d+))?|(?P<device>/dev/video\d+))$")
_CAMERA_FORMAT = "video4linux2,v4l2"
_CHUNK = 32
"""Pictures of an array that are read at once."""

AHEAD = 4
"""Frames of a file that are decoded before they are asked for."""

Pictures = Generator[tuple[Picture, float], None, None]
"""Pictures and their times in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CapturedFrame:
    """One frame of a source.

    Attributes:
        picture: what it shows, as it was decoded.
        time_s: within the source, later than that of the frame before.
        number: from 0, of those that were given.
        decode_ms: what it took to read it, in the reading thread where there is one.
        taken_s: when it was there, by ``time.monotonic``: delays are counted from it.
    """

    picture: Picture
    time_s: float
    number: int
    decode_ms: float
    taken_s: float

    @property
    def pixels(self) -> Frames:
        """The whole picture, ``[H, W, C]`` uint8; made when it is first asked for."""
        return self.picture.pixels()


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A source of frames; iterate over it, once or several times.

    Attributes:
        source: how it was named.
        camera: whether it is a camera, which never ends.
        fps: frames per second that it says to have; NaN: it does not say.
        channels: 3 RGB, 1 grey.
        paced: whether a file comes at the speed of its own clock, as from a camera.
        ahead: frames of a file that are read before they are asked for, in a thread of its own; 0:
            none, and of what comes at its own speed none either.
        size: height and width asked of a camera; None: its own choice.
        opened: opens a camera: the name, format and options that PyAV is given.
    """

    source: str
    camera: bool
    fps: float
    channels: int = 3
    paced: bool = False
    ahead: int = AHEAD
    size: tuple[int, int] | None = None
    opened: tuple[str, str] = ("", "")

    def __iter__(self) -> Iterator[CapturedFrame]:
        """Yield frames in order of their times.

        Raises:
            MediaError: after the last frame that can be had, if the file is damaged or ends early,
                or the camera is gone.
        """
        return self.frames()

    def frames(
        self, idle: Callable[[CapturedFrame], None] | None = None
    ) -> Generator[CapturedFrame, None, None]:
        """Yield frames; where they are read ahead, with something to do for who waits.

        Args:
            idle: see `read_ahead`.
        """
        frames = self._frames()
        if self.ahead and not self.camera and not self.paced:
            frames = read_ahead(frames, self.ahead, idle)
        with closing(frames):
            yield from frames

    def _frames(self) -> Generator[CapturedFrame, None, None]:
        """Yield frames, read where this is called."""
        pictures: Pictures
        if self.camera:
            pictures = _camera_pictures(self)
        elif parse(self.source).kind == "video":
            pictures = _video_pictures(parse(self.source), self.channels, self.fps)
        else:
            pictures = _other_pictures(self.source, self.channels, self.fps)
        with closing(pictures):
            yield from timed(pictures, paced=self.paced)


def open_capture(
    source: str | Path,
    *,
    channels: int = 3,
    fps: float | None = None,
    paced: bool = False,
    size: tuple[int, int] | None = None,
) -> Capture:
    """Look at a source without reading it through.

    Args:
        source: a video, a folder of pictures, an array of pictures, or ``camera``, ``camera:1``,
            ``/dev/video1`` (Linux).
        channels: 3 RGB, 1 grey; what the network reads (`Stream.channels`).
        fps: frames per second of pictures without a clock; asked of a camera. A video has its own.
        paced: give the frames of a file at the speed of its clock, not as fast as they are read.
        size: height and width asked of a camera.

    Raises:
        MediaError: if there is nothing, or nothing that can be read.
        ValueError: if pictures have no clock and ``fps`` does not say it, or an argument is
            impossible.
    """
    name = str(source)
    if fps is not None and not 0 < fps < math.inf:
        raise ValueError(f"Frames per second should be positive, found {fps}.")
    if channels not in (1, 3):
        raise ValueError(f"Expected channels 3 (RGB) or 1 (grey), found {channels!r}.")
    found = _CAMERA.match(name)
    if found:
        device = found["device"] or f"/dev/video{found['number'] or 0}"
        _check_camera(name, device)
        rate = math.nan if fps is None else fps
        return Capture(
            source=name,
            camera=True,
            fps=rate,
            channels=channels,
            size=size,
            opened=(device, _CAMERA_FORMAT),
        )
    place = parse(name)
    if place.kind == "video":
        with open_video(place) as (_, stream):
            rate = float(stream.average_rate or stream.guessed_rate or math.nan)
    else:
        rate = math.nan if fps is None else fps
        count = probe(name).num_frames
        if not count:
            raise MediaError(name, "at least one picture", "none")
        read_frames(name, np.zeros(1, np.int64), channels=channels)  # that they are pictures
        if math.isnan(rate) and count > 1:
            raise ValueError(
                f"{name}: {count} pictures without a clock. Say how many there are per second "
                "(fps=30, on the command line --fps 30)."
            )
    return Capture(source=name, camera=False, fps=rate, channels=channels, paced=paced)


def timed(
    pictures: Iterator[tuple[Picture, float]],
    *,
    paced: bool = False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[CapturedFrame]:
    """Number pictures, measure what reading takes, and hold them back until their time.

    A picture that is not later than the one before (a camera whose clock stumbles) is left out.

    Args:
        pictures: pictures and their times in seconds.
        paced: whether to wait.
        clock: seconds since anything.
        sleep: waits.
    """
    began, last, number = math.nan, -math.inf, 0
    start = clock()
    for picture, time_s in pictures:
        decode_ms = (clock() - start) * 1e3
        if time_s > last:
            if paced:
                began = clock() - time_s if math.isnan(began) else began
                wait = began + time_s - clock()
                if wait > 0:
                    sleep(wait)
            yield CapturedFrame(
                picture=picture,
                time_s=time_s,
                number=number,
                decode_ms=decode_ms,
                taken_s=clock(),
            )
            last, number = time_s, number + 1
        start = clock()


def _check_camera(name: str, device: str) -> None:
    """Say which cameras there are, where this one is none of them."""
    if _CAMERA_FORMAT not in av.formats_available:
        raise MediaError(
            name, "a camera", "no way to read one here: cameras are read by Video4Linux on Linux"
        )
    if not Path(device).exists():
        others = ", ".join(sorted(str(path) for path in Path("/dev").glob("video*")))
        raise MediaError(name, f"a camera at {device}", f"none there; cameras: {others or 'none'}")


def _camera_pictures(capture: Capture) -> Pictures:
    """Yield what a camera shows, and when after the first picture."""
    name, kind = capture.opened
    options = {}
    if capture.size is not None:
        options["video_size"] = "{1}x{0}".format(*capture.size)
    if math.isfinite(capture.fps):
        options["framerate"] = f"{capture.fps:g}"
    first: float | None = None
    try:
        with av.open(name, format=kind, options=options) as container:
            for frame in container.decode(video=0):
                time_s = time.monotonic() if frame.time is None else float(frame.time)
                first = time_s if first is None else first
                yield VideoPicture(frame, capture.channels), time_s - first
    except av.error.FFmpegError as error:
        wanted = "a camera that gives pictures" if first is None else "more pictures"
        raise MediaError(capture.source, wanted, str(error.strerror)) from None
    raise MediaError(capture.source, "more pictures", "the camera's end (was it unplugged?)")


def _video_pictures(place: Place, channels: int, fps: float) -> Pictures:
    """Yield the sound frames of a video; what is wrong with it is raised after the last."""
    fault: MediaError | None = None
    index: VideoIndex | None = None
    try:
        index = video_index(place)
    except MediaError as error:
        fault = error
        with suppress(MediaError):  # not even its beginning can be read: said above
            index = partial_index(place)
    counted = index is not None and index.counted
    first = None if index is None or counted or not len(index) else int(index.times[0])
    count, damaged = 0, 0
    try:
        with open_video(place) as (container, stream):
            unit = float(stream.time_base or 1)
            for frame, sound in decode(container, stream):
                if not sound:
                    damaged += 1
                    continue
                if counted or frame.pts is None:
                    moment = (count + damaged) / _rate(place, fps)
                else:
                    first = int(frame.pts) if first is None else first
                    moment = float((frame.pts - first) * unit)
                yield VideoPicture(frame, channels), moment
                count += 1
    except MediaError as error:
        fault = fault or error
    if fault is None and damaged:
        fault = MediaError(
            place.source, "sound frames", f"{damaged} damaged ones, which were left out"
        )
    if fault is None and not count:
        fault = MediaError(place.source, "a readable video", "not one frame")
    if fault is not None:
        raise fault


def _other_pictures(source: str, channels: int, fps: float) -> Pictures:
    """Yield the pictures of a folder one by one (sizes may differ), of an array a few at a time."""
    count = probe(source).num_frames
    rate = 1.0 if math.isnan(fps) else fps
    step = _CHUNK if parse(source).kind in ("npz", "npy") else 1
    for start in range(0, count, step):
        numbers = np.arange(start, min(start + step, count))
        for number, pixels in zip(
            numbers, read_frames(source, numbers, channels=channels), strict=True
        ):
            yield ArrayPicture(pixels), float(number) / rate


def _rate(place: Place, fps: float) -> float:
    """Return the rate of a video whose frames have no times of their own."""
    if not fps > 0:
        raise MediaError(place.source, "frames with times, or a rate", "neither")
    return fps
