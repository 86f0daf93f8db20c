"""3D pose: joints in the camera's frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np
import torch
from torch import Tensor

from onebody.data import (
    DEPTH_RANGE_MM,
    Context,
    JointsColumn,
    SampleTable,
    Target,
    TargetSpec,
)
from onebody.metrics import Metric, Results, pose3d_metrics
from onebody.skeletons import get_skeleton
from onebody.tasks.pose import PoseConfig, PoseTask, annotated, collect_joints
from onebody.tasks.pose2d import to_source
from onebody.tasks.resolve import checked_column
from onebody.types import Floats

Values = TypeVar("Values", Tensor, Floats)


class Pose3DConfig(PoseConfig):
    """Joints in space."""

    kind: Literal["pose3d"] = "pose3d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose3DTask(PoseTask):
    """Joints in space: crop fractions and normalized depth inside, mm outside.

    A network cannot know how far away a body is: depth is relative to the given distance
    ``depth_ref_mm``, and the metrics to the root joint.

    Where that distance is the root's true depth, as in stills of Human3.6M, ``mpjpe`` is the figure
    that SPNet reports: predicted depth plus the true depth of the root, un-projected with the true
    camera, relative to the predicted root, the mean over all joints and the root (which is exact by
    definition and counts). It needs ground truth that a picture alone does not give, so it cannot
    be compared with figures of networks that find scale and distance themselves.

    Source: Luvizon, Picard, Tabia, "2D/3D Pose Estimation and Action Recognition using Multitask
    Deep Learning", CVPR 2018, and its authors' code.
    """

    kind: ClassVar[str] = "pose3d"

    @property
    def dims(self) -> int:
        """Three: x, y and z."""
        return 3

    @property
    def primary(self) -> str:
        """PCK at 150 mm."""
        return "pck3d"

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The 3D metrics, relative to the layout's root."""
        return pose3d_metrics(get_skeleton(self.skeleton).root)

    def target_spec(self, table: SampleTable) -> TargetSpec:
        """Read joints as crop fractions and normalized depth."""
        if self.column in table.columns:
            joints = checked_column(table, self.name, self.column, JointsColumn)
            if joints.unit != "mm":
                raise ValueError(
                    f"Task {self.name!r} expects joints in mm, but column {self.column!r} of "
                    f"table {table.name!r} is in {joints.unit}. Name a 3D column, or take pose2d."
                )
        return TargetSpec(
            task=self.name, column=self.column, form="joints", skeleton=self.skeleton, dims=3
        )

    def decode(self, output: Tensor, context: Context) -> Tensor:
        """Un-project to the camera's frame.

        Args:
            output: ``[N, T, J, 4]`` x, y (crop fractions), z (normalized depth), confidence.
            context: the same N rows.

        Returns:
            ``[N, T, J, 4]`` X right, Y down, Z away in mm, confidence in [0, 1]. Coordinates are
            NaN for rows without a camera or a reference distance.
        """
        output = output.float()
        lens = context.camera.float()[:, :, None, None].unbind(1)  # [N, 1, 1] each
        u, v = to_source(output[..., :2], context.crop_to_source).unbind(-1)
        reference = context.depth_ref_mm.float()[:, None, None]
        found = _unprojected(u, v, output[..., 2], lens, reference)
        return torch.stack([*found, output[..., 3].clamp(0, 1)], dim=-1)

    def placed(
        self, joints: Floats, pixels: Floats, camera: Sequence[float], depth_ref_mm: float
    ) -> Floats:
        """Un-project one frame; see `PoseTask.placed`."""
        u, v = pixels.T
        found = _unprojected(u, v, joints[:, 2], camera, depth_ref_mm)
        return np.stack([*found, joints[:, 3].clip(0, 1)], axis=1)

    def collect(self, output: Tensor, target: Target, context: Context) -> Results:
        """Put joints beside annotation, in mm.

        Raises:
            ValueError: if a row with annotated joints has no camera or reference distance.
        """
        known = annotated(target)
        usable = torch.isfinite(context.camera).all(1) & torch.isfinite(context.depth_ref_mm)
        blind = context.row[known.any(2).any(1) & ~usable]
        if len(blind):
            raise ValueError(
                f"Task {self.name!r}: row {int(blind[0])} has 3D joints but no camera_matrix or "
                f"depth_ref_mm ({len(blind)} rows of this batch): errors in mm need both."
            )
        prediction = self.decode(output, context)[..., :3]
        truth = self.decode(target.value, context)[..., :3]
        return collect_joints(prediction, truth, known, context.row, {})


def build_pose3d(config: Pose3DConfig) -> Pose3DTask:
    """Build the task of a resolved configuration."""
    return Pose3DTask(
        name=config.name,
        column=config.column or config.name,
        skeleton=get_skeleton(config.skeleton).name,
    )


def _unprojected(
    u: Values, v: Values, z: Values, lens: Sequence[Any], reference: Any
) -> tuple[Values, Values, Values]:
    """Return X, Y, Z in mm of pixels and normalized depths, tensors or arrays alike.

    Args:
        u: pixels, to the right.
        v: pixels, downwards.
        z: normalized depths.
        lens: fx, fy, cx, cy.
        reference: distance at which normalized depth is 0.5, in mm.
    """
    fx, fy, cx, cy = lens
    away = (z - 0.5) * DEPTH_RANGE_MM + reference
    right, down = (u - cx) / fx * away, (v - cy) / fy * away
    # Plus 0, or NaN: a row that lacks only the camera must not look half known.
    return right, down, away + 0.0 * (right + down)
