"""`Stream`: frames in, predictions and events out, one frame at a time.

The network remembers what it needs of earlier frames, so the cost of a frame and the memory taken
depend neither on how long the stream is nor on how far back the network looks.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from onebody.data.picture import Picture
from onebody.inference.capture import Capture, CapturedFrame
from onebody.inference.crops_ahead import CropsAhead
from onebody.inference.default import demo_notice
from onebody.inference.events import Event, EventConfig
from onebody.inference.follow import FollowConfig, PersonFinder
from onebody.inference.keep_memory import keep_memory
from onebody.inference.own_boxes import checked_box
from onebody.inference.person import Answer, Clock, PersonStream, StreamSetup
from onebody.inference.plain_step import PlainStep
from onebody.inference.prediction import Prediction
from onebody.inference.predictor import Camera
from onebody.inference.prepare import checked_frame, picture_channels
from onebody.inference.rate import RateKeeper, learned_fps
from onebody.inference.reader import check_lens
from onebody.inference.smooth import SmoothConfig
from onebody.models import SavedNetwork
from onebody.types import Array

if TYPE_CHECKING:
    from onebody.inference.step import StepRunner

MAIN = 0
"""Number of the person of a stream without boxes."""

_USUAL_FPS = 30.0
"""What a prediction of a single frame says of its source's rate before the second one comes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StreamFrame:
    """What a stream says after a frame.

    Attributes:
        prediction: of this one frame, poses smoothed; with several people of the first of them,
            with nobody without answers.
        people: the same for every person, by number.
        current: by task that says what is seen (`onebody.tasks.speakers`) the event of the first
            person that goes on; None: nothing.
        started, ended: events of all people that were told to have begun or ended at this frame.
        ran: whether the network ran; else the frame came too soon after the last one, and the
            answers are those of before (``measured`` is False).
        seen: whether the first person is seen at all.
        stages_ms: what each stage took, all people together: ``decode`` (of `Stream.run`),
            ``crop``, ``network``, ``smooth``, ``events``; ``ahead``: a crop that was made while
            the frame waited.
        delay_s: from when the frame was there to the answer.
        notes: what one should know, for people: a changed picture size, a slow stream.
    """

    prediction: Prediction
    people: Mapping[int, Prediction]
    current: Mapping[str, Event | None]
    started: tuple[Event, ...] = ()
    ended: tuple[Event, ...] = ()
    ran: bool = True
    seen: bool = True
    stages_ms: Mapping[str, float] = field(default_factory=dict)
    delay_s: float = 0.0
    notes: tuple[str, ...] = ()


