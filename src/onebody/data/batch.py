"""`Batch`: rows of equal shape on their way into a network, with whatever labels they carry.

A training step is a list of Batches (stills, clips, sensor windows), never padded together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TypeVar

import torch
from torch import Tensor

ValueT = TypeVar("ValueT", "Target", "Context")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is known of one task for the rows of a Batch.

    Attributes:
        value: class indices ``[B]`` (long) or probabilities ``[B, C]`` (soft labels); joints
            ``[B, T, J, D + 1]`` (2D: x, y as fractions of the crop; 3D: x, y likewise and z =
            (Z - depth_ref_mm) / 2000 + 0.5; last channel: visibility 0 or 1); boxes ``[B, T, 4]``
            x0, y0, x1, y1 as fractions of the crop.
        present: ``[B]`` bool: does the row carry a label? Values of other rows are undefined.
        mask: bool, what of a label is known (joints: ``[B, T, J]``, boxes:
            ``[B, T]``); None: all.
        weight: ``[B]`` weight of a label (pseudo-labels); None: 1.
    """

    value: Tensor
    present: Tensor
    mask: Tensor | None = None
    weight: Tensor | None = None

    def select(self, rows: Tensor) -> Target:
        """Return the rows chosen by a bool mask ``[B]`` or by indices."""
        return _map(self, lambda tensor: tensor[rows])

    def to(self, device: torch.device | str) -> Target:
        """Return a copy on a device."""
        return _map(self, lambda tensor: tensor.to(device, non_blocking=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where the rows of a Batch come from: what turns normalized outputs into source units.

    Attributes:
        row: ``[B]`` row number in the table (long).
        times_s: ``[B, T]`` time of each frame within its media, in seconds.
        crop_to_source: ``[B, 2, 3]`` affine map from crop fractions to source pixels.
        camera: ``[B, 4]`` fx, fy, cx, cy in source pixels; NaN where unknown.
        depth_ref_mm: ``[B]`` distance at which z is 0.5; NaN where unknown.
        head_px: ``[B]`` annotated length of the head in source pixels; NaN where unknown, None:
            of no row.
    """

    row: Tensor
    times_s: Tensor
    crop_to_source: Tensor
    camera: Tensor
    depth_ref_mm: Tensor
    head_px: Tensor | None = None

    def select(self, rows: Tensor) -> Context:
        """Return the rows chosen by a bool mask ``[B]`` or by indices."""
        return _map(self, lambda tensor: tensor[rows])

    def to(self, device: torch.device | str) -> Context:
        """Return a copy on a device."""
        return _map(self, lambda tensor: tensor.to(device, non_blocking=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows of equal shape.

    Attributes:
        inputs: by modality (a further view as ``rgb/2``): images and clips ``[B, 3 or 1, T, H, W]``
            float in [0, 1] (a still has T = 1), skeletons ``[B, T, J, C]``, IMU ``[B, T, S, C]``.
        valid: by modality, bool ``[B]``, ``[B, T]``, ``[B, T, J]`` or, of sensors,
            ``[B, T, S, C]``: what of an input is really there. A modality without an entry is
            wholly valid.
        targets: by task.
        context: where the rows come from.
    """

    inputs: Mapping[str, Tensor]
    valid: Mapping[str, Tensor] = field(default_factory=dict)
    targets: Mapping[str, Target] = field(default_factory=dict)
    context: Context

    def __len__(self) -> int:
        return len(self.context.row)

    @property
    def num_frames(self) -> int:
        """T, the frames of every row."""
        return self.context.times_s.shape[1]

    def present(self, tasks: tuple[str, ...] | list[str]) -> dict[str, Tensor]:
        """Return for each task ``[B]`` bool: which rows carry its label (absent tasks: none)."""
        nobody = torch.zeros(len(self), dtype=torch.bool, device=self.context.row.device)
        return {t: self.targets[t].present if t in self.targets else nobody for t in tasks}

    def to(self, device: torch.device | str) -> Batch:
        """Return a copy on a device."""
        return Batch(
            inputs={k: v.to(device, non_blocking=True) for k, v in self.inputs.items()},
            valid={k: v.to(device, non_blocking=True) for k, v in self.valid.items()},
            targets={k: v.to(device) for k, v in self.targets.items()},
            context=self.context.to(device),
        )


def _map(value: ValueT, function: Callable[[Tensor], Tensor]) -> ValueT:
    """Apply a function to every tensor of a value."""
    tensors = {f.name: getattr(value, f.name) for f in fields(value)}
    return replace(value, **{k: function(v) for k, v in tensors.items() if v is not None})
