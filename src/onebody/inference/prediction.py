"""`Prediction`: what a network says of one person over a span of time, in public units.

The one value that prediction, drawing, files, the command line and the viewer speak.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from onebody.config import lookup
from onebody.inference.place import PlaceAnswer
from onebody.inference.unusual_answer import UnusualAnswer
from onebody.inference.windows import cut_windows
from onebody.models.calibration import Score, rejected
from onebody.tasks import NONE_OF_THESE
from onebody.types import Bools, Floats, Frames, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One class with its probability.

    Attributes:
        task: the task that the class belongs to; empty: none of them.
        name: the class, or "none of these".
        probability: in [0, 1]; NaN where a clip was rejected by a network that has learned no
            class for such clips.
        above: of a tree of classes: the class that this one lies in; empty at the top.
    """

    task: str
    name: str
    probability: float
    above: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassAnswer:
    """What one class task says.

    Attributes:
        classes: C class names.
        windows: ``[W, 2]`` first frame and the frame after the last one of every window.
        scores: ``[W, C]`` probabilities of every window.
        owners: for an answer over several tasks (a union), C names of the tasks that the classes
            belong to, the empty one for a last class "none of these"; empty for a plain task.
        score: what ``threshold`` is compared with.
        threshold: answers over several tasks: below it a clip is none of these; None: never.
        paths: of a tree of classes, whose leaves the C classes are: for each leaf the classes above
            it, the topmost first; empty for other tasks.
    """

    classes: tuple[str, ...]
    windows: Ints
    scores: Floats
    owners: tuple[str, ...] = ()
    score: Score = "probability"
    threshold: float | None = None
    paths: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        _expect("windows", self.windows, (len(self.windows), 2))
        _expect("scores", self.scores, (len(self.windows), len(self.classes)))
        if self.owners and len(self.owners) != len(self.classes):
            raise ValueError(f"{len(self.owners)} owners given for {len(self.classes)} classes.")
        if self.paths and len(self.paths) != len(self.classes):
            raise ValueError(f"{len(self.paths)} paths given for {len(self.classes)} classes.")

    @property
    def probabilities(self) -> Floats:
        """``[C]`` the mean of the windows; NaN where there is no window."""
        if not len(self.scores):
            return np.full(len(self.classes), np.nan, np.float32)
        return np.asarray(self.scores.mean(axis=0), np.float32)

    def per_frame(self, num_frames: int) -> Floats:
        """Return ``[T, C]``: for every frame the mean of the windows that hold it."""
        total = np.zeros((num_frames + 1, len(self.classes)))
        count = np.zeros(num_frames + 1)
        for (start, stop), score in zip(self.windows, self.scores, strict=True):
            total[start] += score
            total[stop] -= score
            count[start] += 1
            count[stop] -= 1
        held = np.cumsum(count)[:-1, None]
        means = np.cumsum(total, axis=0)[:-1] / np.where(held > 0, held, np.nan)
        return np.clip(means, 0.0, 1.0).astype(np.float32)

    def rejects(self, probabilities: Floats) -> bool:
        """Return whether class probabilities ``[C]`` of this answer say "none of these"."""
        if not self.owners:
            return False
        none = self.owners[-1] == ""
        return bool(rejected(probabilities, self.score, self.threshold, none=none))

    def select(self, start: int, stop: int) -> ClassAnswer:
        """Return the windows that reach into frames ``start`` to ``stop``, cut to them."""
        windows, inside = cut_windows(self.windows, start, stop)
        return replace(self, windows=windows, scores=self.scores[inside])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoseAnswer:
    """What one pose task says.

    Attributes:
        skeleton: name of the joint layout.
        unit: ``px`` (source pixels, centers at i + 0.5) or ``mm`` (camera frame).
        joints: ``[T, J, D + 1]`` positions and, last, confidence in [0, 1]; NaN: not known.
        measured: ``[T]``: did the network see this frame? Others are interpolated between those
            that it saw.
    """

    skeleton: str
    unit: Literal["px", "mm"]
    joints: Floats
    measured: Bools

    def __post_init__(self) -> None:
        if self.joints.ndim != 3:
            raise ValueError(f"joints should be [T, J, D + 1], found {self.joints.shape}.")
        _expect("measured", self.measured, (len(self.joints),))

    def select(self, start: int, stop: int) -> PoseAnswer:
        """Return frames ``start`` to ``stop``."""
        return replace(self, joints=self.joints[start:stop], measured=self.measured[start:stop])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction:
    """One person over a span.

    ``len(prediction)`` is its number of frames, ``prediction[30:60]`` a part of it.

    Attributes:
        source: what was looked at (a file name, usually).
        fps: frames per second of the source.
        size: height and width of the source in pixels.
        times_s: ``[T]`` time of every frame within its source.
        classes: answers of class tasks by name.
        poses: answers of pose tasks by name.
        first_frame: number of the first frame within its source.
        boxes: ``[T, 4]`` x0, y0, x1, y1 in source pixels of the person that was looked at, before
            the box is enlarged, mean over the windows that hold the frame; NaN where that was the
            whole picture, None where nobody asked for boxes.
        places: answers of tasks of boxes by name: where the person was found.
        unusual: how unlike its training clips the network finds every window; None: nobody has
            told it what those look like (`onebody unusual`).
        notice: what the network must not be taken for, as its notes say; it stands in every file
            and picture that is made of the prediction. Empty: nothing.
    """

    source: str
    fps: float
    size: tuple[int, int]
    times_s: np.ndarray[Any, np.dtype[np.float64]]
    classes: Mapping[str, ClassAnswer] = field(default_factory=dict)
    poses: Mapping[str, PoseAnswer] = field(default_factory=dict)
    first_frame: int = 0
    boxes: np.ndarray[Any, np.dtype[np.float64]] | None = None
    places: Mapping[str, PlaceAnswer] = field(default_factory=dict)
    unusual: UnusualAnswer | None = None
    notice: str = ""

    def __post_init__(self) -> None:
        if self.boxes is not None:
            _expect("boxes", self.boxes, (len(self), 4))
        for task, pose in self.poses.items():
            if len(pose.joints) != len(self):
                raise ValueError(
                    f"Pose {task!r} has {len(pose.joints)} frames, the prediction {len(self)}."
                )
        for task, place in self.places.items():
            _expect(f"boxes of {task!r}", place.corners, (len(self), 4))
        for task, answer in self.classes.items():
            ends = answer.windows
            if ends.size and (ends.min() < 0 or ends.max() > len(self)):
                raise ValueError(f"Windows of {task!r} leave the {len(self)} predicted frames.")

    def __len__(self) -> int:
        return len(self.times_s)

    def __getitem__(self, frames: int | slice) -> Prediction:
        """Return the prediction of one frame or of consecutive frames.

        Raises:
            IndexError: if a frame number lies outside.
            ValueError: if a slice has a step.
        """
        if isinstance(frames, slice):
            start, stop, step = frames.indices(len(self))
            if step != 1:
                raise ValueError(f"A prediction is cut into consecutive frames; step {step} given.")
            stop = max(start, stop)
        else:
            start = frames + len(self) if frames < 0 else frames
            if not 0 <= start < len(self):
                raise IndexError(f"Frame {frames} of a prediction of {len(self)} frames.")
            stop = start + 1
        return replace(
            self,
            times_s=self.times_s[start:stop],
            classes={task: answer.select(start, stop) for task, answer in self.classes.items()},
            poses={task: pose.select(start, stop) for task, pose in self.poses.items()},
            first_frame=self.first_frame + start,
            boxes=None if self.boxes is None else self.boxes[start:stop],
            places={task: place.select(start, stop) for task, place in self.places.items()},
            unusual=None if self.unusual is None else self.unusual.select(start, stop),
        )

    def top(self, task: str, k: int = 1) -> tuple[Label, ...]:
        """Return the k most probable classes of a task, most probable first.

        Raises:
            ValueError: if there is no such class task.
        """
        return _ranked(task, self._answer(task), self._answer(task).probabilities, k)

    @property
    def joint_task(self) -> str:
        """The class task that answers over several others; empty where there is none.

        Of several the first that may say "none of these", else the first (`speakers`).
        """
        joint = {task: answer for task, answer in self.classes.items() if answer.owners}
        wary = [task for task, answer in joint.items() if answer.owners[-1] == ""]
        return next(iter([*wary, *joint]), "")

    @property
    def answer(self) -> Label | None:
        """What is seen, whichever task it is of, or "none of these"; None without a joint task."""
        return self.labels()[0] if self.joint_task else None

    def labels(self, k: int = 1) -> tuple[Label, ...]:
        """Say what is seen: the joint answer's k best, else each class task's k best.

        A joint answer puts the classes of several tasks into one space, so nobody has to say
        beforehand whether the person acts or gestures: ``label.task`` says it. Where it rejects
        what it sees, "none of these" comes first, and then what comes nearest. A tree of classes
        says its k best classes of every level, topmost first; the best one of a level lies in the
        best one of the level above.
        """
        return tuple(
            label
            for task in self._speakers()
            for label in said(task, self.classes[task], self.classes[task].probabilities, k)
        )

    def frame_labels(self, k: int = 1) -> list[tuple[Label, ...]]:
        """Return what `labels` says, for every frame, of the windows that hold the frame."""
        rows: list[tuple[Label, ...]] = [()] * len(self)
        for task in self._speakers():
            answer = self.classes[task]
            for frame, scores in enumerate(answer.per_frame(len(self))):
                rows[frame] += said(task, answer, scores, k)
        return rows

    def draw(self, frames: Frames, *, least_side_px: int = 480) -> Frames:
        """Draw the prediction on its frames.

        Args:
            frames: ``[T, H, W, 1 or 3]``, one per predicted frame, of any size with the source's
                proportions.
            least_side_px: small pictures are enlarged until their shorter side has this length, so
                that the text can be read.

        Returns:
            ``[T, H', W', 3]``.
        """
        from onebody.inference.overlay import draw_frames

        return np.stack(list(draw_frames(self, frames, least_side_px=least_side_px)))

    def to_json(self) -> str:
        """Return everything as one JSON text; unknown values are null."""
        from onebody.inference.formats import to_json

        return to_json(self)

    @classmethod
    def from_json(cls, text: str) -> Prediction:
        """Read what `to_json` wrote.

        Raises:
            ValueError: if the text is something else; says what is missing.
        """
        from onebody.inference.formats import from_json

        return from_json(text)

    def to_jsonl(self, per: Literal["frame", "window"] = "frame") -> Iterator[str]:
        """Yield one JSON line per frame (labels, joints) or per window of each class task."""
        from onebody.inference.formats import to_jsonl

        return to_jsonl(self, per)

    def save_npz(self, path: Path | str) -> None:
        """Write the arrays and a JSON header into one compressed file, whole or not at all."""
        from onebody.inference.formats import save_npz

        save_npz(self, Path(path))

    @classmethod
    def load_npz(cls, path: Path | str) -> Prediction:
        """Read what `save_npz` wrote; nothing is unpickled.

        Raises:
            ValueError: if the file is something else.
        """
        from onebody.inference.formats import load_npz

        return load_npz(Path(path))

    def _speakers(self) -> tuple[str, ...]:
        """Return the class tasks that say what is seen."""
        return (self.joint_task,) if self.joint_task else tuple(self.classes)

    def _answer(self, task: str) -> ClassAnswer:
        return lookup(self.classes, task, "class task of the prediction")


