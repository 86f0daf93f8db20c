"""Motions of real people: captured joints of any layout, put onto simulated bodies.

Directions of limbs come from the capture, their lengths from the body, so every person can do what
was captured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from onebody.simulate.body import BODY, PARENTS, BodyShape, make_bodies
from onebody.simulate.motion import Motion
from onebody.skeletons import convert

Places = Mapping[str, int | Sequence[int]]
"""Joint of kinect-20 to the captured joint, or to several whose middle it is."""

_FILLED = ("spine", "head", "l_hand", "r_hand", "l_foot", "r_foot")
"""Joints that a capture may lack: they continue the limb before them."""

_AXES = {"y": (0, 1, 2), "z": (1, 2, 0)}
"""Which captured axes become x, y, z (cyclic, so that left stays left)."""


def make_captured(
    joints_mm: Tensor,
    places: str | Places,
    *,
    fps: float,
    identity: int = 0,
    to_fps: float = 30.0,
    up: Literal["y", "z"] = "y",
    floor: Literal["clip", "frame"] = "clip",
) -> Motion:
    """Let a simulated person do what was captured.

    Args:
        joints_mm: ``[T, J, 3]`` captured joints, right-handed axes.
        places: their layout (a name in `SKELETONS`), or where kinect-20's joints are among them.
        fps: frames per second of the capture.
        identity: whose body; the way over the floor is scaled with the legs.
        to_fps: frames per second wanted; joints between two captured frames are interpolated.
        up: the captured axis that points up.
        floor: ``clip``: the lowest sole of the clip stands on the floor (jumps stay jumps);
            ``frame``: that of every frame, for captures that lost their height (root-relative).

    Returns:
        A Motion of one clip, of kind ``captured``, above the world's origin at its middle.

    Raises:
        ValueError: if trunk or limbs are missing, a joint is not finite, or shapes do not fit.
    """
    if joints_mm.ndim != 3 or joints_mm.shape[-1] != 3 or not len(joints_mm):
        raise ValueError(f"Expected captured joints [T, J, 3], found {list(joints_mm.shape)}.")
    captured = torch.as_tensor(joints_mm, dtype=torch.float32)[..., _AXES[up]]
    source, known = _arrange(captured, places)
    _check(source, known)
    source = _resample(_fill(source, known), fps, to_fps)
    shape = make_bodies([identity])
    body = _retarget(source, shape)
    return Motion(
        joints_mm=_put_on_floor(body, shape, floor)[None],
        shape=shape,
        kinds=("captured",),
        fps=to_fps,
    )


def _arrange(joints: Tensor, places: str | Places) -> tuple[Tensor, list[str]]:
    """Bring joints into the order of kinect-20: ``[T, 20, 3]``, and the names of known ones."""
    if isinstance(places, str):
        found, mask = convert(joints, None, places, BODY.name)
        return found, [name for name, there in zip(BODY.joints, mask[0], strict=True) if there]
    result = joints.new_zeros(len(joints), len(BODY), 3)
    for name, indices in places.items():
        chosen = [indices] if isinstance(indices, int) else list(indices)
        if not chosen or not all(0 <= i < joints.shape[1] for i in chosen):
            raise ValueError(
                f"Joint {name!r} should be among {joints.shape[1]} joints, found {chosen}."
            )
        result[:, BODY.index(name)] = joints[:, chosen].mean(dim=1)
    return result, list(places)


def _check(source: Tensor, known: list[str]) -> None:
    """Refuse captures that say too little.

    Raises:
        ValueError: names what is missing or broken.
    """
    missing = [name for name in BODY.joints if name not in known and name not in _FILLED]
    if missing:
        raise ValueError(f"The capture lacks {', '.join(missing)}. Name the joints that they are.")
    broken = (~source.isfinite()).flatten(1).any(dim=1).nonzero()
    if len(broken):
        raise ValueError(f"Captured frame {int(broken[0])} is not finite. Cut or repair it.")


def _fill(source: Tensor, known: list[str]) -> Tensor:
    """Continue limbs to joints that were not captured."""
    joint = dict(zip(BODY.joints, source.unbind(dim=1), strict=True))
    trunk = joint["shoulder_center"] - joint["hip_center"]
    left = joint["l_hip"] - joint["r_hip"]
    forward = torch.linalg.cross(left, torch.tensor([0.0, 1.0, 0.0]).expand_as(left))
    guess = {"spine": joint["hip_center"] + 0.2 * trunk}
    guess["head"] = joint["shoulder_center"] + 0.4 * trunk
    for side in ("l", "r"):
        wrist = joint[f"{side}_wrist"]
        guess[f"{side}_hand"] = wrist + 0.3 * (wrist - joint[f"{side}_elbow"])
        guess[f"{side}_foot"] = joint[f"{side}_ankle"] + 0.5 * forward
        guess[f"{side}_foot"][:, 1] -= 0.2 * forward.norm(dim=-1)
    joint |= {name: place for name, place in guess.items() if name not in known}
    return torch.stack([joint[name] for name in BODY.joints], dim=1)


def _resample(source: Tensor, fps: float, to_fps: float) -> Tensor:
    """Interpolate ``[T, 20, 3]`` at another rate over the same time."""
    if not (fps > 0 and to_fps > 0):
        raise ValueError(f"Frame rates should be above 0, found {fps} and {to_fps}.")
    count = int((len(source) - 1) * to_fps / fps + 1e-6) + 1
    at = (torch.arange(count, dtype=torch.float64) * (fps / to_fps)).clamp(max=len(source) - 1)
    before = at.long().clamp(max=max(len(source) - 2, 0))
    after = (before + 1).clamp(max=len(source) - 1)
    return torch.lerp(source[before], source[after], (at - before).float()[:, None, None])


def _retarget(source: Tensor, shape: BodyShape) -> Tensor:
    """Give the limbs their own lengths, and scale the way of the hips with the legs."""
    legs = [BODY.bones.index((BODY.index(a), BODY.index(b))) for a, b in _LEG]
    own = shape.lengths_mm[0, legs].sum()
    captured = sum(_length(source, a, b) for a, b in _LEG)
    root = BODY.root[0]
    joints = [torch.zeros_like(source[:, 0])] * len(BODY)
    joints[root] = source[:, root] * (own / captured)
    for bone, (parent, child) in enumerate(BODY.bones):  # bones are listed from the hips outward
        way = source[:, child] - source[:, PARENTS[child]]
        unit = way / way.norm(dim=-1, keepdim=True).clamp(min=1e-3)
        joints[child] = joints[parent] + shape.lengths_mm[0, bone] * unit
    return torch.stack(joints, dim=1)


_LEG = (("l_hip", "l_knee"), ("l_knee", "l_ankle"))


def _length(source: Tensor, first: str, second: str) -> Tensor:
    """Return the median length of a captured limb."""
    return (source[:, BODY.index(second)] - source[:, BODY.index(first)]).norm(dim=-1).median()


def _put_on_floor(joints: Tensor, shape: BodyShape, floor: Literal["clip", "frame"]) -> Tensor:
    """Shift a person so that the lowest sole touches the floor, above the world's origin."""
    ends = torch.tensor([child for _, child in BODY.bones])
    lowest = (joints[:, ends, 1] - shape.radii_mm[0]).amin(dim=1, keepdim=True)
    if floor == "clip":
        lowest = lowest.amin().expand_as(lowest)
    middle = joints[:, BODY.root[0]].mean(dim=0)
    shift = torch.stack(
        [middle[0].expand(len(joints)), lowest[:, 0], middle[2].expand(len(joints))], dim=-1
    )
    return joints - shift[:, None]
