"""Body parts of a joint layout: which joints make the arm, and which of them it hangs from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onebody.skeletons import Skeleton

_ARM = ("shoulder", "elbow", "wrist", "hand", "thumb", "index", "pinky")
_LEG = ("hip", "knee", "ankle", "foot", "heel", "toe")
TRUNK = "head_torso"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the body.

    Attributes:
        name: such as ``left_arm``.
        joints: indices into the layout, from the body's root outward.
    """

    name: str
    joints: tuple[int, ...]

    @property
    def root(self) -> int:
        """The joint that the part hangs from."""
        return self.joints[0]


def body_parts(skeleton: Skeleton) -> tuple[Part, ...]:
    """Divide a layout into head and torso, both arms and both legs; a hand into palm and fingers.

    Every joint is in one part. Parts without joints are left out.
    """
    names = [_part_of(joint) for joint in skeleton.joints]
    if all(name == TRUNK for name in names):  # no sides: a hand
        names = [_finger_of(joint) for joint in skeleton.joints]
    order = (TRUNK, "left_arm", "right_arm", "left_leg", "right_leg")
    wanted = [n for n in order if n in names] + sorted(set(names) - set(order))
    return tuple(
        Part(name=name, joints=_outward(skeleton, [j for j, n in enumerate(names) if n == name]))
        for name in wanted
    )


def stated_parts(skeleton: Skeleton, stated: Mapping[str, Sequence[str]]) -> tuple[Part, ...]:
    """Return the parts that somebody has stated by joint names; a joint may be in several.

    Args:
        skeleton: the layout.
        stated: part to its joints; empty: `body_parts`.

    Raises:
        ValueError: if a part is empty or names a joint that the layout lacks.
    """
    if not stated:
        return body_parts(skeleton)
    empty = [name for name, joints in stated.items() if not joints]
    if empty:
        raise ValueError(f"Part {empty[0]!r}: expected joints of {skeleton.name!r}, found none.")
    return tuple(
        Part(name=name, joints=_outward(skeleton, [skeleton.index(j) for j in joints]))
        for name, joints in stated.items()
    )


def _part_of(joint: str) -> str:
    """Return the part of a joint's name; unsided joints are head or torso."""
    side, _, rest = joint.partition("_")
    if side in ("l", "r"):
        word = "left" if side == "l" else "right"
        if rest.startswith(_ARM):
            return f"{word}_arm"
        if rest.startswith(_LEG):
            return f"{word}_leg"
    return TRUNK


def _finger_of(joint: str) -> str:
    """Return the finger of a joint of a hand (``thumb2``: ``thumb``)."""
    found = re.fullmatch(r"([a-z_]+)\d", joint)
    return found[1] if found else "palm"


def _outward(skeleton: Skeleton, joints: Sequence[int]) -> tuple[int, ...]:
    """Order joints by their number of bones from the root."""
    parents = skeleton.parents()

    def depth(joint: int) -> int:
        steps = 0
        while parents[joint] != joint:
            joint, steps = parents[joint], steps + 1
        return steps

    return tuple(sorted(joints, key=lambda joint: (depth(joint), joint)))