def said(task: str, answer: ClassAnswer, probabilities: Floats, k: int = 1) -> tuple[Label, ...]:
    """Return the k best classes; a rejecting answer says first that it is none of them."""
    if answer.paths:
        return said_by_tree(task, answer, probabilities, k)
    ranked = _ranked(task, answer, probabilities, len(answer.classes))
    if answer.rejects(probabilities):
        none = tuple(label for label in ranked if not label.task)
        unsure = Label(task="", name=NONE_OF_THESE, probability=math.nan)
        ranked = (none or (unsure,)) + tuple(label for label in ranked if label.task)
    return ranked[:k]


def said_by_tree(
    task: str, answer: ClassAnswer, probabilities: Floats, k: int = 1
) -> tuple[Label, ...]:
    """Return the k best classes of each level of a tree, topmost first.

    A class is as probable as its leaves together. The first one of each level is the best of those
    in the first one of the level above, so that they never contradict each other.
    """
    paths = [(*path, leaf) for path, leaf in zip(answer.paths, answer.classes, strict=True)]
    best: tuple[str, ...] = ()
    labels: list[Label] = []
    for level in range(max(len(path) for path in paths)):
        sums: dict[tuple[str, ...], float] = {}
        for path, probability in zip(paths, probabilities.tolist(), strict=True):
            if len(path) > level:
                sums[path[: level + 1]] = sums.get(path[: level + 1], 0.0) + probability
        order = sorted(sums, key=lambda node: (node[:-1] != best, -sums[node]))
        if order[0][:-1] != best:
            break  # the best class is a leaf that stands alone
        order[1:] = sorted(order[1:], key=lambda node: -sums[node])
        labels += [
            Label(
                task=task,
                name=node[-1],
                probability=min(sums[node], 1.0),
                above=node[-2] if level else "",
            )
            for node in order[:k]
        ]
        best = order[0]
    return tuple(labels)


def _ranked(task: str, answer: ClassAnswer, scores: Floats, k: int) -> tuple[Label, ...]:
    """Return the k best classes; equal scores keep the order of the classes."""
    order = np.argsort(-scores, kind="stable")[:k]
    return tuple(
        Label(
            task=answer.owners[i] if answer.owners else task,
            name=answer.classes[i],
            probability=float(scores[i]),
        )
        for i in order
    )


def _expect(name: str, array: np.ndarray[Any, Any], shape: tuple[int, ...]) -> None:
    """Refuse an array of another shape."""
    if array.shape != shape:
        raise ValueError(f"{name} should have shape {shape}, found {array.shape}.")
