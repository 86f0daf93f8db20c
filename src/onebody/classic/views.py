"""Skeletons as turned cameras see them: flat, and without the joints that the body hides.

A camera stands far away (rays are parallel) at the height of the body, turned about the vertical
by an angle from where the recording camera stood. Limbs, trunk and head are capsules around the
bones, their radii a share of the length of the trunk (shoulder to hip, some half a meter). A joint
is hidden where its ray meets a capsule whose axis lies in front of it by more than the capsule's
radius; capsules that end in the joint do not hide it, nor does one that it lies within. Clothes,
furniture and other people hide nothing, and no joint is misplaced: real cameras do worse.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from onebody.classic.clips import Clip
from onebody.classic.parts import TRUNK, body_parts
from onebody.data.joints import VERTICAL, root_path, turn
from onebody.skeletons import Skeleton
from onebody.types import Bools, Floats

RADII = {"trunk": 0.25, "head": 0.2, "arm": 0.09, "leg": 0.13}
"""Radius of a capsule as a share of the length of the trunk: 12, 10, 4.5 and 6.5 cm of 50 cm."""

_HEAD = ("head", "neck", "nose", "ear", "eye", "mouth", "chin")


def view_from(clip: Clip, skeleton: Skeleton, angle_deg: float) -> Clip:
    """Return what a turned camera sees of a clip.

    Args:
        clip: in 3D.
        skeleton: its layout.
        angle_deg: of the camera about the vertical; 0: the recording camera; 90: the profile, of
            who faces the recording camera.

    Returns:
        The clip in 2D, x to the right and y down, in the unit of the clip; NaN where a joint is
        missing or hidden.

    Raises:
        ValueError: if the clip is not in 3D, or the layout has no shoulders and hips.
    """
    if clip.joints.shape[-1] != 3:
        raise ValueError(
            f"Turned cameras need joints in 3D, found {clip.joints.shape[-1]} coordinates. Leave "
            "'views' empty."
        )
    turned = turned_by(clip.joints, skeleton, angle_deg)
    flat = np.where(hidden(turned, skeleton)[..., None], np.float32(np.nan), turned[..., :2])
    return replace(clip, joints=flat)


def turned_by(joints: Floats, skeleton: Skeleton, angle_deg: float) -> Floats:
    """Turn a clip ``[T, J, 3]`` about the vertical through its mean root; NaN stays NaN."""
    known = np.asarray(np.isfinite(joints).all(axis=-1))
    filled = np.where(known[..., None], joints, np.float32(0))
    middle = root_path(filled[None], known[None], skeleton)[0].mean(axis=0)
    angle = np.array([np.deg2rad(angle_deg)])
    return np.asarray(turn((joints - middle)[None], VERTICAL, angle)[0] + middle, np.float32)


def hidden(joints: Floats, skeleton: Skeleton) -> Bools:
    """Return ``[T, J]``: does the body hide a joint from a camera that looks along z?

    Args:
        joints: ``[T, J, 3]``, z away from the camera; NaN where missing (hides nothing).
        skeleton: the layout.

    Raises:
        ValueError: if the layout has no shoulders and hips.
    """
    left, right = _corners(skeleton)
    trunk = np.linalg.norm(joints[:, [left[0], right[0]]] - joints[:, [left[1], right[1]]], axis=-1)
    if not np.isfinite(trunk).any():
        return np.zeros(joints.shape[:2], np.bool_)
    bones = np.array(skeleton.bones)
    shares = [*(RADII[kind] for kind in _kinds(skeleton)), RADII["trunk"]]
    radii = np.array(shares, np.float32) * np.float32(np.nanmean(trunk))
    shoulders, hips = (
        (joints[:, left[end]] + joints[:, right[end]])[:, None] / 2 for end in (0, 1)
    )
    first = np.concatenate([joints[:, bones[:, 0]], shoulders], axis=1)  # [T, E, 3]
    second = np.concatenate([joints[:, bones[:, 1]], hips], axis=1)
    own = (np.arange(len(skeleton))[:, None, None] == bones[None]).any(axis=-1)  # [J, E - 1]
    own = np.concatenate([own, np.zeros((len(skeleton), 1), np.bool_)], axis=1)
    return np.asarray((_covered(joints, first, second, radii) & ~own).any(axis=-1))


def _covered(joints: Floats, first: Floats, second: Floats, radii: Floats) -> Bools:
    """Return ``[T, J, E]``: is a joint's ray met by the capsule from ``first`` to ``second``?"""
    along = (second - first)[:, None]  # [T, 1, E, 3]
    offset = joints[:, :, None] - first[:, None]  # [T, J, E, 3]
    length = np.maximum((along[..., :2] ** 2).sum(axis=-1), 1e-9)
    part = np.clip((offset[..., :2] * along[..., :2]).sum(axis=-1) / length, 0.0, 1.0)
    away = offset - part[..., None] * along  # from the nearest point of the axis in the picture
    beside = np.linalg.norm(away[..., :2], axis=-1)
    return np.asarray((beside < radii) & (away[..., 2] > radii))


def _corners(skeleton: Skeleton) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return (shoulder, hip) of both sides."""
    names = ("l_shoulder", "l_hip", "r_shoulder", "r_hip")
    if not set(names) <= set(skeleton.joints):
        raise ValueError(
            f"Joints of {skeleton.name!r} have no shoulders and hips, so nobody knows what the "
            "body hides. Leave 'views' empty."
        )
    a, b, c, d = (skeleton.index(name) for name in names)
    return (a, b), (c, d)


def _kinds(skeleton: Skeleton) -> list[str]:
    """Return the kind of capsule around each bone."""
    owner = {joint: part.name for part in body_parts(skeleton) for joint in part.joints}

    def kind(a: int, b: int) -> str:
        if owner[a] == owner[b] != TRUNK:
            return owner[a].rpartition("_")[2]
        named = skeleton.joints[a].split("_") + skeleton.joints[b].split("_")
        return "head" if any(word in _HEAD for word in named) else "trunk"

    return [kind(a, b) for a, b in skeleton.bones]
