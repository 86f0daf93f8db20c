"""What a network wants of each sample: `InputSpec` for the media, `TargetSpec` per task.

Both are plain configuration: they travel with a saved network, so that prediction prepares a video
exactly as training did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from onebody.config import Config
from onebody.skeletons import SKELETONS, get_skeleton
from onebody.types import Ints

DEPTH_RANGE_MM = 2000.0
"""Depth is normalized as z = (Z - depth_ref_mm) / 2000 + 0.5, SPNet's choice."""


FLOW = "flow/"
"""What the name of a picture medium's optical flow begins with."""


class InputSpec(Config):
    """How media become the input of a network.

    Attributes:
        modality: which medium is read (``rgb``, ``depth``, ``silhouette``, ``skeleton``, ``imu``);
            ``flow/rgb`` is the optical flow of ``rgb``, for which nothing more is needed.
        size: side of the square network input in pixels (pictures).
        frames: T, frames of a clip.
        sampling: ``uniform`` (spread over the whole span: pictures are taken from T segments,
            skeletons are interpolated in time at T places, so T may exceed what there is) or
            ``dense`` (a window of ``frames`` frames, ``stride`` apart; a short medium repeats its
            last frame).
        stride: frames between two samples of a dense window.
        crop: ``square`` (the shorter side is padded, nothing is lost) or ``center`` (cut);
            pictures.
        box_scale: factor on the sides of a person's box, where a row has one: what is looked at is
            the box so enlarged, in place of the picture (1.25 is usual for MPII and COCO).
        look: ``box`` (at a row's box, where it has one) or ``picture`` (at the whole picture, so
            that the box can be learned).
        skeleton: joint layout that the network works in; skeletons in another are converted, and
            joints that those lack are masked.
        dims: coordinates of a joint: 3, or 2 (the third of a 3D skeleton is left out).
        center: skeletons: what lies in the origin: the root of every ``frame``, the mean root of
            the ``clip`` (the way that the body goes is kept), or nothing (``none``).
        scale: skeletons: unit of length: the mean ``bone`` of the clip, so that people of every
            size and data in every unit look alike, or the medium's own (``none``).
        facing: skeletons in 3D are turned about the vertical (y) until the shoulders of the clip's
            mean pose face the camera. Which way the body stood is lost.
        sensors: S, worn sensors of a row (``imu``); each has 6 channels.
        also: further media of the same rows, each with a size, frames and preparation of its own.
            This first medium sets the times and the crop that joints are placed in. All cover the
            same span, in the same draws of speed and duration. A row needs one of them, not all.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"sensors", "also", "look"})

    modality: str = "rgb"
    size: int = Field(112, ge=8, le=1024)
    frames: int = Field(16, ge=1)
    sampling: Literal["uniform", "dense"] = "uniform"
    stride: int = Field(1, ge=1)
    crop: Literal["square", "center"] = "square"
    box_scale: float = Field(1.25, gt=0.0, le=10.0)
    look: Literal["box", "picture"] = "box"
    skeleton: str = ""
    dims: Literal[2, 3] = 3
    center: Literal["none", "frame", "clip"] = "clip"
    scale: Literal["none", "bone"] = "bone"
    facing: bool = False
    sensors: int = Field(1, ge=1, le=64)
    also: tuple[InputSpec, ...] = ()

    @model_validator(mode="after")
    def _possible(self) -> InputSpec:
        if self.skeleton:
            get_skeleton(self.skeleton)
        elif self.reads_skeletons:
            raise ValueError(
                "skeletons are read in one joint layout; state it as 'skeleton' "
                f"({', '.join(SKELETONS)})"
            )
        if self.modality.startswith(FLOW) and self.frames < 2:
            raise ValueError(
                f"{self.modality!r} is how things move between frames; it needs frames: 2 or more"
            )
        if self.facing and self.dims == 2:
            raise ValueError("'facing' turns bodies in space; it needs dims: 3")
        self._check_also()
        return self

    def _check_also(self) -> None:
        """Refuse media within media, one named twice, and windows that would not lie together."""
        names = [medium.modality for medium in self.media]
        for medium in self.also:
            if medium.also:
                raise ValueError("'also' lists media side by side; leave 'also' out within it")
        if len(set(names)) < len(names):
            raise ValueError(f"every medium is read once, found {', '.join(names)}")
        if self.also and any(medium.sampling == "dense" for medium in self.media):
            raise ValueError(
                "several media are sampled over one span; take 'sampling: uniform' for each"
            )

    @property
    def media(self) -> tuple[InputSpec, ...]:
        """Every medium that is read, the first one (without its ``also``) first."""
        return (self, *self.also)

    @property
    def reads_skeletons(self) -> bool:
        """Whether the medium holds joints (``skeleton/2`` is a view of ``skeleton``)."""
        return self.modality.split("/")[0] == "skeleton"

    @property
    def reads_sensors(self) -> bool:
        """Whether the medium holds readings of worn sensors."""
        return self.modality.split("/")[0] == "imu"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSpec:
    """How a table's column becomes one task's target.

    Attributes:
        task: name of the task.
        column: name of the table's column; a table without it leaves the task absent.
        form: ``class``, ``joints``, ``box``, or made of other class targets (see ``parts``):
            ``union`` (which class of which task), ``which`` (of which task).
        table: class columns: ``[len(column's space)]`` task class per column class, -1 none.
        also: a second class column, whose label serves rows without one in ``column``.
        also_table: ``[len(that column's space)]`` task class per class of it, -1 none.
        joined: ``[task classes, task classes]`` what labels in both columns mean together, -1 where
            they contradict each other, which is an error.
        soft: class columns: soft labels of the table that serve rows without a label.
        mirror: class columns: ``[task classes]`` mirrored class, -1 none; None: flips are refused.
        skeleton: joints: the task's joint layout (columns in another are converted). Boxes: that of
            the column whose joints they enclose; empty: they are the boxes of the table.
        dims: joints: 2 (fractions of the crop) or 3 (and normalized depth).
        margin: boxes: factor on the sides.
        parts: union: (task, offset) of each class task whose target it takes over, index plus
            offset; a row labeled by none of them is absent, by several is an error. which: (task,
            class) of each class task; a row labeled by none of them or by several is absent.
        none: union: (task, its class, joined class): rows that this class task puts in that class
            belong to none of the parts.
        per_frame: classes: the task answers every frame, so that frames may differ in their labels.
        nothing: classes: that of frames in which nothing happens; -1: there is no such class.
    """

    task: str
    column: str
    form: Literal["class", "joints", "box", "union", "which"]
    table: Ints | None = None
    also: str = ""
    also_table: Ints | None = None
    joined: Ints | None = None
    soft: str = ""
    mirror: Ints | None = None
    skeleton: str = ""
    dims: Literal[2, 3] = 2
    margin: float = 1.0
    parts: tuple[tuple[str, int], ...] = ()
    none: tuple[str, int, int] | None = None
    per_frame: bool = False
    nothing: int = -1

    @property
    def made_of(self) -> tuple[str, ...]:
        """The class tasks whose targets it is made of; none for targets of a column."""
        return tuple(task for task, _ in self.parts) + (self.none[:1] if self.none else ())

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it is read from."""
        return (self.column, self.also) if self.also else (self.column,)
