"""Bodies: how long and how thick each limb of a person is.

Frame of a body: x to its own left, y up, z forward; right-handed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from onebody.simulate.draws import uniform
from onebody.skeletons import SKELETONS

BODY = SKELETONS["kinect-20"]
"""The layout of every simulated body."""

PARENTS: tuple[int, ...] = tuple(
    next((a for a, b in BODY.bones if b == joint), -1) for joint in range(len(BODY))
)
"""The joint that each joint hangs on; -1 for the hip center."""

# Joint: offset from its parent in a person who stands upright with hanging arms (x: left side),
# and radius of the bone between them; in thousandths of the stature. Offsets follow the medians
# of Kinect recordings; radii, clothed adults.
_REST: dict[str, tuple[tuple[float, float, float], float]] = {
    "spine": ((0, 45, 0), 74),
    "shoulder_center": ((0, 200, -3), 72),
    "head": ((0, 112, 10), 32),
    "shoulder": ((95, -52, 0), 38),
    "elbow": ((0, -160, 0), 27),
    "wrist": ((0, -142, 0), 21),
    "hand": ((0, -46, 0), 23),
    "hip": ((50, -42, 0), 54),
    "knee": ((0, -250, 0), 43),
    "ankle": ((0, -238, 0), 30),
    "foot": ((0, -26, 72), 23),
}
_TRUNK = ("spine", "shoulder_center")


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyShape:
    """Shapes of B bodies over the 19 bones of kinect-20 (``BODY.bones`` gives their joints).

    Attributes:
        rest_mm: ``[B, 20, 3]`` offset of each joint from its parent when standing upright.
        radii_mm: ``[B, 19]`` radius of the (clothed) limb around each bone.
        head_radius_mm: ``[B]`` radius of the head around the head joint.
        height_mm: ``[B]`` stature.
    """

    rest_mm: Tensor
    radii_mm: Tensor
    head_radius_mm: Tensor
    height_mm: Tensor

    def __len__(self) -> int:
        return len(self.height_mm)

    @property
    def lengths_mm(self) -> Tensor:
        """``[B, 19]`` length of each bone."""
        return self.rest_mm[:, [child for _, child in BODY.bones]].norm(dim=-1)

    def select(self, rows: Tensor) -> BodyShape:
        """Return the bodies chosen by a bool mask or by indices (which may repeat)."""
        return BodyShape(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def to(self, device: torch.device | str) -> BodyShape:
        """Return a copy on a device."""
        return BodyShape(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})


def make_bodies(identities: Sequence[int], *, device: torch.device | str = "cpu") -> BodyShape:
    """Make the bodies of people; the same identity always has the same body.

    Args:
        identities: ``[B]`` whose body; any non-negative integers.
        device: where the tensors shall be.

    Returns:
        Statures of 1.52 to 1.95 m; proportions and build vary independently.
    """
    draw = uniform(identities, "body", 7)
    height = 1520 + 430 * draw[:, :2].mean(dim=1)
    legs, arms, shoulders, hips = (0.94 + 0.12 * draw[:, 2:6]).unbind(dim=1)
    build = 0.85 + 0.42 * draw[:, 6]  # slim to stout
    stretch = {"knee": legs, "ankle": legs, "elbow": arms, "wrist": arms}
    stretch |= {"shoulder": shoulders, "hip": hips, **dict.fromkeys(_TRUNK, 2 - legs)}
    rest = torch.zeros(len(height), len(BODY), 3)
    radii = torch.zeros(len(height), len(BODY.bones))
    for bone, (_, child) in enumerate(BODY.bones):
        side, name = _side(BODY.joints[child])
        offset, radius = _REST[name]
        scale = height / 1000 * stretch.get(name, torch.ones(()))
        rest[:, child] = scale[:, None] * torch.tensor(offset) * torch.tensor([side, 1.0, 1.0])
        radii[:, bone] = height / 1000 * radius * (build if name in _TRUNK else build**0.6)
    return BodyShape(
        rest_mm=rest,
        radii_mm=radii,
        head_radius_mm=height * 0.062 * build**0.2,
        height_mm=height,
    ).to(device)


def _side(joint: str) -> tuple[float, str]:
    """Split a joint's name into its side (1 left or middle, -1 right) and the name without it."""
    if joint.startswith(("l_", "r_")):
        return (1.0 if joint.startswith("l_") else -1.0), joint[2:]
    return 1.0, joint
