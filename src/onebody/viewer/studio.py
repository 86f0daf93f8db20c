"""What is done with every picture: looked at, blurred, recorded, told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from onebody.inference.blur import blur_faces
from onebody.inference.events import Event
from onebody.inference.frame_queue import FrameQueue, feed
from onebody.inference.record import numbered
from onebody.viewer.jpeg import read_jpeg, write_jpeg
from onebody.viewer.limits import Limits
from onebody.viewer.looks import Look, Rate, Shot, told_frame
from onebody.viewer.recording import Recording

if TYPE_CHECKING:
    from onebody.inference.capture import CapturedFrame
    from onebody.inference.stream import Stream, StreamFrame
    from onebody.types import Frames

SourceKind = Literal["browser", "camera", "file"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Studio:
    """How pictures are looked at, whoever sends them.

    Attributes:
        make_stream: makes a reader for pictures of a height and width; each take has its own.
        capture: frames with their times, iterated over once per take; None: a page sends them from
            its own camera.
        source: kind of the source.
        name: what pages call the source.
        notice: a line for pages and recordings; empty: none.
        model: what pages call the network and how it runs.
        tasks: names of the class tasks, for pages to make room.
        space: what pages say of the scale of 3D poses; empty: nothing.
        blur: hide faces (see `onebody.inference.blur`).
        record: file of the recording; later takes are numbered; None: nothing is recorded.
        limits: the bounds.
    """

    make_stream: Callable[[int, int], Stream]
    capture: Iterable[CapturedFrame] | None = None
    source: SourceKind = "browser"
    name: str = "your camera"
    notice: str = ""
    model: str = ""
    tasks: tuple[str, ...] = ()
    space: str = ""
    blur: bool = False
    record: Path | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A take is over.

    Attributes:
        why: what ended it before its time; empty: nothing did.
        said: what there is to say of it, such as where the recording lies.
        ended: events that had gone on.
    """

    why: str
    said: str
    ended: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something went wrong that does not end the take."""

    text: str


Told: TypeAlias = Look | Ended | Trouble


class Take:
    """A stream from its first picture to its last, in a thread of its own.

    Args:
        studio: says what is done.
        number: of the take, from 1.
        tell: gets what comes of it, from the take's threads.
    """

    def __init__(self, studio: Studio, number: int, tell: Callable[[Take, Told], None]) -> None:
        self.studio, self.number = studio, number
        self.shots: FrameQueue[Shot] = FrameQueue(1)
        self._tell = tell
        self._stream: Stream | None = None
        self._recording: Recording | None = None
        self._record_to = studio.record
        self._rate = Rate()
        self._thread = threading.Thread(target=self._run, name=f"onebody-take-{number}")

    def start(self) -> None:
        """Begin; frames of a server's camera or file come by themselves."""
        self._thread.start()
        if self.studio.capture is not None:
            feed(map(_as_shot, self.studio.capture), self.shots)

    def stop(self) -> None:
        """Let it end after the picture that waits; returns at once."""
        self.shots.close()

    def join(self) -> None:
        """Wait until it has ended."""
        self._thread.join()

    def _run(self) -> None:
        why = ""
        try:
            for shot in self.shots:
                try:
                    self._tell(self, self._look(shot))
                except ValueError as error:  # of this picture; the next one may be better
                    self._tell(self, Trouble(text=f"A picture was left out: {error}"))
        except (ValueError, OSError) as error:  # of the source
            why = str(error)
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            raise
        finally:
            self.shots.close()
            ended = tuple(self._stream.finish()) if self._stream is not None else ()
            self._tell(self, Ended(why=why, said=self._finish_recording(), ended=ended))

    def _look(self, shot: Shot) -> Look:
        """Let the network look at a picture, and make what pages get."""
        studio, begun = self.studio, time.monotonic()
        picture = shot.picture
        if picture is None:
            picture = read_jpeg(shot.jpeg, studio.limits)
        decoded = time.monotonic()
        if self._stream is None:
            self._stream = studio.make_stream(*picture.shape[:2])
        frame = self._stream.push(picture, shot.time_s, taken_s=shot.arrived_s)
        for note in frame.notes:
            self._complain(note)
        looked = time.monotonic()
        shown, jpeg = self._hidden(picture, frame), b"" if studio.blur else shot.jpeg
        if shown is not None:
            jpeg = jpeg or write_jpeg(shown, studio.limits.shown_side)
            self._record(shown, frame)
        done = time.monotonic()
        told = told_frame(frame) | {
            "fps": round(self._rate.count(done), 1),
            "delay_ms": round(1e3 * (done - shot.arrived_s), 1),
            "late": self.shots.dropped,
        }
        told["stages_ms"] |= {"show": round(1e3 * (done - looked), 2)}
        if shot.jpeg:
            told["stages_ms"] |= {"decode": round(1e3 * (decoded - begun), 2)}
        return Look(
            number=shot.number,
            told=told,
            jpeg=jpeg,
            for_sender=studio.blur,
            started=tuple(frame.started),
            ended=tuple(frame.ended),
            current=tuple(event for event in frame.current.values() if event is not None),
        )

    def _hidden(self, picture: Frames, frame: StreamFrame) -> Frames | None:
        """Return what may be shown of a picture; None: nothing.

        Where faces are blurred, pictures that the network did not look at are not shown: what it
        says of the one before does not tell where a face is now.
        """
        if not self.studio.blur:
            return picture
        return blur_faces(picture, frame.people.values()) if frame.ran else None

    def _record(self, picture: Frames, frame: StreamFrame) -> None:
        """Add a picture to the take's recording, which begins with the first one."""
        if self._recording is None:
            self._recording, self._record_to = self._open(self._record_to), None
        if self._recording is not None:
            self._recording.add(picture, frame.prediction, frame.current)

    def _open(self, path: Path | None) -> Recording | None:
        """Begin a recording; where that is not possible it is told, and the stream goes on."""
        if path is None:
            return None
        try:
            return Recording(_free(path, self.number), self.studio.notice, self._complain)
        except (ValueError, OSError) as error:
            self._complain(f"Pictures are not recorded: {error}")
            return None

    def _complain(self, text: str) -> None:
        self._tell(self, Trouble(text=text))

    def _finish_recording(self) -> str:
        """Close the recording; say where it lies."""
        if self._recording is None:
            return ""
        written, left_out = self._recording.close()
        lost = f", {left_out} left out for want of time" if left_out else ""
        return f"Recorded {written} frames{lost}: {self._recording.path}"


def _as_shot(frame: CapturedFrame) -> Shot:
    return Shot(
        number=frame.number,
        time_s=frame.time_s,
        arrived_s=frame.taken_s,
        picture=frame.pixels,
    )


def _free(path: Path, number: int) -> Path:
    """Return the name of a take's file; names that are in use are passed over."""
    while (name := numbered(path, number)).exists():
        number += 1
    return name
