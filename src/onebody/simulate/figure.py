"""A dressed body as a set of round cones: the hulls of two balls each, one or more per limb."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from onebody.simulate.body import BODY, BodyShape
from onebody.simulate.held import Held, held_cones
from onebody.simulate.scene import BOTTOM, HAIR, MATERIALS, SHOE, SKIN, TOP, Outfit

_JOINT = {name: i for i, name in enumerate(BODY.joints)}
_BONE = {BODY.joints[b]: i for i, (_, b) in enumerate(BODY.bones)}

PARTS: tuple[tuple[str, int], ...] = (
    ("pelvis", BOTTOM),
    ("trunk", TOP),
    ("l_trunk", TOP),
    ("r_trunk", TOP),
    ("l_yoke", TOP),
    ("r_yoke", TOP),
    ("neck", SKIN),
    ("head", SKIN),
    ("hair", HAIR),
    ("l_skirt", BOTTOM),
    ("r_skirt", BOTTOM),
    ("l_upper_arm", TOP),
    ("l_forearm", TOP),
    ("l_hand", SKIN),
    ("r_upper_arm", TOP),
    ("r_forearm", TOP),
    ("r_hand", SKIN),
    ("l_thigh", BOTTOM),
    ("l_calf", BOTTOM),
    ("l_foot", SHOE),
    ("r_thigh", BOTTOM),
    ("r_calf", BOTTOM),
    ("r_foot", SHOE),
)
"""Name and material of each round cone. With those of a thing at most 32: the depth buffer keeps
them in five bits."""

PART_NAMES = tuple(name for name, _ in PARTS)
HEAD = PART_NAMES.index("head")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Round cones of N bodies (one per frame) in the camera frame, P parts each.

    The parts are `PARTS` and, of people who hold things, the `SLOTS` of these.

    Attributes:
        start, end: ``[N, P, 3]`` centers of the two balls in mm.
        start_mm, end_mm: ``[N, P]`` their radii; 0: the part is absent.
        axes: ``[N, 3, 3]`` left, up and forward of the trunk (unit vectors).
        center: ``[N, 3]`` the hip center, where stripes across the trunk begin.
    """

    start: Tensor
    end: Tensor
    start_mm: Tensor
    end_mm: Tensor
    axes: Tensor
    center: Tensor


def make_figure(
    joints_mm: Tensor,
    shape: BodyShape,
    outfit: Outfit,
    held: Held | None = None,
    up: Tensor | None = None,
) -> Figure:
    """Dress bodies, and put things into their hands.

    Args:
        joints_mm: ``[N, 20, 3]`` camera frame.
        shape: N bodies.
        outfit: N outfits.
        held: N things; None: hands are empty.
        up: ``[N, 3]`` unit vector away from the floor, for things.
    """
    joint = {name: joints_mm[:, i] for name, i in _JOINT.items()}
    radius = {name: shape.radii_mm[:, i] for name, i in _BONE.items()}
    axes = trunk_axes(joints_mm)
    loose = outfit.looseness
    cones = _trunk(joint, radius, loose) | _head(joint, shape.head_radius_mm, axes, outfit)
    for side in ("l_", "r_"):
        cones[side + "skirt"] = _skirt(side, joint, radius, outfit)
        cones |= _arm(side, joint, radius, loose) | _leg(side, joint, radius, loose)
    ordered = [cones[name] for name in PART_NAMES]
    values = [torch.stack([cone[i] for cone in ordered], dim=1) for i in range(4)]
    if held is not None and up is not None:
        things = held_cones(held, joints_mm, axes, up)
        values = [torch.cat(pair, dim=1) for pair in zip(values, things, strict=True)]
    start, end, start_mm, end_mm = values
    return Figure(
        start=start,
        end=end,
        start_mm=start_mm,
        end_mm=end_mm,
        axes=axes,
        center=joint["hip_center"],
    )


Cone = tuple[Tensor, Tensor, Tensor, Tensor]
Named = dict[str, Tensor]


def trunk_axes(joints_mm: Tensor) -> Tensor:
    """Return left, up and forward of the trunks ``[N, 3, 3]`` of joints ``[N, 20, 3]``."""
    joint = {name: joints_mm[:, i] for name, i in _JOINT.items()}
    up = _unit(joint["shoulder_center"] - joint["hip_center"])
    across = joint["l_shoulder"] - joint["r_shoulder"] + joint["l_hip"] - joint["r_hip"]
    forward = _unit(_cross(across, up))
    return torch.stack([_cross(up, forward), up, forward], dim=1)


def _trunk(joint: Named, radius: Named, loose: Tensor) -> dict[str, Cone]:
    """Pelvis, belly, flanks and shoulders: several cones make a trunk wider than deep."""
    snug = 1 + 0.5 * (loose - 1)
    half = (joint["l_shoulder"] - joint["r_shoulder"]).norm(dim=-1).clamp(min=2) / 2
    # Hanging arms lie beside the trunk, not in it: the flanks end where the shoulders do.
    depth = (radius["spine"] * snug).minimum(0.95 * half)
    flank_mm = 0.8 * depth
    aside = ((0.97 * half - flank_mm) / half).clamp(min=0.1)[:, None]
    top, low = joint["shoulder_center"], joint["hip_center"]
    hips = (radius["l_hip"] * snug).minimum(0.7 * half)
    cones: dict[str, Cone] = {
        "pelvis": (joint["l_hip"], joint["r_hip"], hips, hips),
        "trunk": (torch.lerp(top, joint["spine"], 0.35), low, 0.92 * depth, 0.84 * depth),
    }
    middle = torch.lerp(top, joint["spine"], 0.5)
    for side in ("l_", "r_"):
        shoulder, hip = joint[side + "shoulder"], joint[side + "hip"]
        waist = torch.lerp(hip, joint["spine"], 0.15)
        arm = 0.95 * radius[side + "elbow"] * loose
        flank = torch.lerp(middle, shoulder, aside)
        cones[side + "trunk"] = (flank, waist, flank_mm, (0.64 * depth).minimum(0.55 * half))
        cones[side + "yoke"] = (torch.lerp(top, shoulder, 0.15), shoulder, 0.8 * arm, 1.12 * arm)
    return cones


