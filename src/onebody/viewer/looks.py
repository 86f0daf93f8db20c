"""A frame as pages get it: the picture, and what the network says of it in numbers."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onebody.inference.draw import joint_sides
from onebody.inference.events import Event
from onebody.inference.prediction import PoseAnswer, said
from onebody.skeletons import get_skeleton
from onebody.types import Frames

if TYPE_CHECKING:
    from onebody.inference.stream import StreamFrame

MOST_LABELS = 3
"""Classes of each task that a page shows beside what goes on."""

RATE_OVER_S = 2.0
"""Frames per second are counted over so long."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shot:
    """A picture on its way to the network.

    Attributes:
        number: of the picture, as its sender counts.
        time_s: when it was taken, in the stream's time.
        arrived_s: when it came in, by `time.monotonic`.
        jpeg: as a page sent it; empty: ``picture`` is there.
        picture: ``[H, W, 3]``, from a camera or file.
    """

    number: int
    time_s: float
    arrived_s: float
    jpeg: bytes = b""
    picture: Frames | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """What came of a shot.

    Attributes:
        number: of the shot.
        told: what pages get, but for the events.
        jpeg: the picture that pages show.
        for_sender: must the page that sent the picture show this one instead of its own?
        started, ended: events.
        current: events that go on.
    """

    number: int
    told: dict[str, Any]
    jpeg: bytes
    for_sender: bool
    started: tuple[Event, ...]
    ended: tuple[Event, ...]
    current: tuple[Event, ...] = ()


def told_frame(frame: StreamFrame) -> dict[str, Any]:
    """Return what a network says of one frame, ready for JSON; what is unknown is None."""
    prediction = frame.prediction
    return {
        "time_s": round(float(prediction.times_s[0]), 4),
        "height": prediction.size[0],
        "width": prediction.size[1],
        "poses": {task: _told_pose(pose) for task, pose in prediction.poses.items()},
        "classes": _told_classes(frame),
        "seen": frame.seen,
        "ran": frame.ran,
        "current": {
            task: event
            and {
                "label": event.label,
                "confidence": _number(event.confidence, 3),
                "start_s": _number(event.start_s, 3),
            }
            for task, event in frame.current.items()
        },
        "stages_ms": {name: _number(value, 2) for name, value in frame.stages_ms.items()},
    }


def told_skeleton(name: str) -> dict[str, Any]:
    """Return a joint layout as pages draw it."""
    skeleton = get_skeleton(name)
    return {
        "joints": skeleton.joints,
        "bones": skeleton.bones,
        "sides": joint_sides(skeleton),
    }


class Rate:
    """Counts frames per second over the last moments."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def count(self, now_s: float) -> float:
        """Count a frame; return frames per second, 0 until there are two."""
        self._times.append(now_s)
        while now_s - self._times[0] > RATE_OVER_S:
            self._times.popleft()
        passed = now_s - self._times[0]
        return (len(self._times) - 1) / passed if passed > 0 else 0.0


def _told_pose(pose: PoseAnswer) -> dict[str, Any]:
    """Return a pose of one frame; a joint that is not known is None."""
    joints = [
        [_number(value, 2) for value in joint] if all(map(math.isfinite, joint)) else None
        for joint in pose.joints[0].tolist()
    ]
    return {"skeleton": pose.skeleton, "unit": pose.unit, "joints": joints}


def _told_classes(frame: StreamFrame) -> dict[str, list[list[Any]]]:
    """Return the best classes, with their probabilities, of the tasks that say what is seen."""
    return {
        task: [
            [label.name, _number(label.probability, 3)]
            for label in said(task, answer, answer.probabilities, MOST_LABELS)
        ]
        for task, answer in frame.prediction.classes.items()
        if task in frame.current
    }


def _number(value: float, digits: int) -> float | None:
    """Return a number that JSON can hold."""
    return round(float(value), digits) if math.isfinite(value) else None
