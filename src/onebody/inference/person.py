"""What a stream keeps of one person: the network's memory, the smoothing, the events."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from onebody.data import Context
from onebody.data.flow import FlowSteps, is_flow
from onebody.data.picture import Picture
from onebody.inference.activity import make_spotter
from onebody.inference.crops_ahead import CropAhead
from onebody.inference.events import Event, EventConfig
from onebody.inference.follow import FollowConfig, Follower, SteadyBox
from onebody.inference.own_boxes import checked_box
from onebody.inference.place import PlaceAnswer
from onebody.inference.prediction import ClassAnswer, PoseAnswer
from onebody.inference.predictor import Camera, class_owners, class_paths
from onebody.inference.prepare import Prepared, prepare_frame
from onebody.inference.smooth import OneEuro, SmoothConfig
from onebody.models import SavedNetwork
from onebody.tasks import speakers
from onebody.tasks.box import BoxTask
from onebody.tasks.classes import ClassTask
from onebody.tasks.pose import PoseTask
from onebody.types import Doubles, Floats

if TYPE_CHECKING:
    from onebody.inference.step import StepRunner

SPAN_MM = 2000.0
"""Size of a body in mm, by which speeds in space are divided; in pixels it is the window's side."""

_ONE_FRAME = np.array([[0, 1]], np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StreamSetup:
    """What all people of a stream share.

    Attributes:
        saved: the network, its tasks and how pictures are prepared for it.
        runner: runs it.
        follow: whether a box follows the person where nobody gives one.
        following: how.
        smooth: how poses are smoothed.
        events: what is an event, of all tasks or by task; None, or a task that is not named: what
            suits the classes (`make_spotter`).
        camera: fx, fy, cx, cy in source pixels; None: unknown.
        depth_ref_mm: distance at which normalized depth is 0.5; None: unknown.
    """

    saved: SavedNetwork
    runner: StepRunner
    follow: bool
    following: FollowConfig
    smooth: SmoothConfig
    events: EventConfig | Mapping[str, EventConfig] | None
    camera: Camera | None
    depth_ref_mm: float | None

    def events_of(self, task: str) -> EventConfig | None:
        """Return what is an event of a task; None: what suits its classes."""
        return self.events.get(task) if isinstance(self.events, Mapping) else self.events


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What is known of one person after a frame.

    Attributes:
        classes, poses, places: as of a `Prediction` of one frame; poses smoothed.
        box: ``[4]`` where the network looked, in source pixels, before it is enlarged; NaN: at the
            whole picture.
        current: by task that says what is seen (`speakers`) the event that goes on; None: nothing.
        started, ended: events that were told to have begun or ended at this frame.
        seen: whether enough joints are confident; True of networks without joints.
    """

    classes: Mapping[str, ClassAnswer]
    poses: Mapping[str, PoseAnswer]
    places: Mapping[str, PlaceAnswer]
    box: Doubles
    current: Mapping[str, Event | None]
    started: tuple[Event, ...] = ()
    ended: tuple[Event, ...] = ()
    seen: bool = True


@dataclass(slots=True)
class Clock:
    """Sums up what stages of one frame take.

    Attributes:
        stages_ms: by name.
    """

    stages_ms: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def tick(self, stage: str) -> None:
        """Count the time since the tick before for a stage."""
        now = time.perf_counter()
        self.stages_ms[stage] = self.stages_ms.get(stage, 0.0) + (now - self._last) * 1e3
        self._last = now


class PersonStream:
    """One person of a stream.

    Args:
        setup: what all people share.
        track: number of the person.
    """

    def __init__(self, setup: StreamSetup, track: int) -> None:
        self.setup, self.track = setup, track
        self.tasks = setup.saved.network.tasks
        self.last: Answer | None = None
        self.last_s = -math.inf
        self._lens = setup.camera or (math.nan,) * 4
        self._depth_ref_mm = math.nan if setup.depth_ref_mm is None else setup.depth_ref_mm
        self._context = Context(  # of every frame, but for where its crop lies
            row=torch.zeros(1, dtype=torch.long),
            times_s=torch.zeros(1, 1),
            crop_to_source=torch.zeros(1, 2, 3),
            camera=torch.tensor([self._lens]),
            depth_ref_mm=torch.tensor([self._depth_ref_mm]),
        )
        self._memory: Sequence[Floats] | None = None
        self._flow = FlowSteps() if is_flow(setup.saved.input.modality) else None
        self._follower = Follower(setup.following)
        self._steady: SteadyBox | None = None
        self._smooth: dict[str, OneEuro] = {}
        self._spotters = {
            name: make_spotter(name, task.classes, setup.events_of(name), track=track)
            for name, task in speakers(self.tasks).items()
        }

    def restart(self) -> None:
        """Look at the whole picture anew, as after a change of the picture's size; events go on."""
        self._memory, self._steady = None, None
        self._smooth.clear()
        self._follower.lose()

    @property
    def looks_at(self) -> Doubles | None:
        """Where the next frame is looked at if no box is given; None: at the whole picture."""
        return self._follower.box

    def push(
        self,
        frame: Picture,
        time_s: float,
        given: Sequence[float] | None,
        clock: Clock,
        ahead: CropAhead | None = None,
    ) -> Answer:
        """Run on the next frame.

        Args:
            frame: of `checked_frame`.
            time_s: later than that before.
            given: the person's box in source pixels; None: the stream finds its own.
            clock: is told what each stage takes.
            ahead: the frame's crop where `looks_at` says, if it is made already.
        """
        size = frame.shape[:2]
        box = self._follower.box if given is None else self._steadied(given, size, time_s)
        if ahead is None:
            ready = prepare_frame(frame, self.setup.saved.input, box)
        else:
            ready, clock.stages_ms["ahead"] = ahead.ready, ahead.took_ms
        clock.tick("crop")
        pixels = ready.pixels
        if self._flow is not None:
            pixels = self._flow.step(pixels, fresh=self._memory is None)
        outputs, self._memory = self.setup.runner.step(pixels, self._memory)
        clock.tick("network")
        with torch.inference_mode():  # of small tensors most of the time is bookkeeping
            classes, raw, joints = self._decode(outputs, ready)
        seen = self._follow(joints, size, time_s, given is None)
        poses = {name: self._smoothed(name, values, time_s, ready) for name, values in raw.items()}
        clock.tick("smooth")
        started, ended = self._spot(classes, time_s, seen)
        clock.tick("events")
        self.last_s = time_s
        self.last = Answer(
            classes=classes,
            poses=poses,
            places=self._places(outputs),
            box=np.full(4, np.nan) if box is None else box,
            current={name: spotter.current for name, spotter in self._spotters.items()},
            started=started,
            ended=ended,
            seen=seen,
        )
        return self.last

    def finish(self) -> tuple[Event, ...]:
        """End the events that go on."""
        return tuple(event for spotter in self._spotters.values() for event in spotter.finish())

    def _steadied(self, given: Sequence[float], size: tuple[int, int], time_s: float) -> Doubles:
        """Return where to look for a person whose box is given."""
        wanted = checked_box(given, *size)
        if self._steady is None:
            self._steady = SteadyBox(self.setup.following, wanted)
        elif self._steady.toward(wanted, time_s - self.last_s):
            self._memory = None
        return self._steady.box

    def _decode(
        self, outputs: Mapping[str, Floats], ready: Prepared
    ) -> tuple[dict[str, ClassAnswer], dict[str, Floats], Floats]:
        """Turn outputs into class answers, joints by task, and all joints in pixels ``[K, 3]``."""
        context = self._context
        context.crop_to_source.copy_(torch.from_numpy(ready.crop_to_source))
        poses = {
            name: output[0, 0]
            for name, output in outputs.items()
            if isinstance(self.tasks[name], PoseTask)
        }
        pixels = _in_pixels(tuple(poses.values()), ready.crop_to_source)
        classes: dict[str, ClassAnswer] = {}
        last = 0
        for name, output in outputs.items():
            task = self.tasks[name]
            if isinstance(task, PoseTask):
                first, last = last, last + len(poses[name])
                own = pixels[first:last, :2]
                poses[name] = task.placed(poses[name], own, self._lens, self._depth_ref_mm)
            elif isinstance(task, ClassTask):
                classes[name] = self._class_answer(task, output, context)
        return classes, poses, pixels

    def _places(self, outputs: Mapping[str, Floats]) -> dict[str, PlaceAnswer]:
        """Return the boxes that tasks of boxes find in this frame, by task."""
        found = {}
        for name, output in outputs.items():
            task = self.tasks[name]
            if isinstance(task, BoxTask):
                corners = task.decode(torch.from_numpy(output), self._context)[0].numpy()
                found[name] = PlaceAnswer(corners=corners, measured=np.ones(1, np.bool_))
        return found

    def _class_answer(self, task: ClassTask, output: Floats, context: Context) -> ClassAnswer:
        """Decode one class task: calibrated probabilities of this frame."""
        found = self.setup.saved.calibration.get(task.name)
        logits = torch.from_numpy(output)
        if task.form == "vector":
            logits = logits[:, 0]
        if found is not None:
            logits = logits / found.temperature
        return ClassAnswer(
            classes=task.classes,
            owners=class_owners(task),
            paths=class_paths(task),
            windows=_ONE_FRAME,
            scores=task.decode(logits, context).numpy(),
            score=found.score if found else "probability",
            threshold=found.threshold if found else None,
        )

    def _follow(self, joints: Floats, size: tuple[int, int], time_s: float, own: bool) -> bool:
        """Decide where to look next; return whether somebody is seen."""
        if not len(joints):
            return True
        was = self._follower.box
        seen, moved = self._follower.see(joints, size, time_s)
        if not (own and self.setup.follow):
            self._follower.lose()
        elif moved:
            self._memory = None
            if was is not None and not seen:
                self._smooth.clear()
        return seen

    def _smoothed(self, name: str, joints: Floats, time_s: float, ready: Prepared) -> PoseAnswer:
        """Smooth the places of joints ``[J, D + 1]``; confidences stay those of the frame."""
        task = self.tasks[name]
        assert isinstance(task, PoseTask)
        if self.setup.smooth.enabled:
            if name not in self._smooth:
                self._smooth[name] = OneEuro(self.setup.smooth)
            size = ready.side_px if task.dims == 2 else SPAN_MM
            places = self._smooth[name].step(joints[:, :-1].astype(np.float64), time_s, size)
            joints = joints.copy()
            joints[:, :-1] = places
        return PoseAnswer(
            skeleton=task.skeleton,
            unit="px" if task.dims == 2 else "mm",
            joints=joints[None],
            measured=np.ones(1, np.bool_),
        )

    def _spot(
        self, classes: Mapping[str, ClassAnswer], time_s: float, seen: bool
    ) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
        """Give the scores of what is seen to their spotters.

        Rejected ones count as nobody's, but where a class says how likely nothing is.
        """
        started: tuple[Event, ...] = ()
        ended: tuple[Event, ...] = ()
        for name, spotter in self._spotters.items():
            if name not in classes:
                continue
            scores = classes[name].scores[0]
            known = seen and (spotter.weighs_nothing or not classes[name].rejects(scores))
            began, over = spotter.push(time_s, scores if known else None)
            started, ended = started + began, ended + over
        return started, ended


def _in_pixels(places: Sequence[Floats], crop_to_source: Doubles) -> Floats:
    """Return x, y in source pixels and confidence ``[K, 3]`` of raw joints ``[J, D + 1]`` each."""
    joints = np.empty((sum(map(len, places)), 3), np.float32)
    if places:
        x, y = np.concatenate([found[:, :2] for found in places]).T
        for axis, (along_x, along_y, shift) in enumerate(crop_to_source.tolist()):
            joints[:, axis] = x * along_x + y * along_y + shift
        np.concatenate([found[:, -1] for found in places], out=joints[:, 2])
    return joints