class Stream:
    """A causal network on a stream of frames. Not to be used by several threads at once.

    Without boxes there is one person, whose box follows their last pose; where they are lost, the
    whole picture is searched. With boxes there are as many people, each with a state of their own.

    Args:
        saved: the network, its tasks and how pictures are prepared for it.
        runner: runs the network; None: PyTorch, on the device where it is.
        follow: whether the box follows the pose; else, and for networks without joints, the whole
            picture is looked at.
        smooth: how poses are smoothed.
        events: what is an event (`EventConfig`, `ActivityConfig`), of all tasks or by task, as
            `read_events` reads what was chosen for a run; None: anything that happens where a
            class means nothing, else what a class says (`make_spotter`).
        following: how the box follows.
        finder: a detector with a tracker, asked where nobody gives boxes.
        fps: frames per second for the network; None: those that it learned from, where its notes
            tell (`learned_fps`), else every frame.
        camera: fx, fy, cx, cy in source pixels, for 3D poses in mm.
        depth_ref_mm: distance of the body at which normalized depth is 0.5, for the same.
        source: name of the stream, for its predictions.

    Raises:
        ValueError: if the network reads no pictures or looks ahead, or an argument is impossible.
    """

    def __init__(
        self,
        saved: SavedNetwork,
        *,
        runner: StepRunner | None = None,
        follow: bool = True,
        smooth: SmoothConfig | None = None,
        events: EventConfig | Mapping[str, EventConfig] | None = None,
        following: FollowConfig | None = None,
        finder: PersonFinder | None = None,
        fps: float | None = None,
        camera: Camera | None = None,
        depth_ref_mm: float | None = None,
        source: str = "stream",
    ) -> None:
        keep_memory()
        check_lens(camera, depth_ref_mm)
        self.saved = saved
        self.channels = picture_channels(saved.input)
        self.source = source
        self.setup = StreamSetup(
            saved=saved,
            runner=PlainStep(saved) if runner is None else runner,
            follow=follow,
            following=following or FollowConfig(),
            smooth=smooth or SmoothConfig(),
            events=events,
            camera=camera,
            depth_ref_mm=depth_ref_mm,
        )
        self._finder = finder
        self._rate = RateKeeper(learned_fps(saved) if fps is None else fps)
        self._crops = CropsAhead(saved.input)
        self._people: dict[int, PersonStream] = {}
        self._tracks: tuple[int, ...] = ()
        self._size: tuple[int, int] | None = None
        self._now = -math.inf
        self._count = 0
        self._told_slow = False

    def push(
        self,
        frame: Array | Picture,
        time_s: float,
        boxes: Mapping[int, Sequence[float]] | None = None,
        *,
        taken_s: float | None = None,
    ) -> StreamFrame:
        """Answer for the next frame.

        Args:
            frame: uint8 ``[H, W, 3]`` RGB or ``[H, W]`` grey, or a picture (`CapturedFrame`), of
                which only what the network looks at is made into pixels.
            time_s: when it was taken, by any clock, later than that before.
            boxes: x0, y0, x1, y1 in pixels by number of the person; None: the stream looks for
                one person itself.
            taken_s: when it was there, by ``time.monotonic``; None: now.

        Raises:
            ValueError: if it is no picture, a tiny one, not later than the one before, or a box is
                impossible. The stream can go on with the next frame.
        """
        return self._push(frame, time_s, boxes, taken_s, None)

    def _push(
        self,
        frame: Array | Picture,
        time_s: float,
        boxes: Mapping[int, Sequence[float]] | None,
        taken_s: float | None,
        number: int | None,
    ) -> StreamFrame:
        """Do as `push`; ``number``: by which there may be a crop of the frame."""
        taken_s = time.monotonic() if taken_s is None else taken_s
        clock = Clock()
        picture = checked_frame(frame, self.saved.input)
        if not self._now < time_s < math.inf:
            raise ValueError(
                f"{self.source}: expected a frame after {self._now:g} s, found one of {time_s:g} s."
            )
        size = picture.shape[:2]
        for box in (boxes or {}).values():
            checked_box(box, *size)
        notes = self._resized(size)
        self._now = time_s
        ran = self._rate.take(time_s)
        ended: tuple[Event, ...] = ()
        if ran:
            if boxes is None and self._finder is not None:
                boxes = self._finder.find(picture.pixels(), time_s)
            wanted: dict[int, Sequence[float] | None] = (
                {MAIN: None} if boxes is None else dict(boxes)
            )
            self._tracks = tuple(wanted)
            ended = self._meet(time_s)
            for track, place in wanted.items():
                person = self._people[track]
                ahead = None if number is None else self._crops.take(number, person.looks_at)
                person.push(picture, time_s, place, clock, ahead)
                if number is not None:
                    self._crops.expect(person.looks_at)
        notes += self._slow()
        made = self._frame(time_s, size, ran)
        self._count += 1
        return replace(
            made,
            ended=ended + made.ended,
            notes=notes,
            stages_ms=clock.stages_ms,
            delay_s=time.monotonic() - taken_s,
        )

    def run(self, frames: Iterable[CapturedFrame]) -> Iterator[tuple[CapturedFrame, StreamFrame]]:
        """Answer for frame after frame of a source (a `Capture`, or a `FrameQueue` of it).

        Yields:
            The frame and what is said of it, with what reading it took: of a file that is read
            ahead, beside the other stages and not before them. Events that go on at the end are
            ended by `finish`.
        """
        if self._finder is not None or not isinstance(frames, Capture):
            yield from self._answered(frames, ahead=False)
            return
        try:
            with closing(frames.frames(self._crop_ahead)) as source:
                yield from self._answered(source, ahead=True)
        finally:
            self._crops.clear()  # of another source the same numbers are other frames

    def _answered(
        self, frames: Iterable[CapturedFrame], *, ahead: bool
    ) -> Iterator[tuple[CapturedFrame, StreamFrame]]:
        """Answer for frame after frame; ``ahead``: there may be crops of them."""
        for frame in frames:
            number = frame.number if ahead else None
            made = self._push(frame.picture, frame.time_s, None, frame.taken_s, number)
            stages = {"decode": frame.decode_ms, **made.stages_ms}
            yield frame, replace(made, stages_ms=stages)

    def _crop_ahead(self, frame: CapturedFrame) -> None:
        """Crop a frame that waits, in the reading thread, unless many frames are passed over."""
        if not self._rate.passes_over:
            self._crops.make(frame)

    def finish(self) -> list[Event]:
        """End the events that go on, and forget everybody.

        Returns:
            The ended events. The stream may go on at a later time.
        """
        ended = [event for person in self._people.values() for event in person.finish()]
        self._people.clear()
        self._tracks = ()
        return ended

    def _resized(self, size: tuple[int, int]) -> tuple[str, ...]:
        """Begin anew to look where the size of the picture has changed; return what to say."""
        before, self._size = self._size, size
        if before is None or before == size:
            return ()
        for person in self._people.values():
            person.restart()
        return (
            f"The picture changed from {before[1]} x {before[0]} to {size[1]} x {size[0]} pixels: "
            "poses begin anew, events go on.",
        )

    def _meet(self, time_s: float) -> tuple[Event, ...]:
        """Welcome new people and forget those long gone; return the events that this ends."""
        for track in self._tracks:
            if track not in self._people:
                self._people[track] = PersonStream(self.setup, track)
        gone = [
            track
            for track, person in self._people.items()
            if track not in self._tracks and time_s - person.last_s > self.setup.following.forget_s
        ]
        return tuple(event for track in gone for event in self._people.pop(track).finish())

    def _slow(self) -> tuple[str, ...]:
        """Say once that fewer frames come than the network learned from."""
        if self._told_slow or not self._rate.slow:
            return ()
        self._told_slow = True
        return (
            f"{self._rate.source_fps:.1f} frames per second come, the network expects "
            f"{self._rate.fps:g}: movements look faster to it than they are. Is the source slow, "
            "or this machine busy?",
        )

    def _frame(self, time_s: float, size: tuple[int, int], ran: bool) -> StreamFrame:
        """Gather what is known of everybody."""
        people_now = {track: self._people[track].last for track in self._tracks}
        known = {track: answer for track, answer in people_now.items() if answer}
        people = {
            track: self._prediction(answer, time_s, size, ran) for track, answer in known.items()
        }
        first = next(iter(known.values()), None)
        main = next(iter(people.values()), None)
        return StreamFrame(
            prediction=self._prediction(None, time_s, size, ran) if main is None else main,
            people=people,
            current={} if first is None else first.current,
            started=_told(known, "started") if ran else (),
            ended=_told(known, "ended") if ran else (),
            ran=ran,
            seen=first is not None and first.seen,
        )

    def _prediction(
        self, answer: Answer | None, time_s: float, size: tuple[int, int], ran: bool
    ) -> Prediction:
        """Make the prediction of one frame."""
        rate = self._rate.source_fps
        poses = {} if answer is None else dict(answer.poses)
        places = {} if answer is None else dict(answer.places)
        if not ran:
            old = np.zeros(1, np.bool_)
            poses = {name: replace(pose, measured=old) for name, pose in poses.items()}
            places = {name: replace(place, measured=old) for name, place in places.items()}
        return Prediction(
            source=self.source,
            fps=_USUAL_FPS if math.isnan(rate) else rate,
            size=size,
            times_s=np.array([time_s]),
            classes={} if answer is None else answer.classes,
            poses=poses,
            places=places,
            first_frame=self._count,
            boxes=None if answer is None else answer.box[None],
            notice=demo_notice(self.saved),
        )


def _told(answers: Mapping[int, Answer], which: str) -> tuple[Event, ...]:
    """Return the events of everybody that began or ended."""
    return tuple(event for answer in answers.values() for event in getattr(answer, which))
