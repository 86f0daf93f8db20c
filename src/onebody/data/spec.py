"""What a network wants of each sample: `InputSpec` for the media, `TargetSpec` per task.

Both are plain configuration: they travel with a saved network, so that prediction prepares a video
exactly as training did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from onebody.config import Config
from onebody.types import Ints

DEPTH_RANGE_MM = 2000.0
"""Depth is normalized as z = (Z - depth_ref_mm) / 2000 + 0.5, SPNet's choice."""


class InputSpec(Config):
    """How media become the input of a network.

    Attributes:
        modality: which medium is read (``rgb``, ``depth``, ``silhouette``).
        size: side of the square network input in pixels.
        frames: T, frames of a clip.
        sampling: ``uniform`` (frames spread over the whole span, each from its own segment) or
            ``dense`` (a window of ``frames`` frames, ``stride`` apart).
        stride: frames between two samples of a dense window.
        crop: ``square`` (the shorter side is padded, nothing is lost) or ``center`` (cut).
    """

    modality: str = "rgb"
    size: int = Field(112, ge=8, le=1024)
    frames: int = Field(16, ge=1)
    sampling: Literal["uniform", "dense"] = "uniform"
    stride: int = Field(1, ge=1)
    crop: Literal["square", "center"] = "square"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSpec:
    """How a table's column becomes one task's target.

    Attributes:
        task: name of the task.
        column: name of the table's column; a table without it leaves the task absent.
        form: ``class``, ``joints``, or ``union`` (made of other class targets, see ``parts``).
        table: class columns: ``[len(column's space)]`` task class per column class, -1 none.
        mirror: class columns: ``[task classes]`` mirrored class, -1 none; None: flips are refused.
        skeleton: joints: the task's joint layout (columns in another are converted).
        dims: joints: 2 (fractions of the crop) or 3 (and normalized depth).
        parts: union: (task, offset) of each class task whose target it takes over, index plus
            offset; a row labeled by none of them is absent, by several is an error.
    """

    task: str
    column: str
    form: Literal["class", "joints", "union"]
    table: Ints | None = None
    mirror: Ints | None = None
    skeleton: str = ""
    dims: Literal[2, 3] = 2
    parts: tuple[tuple[str, int], ...] = ()
