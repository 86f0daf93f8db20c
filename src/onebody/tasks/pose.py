"""`PoseTask`: what tasks share whose answer is the joints of every frame.

Outputs and targets are ``[N, T, J, D + 1]``: D coordinates (x, y as fractions of the crop; 3D: and
normalized depth) and a last channel, the probability that the joint is seen.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from onebody.data import JointsColumn, SampleTable, Target
from onebody.metrics import Results
from onebody.skeletons import check_common, get_skeleton
from onebody.tasks.base import Task
from onebody.tasks.resolve import TaskConfig, columns_of
from onebody.types import Floats, Form

VISIBILITY_WEIGHT = 0.01
"""Weight of the visibility term, SPNet's."""

_PROBABILITY_MARGIN = 1e-6


class PoseConfig(TaskConfig):
    """Base of the pose tasks' configurations.

    Attributes:
        skeleton: joint layout of the task; empty: that of the column, where all tables share one.
    """

    skeleton: str = ""

    def resolve(
        self,
        name: str,
        tables: Sequence[SampleTable],
        known: Mapping[str, TaskConfig],  # noqa: ARG002
    ) -> Self:
        """Fill in the joint layout."""
        column = self.column or name
        found = columns_of(tables, name, column, JointsColumn)
        layouts = sorted({joints.skeleton for joints in found.values()})
        if not self.skeleton and len(layouts) > 1:
            raise ValueError(
                f"Task {name!r} reads joints in different layouts ({', '.join(layouts)}). State "
                "'skeleton'; joints are converted to it."
            )
        skeleton = get_skeleton(self.skeleton or layouts[0]).name
        for layout in layouts:
            check_common(layout, skeleton)
        return self.model_copy(update={"name": name, "column": column, "skeleton": skeleton})


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseTask(Task):
    """Joints of every frame.

    Attributes:
        skeleton: name of the joint layout.
    """

    skeleton: str

    @property
    def form(self) -> Form:
        """Joints per frame."""
        return "joints"

    @property
    def num_outputs(self) -> int:
        """Number of joints."""
        return len(get_skeleton(self.skeleton))

    @property
    @abstractmethod
    def dims(self) -> int:
        """Coordinates per joint, 2 or 3."""

    @abstractmethod
    def placed(
        self, joints: Floats, pixels: Floats, camera: Sequence[float], depth_ref_mm: float
    ) -> Floats:
        """Do as `decode` for a single frame, in numpy: a stream does it for every one.

        Args:
            joints: ``[J, D + 1]`` an output of the network.
            pixels: ``[J, 2]`` its x, y in source pixels.
            camera: fx, fy, cx, cy in source pixels; NaN where unknown.
            depth_ref_mm: distance at which normalized depth is 0.5; NaN where unknown.

        Returns:
            ``[J, D + 1]``.
        """

    def loss(self, output: Tensor, target: Target) -> Tensor:
        """Compute the elastic net loss of each sample and a little of its visibility's.

        See `elastic_net` and `visibility_loss`. A sample without annotated joints has loss 0.

        Source: Luvizon et al., 2D/3D pose estimation and action recognition using multitask deep
        learning, 2018, eq. 3. The published code averages over coordinates rather than joints,
        masks single coordinates that are not positive, and adds a cross entropy on coordinates; we
        mask joints and leave that term out.

        Raises:
            ValueError: if the shapes differ (they would broadcast to a plausible number).
        """
        check_like(self.name, output, target)
        known = annotated(target)
        output, value = output.float(), target.value.float()
        place = elastic_net(output[..., :-1], value[..., :-1], known)
        return place + VISIBILITY_WEIGHT * visibility_loss(output[..., -1], value[..., -1], known)


def check_like(task: str, output: Tensor, target: Target) -> None:
    """Refuse outputs of another shape than their targets'.

    Raises:
        ValueError: says both shapes.
    """
    if output.shape != target.value.shape:
        raise ValueError(
            f"Task {task!r} expects outputs shaped like its targets {tuple(target.value.shape)}, "
            f"found {tuple(output.shape)}."
        )


def annotated(target: Target) -> Tensor:
    """Return bool: which joints ``[N, T, J]``, or boxes ``[N, T]``, are annotated."""
    if target.mask is not None:
        return target.mask
    return torch.ones(target.value.shape[:-1], dtype=torch.bool, device=target.value.device)


def elastic_net(joints: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """Average ``|d|_1 + |d|_2^2`` over the annotated joints and frames of each sample.

    Args:
        joints: ``[N, T, J, D]``.
        truth: ``[N, T, J, D]``; anything, NaN included, where not annotated.
        known: ``[N, T, J]`` bool, annotated joints.

    Returns:
        ``[N]``; 0 with zero gradient where nothing is annotated.
    """
    # Select before any arithmetic: 0 * NaN is NaN, in the gradient too.
    offset = torch.where(known[..., None], joints, 0.0) - torch.where(known[..., None], truth, 0.0)
    return _mean_over(offset.abs().sum(-1) + offset.square().sum(-1), known)


def visibility_loss(confidence: Tensor, visible: Tensor, known: Tensor) -> Tensor:
    """Average the binary cross entropy of the joints whose visibility is known.

    Written out, since the library's version refuses to run under autocast.

    Args:
        confidence: ``[N, T, J]`` probabilities.
        visible: ``[N, T, J]`` 1 seen, 0 hidden; not finite where unknown.
        known: ``[N, T, J]`` bool, annotated joints.

    Returns:
        ``[N]`` nats; 0 with zero gradient where nothing is known.
    """
    known = known & torch.isfinite(visible)
    p = torch.where(known, confidence, 0.5).clamp(_PROBABILITY_MARGIN, 1 - _PROBABILITY_MARGIN)
    truth = torch.where(known, visible, 0.5)
    cost = -(truth * torch.log(p) + (1 - truth) * torch.log1p(-p))
    return _mean_over(torch.where(known, cost, 0.0), known)


def collect_joints(
    prediction: Tensor, truth: Tensor, known: Tensor, row: Tensor, scale: Mapping[str, Tensor]
) -> Results:
    """Lay frames out as entries, leaving out frames without any annotated joint.

    Args:
        prediction: ``[N, T, J, D]`` in public units.
        truth: ``[N, T, J, D]`` in the same.
        known: ``[N, T, J]`` bool, annotated joints.
        row: ``[N]`` row of the table.
        scale: named lengths ``[N, T]``.
    """
    keep = known.any(2)  # [N, T]
    truth = torch.where(known[..., None], truth, torch.nan)
    return Results(
        prediction=prediction[keep].detach().cpu().numpy(),
        target=truth[keep].detach().cpu().numpy(),
        row=row[:, None].expand(keep.shape)[keep].cpu().numpy(),
        mask=known[keep].cpu().numpy(),
        scale={name: values[keep].detach().cpu().numpy() for name, values in scale.items()},
    )


def _mean_over(values: Tensor, known: Tensor) -> Tensor:
    """Average ``[N, T, J]`` over the known joints of each sample; 0 where there are none."""
    return values.sum((1, 2)) / known.sum((1, 2)).clamp(min=1)
