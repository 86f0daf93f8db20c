"""What training varies of skeletons: one draw per clip, and carrying it out.

Source: ranges of rotation and of joints left out follow what is usual for skeleton networks (Duan
et al., "PYSKL: Towards Good Practices for Skeleton Action Recognition", ACM MM 2022). Factors on
bones along the kinematic tree, and uneven tempo, are our form of the usual scaling and warping.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from onebody.data.augment import AugmentConfig, Draws
from onebody.data.joints import VERTICAL, bone_length, root_path, turn
from onebody.data.series import Tempo
from onebody.data.table import Numbers
from onebody.skeletons import Skeleton, get_skeleton
from onebody.types import Bools, Floats

TEMPO_PARTS = 8
"""Parts of a clip, each with a tempo of its own."""

_MOST_JOINTS = 48
_NUM_DRAWS = 16 + TEMPO_PARTS + 2 * _MOST_JOINTS
"""Uniform numbers per row, beyond those of every medium; each option has its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JointDraws:
    """What was drawn for B clips of J joints (see `AugmentConfig` for the meaning).

    Attributes:
        turn, tilt, roll: ``[B]`` radians about y, x and z.
        bones: ``[B, J]`` factor on the bone from a joint's parent to it.
        dropped: ``[B, J]`` bool: is the joint missing during the span?
        span: ``[B, 2]`` beginning and end of that span, as parts of the clip.
        jitter: ``[B]`` standard deviation, in mean bones.
        start, within: ``[B]`` see `Tempo`.
        tempo: ``[B, K]`` relative tempo of the clip's parts.
        generators: a generator per row for the jitter, which comes last.
    """

    turn: Numbers
    tilt: Numbers
    roll: Numbers
    bones: Numbers
    dropped: Bools
    span: Numbers
    jitter: Numbers
    start: Numbers
    within: Numbers
    tempo: Numbers
    generators: Sequence[np.random.Generator]


def draw_joints(
    config: AugmentConfig, draws: Draws, generators: Sequence[np.random.Generator], joints: str
) -> JointDraws:
    """Draw for B clips, after `draw`, taking a fixed amount of numbers from each generator.

    Args:
        config: the ranges.
        draws: what `draw` drew for the same rows.
        generators: one per row.
        joints: name of the joint layout; empty: sensor readings, which have no joints.
    """
    u = np.stack([generator.random(_NUM_DRAWS) for generator in generators])
    scalars, tempo, own = np.split(u, [16, 16 + TEMPO_PARTS], axis=1)
    mirror = get_skeleton(joints).mirror() if joints else np.zeros(0, np.int64)
    count = len(mirror)
    bones, dropped = own[:, :count], own[:, _MOST_JOINTS : _MOST_JOINTS + count]
    if config.bones_alike:  # the left of a pair lends its factor to the right
        bones = bones[:, np.minimum(mirror, np.arange(count))]
    length = _within(config.drop_span, scalars[:, 2])
    first = scalars[:, 3] * (1 - length)
    return JointDraws(
        turn=np.radians(_within(config.turn_deg, scalars[:, 0])),
        tilt=np.radians(_within(config.tilt_deg, scalars[:, 1])),
        roll=draws.angle,
        bones=_within(config.bones, bones),
        dropped=dropped < config.drop_joints,
        span=np.stack([first, first + length], axis=1),
        jitter=_within(config.jitter, scalars[:, 4]),
        start=scalars[:, 5],
        within=scalars[:, 6],
        tempo=1 + config.warp * (2 * tempo - 1),
        generators=generators,
    )


def drawn_tempo(draws: Draws, own: JointDraws) -> Tempo:
    """Return how the drawn clips run in time."""
    return Tempo(
        speed=draws.speed,
        duration=draws.duration,
        begin=draws.begin,
        start=own.start,
        within=own.within,
        warp=own.tempo,
    )


