"""From what a pose network puts out to joints in the pixels of its input.

Three forms are known. *Heat maps* ``[N, J, h, w]``: the joint is where the map is highest, moved a
quarter of a cell toward the higher neighbor. *SimCC* ``[N, J, W r]`` and ``[N, J, H r]``: one
classification along each axis, in bins of 1 / r pixel. *Coordinates* ``[N, J, 2 or 3]``: x, y and,
if there is a third number, the score.

Source: Xiao, Wu, Wei, "Simple Baselines for Human Pose Estimation and Tracking", ECCV 2018 (quarter
of a cell); Li et al., "SimCC: a Simple Coordinate Classification Perspective for Human Pose
Estimation", ECCV 2022.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from onebody.types import Floats

OutputKind = Literal["heatmap", "simcc", "coordinates"]
Cells = Literal["corner", "center"]
"""Where cell i of a map lies: ``corner``: at input pixel i * stride (HRNet, mmpose); ``center``: in
the middle of the stride x stride pixels that it covers."""

Scale = Literal["", "pixels", "fractions"]
"""What coordinates count: pixels of the input, or fractions of its sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseOutput:
    """Which outputs of a network hold the pose.

    Attributes:
        kind: how they are read.
        names: one output, or those of x and y.
    """

    kind: OutputKind
    names: tuple[str, ...]


def find_output(
    shapes: Mapping[str, tuple[int, ...]],
    joints: int,
    size: tuple[int, int],
    wanted: tuple[str, ...] = (),
) -> PoseOutput:
    """Tell from the shapes which outputs hold the pose.

    Args:
        shapes: shape of each output for one picture.
        joints: J of the layout.
        size: height and width of the input.
        wanted: outputs to look at; none: all.

    Raises:
        ValueError: if no output fits, or several do.
    """
    for name in wanted:
        if name not in shapes:
            raise ValueError(f"--output: no output {name!r}. Outputs: {', '.join(shapes)}.")
    known = {name: shape for name, shape in shapes.items() if not wanted or name in wanted}
    maps = [n for n, s in known.items() if len(s) == 4 and s[1] == joints and min(s[2:]) > 1]
    rows = {n: s for n, s in known.items() if len(s) == 3 and s[1] == joints}
    found = [PoseOutput(kind="heatmap", names=(n,)) for n in maps]
    found += [PoseOutput(kind="coordinates", names=(n,)) for n in rows if rows[n][2] in (2, 3)]
    for pair in combinations(rows, 2):
        for first, second in (pair, pair[::-1]):  # by custom x comes before y
            along_x, along_y = rows[first][2], rows[second][2]
            if along_x * size[0] == along_y * size[1] and along_x >= size[1]:
                found.append(PoseOutput(kind="simcc", names=(first, second)))
                break
    if len(found) == 1:
        return found[0]
    listed = "; ".join(f"{name} {list(shape)}" for name, shape in shapes.items())
    fits = "none fits" if not found else "; ".join(f"{o.kind} {', '.join(o.names)}" for o in found)
    raise ValueError(
        f"Expected one output of {joints} joints: heat maps [N, {joints}, h, w], coordinates "
        f"[N, {joints}, 2 or 3], or SimCC [N, {joints}, W r] and [N, {joints}, H r]. Found "
        f"{listed}: {fits}. Choose with --output NAME, or name the layout of the network's joints."
    )


def decode(
    output: PoseOutput,
    values: tuple[Floats, ...],
    size: tuple[int, int],
    cells: Cells = "corner",
    scale: Scale = "",
) -> tuple[Floats, Floats | None]:
    """Read joints off a network's outputs.

    Args:
        output: which form they have.
        values: the outputs that it names.
        size: height and width of the input.
        cells: heat maps: where a cell lies.
        scale: coordinates: what they count.

    Returns:
        ``[N, J, 2]`` joints in input pixels (centers at i + 0.5), NaN where the network finds none
        (a highest value of 0 or less, or no number), and ``[N, J]`` scores in [0, 1], or None.

    Raises:
        ValueError: if the scale of coordinates is not stated.
    """
    if output.kind == "heatmap":
        joints, scores = _from_maps(values[0], size, cells)
    elif output.kind == "simcc":
        joints, scores = _from_bins(values[0], values[1], size)
    else:
        if not scale:
            raise ValueError(
                "Expected to be told what the network's coordinates count, found nothing. Say "
                "--coordinates pixels (of its input) or --coordinates fractions."
            )
        sides = np.array(size[::-1] if scale == "fractions" else (1, 1), np.float32)
        joints = values[0][..., :2] * sides
        if values[0].shape[2] == 2:
            return np.where(np.isfinite(joints).all(-1, keepdims=True), joints, np.nan), None
        scores = values[0][..., 2]
    found = (scores > 0) & np.isfinite(joints).all(-1)
    missing = np.float32(np.nan)
    return (
        np.where(found[..., None], joints, missing).astype(np.float32),
        np.where(found, np.clip(scores, 0, 1), missing).astype(np.float32),
    )


def _from_maps(maps: Floats, size: tuple[int, int], cells: Cells) -> tuple[Floats, Floats]:
    """Return the highest places of heat maps ``[N, J, h, w]`` in input pixels, and their values."""
    rows, columns = maps.shape[2:]
    flat = _finite(maps.reshape(*maps.shape[:2], -1))
    best = flat.argmax(-1)
    places = []
    for index, count, side, step in (
        (best % columns, columns, size[1], 1),
        (best // columns, rows, size[0], columns),
    ):
        inner = (index > 0) & (index < count - 1)
        after = np.take_along_axis(flat, np.where(inner, best + step, best)[..., None], -1)
        before = np.take_along_axis(flat, np.where(inner, best - step, best)[..., None], -1)
        cell = index + 0.25 * (np.where(after > before, 1, 0) - (after < before))[..., 0]
        stride = side / count
        places.append(cell * stride + 0.5 if cells == "corner" else (cell + 0.5) * stride)
    scores = np.take_along_axis(flat, best[..., None], -1)[..., 0]
    return np.stack(places, -1).astype(np.float32), scores


def _from_bins(along_x: Floats, along_y: Floats, size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return the best bins of both axes in input pixels, and the lower of their values."""
    x, y = _finite(along_x), _finite(along_y)
    ratio = x.shape[2] / size[1]
    joints = np.stack([x.argmax(-1), y.argmax(-1)], -1) / ratio + 0.5
    return joints.astype(np.float32), np.minimum(x.max(-1), y.max(-1))


def _finite(values: Floats) -> Floats:
    """Put what is no number below all numbers."""
    return np.where(np.isfinite(values), values, np.float32(-np.inf))
