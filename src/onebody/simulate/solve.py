"""From a `Pose` to joints: the trunk by rotations, arms and legs by two-bone inverse kinematics."""

from __future__ import annotations

import torch
from torch import Tensor

from onebody.simulate.body import BODY, BodyShape
from onebody.simulate.pose import Pose

_SIDES = ("l", "r")  # of the solved body, whose leading side is the left one
_ELBOW_POLE = (0.5, -0.6, -0.65)  # outward, up, forward: where elbows point
_KNEE_POLE = (0.14, 0.0, 1.0)
_TOES_OUT = 0.14  # radians


def rotation(yaw: Tensor, pitch: Tensor | None = None, roll: Tensor | None = None) -> Tensor:
    """Return ``[..., 3, 3]`` matrices that roll (about z), pitch (about x), then yaw (about y)."""
    cos, sin, zero, one = yaw.cos(), yaw.sin(), torch.zeros_like(yaw), torch.ones_like(yaw)
    matrix = _matrix(cos, zero, sin, zero, one, zero, -sin, zero, cos)
    if pitch is not None:
        cos, sin = pitch.cos(), pitch.sin()
        matrix = matrix @ _matrix(one, zero, zero, zero, cos, -sin, zero, sin, cos)
    if roll is not None:
        cos, sin = roll.cos(), roll.sin()
        matrix = matrix @ _matrix(cos, -sin, zero, sin, cos, zero, zero, zero, one)
    return matrix


def _matrix(*entries: Tensor) -> Tensor:
    """Stack nine entries, row by row."""
    return torch.stack(entries, dim=-1).reshape(*entries[0].shape, 3, 3)


def _turn(matrix: Tensor, vector: Tensor) -> Tensor:
    """Apply matrices ``[..., 3, 3]`` to vectors ``[..., 3]``."""
    return (matrix @ vector[..., None])[..., 0]


def two_bones(
    start: Tensor, target: Tensor, first: Tensor, second: Tensor, pole: Tensor
) -> tuple[Tensor, Tensor]:
    """Bend a limb of two bones so that its end comes to a target, or as near as it can.

    Args:
        start: ``[..., 3]`` shoulder or hip.
        target: ``[..., 3]`` where wrist or ankle should be.
        first: ``[..., 1]`` length of the upper bone.
        second: ``[..., 1]`` length of the lower bone.
        pole: ``[..., 3]`` direction in which elbow or knee points.

    Returns:
        Middle joint and end ``[..., 3]``.
    """
    way = target - start
    distance = way.norm(dim=-1, keepdim=True)
    direction = way / distance.clamp(min=1e-3)
    # never quite straight: a limb that snaps straight moves its middle joint infinitely fast
    distance = distance.clamp(min=1.1 * (first - second).abs() + 1)
    distance = torch.minimum(distance, 0.997 * (first + second))
    cosine = (first**2 + distance**2 - second**2) / (2 * first * distance)
    height = first * (1 - cosine.clamp(-1, 1) ** 2).clamp(min=0).sqrt()
    aside = pole - (pole * direction).sum(dim=-1, keepdim=True) * direction
    aside = aside / aside.norm(dim=-1, keepdim=True).clamp(min=1e-3)
    return start + direction * first * cosine + aside * height, start + direction * distance


def solve(pose: Pose, shape: BodyShape) -> Tensor:
    """Find all joints.

    Args:
        pose: of B clips, T frames.
        shape: of B bodies.

    Returns:
        ``[B, T, 20, 3]`` mm, the leading side at +x, standing around the origin, facing +z.
    """
    joints: dict[str, Tensor] = {}
    rest = {name: shape.rest_mm[:, None, j] for j, name in enumerate(BODY.joints)}  # [B, 1, 3]
    leg, arm = (_limb_length(rest, *names) for names in (("knee", "ankle"), ("elbow", "wrist")))
    stand = -sum(rest[f"l_{n}"][..., 1] for n in ("hip", "knee", "ankle", "foot"))
    stand = stand + shape.radii_mm[:, None, BODY.bones.index((14, 15))]  # soles on the floor
    heading = rotation(pose.heading)  # [B, T, 3, 3]
    shift = pose.root * leg
    shift = torch.stack([shift[..., 0], shift[..., 1] + stand, shift[..., 2]], dim=-1)
    joints["hip_center"] = _turn(heading, shift)
    _place_trunk(joints, rest, pose)
    _place_arms(joints, rest, pose, arm)
    _place_legs(joints, rest, pose, leg, shape.radii_mm[:, None, BODY.bones.index((14, 15))])
    travel = torch.zeros_like(shift)
    travel[..., 2] = pose.travel * leg[..., 0]
    return torch.stack([joints[name] for name in BODY.joints], dim=2) + travel[:, :, None]