def vary(
    values: Floats, known: Bools, draws: JointDraws, flip: Bools, skeleton: Skeleton
) -> tuple[Floats, Bools]:
    """Carry draws out on skeletons, before they are normalized.

    Args:
        values: ``[B, T, J, D]``, zero where missing.
        known: ``[B, T, J]``.
        draws: for these rows.
        flip: ``[B]`` which are mirrored.
        skeleton: their layout.

    Returns:
        Varied skeletons, and which joints there are.
    """
    if (draws.bones != 1).any():
        values = stretch(values, known, draws.bones, skeleton)
    if flip.any():
        values, known = mirror_joints(values, known, flip, skeleton)
    if draws.dropped.any():
        known = known & ~_gaps(draws, values.shape[1])
    if draws.jitter.any():
        amount = draws.jitter.astype(np.float32)[:, None, None, None]
        noise = np.stack(
            [g.standard_normal(values.shape[1:], np.float32) for g in draws.generators]
        )
        values = values + amount * bone_length(values, known, skeleton) * noise
    return rotate(values, known, draws, skeleton), known


def stretch(values: Floats, known: Bools, factors: Numbers, skeleton: Skeleton) -> Floats:
    """Multiply the lengths of bones; what hangs on them moves along, directions stay.

    Args:
        values: ``[B, T, J, D]``.
        known: ``[B, T, J]``; a bone of which an end is missing stays as it is.
        factors: ``[B, J]`` of the bone from a joint's parent to it (the root's is not used).
        skeleton: the layout.
    """
    parents, paths = _tree(skeleton.name)
    bones = values - values[:, :, parents]
    both = known & known[:, :, parents]
    growth = (factors.astype(np.float32) - 1)[:, None, :] * both  # [B, T, J]
    return np.asarray(values + paths @ (growth[..., None] * bones))


def mirror_joints(
    values: Floats, known: Bools, flip: Bools, skeleton: Skeleton
) -> tuple[Floats, Bools]:
    """Mirror ``[B, T, J, D]`` left to right about the mean root: twice is nothing."""
    order = skeleton.mirror()
    middle = root_path(values, known, skeleton)[..., 0].mean(axis=1, keepdims=True)  # [B, 1, 1]
    seen = values[:, :, order]
    seen[..., 0] = 2 * middle - seen[..., 0]
    return (
        np.where(flip[:, None, None, None], seen, values),
        np.where(flip[:, None, None], known[:, :, order], known),
    )


def rotate(values: Floats, known: Bools, draws: JointDraws, skeleton: Skeleton) -> Floats:
    """Rotate skeletons about their mean root: first about y, then x, then z."""
    angles = {VERTICAL: draws.turn, 0: draws.tilt, 2: draws.roll}
    used = {axis: angle for axis, angle in angles.items() if angle.any()}
    if not used:
        return values
    middle = root_path(values, known, skeleton).mean(axis=1, keepdims=True)
    values = values - middle
    for axis, angle in used.items():
        values = turn(values, axis, angle)
    return np.asarray(values + middle)


def _gaps(draws: JointDraws, frames: int) -> Bools:
    """Return ``[B, T, J]``: which joints are left out."""
    time = (np.arange(frames) + 0.5) / frames
    within = (time >= draws.span[:, :1]) & (time < draws.span[:, 1:])
    return np.asarray(within[:, :, None] & draws.dropped[:, None, :])


@cache
def _tree(name: str) -> tuple[list[int], Floats]:
    """Return each joint's parent (the root's is itself), and ``[J, J]``: 1 where b leads to j."""
    parents = get_skeleton(name).parents()
    paths = np.zeros((len(parents), len(parents)), np.float32)
    for joint in range(len(parents)):
        step = joint
        while parents[step] != step:
            paths[joint, step] = 1
            step = parents[step]
    return parents, paths


def _within(limits: tuple[float, float], numbers: Numbers) -> Numbers:
    """Spread numbers from 0 to 1 over a range."""
    return limits[0] + (limits[1] - limits[0]) * numbers
