"""Boxes that a network finds by itself, so that one person needs no detector.

A first pass looks at whole pictures; a task of boxes, or the joints that the network is sure of,
tell where to look closer.

Source: SPNet (Luvizon et al., TPAMI 2020) estimates the box of a clip of Penn Action so, from the
poses in its first, middle and last frame. Here all frames that the network sees count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from onebody.data import Batch
from onebody.data.geometry import enlarged
from onebody.models import Network
from onebody.tasks.box import BoxTask
from onebody.tasks.pose import PoseTask
from onebody.tasks.pose2d import to_source
from onebody.types import Floats

Numbers: TypeAlias = npt.NDArray[np.float64]
Box: TypeAlias = tuple[float, float, float, float]

CONFIDENT = 0.5
"""A joint counts where the network holds it for seen with at least this probability."""


def finding_tasks(network: Network) -> list[str]:
    """Return the tasks that boxes are read from: the first one of boxes, else all poses.

    Raises:
        ValueError: if there is none.
    """
    names = [name for name, task in network.tasks.items() if isinstance(task, BoxTask)][:1]
    names = names or [n for n, task in network.tasks.items() if isinstance(task, PoseTask)]
    if not names:
        raise ValueError(
            "A network without a pose task or a task of boxes cannot tell where the person is (it "
            f"has {', '.join(network.tasks)}). State the box, or take the whole picture."
        )
    return names


def boxes_of(network: Network, batch: Batch) -> Numbers:
    """Return boxes ``[B, 4]`` of the people that a network sees in clips.

    A task of boxes tells the box of every frame, with a margin, which is taken off, so that boxes
    mean the same as those around joints; they are joined over the frames. For poses see
    `enclosing`.

    Args:
        network: in evaluation mode, on the Batch's device.
        batch: of whole pictures.
    """
    names = finding_tasks(network)
    everyone = torch.ones(len(batch), dtype=torch.bool, device=batch.context.row.device)
    outputs = network([batch], [dict.fromkeys(names, everyone)])[0]
    first = network.tasks[names[0]]
    if isinstance(first, BoxTask):
        found = first.decode(outputs[first.name][-1], batch.context).double().cpu().numpy()
        tight = enlarged(found, 1 / first.margin)  # [B, T, 4]
        return np.concatenate([tight[..., :2].min(axis=1), tight[..., 2:].max(axis=1)], axis=1)
    places = []
    for name in names:
        joints = outputs[name][-1].float()  # x, y are fractions of the crop, in 3D too
        pixels = to_source(joints[..., :2], batch.context.crop_to_source)
        places.append(torch.cat([pixels, joints[..., -1:]], dim=-1).flatten(1, 2))
    return enclosing(torch.cat(places, dim=1).cpu().numpy())


def enclosing(joints: Floats) -> Numbers:
    """Return the smallest box that holds the confident joints of a person.

    Args:
        joints: ``[B, K, 3]`` x, y in source pixels and confidence, of all frames together.

    Returns:
        ``[B, 4]`` x0, y0, x1, y1; NaN where the confident joints enclose nothing.
    """
    sure = (joints[..., 2] >= CONFIDENT) & np.isfinite(joints[..., :2]).all(axis=-1)
    places = joints[..., :2].astype(np.float64)
    low = np.where(sure[..., None], places, np.inf).min(axis=1, initial=np.inf)
    high = np.where(sure[..., None], places, -np.inf).max(axis=1, initial=-np.inf)
    found = np.concatenate([low, high], axis=1)
    return np.where((high - low >= 1.0).all(axis=1)[:, None], found, np.nan)


def united(boxes: Sequence[Numbers]) -> Numbers:
    """Return ``[B, 4]`` what holds several boxes ``[B, 4]`` of each person; NaN: where all are."""
    every = np.stack(boxes)
    low = np.fmin.reduce(every[..., :2])
    high = np.fmax.reduce(every[..., 2:])
    return np.concatenate([low, high], axis=1)


def checked_box(box: Sequence[float], height: int, width: int) -> Numbers:
    """Return a stated box ``[4]``.

    Raises:
        ValueError: if it has no area, or misses the picture.
    """
    values = np.array(box, np.float64)
    whole = values.shape == (4,) and bool(np.isfinite(values).all())
    if not whole or not (values[0] < values[2] and values[1] < values[3]):
        raise ValueError(f"A box is x0, y0, x1, y1 in pixels, x0 < x1 and y0 < y1; found {box}.")
    if values[2] <= 0 or values[3] <= 0 or values[0] >= width or values[1] >= height:
        raise ValueError(f"The box {box} lies outside of the picture of {width} x {height} pixels.")
    return values


def per_frame(boxes: Numbers, windows: npt.NDArray[np.int64], num_frames: int) -> Numbers:
    """Average boxes ``[W, 4]`` over the windows ``[W, 2]`` that hold a frame.

    Returns:
        ``[T, 4]``; NaN where the whole picture was looked at.
    """
    total, count = np.zeros((num_frames, 4)), np.zeros(num_frames)
    for box, (start, stop) in zip(boxes, windows.tolist(), strict=True):
        if np.isfinite(box).all():
            total[start:stop] += box
            count[start:stop] += 1
    known = count[:, None] > 0
    return np.where(known, total / np.where(known, count[:, None], 1.0), np.nan)
