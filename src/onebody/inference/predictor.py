"""`Predictor`: a saved network that answers for files and arrays."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from onebody.config import lookup
from onebody.data import Context
from onebody.data.reading import channels_of
from onebody.inference.default import demo_notice, load_default
from onebody.inference.merge import PoseTrack
from onebody.inference.own_boxes import Box, Numbers, boxes_of, checked_box, per_frame, united
from onebody.inference.place import PlaceTrack
from onebody.inference.prediction import ClassAnswer, PoseAnswer, Prediction
from onebody.inference.prepare import check_size
from onebody.inference.reader import Group, Medium, open_medium, read_windows
from onebody.inference.reader_several import given_media, only_given, read_several
from onebody.inference.unusual_answer import UnusualTrack
from onebody.inference.windows import plan_windows
from onebody.models import Calibration, SavedNetwork, load_network
from onebody.models.calibration import tempered
from onebody.models.familiar import FAMILIAR, Familiar, load_familiar
from onebody.models.features import features_of
from onebody.tasks import JointTask, Task, TreeTask
from onebody.tasks.box import BoxTask
from onebody.tasks.classes import ClassTask
from onebody.tasks.pose import PoseTask
from onebody.types import Array, Floats, Ints

Camera = tuple[float, float, float, float]


def load(folder: Path | str | None = None, *, device: str = "cpu") -> Predictor:
    """Load a trained network.

    Args:
        folder: a run's folder (that of ``onebody train``) or the ``model`` folder in it; None: the
            network that comes with the package (`onebody.inference.default`).
        device: where it shall run: ``cpu``, ``cuda``, ``cuda:1``.

    Raises:
        ValueError: if there is no saved network (says where one was looked for), or no such device.
    """
    _check_device(device)
    if folder is None:
        own = load_default()
        own.network.to(device)
        return Predictor(saved=own, device=device)
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder. Name a run (see 'onebody train --out').")
    model = folder / "model" if (folder / "model").is_dir() else folder
    saved = load_network(model)
    saved.network.to(device).eval()
    familiar = load_familiar(model) if (model / FAMILIAR).is_file() else None
    return Predictor(saved=saved, device=device, familiar=familiar)


def _check_device(name: str) -> None:
    """Refuse a device that is none, or that this machine does not have."""
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"Unknown device {name!r}. Use 'cpu' or 'cuda'.") from None
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"Unknown device {name!r}. Use 'cpu' or 'cuda'.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        found = torch.cuda.device_count() or "none"
        raise ValueError(f"Device {name!r}: expected such a GPU, found {found}. Use 'cpu'.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictor:
    """A saved network that answers for whole files, however long they are.

    Attributes:
        saved: the network, its tasks and how media are prepared for it.
        device: where it runs.
        batch_size: most windows that are run at once.
        familiar: what its training clips look like, where `onebody unusual` has written it: then
            predictions say how unlike them each window is (`Prediction.unusual`).
    """

    saved: SavedNetwork
    device: str = "cpu"
    batch_size: int = 8
    familiar: Familiar | None = None

    @property
    def tasks(self) -> Mapping[str, Task]:
        """The network's tasks by name."""
        return self.saved.network.tasks

    def predict(
        self,
        source: str | Path | Array | Mapping[str, str | Path | Array],
        *,
        tasks: Sequence[str] | None = None,
        fps: float | None = None,
        span_s: tuple[float, float] | None = None,
        camera: Camera | None = None,
        depth_ref_mm: float | None = None,
        window_s: float | None = None,
        clips: int = 1,
        box: Literal["own"] | Box | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Prediction:
        """Say what a video, a folder of pictures, a still, or an array of pictures shows.

        Nobody has to name a task: where the network has an answer over several tasks (a union, a
        routed one), that comes first, calibrated, and may be "none of these" (`Prediction.answer`).

        The medium is covered by overlapping windows (`plan_windows`). Class probabilities are
        averaged over them; poses are blended where windows overlap and interpolated at frames that
        the network did not see (`PoseAnswer.measured`).

        Args:
            source: a file, a folder, any source string, or uint8 pictures ``[T, H, W]``,
                ``[T, H, W, 1 or 3]`` or ``[H, W, 3]``. A network that reads skeletons takes arrays
                ``[T, J, D]`` of its own layout (``.npy``, ``.npz#key``, or in memory). A network
                of several media takes these by medium, any of them left out; they cover the same
                span, whatever their rates, and ``fps`` is that of the first one given.
            tasks: which tasks; None: all, answers over several tasks first.
            fps: frames per second; None: the medium's own. Needed for folders and arrays.
            span_s: look only at this part, beginning and end in seconds; NaN: the medium's.
            camera: fx, fy, cx, cy in source pixels, for 3D poses in mm.
            depth_ref_mm: distance of the body at which normalized depth is 0.5, for the same.
            window_s: length of a window of a uniformly sampling network; None: that of the clips
                that it learned from where the network's notes tell (``clip_s``), else the whole
                medium.
            clips: how many clips, of different frames, are taken of every window.
            box: where to look: None: at the whole picture; x0, y0, x1, y1 of the person in source
                pixels; ``own``: each window is looked at twice, the second time at the box that a
                task of boxes finds, else around the joints that the network is sure of (where there
                are none, at the whole picture again: `Prediction.boxes`). Boxes are enlarged by
                ``input.box_scale``.
            progress: is told windows done and windows in all.

        Raises:
            MediaError: if the medium cannot be read.
            ValueError: if a task does not exist, or something that is needed is not given.
        """
        names = sorted(self.tasks, key=self._is_plain) if tasks is None else list(tasks)
        for name in names:
            _check_task(lookup(self.tasks, name, "task"))
        given = given_media(source, self.saved.input)
        lead = only_given(self.saved.input, tuple(given))
        if lead.modality != self.saved.input.modality:
            names = self._without_places(names, asked=tasks is not None)
        first = given[lead.modality]
        shown = "array" if isinstance(first, np.ndarray) else str(first)
        with tempfile.TemporaryDirectory(prefix="onebody-", ignore_cleanup_errors=True) as folder:
            places = {name: _placed(one, name, Path(folder)) for name, one in given.items()}
            medium = open_medium(
                places[lead.modality],
                fps=fps,
                span_s=span_s,
                camera=camera,
                depth_ref_mm=depth_ref_mm,
            )
            if channels_of(lead.modality) is not None:
                if not medium.info.height:
                    raise ValueError(
                        f"{shown}: the network reads {lead.modality!r}: expected pictures (an "
                        "array is uint8 [T, H, W] or [T, H, W, 3]), found an array of numbers."
                    )
                check_size(medium.info.height, medium.info.width, shown)
            length = self.saved.notes.get("clip_s") if window_s is None else window_s
            windows = plan_windows(len(medium.times_s), lead, fps=medium.fps, window_s=length)
            boxes = self._boxes(box, medium, windows, clips)
            answers = _Answers(names, medium, windows, clips, boxes, self.familiar)
            for group in self._groups(medium, windows, clips, boxes, places):
                answers.add(group, self._run(group, names, answers.unusual), self.tasks)
                if progress is not None:
                    progress(int(group.windows[-1]) + 1, len(windows))
        found = answers.finish(shown, self.tasks, self.saved.calibration)
        return replace(found, notice=demo_notice(self.saved))

    def _groups(
        self,
        medium: Medium,
        windows: Ints,
        clips: int,
        boxes: Numbers | None = None,
        places: Mapping[str, str] | None = None,
    ) -> Iterator[Group]:
        """Read windows a group at a time; ``places``: where several media lie."""
        spec, size = self.saved.input, self.batch_size
        if spec.also and places is not None:
            return read_several(medium, places, windows, spec, batch_size=size, clips=clips)
        return read_windows(medium, windows, spec, batch_size=size, clips=clips, boxes=boxes)

    def _boxes(
        self, box: Literal["own"] | Box | None, medium: Medium, windows: Ints, clips: int
    ) -> Numbers | None:
        """Return ``[W, 4]`` where to look in each window; NaN: at the whole picture."""
        if box is None:
            return None
        modality = self.saved.input.modality
        if self.saved.input.also:
            raise ValueError("A network of several media looks at whole pictures. Leave boxes out.")
        if channels_of(modality) is None:
            raise ValueError(f"{modality!r} is no picture, so there is no box to look at.")
        if not isinstance(box, str):
            stated = checked_box(box, medium.info.height, medium.info.width)
            return np.tile(stated, (len(windows), 1))
        if box != "own":
            raise ValueError(f"A box is 'own' or x0, y0, x1, y1 in pixels; found {box!r}.")
        boxes = np.full((len(windows), 4), np.nan)
        for group in self._groups(medium, windows, clips):
            with torch.inference_mode():
                found = boxes_of(self.saved.network, group.batch.to(self.device))
            for window, own in zip(group.windows, found, strict=True):
                boxes[window] = united([boxes[window][None], own[None]])[0]
        return boxes

    def _without_places(self, names: Sequence[str], *, asked: bool) -> list[str]:
        """Leave out tasks that say where something is in the first medium, which is not given."""
        placed = [name for name in names if self.tasks[name].form in ("joints", "box")]
        if placed and asked:
            raise ValueError(
                f"Task {placed[0]!r} is about places in {self.saved.input.modality!r}, which is "
                "not given. Give it, or name other tasks."
            )
        return [name for name in names if name not in placed]

    def _is_plain(self, name: str) -> bool:
        """Whether a task is no answer over several others."""
        return not isinstance(self.tasks[name], JointTask)

    def _run(
        self, group: Group, names: Sequence[str], unusual: UnusualTrack | None
    ) -> dict[str, Floats]:
        """Run the network on a group and decode its final outputs; tell how unusual it is."""
        batch = group.batch.to(self.device)
        everyone = torch.ones(len(batch), dtype=torch.bool, device=self.device)
        known = () if self.familiar is None else self.familiar.tasks
        with torch.inference_mode(), ExitStack() as stack:
            if unusual is not None:
                heard = stack.enter_context(features_of(self.saved.network, known))
            wanted = dict.fromkeys((*names, *known), everyone)
            outputs = self.saved.network([batch], [wanted])[0]
            if unusual is not None:
                logits = torch.cat([outputs[name][-1].float() for name in known], dim=-1)
                unusual.add(group.windows, heard[-1], logits)
            return {name: self._decoded(name, outputs[name][-1], batch.context) for name in names}

    def _decoded(self, name: str, output: Tensor, context: Context) -> Floats:
        """Decode a task's output, calibrated where somebody has calibrated it."""
        found, task = self.saved.calibration.get(name), self.tasks[name]
        temperature = 1.0 if found is None else found.temperature
        if task.form == "frames" and found is not None:
            # It was learned from the answers for clips: means, which are tempered as they are.
            scores = task.decode(output.float(), context).float().cpu().numpy()
            return tempered(scores, temperature)
        return task.decode(output.float() / temperature, context).float().cpu().numpy()


class _Answers:
    """Collects what the windows say."""

    def __init__(
        self,
        names: Sequence[str],
        medium: Medium,
        windows: Ints,
        clips: int,
        boxes: Numbers | None,
        familiar: Familiar | None,
    ) -> None:
        self.names = names
        self.unusual = None if familiar is None else UnusualTrack(familiar, windows, clips)
        self.medium = medium
        self.windows = windows
        self.clips = clips
        self.boxes = boxes
        self._scores: dict[str, Floats] = {}
        self._tracks: dict[str, PoseTrack] = {}
        self._places: dict[str, PlaceTrack] = {}

    def add(self, group: Group, decoded: Mapping[str, Floats], tasks: Mapping[str, Task]) -> None:
        """Add the decoded answers of a group of windows."""
        for name in self.names:
            if tasks[name].form == "joints":
                track = self._tracks.setdefault(name, PoseTrack(len(self.medium.times_s)))
                for frames, joints in zip(group.frames, decoded[name], strict=True):
                    track.add(frames, joints)
            elif tasks[name].form == "box":
                place = self._places.setdefault(name, PlaceTrack(len(self.medium.times_s)))
                for frames, corners in zip(group.frames, decoded[name], strict=True):
                    place.add(frames, corners)
            else:
                size = (len(self.windows), decoded[name].shape[1])
                scores = self._scores.setdefault(name, np.zeros(size, np.float32))
                np.add.at(scores, group.windows, decoded[name] / self.clips)

    def finish(
        self, source: str, tasks: Mapping[str, Task], calibration: Mapping[str, Calibration]
    ) -> Prediction:
        """Merge everything into one prediction."""
        poses = {}
        for name, track in self._tracks.items():
            joints, measured = track.finish()
            poses[name] = PoseAnswer(
                skeleton=_as_pose(tasks[name]).skeleton,
                unit="px" if tasks[name].dims == 2 else "mm",
                joints=joints,
                measured=measured,
            )
        classes = {}
        for name, scores in self._scores.items():
            found = calibration.get(name)
            classes[name] = ClassAnswer(
                classes=_as_class(tasks[name]).classes,
                owners=class_owners(tasks[name]),
                paths=class_paths(tasks[name]),
                windows=self.windows,
                scores=scores,
                score=found.score if found else "probability",
                threshold=found.threshold if found else None,
            )
        frames = len(self.medium.times_s)
        boxes = None if self.boxes is None else per_frame(self.boxes, self.windows, frames)
        return Prediction(
            source=source,
            boxes=boxes,
            fps=self.medium.fps,
            size=(self.medium.info.height, self.medium.info.width),
            times_s=self.medium.times_s,
            classes=classes,
            poses=poses,
            places={name: place.finish() for name, place in self._places.items()},
            first_frame=self.medium.first,
            unusual=None if self.unusual is None else self.unusual.finish(),
        )


def class_owners(task: Task) -> tuple[str, ...]:
    """Return the tasks that the classes of a joint answer belong to; nothing for other tasks."""
    return task.owners if isinstance(task, JointTask) else ()


def class_paths(task: Task) -> tuple[tuple[str, ...], ...]:
    """Return the classes above each leaf of a tree; nothing for other tasks."""
    return task.paths if isinstance(task, TreeTask) else ()


def _as_class(task: Task) -> ClassTask:
    assert isinstance(task, ClassTask)
    return task


def _as_pose(task: Task) -> PoseTask:
    assert isinstance(task, PoseTask)
    return task


def _placed(source: str | Path | Array, modality: str, folder: Path) -> str:
    """Return the source of a medium; arrays are written into a file."""
    if not isinstance(source, np.ndarray):
        return str(source)
    own = folder / modality.replace("/", "-")
    own.mkdir()
    return _store(source, own, still=channels_of(modality) is not None)


def _store(values: Array, folder: Path, *, still: bool) -> str:
    """Write an array into a file, so that it takes the same way as a medium on disk.

    Args:
        values: pictures or numbers.
        folder: where the file goes.
        still: whether ``[H, W, 3]`` is a single picture.
    """
    single = still and values.ndim == 3 and values.shape[2] == 3
    np.save(folder / "array.npy", values[None] if single else values)
    return str(folder / "array.npy")


def _check_task(task: Task) -> None:
    """Refuse tasks whose answers a prediction has no place for."""
    if not isinstance(task, (ClassTask, PoseTask, BoxTask)):
        raise ValueError(
            f"Task {task.name!r} is neither of classes nor of places ({type(task).__name__}): a "
            "prediction has no place for its answer. Name the other tasks (tasks=...)."
        )
