"""Skeletons as a network's input: one joint layout, centered, of unit size.

Everything works on whole batches ``[B, T, J, D]`` with a mask ``[B, T, J]``; what the mask leaves
out is never looked at.
"""

from __future__ import annotations

import numpy as np

from onebody.data.spec import InputSpec
from onebody.data.table import Numbers
from onebody.skeletons import Skeleton, check_common, convert, get_skeleton
from onebody.types import Bools, Floats

VERTICAL = 1
"""The axis that a person stands along: y of the camera's frame."""


def to_layout(values: Floats, layout: str, spec: InputSpec) -> tuple[Floats, Bools]:
    """Bring joints into the network's layout and number of coordinates.

    Args:
        values: ``[B, T, J, C]``; NaN where missing.
        layout: which they are in.
        spec: what the network reads.

    Returns:
        ``[B, T, K, D]``, zero where missing, and which joints there are ``[B, T, K]``.

    Raises:
        ValueError: if they are not of that layout, have no joint in common with the network's, or
            fewer coordinates than asked for.
    """
    if values.shape[-1] not in (2, 3) or values.shape[-1] < spec.dims:
        raise ValueError(
            f"Expected joints with {spec.dims} coordinates, found {values.shape[-1]}. Set "
            "input.dims, or take skeletons of that kind."
        )
    joints = len(get_skeleton(layout))
    if values.shape[2] != joints:
        raise ValueError(
            f"Expected the {joints} joints of {layout!r}, found {values.shape[2]}. State the "
            "layout that the skeletons are in."
        )
    check_common(layout, spec.skeleton)
    values = values[..., : spec.dims]
    known = np.asarray(np.isfinite(values).all(axis=-1))
    if not known.all():
        values = np.where(known[..., None], values, np.float32(0))
    if layout == spec.skeleton:
        return values, known
    return convert(values, known, layout, spec.skeleton)


def normalize(values: Floats, known: Bools, spec: InputSpec) -> Floats:
    """Center, scale and turn skeletons as the specification says.

    Args:
        values: ``[B, T, J, D]``, finite; entries outside the mask are not looked at.
        known: ``[B, T, J]``.
        spec: what the network reads.

    Returns:
        ``[B, T, J, D]``, zero where unknown.
    """
    skeleton = get_skeleton(spec.skeleton)
    root = root_path(values, known, skeleton)
    middle = root.mean(axis=1, keepdims=True)  # [B, 1, 1, D]
    size = 1.0 if spec.scale == "none" else bone_length(values, known, skeleton)
    values = values - (root if spec.center == "frame" else middle)
    if spec.facing:
        values = turn(values, VERTICAL, -heading(values, known, skeleton))
    if spec.center == "none":
        values = values + middle
    return np.where(known[..., None], values / np.float32(size), np.float32(0))


def root_path(values: Floats, known: Bools, skeleton: Skeleton) -> Floats:
    """Return ``[B, T, 1, D]``: where the root is in each frame.

    Where the root is missing it is taken from the mean of the clip's other frames; where it is
    never there, from the middle of the joints that are.
    """
    points, there = values[:, :, list(skeleton.root)], known[:, :, list(skeleton.root)]
    root, seen = points.mean(axis=2, keepdims=True), np.asarray(there.all(axis=2))[:, :, None, None]
    if seen.all():
        return np.asarray(root)
    rest = _mean(values, known[..., None], (1, 2))
    count = seen.sum(axis=1, keepdims=True)
    mean = np.where(count > 0, _mean(root, seen, (1,)), rest)
    return np.where(seen, root, mean)


def bone_length(values: Floats, known: Bools, skeleton: Skeleton) -> Floats:
    """Return ``[B, 1, 1, 1]``: the mean length of a clip's bones; 1 where no bone is seen.

    Every bone is averaged over the frames that show it, then the bones are averaged.
    """
    first, second = (list(ends) for ends in zip(*skeleton.bones, strict=True))
    lengths = np.linalg.norm(values[:, :, second] - values[:, :, first], axis=-1)  # [B, T, E]
    both = known[:, :, first] & known[:, :, second]
    bones = _mean(lengths, both, (1,))  # [B, 1, E]
    mean = _mean(bones, np.asarray(both.any(axis=1, keepdims=True)), (2,))
    return np.where(mean > 0, mean, np.float32(1))[..., None]


def heading(values: Floats, known: Bools, skeleton: Skeleton) -> Floats:
    """Return ``[B]`` radians: how far bodies are turned about the vertical from facing the camera.

    Raises:
        ValueError: if the layout has no shoulders and no hips to tell it from.
    """
    left, right = _sides(skeleton)
    across = values[:, :, left] - values[:, :, right]  # of who faces the camera, along +x
    both = known[:, :, left] & known[:, :, right]
    mean = _mean(across, both[..., None], (1,))[:, 0]
    return np.asarray(np.arctan2(mean[:, 2], mean[:, 0]))  # no joints seen: atan2(0, 0) is 0


def turn(values: Floats, axis: int, angle: Floats | Numbers) -> Floats:
    """Rotate ``[B, T, J, 3]`` about an axis by ``[B]`` radians.

    A positive angle about y takes x to z; about x, y to z; about z, x to y.
    """
    first, second = [(1, 2), (0, 2), (0, 1)][axis]
    cos, sin = (np.asarray(f(angle), np.float32)[:, None, None] for f in (np.cos, np.sin))
    out = values.copy()
    out[..., first] = cos * values[..., first] - sin * values[..., second]
    out[..., second] = sin * values[..., first] + cos * values[..., second]
    return out


def _sides(skeleton: Skeleton) -> tuple[int, int]:
    """Return the left and right joint whose line is across the body."""
    place = {names[0]: joint for joint, names in enumerate(skeleton.points)}
    for name in ("shoulder", "hip"):
        if f"l_{name}" in place and f"r_{name}" in place:
            return place[f"l_{name}"], place[f"r_{name}"]
    raise ValueError(
        f"Joints of {skeleton.name!r} have no shoulders and no hips to tell where a body faces. "
        "Leave 'facing' off."
    )


def _mean(values: Floats, mask: Bools, axes: tuple[int, ...]) -> Floats:
    """Average what a mask keeps (nothing: 0); the axes stay, of length 1."""
    kept = np.where(mask, values, np.float32(0)).sum(axis=axes, keepdims=True, dtype=np.float32)
    count = mask.sum(axis=axes, keepdims=True)
    return np.asarray(kept / np.maximum(count, 1).astype(np.float32))
