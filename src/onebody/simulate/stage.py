"""Scenes of a stated kind, with people who hold a stated thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from onebody.simulate.figure import trunk_axes
from onebody.simulate.held import Held, held_cones, make_held
from onebody.simulate.scene import MATERIALS, Outfit, Scenes
from onebody.simulate.surroundings import make_surroundings


def set_stage(
    scenes: Scenes,
    seeds: Sequence[int],
    *,
    objects: Sequence[str] | None = None,
    surroundings: Sequence[str] | None = None,
) -> Scenes:
    """Say what people hold and what is around them.

    Args:
        scenes: B scenes, on the CPU.
        seeds: ``[B]`` non-negative integers.
        objects: what each person holds (`onebody.simulate.held.OBJECTS`); None: hands stay empty.
        surroundings: kind of each scene (`onebody.simulate.surroundings.SURROUNDINGS`); None: the
            rooms stay as they are.

    Raises:
        ValueError: if there is no such thing, or no such kind of scene.
    """
    if surroundings is not None:
        scenes = replace(scenes, room=make_surroundings(scenes.room, seeds, surroundings))
    if objects is not None:
        held = make_held(seeds, objects)
        scenes = replace(scenes, held=held, outfit=_painted(scenes.outfit, held))
    return scenes


def all_in_view(joints_mm: Tensor, scenes: Scenes) -> Tensor:
    """Return what a camera shall show: joints and, of people who hold things, these.

    Args:
        joints_mm: ``[B, T, 20, 3]`` world frame (y up).
        scenes: B scenes.

    Returns:
        ``[B, T, 20 or more, 3]`` with the centers of the balls at both ends of each cone.
    """
    if scenes.held is None:
        return joints_mm
    count, frames = joints_mm.shape[:2]
    joints = joints_mm.flatten(0, 1)
    things = scenes.held.select(torch.arange(count).repeat_interleave(frames))
    up = torch.tensor([0.0, 1.0, 0.0]).expand(len(joints), 3)
    start, end, _, _ = held_cones(things, joints, trunk_axes(joints), up)
    return torch.cat([joints, start, end], dim=1).view(count, frames, -1, 3)


def _painted(outfit: Outfit, held: Held) -> Outfit:
    """Give an outfit the colors of the thing's cones as further materials, without a pattern."""
    colors = torch.cat([outfit.colors[:, :MATERIALS], held.paint()], dim=1)
    plain = outfit.pattern.new_zeros(len(colors), colors.shape[1] - MATERIALS, 4)
    plain[..., [0, 2]] = 100.0
    pattern = torch.cat([outfit.pattern[:, :MATERIALS], plain], dim=1)
    return replace(outfit, colors=colors, pattern=pattern)
