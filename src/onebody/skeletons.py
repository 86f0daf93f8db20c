"""Joint layouts: their order, bones and sides, and conversion between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import overload

import numpy as np
import torch
from torch import Tensor

from onebody._layouts import LAYOUTS, MIDDLES, Layout
from onebody.config import lookup
from onebody.types import Bools, Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """A joint layout.

    Attributes:
        name: registry key, source and number of joints.
        joints: joint names in order; ``l_`` and ``r_`` are the person's own sides.
        bones: (a, b) indices of connected joints.
        pairs: (left, right) indices of joints that a mirror exchanges.
        root: the joint, or the two whose middle, that 3D poses are relative to.
        points: which point of the common vocabulary each joint is: the first name; further
            names are also accepted when converting to this layout.
    """

    name: str
    joints: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]
    pairs: tuple[tuple[int, int], ...]
    root: tuple[int, ...]
    points: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.joints)

    def index(self, joint: str) -> int:
        """Return the position of a joint.

        Raises:
            ValueError: if there is no such joint; names the nearest.
        """
        return lookup({name: i for i, name in enumerate(self.joints)}, joint, f"{self.name} joint")

    def mirror(self) -> Ints:
        """Return ``[J]``: joint j of a mirrored person is joint ``mirror()[j]`` of the original."""
        order = np.arange(len(self.joints), dtype=np.int64)
        for left, right in self.pairs:
            order[left], order[right] = right, left
        return order

    def parents(self) -> list[int]:
        """Return ``[J]``: the neighbor of each joint on its way to the root.

        The root is its own parent; of two that make the root, the second is a child of the first.
        """
        parents = {self.root[0]: self.root[0]}
        reached = [self.root[0]]
        for joint in reached:  # grows while it is walked: breadth first
            for pair in self.bones:
                other = pair[1 - pair.index(joint)] if joint in pair else joint
                if other not in parents:
                    parents[other] = joint
                    reached.append(other)
        return [parents[joint] for joint in range(len(self.joints))]


def _make_skeleton(name: str, layout: Layout) -> Skeleton:
    """Turn a layout's names into indices."""
    joints = tuple(layout.joints.split())
    place = {joint: i for i, joint in enumerate(joints)}
    chains = [[place[joint] for joint in chain.split("-")] for chain in layout.bones.split()]
    return Skeleton(
        name=name,
        joints=joints,
        bones=tuple((a, b) for chain in chains for a, b in pairwise(chain)),
        pairs=tuple((place[j], place["r" + j[1:]]) for j in joints if j.startswith("l_")),
        root=tuple(place[joint] for joint in layout.root.split()),
        points=tuple(layout.points.get(joint, (joint,)) for joint in joints),
    )


SKELETONS: dict[str, Skeleton] = {
    name: _make_skeleton(name, layout) for name, layout in LAYOUTS.items()
}


def get_skeleton(name: str) -> Skeleton:
    """Return a layout by name.

    Raises:
        ValueError: if there is none; names the nearest.
    """
    return lookup(SKELETONS, name, "skeleton")


@cache
def _correspondence(source: str, target: str) -> tuple[tuple[int, int] | None, ...]:
    """Return for each joint of the target the two source joints whose middle it is, or None."""
    place = {names[0]: j for j, names in reversed(list(enumerate(get_skeleton(source).points)))}

    def find(point: str) -> tuple[int, int] | None:
        if point in place:
            return place[point], place[point]
        first, second = MIDDLES.get(point, ("", ""))
        return (place[first], place[second]) if first in place and second in place else None

    options = ([find(point) for point in names] for names in get_skeleton(target).points)
    return tuple(next((pair for pair in found if pair), None) for found in options)


def check_common(source: str, target: str) -> None:
    """Refuse two layouts between which nothing can be converted, such as a body and a hand.

    Raises:
        ValueError: if a layout does not exist, or they have no joint in common; names those that
            have one with the source.
    """
    if not any(_correspondence(source, target)):
        related = [name for name in SKELETONS if any(_correspondence(source, name))]
        raise ValueError(
            f"Expected a layout that has joints in common with {source!r}, found {target!r}. Take "
            f"one of {', '.join(related)}."
        )


@overload
def convert(
    joints: Floats, mask: Bools | None, source: str, target: str
) -> tuple[Floats, Bools]: ...
@overload
def convert(
    joints: Tensor, mask: Tensor | None, source: str, target: str
) -> tuple[Tensor, Tensor]: ...
def convert(
    joints: Floats | Tensor, mask: Bools | Tensor | None, source: str, target: str
) -> tuple[Floats | Tensor, Bools | Tensor]:
    """Rearrange joints from one layout into another.

    A joint of the target that is the same point of the body in the source is copied; a pelvis,
    thorax or head that the source lacks is the middle of its hips, shoulders or ears; any other
    is masked, never invented.

    Args:
        joints: ``[..., J, D]`` positions, numpy or torch; those outside the mask may be NaN.
        mask: ``[..., J]`` bool: is the joint known? None: all are.
        source: layout of ``joints``.
        target: layout wanted, K joints.

    Returns:
        Positions ``[..., K, D]``, zero where unknown, and which are known ``[..., K]``.

    Raises:
        ValueError: if a layout does not exist or the joints are not of the source layout.
    """
    found = _correspondence(source, target)
    expected = len(get_skeleton(source))
    if joints.ndim < 2 or joints.shape[-2] != expected:
        raise ValueError(
            f"Joints of {source!r} should have shape [..., {expected}, D], found "
            f"{tuple(joints.shape)}. Name the layout that the joints are in."
        )
    first = [pair[0] if pair else 0 for pair in found]
    second = [pair[1] if pair else 0 for pair in found]
    exists = np.array([pair is not None for pair in found])
    if isinstance(joints, Tensor):
        seen = torch.ones(joints.shape[:-1], dtype=torch.bool, device=joints.device)
        seen = seen if mask is None else torch.as_tensor(mask, device=joints.device)
        known = seen[..., first] & seen[..., second] & torch.from_numpy(exists).to(joints.device)
        middle = (joints[..., first, :] + joints[..., second, :]) / 2
        return torch.where(known[..., None], middle, torch.zeros_like(middle)), known
    given = np.ones(joints.shape[:-1], np.bool_) if mask is None else np.asarray(mask)
    there = given[..., first] & given[..., second] & exists
    mean = (joints[..., first, :] + joints[..., second, :]) / 2
    return np.where(there[..., None], mean, np.zeros_like(mean)), there