def _head(joint: Named, size: Tensor, axes: Tensor, outfit: Outfit) -> dict[str, Cone]:
    """Neck, skull with chin, and long hair."""
    up = _unit(joint["head"] - joint["shoulder_center"])
    unit = size[:, None]
    forward = _unit(_cross(axes[:, 0], up)) * unit
    up = up * unit
    skull = joint["head"] + 0.16 * up - 0.06 * forward
    chin = joint["head"] - 0.52 * up + 0.22 * forward
    fall = outfit.hair_length
    long = (fall > 0) * size
    return {
        "neck": (joint["shoulder_center"], joint["head"] - 0.3 * up, 0.56 * size, 0.5 * size),
        "head": (skull, chin, 0.88 * size, 0.56 * size),
        "hair": (
            joint["head"] + 0.16 * up - 0.3 * forward,
            joint["head"] - fall[:, None] * up - 0.5 * forward,
            0.86 * long,
            0.6 * long,
        ),
    }


def _skirt(side: str, joint: Named, radius: Named, outfit: Outfit) -> Cone:
    """Return one half of a skirt: wide around its thigh, so that it follows the leg."""
    hip, knee = joint[side + "hip"], joint[side + "knee"]
    there = outfit.skirt.to(hip.dtype)
    waist, hem = 1.12 * radius[side + "hip"] * there, 1.5 * radius[side + "knee"] * there
    middle = torch.lerp(hip, joint["hip_center"], 0.3)
    return middle, torch.lerp(middle, knee, 0.72), waist, hem


def _arm(side: str, joint: Named, radius: Named, loose: Tensor) -> dict[str, Cone]:
    """Upper arm, forearm and hand."""
    shoulder, elbow, wrist, hand = (
        joint[side + name] for name in ("shoulder", "elbow", "wrist", "hand")
    )
    upper, lower, palm = (radius[side + name] for name in ("elbow", "wrist", "hand"))
    return {
        side + "upper_arm": (shoulder, elbow, 1.1 * upper * loose, 0.88 * upper * loose),
        side + "forearm": (elbow, wrist, 1.12 * lower * loose, 0.8 * lower),
        side + "hand": (wrist, torch.lerp(wrist, hand, 1.5), 0.8 * palm, 0.95 * palm),
    }


def _leg(side: str, joint: Named, radius: Named, loose: Tensor) -> dict[str, Cone]:
    """Thigh, calf and shoe."""
    hip, knee, ankle, foot = (joint[side + name] for name in ("hip", "knee", "ankle", "foot"))
    thigh, calf, shoe = (radius[side + name] for name in ("knee", "ankle", "foot"))
    mild = 1 + 0.6 * (loose - 1)
    return {
        side + "thigh": (hip, knee, 1.2 * thigh * mild, 0.86 * thigh * mild),
        side + "calf": (torch.lerp(knee, ankle, 0.06), ankle, 1.18 * calf * mild, 0.78 * calf),
        side + "foot": (torch.lerp(ankle, foot, 0.1), torch.lerp(ankle, foot, 1.25), shoe, shoe),
    }


def part_table(outfit: Outfit) -> tuple[Tensor, Tensor]:
    """Return how far each part is covered ``[N, P]`` and its material ``[P]``.

    Beyond the covered share of a limb (arms and legs) the skin is seen. A share of 1 covers the
    ball at the limb's end as well. Each cone of a thing that is held is a material of its own.
    """
    count, things = len(outfit.skirt), outfit.colors.shape[1] - MATERIALS
    cover = torch.ones(count, len(PARTS) + things, device=outfit.skirt.device)
    lengths: Sequence[tuple[str, Tensor]] = (
        ("upper_arm", outfit.sleeves[:, 0]),
        ("forearm", outfit.sleeves[:, 1]),
        ("thigh", torch.where(outfit.skirt, 0.0, outfit.legs[:, 0])),
        ("calf", torch.where(outfit.skirt, 0.0, outfit.legs[:, 1])),
    )
    for name, share in lengths:
        for side in ("l_", "r_"):
            cover[:, PART_NAMES.index(side + name)] = share
    cover.masked_fill_(cover >= 1, 2.0)
    materials = [material for _, material in PARTS] + [MATERIALS + n for n in range(things)]
    return cover, torch.tensor(materials, device=cover.device)


def _unit(vectors: Tensor) -> Tensor:
    """Scale vectors to length 1; a vector of no length stays near 0."""
    return vectors / (vectors * vectors).sum(dim=-1, keepdim=True).sqrt().clamp(min=1e-3)


def _cross(a: Tensor, b: Tensor) -> Tensor:
    """Cross product, written out: its rounding then depends on nothing but the numbers."""
    (ax, ay, az), (bx, by, bz) = a.unbind(dim=-1), b.unbind(dim=-1)
    return torch.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], dim=-1)