def _limb_length(rest: dict[str, Tensor], first: str, second: str) -> Tensor:
    """Return ``[B, 1, 1]`` length of a stretched limb."""
    lengths = [rest["l_" + name].norm(dim=-1, keepdim=True) for name in (first, second)]
    return lengths[0] + lengths[1]


def _place_trunk(joints: dict[str, Tensor], rest: dict[str, Tensor], pose: Pose) -> None:
    """Place hips, spine, shoulders and head; bends and twists spread over the trunk."""

    def bent(share: float) -> Tensor:
        yaw = pose.heading + (0.3 + 0.7 * share) * pose.twist
        return rotation(yaw, share * pose.pitch, share * pose.roll)

    hips, lower, chest = bent(0.3), bent(0.7), bent(1.0)
    skull = rotation(pose.heading + pose.twist + pose.look, 0.6 * pose.pitch + pose.nod, pose.roll)
    joints["spine"] = joints["hip_center"] + _turn(lower, rest["spine"])
    joints["shoulder_center"] = joints["spine"] + _turn(chest, rest["shoulder_center"])
    joints["head"] = joints["shoulder_center"] + _turn(skull, rest["head"])
    for side in _SIDES:
        shoulder, hip = f"{side}_shoulder", f"{side}_hip"
        joints[shoulder] = joints["shoulder_center"] + _turn(chest, rest[shoulder])
        joints[hip] = joints["hip_center"] + _turn(hips, rest[hip])


def _place_arms(
    joints: dict[str, Tensor], rest: dict[str, Tensor], pose: Pose, arm: Tensor
) -> None:
    """Bring the wrists to their targets, which turn with the chest but do not bend with it."""
    frame = rotation(pose.heading + pose.twist)
    for k, side in enumerate(_SIDES):
        outward = torch.tensor([1.0 - 2 * k, 1.0, 1.0], device=arm.device)
        shoulder = joints[f"{side}_shoulder"]
        first, second, palm = (
            rest[f"{side}_{name}"].norm(dim=-1, keepdim=True) for name in ("elbow", "wrist", "hand")
        )
        target = shoulder + _turn(frame, pose.hands[:, :, k] * outward) * arm
        pole = _turn(frame, torch.tensor(_ELBOW_POLE, device=arm.device) * outward)
        elbow, wrist = two_bones(shoulder, target, first, second, pole)
        fingers = (wrist - elbow) / second
        fingers = fingers + pose.palm[:, :, k, None] * fingers.new_tensor([0.0, 1.0, 0.0])
        joints[f"{side}_elbow"], joints[f"{side}_wrist"] = elbow, wrist
        joints[f"{side}_hand"] = wrist + palm * fingers / fingers.norm(dim=-1, keepdim=True)


def _place_legs(
    joints: dict[str, Tensor], rest: dict[str, Tensor], pose: Pose, leg: Tensor, sole: Tensor
) -> None:
    """Bring the ankles to their targets; a lifted foot hangs with its toes down."""
    frame = rotation(pose.heading)
    for k, side in enumerate(_SIDES):
        outward = torch.tensor([1.0 - 2 * k, 1.0, 1.0], device=leg.device)
        foot = pose.feet[:, :, k]
        floor = rest[f"{side}_hip"] * torch.tensor([1.0, 0.0, 0.0], device=leg.device)
        ankle_height = sole - rest[f"{side}_foot"][..., 1]
        below = torch.zeros_like(foot)
        below[..., 1] = ankle_height
        target = _turn(frame, floor + foot * outward * leg + below)
        pole = _turn(frame, torch.tensor(_KNEE_POLE, device=leg.device) * outward)
        thigh, shank = (
            rest[f"{side}_{name}"].norm(dim=-1, keepdim=True) for name in ("knee", "ankle")
        )
        knee, ankle = two_bones(joints[f"{side}_hip"], target, thigh, shank, pole)
        droop = (2.2 * foot[..., 1]).clamp(0, 0.7)
        toes = rotation(pose.heading + _TOES_OUT * outward[0], droop)
        end = ankle + _turn(toes, rest[f"{side}_foot"])
        joints[f"{side}_knee"], joints[f"{side}_ankle"] = knee, ankle
        above = torch.maximum(end[..., 1], sole.expand_as(end[..., 1]))
        joints[f"{side}_foot"] = torch.stack([end[..., 0], above, end[..., 2]], dim=-1)
