"""The person's box in every frame: where somebody is, learned beside what they do.

Source for learning both at once: Lan, Wang, Mori, "Discriminative figure-centric models for joint
action localization and recognition", ICCV 2011, where the place is latent and actions are read
there. Here the place is an answer of its own, with labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import torch
from pydantic import Field
from torch import Tensor

from onebody.data import Context, JointsColumn, SampleTable, Target, TargetSpec
from onebody.metrics import Metric, Results, box_metrics
from onebody.tasks.base import Task
from onebody.tasks.pose import annotated, check_like
from onebody.tasks.pose2d import to_source
from onebody.tasks.resolve import TaskConfig, checked_column, columns_of
from onebody.types import Form

OF_TABLE = "box"
"""The column's name that means the table's own boxes, one for all frames of a row."""


class BoxConfig(TaskConfig):
    """The person's box in every frame.

    Attributes:
        column: a column of joints, whose bounds are the box of each frame, or ``box``: the boxes of
            the table (`SampleTable.box`), one for all frames of a row. Those are seen only where
            the network looks at whole pictures (``input.look: picture``).
        margin: factor on the sides of the box about its center: joints lie within a body.
    """

    kind: Literal["box"] = "box"
    column: str = OF_TABLE
    margin: float = Field(1.0, ge=1.0, le=3.0)

    def resolve(
        self,
        name: str,
        tables: Sequence[SampleTable],
        known: Mapping[str, TaskConfig],  # noqa: ARG002
    ) -> Self:
        """Check that a table says where people are."""
        column = self.column or name
        if column != OF_TABLE:
            columns_of(tables, name, column, JointsColumn)
        elif not any(bool(torch.from_numpy(t.box).isfinite().all(dim=1).any()) for t in tables):
            raise ValueError(
                f"Task {name!r}: none of the tables {', '.join(t.name for t in tables)} has a "
                "person's box in any row. Name a column of joints ('column'), or add boxes."
            )
        return self.model_copy(update={"name": name, "column": column})


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxTask(Task):
    """Boxes ``[N, T, 4]`` x0, y0, x1, y1: crop fractions inside, source pixels outside.

    Attributes:
        margin: factor that the true boxes were enlarged by.
    """

    kind: ClassVar[str] = "box"
    margin: float

    @property
    def form(self) -> Form:
        """A box per frame."""
        return "box"

    @property
    def num_outputs(self) -> int:
        """Four borders."""
        return 4

    @property
    def primary(self) -> str:
        """Mean intersection over union."""
        return "iou"

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Overlap of boxes."""
        return box_metrics()

    def target_spec(self, table: SampleTable) -> TargetSpec:
        """Read the bounds of a column's joints, or the table's boxes."""
        skeleton = ""
        if self.column != OF_TABLE and self.column in table.columns:
            skeleton = checked_column(table, self.name, self.column, JointsColumn).skeleton
        return TargetSpec(
            task=self.name, column=self.column, form="box", skeleton=skeleton, margin=self.margin
        )

    def loss(self, output: Tensor, target: Target) -> Tensor:
        """Compute the loss of each sample, a mean over the frames whose box is known.

        The distance of the four borders (L1), which says where to move a box that is far off, and
        one minus the generalized intersection over union, which weighs small people like large
        ones. A sample without a known frame has loss 0.

        Source: Rezatofighi et al., "Generalized intersection over union", CVPR 2019; the sum with
        L1 as in Carion et al., "End-to-end object detection with transformers", ECCV 2020.

        Raises:
            ValueError: if the shapes differ (they would broadcast to a plausible number).
        """
        check_like(self.name, output, target)
        known = annotated(target)
        # select before any arithmetic: 0 * NaN is NaN, in the gradient too
        found = torch.where(known[..., None], output.float(), 0.0)
        true = torch.where(known[..., None], target.value.float(), 0.0)
        cost = (found - true).abs().sum(-1) + 1 - generalized_iou(found, true)
        return torch.where(known, cost, 0.0).sum(1) / known.sum(1).clamp(min=1)

    def decode(self, output: Tensor, context: Context) -> Tensor:
        """Map crop fractions to source pixels.

        Args:
            output: ``[N, T, 4]``.
            context: the same N rows.

        Returns:
            ``[N, T, 4]`` x0, y0, x1, y1; of a turned crop the upright box around its corners.
        """
        corners = output.float()[..., [0, 1, 2, 1, 2, 3, 0, 3]]
        corners = corners.view(*output.shape[:2], 4, 2)
        points = to_source(corners, context.crop_to_source)
        return torch.cat([points.amin(2), points.amax(2)], dim=-1)

    def collect(self, output: Tensor, target: Target, context: Context) -> Results:
        """Put found boxes beside true ones; an entry is a frame whose box is known."""
        known = annotated(target)
        return Results(
            prediction=self.decode(output, context)[known].detach().cpu().numpy(),
            target=self.decode(target.value, context)[known].detach().cpu().numpy(),
            row=context.row[:, None].expand(known.shape)[known].cpu().numpy(),
        )


def build_box(config: BoxConfig) -> BoxTask:
    """Build the task of a resolved configuration."""
    return BoxTask(name=config.name, column=config.column, margin=config.margin)


def generalized_iou(found: Tensor, true: Tensor) -> Tensor:
    """Return the generalized intersection over union of boxes ``[..., 4]``: ``[...]`` in [-1, 1].

    That is IoU less the part of the smallest box around both that neither fills. It falls further
    the farther two boxes lie apart, where IoU is 0 and has no gradient. Two boxes without area have
    the value 1.
    """
    low, high = torch.maximum(found, true)[..., :2], torch.minimum(found, true)[..., 2:]
    least, most = torch.minimum(found, true)[..., :2], torch.maximum(found, true)[..., 2:]
    common, around = _area(low, high), _area(least, most)
    both = _area(found[..., :2], found[..., 2:]) + _area(true[..., :2], true[..., 2:]) - common
    tiny = 1e-9
    return (common + tiny) / (both + tiny) - (around - both) / (around + tiny)


def _area(low: Tensor, high: Tensor) -> Tensor:
    """Return the areas ``[...]`` of boxes from corner to corner; 0 where these are exchanged."""
    return (high - low).clamp(min=0).prod(-1)
