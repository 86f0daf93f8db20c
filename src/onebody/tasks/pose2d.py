"""2D pose: joints in the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from onebody.data import Context, JointsColumn, SampleTable, Target, TargetSpec
from onebody.metrics import Metric, Results, pose2d_metrics
from onebody.skeletons import get_skeleton
from onebody.tasks.pose import PoseConfig, PoseTask, annotated, collect_joints
from onebody.tasks.resolve import checked_column
from onebody.types import Floats


class Pose2DConfig(PoseConfig):
    """Joints in the picture."""

    kind: Literal["pose2d"] = "pose2d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose2DTask(PoseTask):
    """Joints in the picture: crop fractions inside, source pixels outside."""

    kind: ClassVar[str] = "pose2d"

    @property
    def dims(self) -> int:
        """Two: x and y."""
        return 2

    @property
    def primary(self) -> str:
        """PCK@0.1 of the crop."""
        return "pck_crop"

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The 2D metrics; PCKh where the layout shows how long a head is."""
        whole = head_joints(self.skeleton) is not None
        every = pose2d_metrics(trunk_joints(self.skeleton))
        return {n: m for n, m in every.items() if whole or not n.startswith("pckh")}

    def target_spec(self, table: SampleTable) -> TargetSpec:
        """Read joints as crop fractions."""
        if self.column in table.columns:
            checked_column(table, self.name, self.column, JointsColumn)
        return TargetSpec(
            task=self.name, column=self.column, form="joints", skeleton=self.skeleton, dims=2
        )

    def decode(self, output: Tensor, context: Context) -> Tensor:
        """Map crop fractions to source pixels.

        Args:
            output: ``[N, T, J, 3]`` x, y, confidence.
            context: the same N rows.

        Returns:
            ``[N, T, J, 3]`` x, y in source pixels (centers at i + 0.5), confidence in [0, 1].
        """
        output = output.float()
        pixels = to_source(output[..., :2], context.crop_to_source)
        return torch.cat([pixels, output[..., 2:].clamp(0, 1)], dim=-1)

    def placed(
        self,
        joints: Floats,
        pixels: Floats,
        camera: Sequence[float],  # noqa: ARG002
        depth_ref_mm: float,  # noqa: ARG002
    ) -> Floats:
        """Put pixels beside confidences; see `PoseTask.placed`."""
        return np.concatenate([pixels, joints[:, 2:].clip(0, 1)], axis=1)

    def collect(self, output: Tensor, target: Target, context: Context) -> Results:
        """Put joints beside annotation, in source pixels, with lengths to divide errors by."""
        known = annotated(target)
        prediction = self.decode(output, context)[..., :2]
        truth = self.decode(target.value, context)[..., :2]
        scale = {
            "crop": crop_side(context.crop_to_source)[:, None].expand(known.shape[:2]),
            "box": box_side(truth, known),
        }
        head = head_joints(self.skeleton)
        if head is not None:
            length = (truth[:, :, head[0]] - truth[:, :, head[1]]).norm(dim=-1)
            both = known[:, :, head[0]] & known[:, :, head[1]]
            length = torch.where(both, length, torch.nan)
            scale["head"] = annotated_head(context, length)
        return collect_joints(prediction, truth, known, context.row, scale)


def build_pose2d(config: Pose2DConfig) -> Pose2DTask:
    """Build the task of a resolved configuration."""
    return Pose2DTask(
        name=config.name,
        column=config.column or config.name,
        skeleton=get_skeleton(config.skeleton).name,
    )


def to_source(points: Tensor, crop_to_source: Tensor) -> Tensor:
    """Map crop fractions ``[N, T, J, 2]`` to source pixels by affine maps ``[N, 2, 3]``."""
    along_x, along_y, shift = crop_to_source.float()[:, None, None].unbind(-1)  # [N, 1, 1, 2] each
    # Written out: a product of such small matrices takes many times as long.
    return points[..., :1] * along_x + points[..., 1:] * along_y + shift


def crop_side(crop_to_source: Tensor) -> Tensor:
    """Return ``[N]`` the side of each square crop in source pixels, however it is turned."""
    linear = crop_to_source[:, :, :2].float()
    return (linear[:, 0, 0] * linear[:, 1, 1] - linear[:, 0, 1] * linear[:, 1, 0]).abs().sqrt()


def box_side(joints: Tensor, known: Tensor) -> Tensor:
    """Return ``[N, T]`` the longer side of the box around annotated joints; NaN without any."""
    most = torch.where(known[..., None], joints, -torch.inf).amax(2)
    least = torch.where(known[..., None], joints, torch.inf).amin(2)
    return torch.where(known.any(2), (most - least).amax(-1), torch.nan)


def annotated_head(context: Context, length: Tensor) -> Tensor:
    """Put the annotated size of a row's head before the length ``[N, T]`` of its head's joints."""
    if context.head_px is None:
        return length
    size = context.head_px.float()[:, None].expand(length.shape)
    return torch.where(torch.isfinite(size), size, length)


def trunk_joints(skeleton: str) -> tuple[int, ...]:
    """Return the joints that PCKh leaves out: pelvis and thorax, where a layout has them."""
    points = enumerate(get_skeleton(skeleton).points)
    return tuple(joint for joint, names in points if names[0] in ("pelvis", "thorax"))


def head_joints(skeleton: str) -> tuple[int, int] | None:
    """Return the joints at both ends of the head (crown, upper neck), where a layout has them.

    Their distance is the head size of PCKh for rows without an annotated one. (MPII takes 0.6 of
    the diagonal of an annotated head box, which is close to it.) A point in the middle of the head
    would make it too short.
    """
    points = [names[0] for names in get_skeleton(skeleton).points]
    if "head_top" not in points or "neck" not in points:
        return None
    return points.index("head_top"), points.index("neck")
