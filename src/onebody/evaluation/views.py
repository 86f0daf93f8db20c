"""Test-time views: mirrored, moved and scaled looks at the same clip, whose answers are joined.

Source: SPNet (Luvizon et al., CVPR 2018, TPAMI 2020) averages poses over a few shifted crops and
their mirror images, and class scores over clips and their mirror images.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from onebody.config import Config
from onebody.data import Source
from onebody.data.reading import channels_of
from onebody.data.targets import labeled_rows
from onebody.data.views import View
from onebody.evaluation.fusion import Fusion, fuse_probabilities, mean_of
from onebody.labels import UNLABELED
from onebody.metrics import Results
from onebody.skeletons import get_skeleton
from onebody.tasks import JointTask, Task
from onebody.tasks.box import BoxTask
from onebody.tasks.classes import ClassTask
from onebody.tasks.pose import PoseTask
from onebody.types import Ints


class ViewsConfig(Config):
    """How often a test looks at a row, and how the answers become one.

    Attributes:
        fusion: class probabilities of clips and views are averaged, or multiplied (``product``).
        flip: whether every clip is also looked at mirrored. Poses are mirrored back, and so are
            classes; those whose mirror image has no name are refused.
        crops: looks at each clip: the plain one, and others moved evenly around it (pictures).
        crop_shift: by how much they are moved, as a fraction of the window's side.
        crop_scale: factor on the side of the moved windows.
    """

    LATER: ClassVar[frozenset[str]] = frozenset(
        {"fusion", "flip", "crops", "crop_shift", "crop_scale"}
    )

    fusion: Fusion = "average"
    flip: bool = False
    crops: int = Field(1, ge=1, le=32)
    crop_shift: float = Field(0.03, gt=0.0, le=0.5)
    crop_scale: float = Field(1.0, gt=0.0, le=4.0)

    def views(self) -> tuple[View, ...]:
        """Return the views, the plain one first."""
        moved = [2 * math.pi * i / max(self.crops - 1, 1) for i in range(self.crops - 1)]
        places = [(self.crop_shift * math.cos(a), self.crop_shift * math.sin(a)) for a in moved]
        views = [View(), *(View(shift=place, scale=self.crop_scale) for place in places)]
        if self.flip:
            views += [replace(view, flip=True) for view in views]
        return tuple(views)


PLAIN = ViewsConfig()
"""One look; clips are averaged."""


def mirror_order(task: Task, tasks: Mapping[str, Task]) -> Ints:
    """Return which class or joint of a mirrored clip answers for each of a task's.

    Args:
        task: of classes, joints or boxes (whose borders are put right when they are decoded).
        tasks: those that a joint answer reads, by name.

    Returns:
        ``[C, J or 4]`` places in the answer for a mirrored clip.

    Raises:
        ValueError: if nobody said what a mirror makes of the classes, or one has no mirror image.
    """
    if isinstance(task, PoseTask):
        return get_skeleton(task.skeleton).mirror()
    if isinstance(task, BoxTask):
        return np.arange(task.num_outputs, dtype=np.int64)
    if isinstance(task, JointTask):
        joined = [
            mirror_order(tasks[name], tasks) + offset
            for name, offset in zip(task.of, task.offsets, strict=True)
        ]
        rest = np.arange(sum(task.sizes), len(task.space), dtype=np.int64)
        return np.concatenate([*joined, rest])
    if not isinstance(task, ClassTask):
        raise ValueError(f"Task {task.name!r} has no mirror image. Turn evaluation.flip off.")
    if not task.space.mirror:
        raise ValueError(
            f"Task {task.name!r} does not say what a mirror makes of its classes, so the test "
            "cannot look at mirrored clips. State its mirror map (class: mirrored class, or "
            "itself), or turn evaluation.flip off."
        )
    order = task.space.mirror_table()
    lost = [task.classes[i] for i in np.flatnonzero(order == UNLABELED)]
    if lost:
        raise ValueError(
            f"Task {task.name!r}: {', '.join(lost)} has no mirror image, so the test cannot look "
            "at mirrored clips. Turn evaluation.flip off."
        )
    return order


def check_views(
    views: Sequence[View],
    sources: Iterable[Source],
    names: Sequence[str],
    tasks: Mapping[str, Task],
) -> None:
    """Refuse views that a medium or a task's labels have no use for.

    Raises:
        ValueError: for moved windows of what is no picture, mirrored sensor readings, and mirrored
            clips with labels that have no mirror image.
    """
    flips, moves = any(v.flip for v in views), any(v.shift != (0.0, 0.0) for v in views)
    for source in sources:
        modality = source.spec.modality
        if moves and all(channels_of(medium.modality) is None for medium in source.spec.media):
            raise ValueError(f"{modality!r} is no picture to crop. Set evaluation.crops to 1.")
        for medium in source.spec.media if flips else ():
            if channels_of(medium.modality) is None and not medium.reads_skeletons:
                raise ValueError(
                    f"{medium.modality!r} cannot be mirrored. Turn evaluation.flip off."
                )
        for name in names if flips else ():
            if _served(source, name):
                mirror_order(tasks[name], tasks)
    strange = [n for n in names if not isinstance(tasks[n], (ClassTask, PoseTask, BoxTask))]
    if strange and len(views) > 1:
        raise ValueError(
            f"Task {strange[0]!r} is neither of classes nor of places; its answers to several "
            "views cannot be joined. Test with one view."
        )


def fuse_views(
    parts: Sequence[Results],
    views: Sequence[View],
    task: Task,
    tasks: Mapping[str, Task],
    fusion: Fusion = "average",
) -> Results:
    """Join a task's answers to several views of the same frames.

    Args:
        parts: by view; all of the same entries. Truth and scales are the first one's.
        views: the plain one first.
        task: whose answers they are.
        tasks: as of `mirror_order`.
        fusion: of class probabilities. Joints and boxes are averaged, in source pixels or mm.

    Returns:
        With one view its own answer, untouched.
    """
    if len(parts) == 1:
        return parts[0]
    turned = [
        part.prediction[:, mirror_order(task, tasks)] if view.flip else part.prediction
        for part, view in zip(parts, views, strict=True)
    ]
    if isinstance(task, (PoseTask, BoxTask)):
        mean = mean_of(turned).astype(parts[0].prediction.dtype)
        return replace(parts[0], prediction=mean)
    return replace(parts[0], prediction=fuse_probabilities(turned, fusion))


def _served(source: Source, name: str) -> bool:
    """Whether some row of a source carries a task's label."""
    for target in source.targets:
        if target.task == name:
            if target.made_of:
                return any(_served(source, part) for part in target.made_of)
            return bool(labeled_rows(source.table, target).any())
    return False
