"""The joint layouts of the formats that are read, as plain lists.

A *point* is a place of the body in one vocabulary for all layouts; equal points correspond. A
layout keeps its own joint names and says which point each joint is. ``l_`` and ``r_`` are the
person's own sides.

======================  =================================================================
``pelvis``              middle between the hips (Kinect's hip center lies some 7 cm above)
``mid_spine``           on the back, between pelvis and thorax
``thorax``              base of the neck, between the shoulders
``neck``                where the neck meets the skull
``head``, ``head_top``  middle and crown of the head
======================  =================================================================
"""

from __future__ import annotations

from typing import NamedTuple


class Layout(NamedTuple):
    """A layout as it is written here: names rather than indices.

    Attributes:
        joints: names in order, separated by blanks.
        bones: ``a-b`` chains, separated by blanks.
        root: the joint (or the two whose middle) that 3D poses are relative to.
        points: joints whose point has another name than the joint; several, best first, where
            the layout itself takes either.
    """

    joints: str
    bones: str
    root: str
    points: dict[str, tuple[str, ...]]


MIDDLES: dict[str, tuple[str, str]] = {
    "pelvis": ("l_hip", "r_hip"),  # by definition
    "thorax": ("l_shoulder", "r_shoulder"),  # within a few centimeters, as is usual in 2D
    "head": ("l_ear", "r_ear"),  # the axis through both ears passes the middle of the head
}
"""Points that are the middle of two others where a layout lacks them."""

_LIMBS = " ".join(
    f"{s}_shoulder-{s}_elbow-{s}_wrist {s}_hip-{s}_knee-{s}_ankle" for s in ("l", "r")
)
_SPNET = (
    "pelvis thorax neck head r_shoulder l_shoulder r_elbow l_elbow r_wrist l_wrist r_hip l_hip "
    "r_knee l_knee r_ankle l_ankle"
)
_SPNET_POINTS: dict[str, tuple[str, ...]] = {
    "head": ("head_top", "head")
}  # its authors fill it from either
_TRUNK = "thorax-l_shoulder thorax-r_shoulder pelvis-l_hip pelvis-r_hip"
_FINGERS = ("thumb", "forefinger", "middle", "ring", "pinky")
_HAND = " ".join(f"{finger}{k}" for finger in _FINGERS for k in (1, 2, 3, 4))

LAYOUTS: dict[str, Layout] = {
    "coco-17": Layout(
        "nose l_eye r_eye l_ear r_ear l_shoulder r_shoulder l_elbow r_elbow l_wrist r_wrist "
        "l_hip r_hip l_knee r_knee l_ankle r_ankle",
        "l_shoulder-l_ear-l_eye-nose-r_eye-r_ear-r_shoulder "
        f"l_shoulder-r_shoulder-r_hip-l_hip-l_shoulder {_LIMBS}",
        "l_hip r_hip",
        {},
    ),
    "mpii-16": Layout(
        "r_ankle r_knee r_hip l_hip l_knee l_ankle pelvis thorax upper_neck head_top "
        "r_wrist r_elbow r_shoulder l_shoulder l_elbow l_wrist",
        f"pelvis-thorax-upper_neck-head_top {_TRUNK} {_LIMBS}",
        "pelvis",
        {"upper_neck": ("neck",)},
    ),
    "posetrack-17": Layout(
        "nose head_bottom head_top l_ear r_ear l_shoulder r_shoulder l_elbow r_elbow l_wrist "
        "r_wrist l_hip r_hip l_knee r_knee l_ankle r_ankle",
        "l_ear-nose-r_ear head_top-nose-head_bottom head_bottom-l_shoulder head_bottom-r_shoulder "
        f"l_shoulder-l_hip-r_hip-r_shoulder {_LIMBS}",
        "l_hip r_hip",
        {"head_bottom": ("neck",)},
    ),
    "h36m-17": Layout(
        "root r_hip r_knee r_foot l_hip l_knee l_foot spine thorax neck_base head "
        "l_shoulder l_elbow l_wrist r_shoulder r_elbow r_wrist",
        "root-spine-thorax-neck_base-head root-l_hip-l_knee-l_foot root-r_hip-r_knee-r_foot "
        "thorax-l_shoulder-l_elbow-l_wrist thorax-r_shoulder-r_elbow-r_wrist",
        "root",
        {
            "root": ("pelvis",),
            "spine": ("mid_spine",),
            "neck_base": ("neck",),  # the head's joint with the neck, in spite of its name
            "head": ("head_top",),
            "l_foot": ("l_ankle",),  # where the foot begins
            "r_foot": ("r_ankle",),
        },
    ),
    "ntu-25": Layout(
        "base_spine mid_spine neck head l_shoulder l_elbow l_wrist l_hand r_shoulder r_elbow "
        "r_wrist r_hand l_hip l_knee l_ankle l_foot r_hip r_knee r_ankle r_foot spine_shoulder "
        "l_handtip l_thumb r_handtip r_thumb",
        "base_spine-mid_spine-spine_shoulder-neck-head "
        "spine_shoulder-l_shoulder-l_elbow-l_wrist-l_hand-l_handtip l_wrist-l_thumb "
        "spine_shoulder-r_shoulder-r_elbow-r_wrist-r_hand-r_handtip r_wrist-r_thumb "
        "base_spine-l_hip-l_knee-l_ankle-l_foot base_spine-r_hip-r_knee-r_ankle-r_foot",
        "base_spine",
        {"base_spine": ("pelvis",), "spine_shoulder": ("thorax",)},
    ),
    "penn-13": Layout(
        # The person's right side comes first, whatever lists of the joints say: of people who face
        # the camera, joint 1 lies to the left in the picture, and guitars are strummed by joint 5.
        "head r_shoulder l_shoulder r_elbow l_elbow r_wrist l_wrist r_hip l_hip r_knee l_knee "
        "r_ankle l_ankle",
        f"head-l_shoulder head-r_shoulder l_shoulder-l_hip-r_hip-r_shoulder {_LIMBS}",
        "l_hip r_hip",
        {},
    ),
    "jhmdb-15": Layout(
        "neck belly head r_shoulder l_shoulder r_hip l_hip r_elbow l_elbow r_knee l_knee "
        "r_wrist l_wrist r_ankle l_ankle",
        f"head-neck-belly neck-l_shoulder neck-r_shoulder belly-l_hip belly-r_hip {_LIMBS}",
        "l_hip r_hip",
        {"neck": ("thorax",)},  # the puppet's neck ends between the shoulders
    ),
    "kinect-20": Layout(
        "head shoulder_center spine hip_center l_shoulder l_elbow l_wrist l_hand r_shoulder "
        "r_elbow r_wrist r_hand l_hip l_knee l_ankle l_foot r_hip r_knee r_ankle r_foot",
        "hip_center-spine-shoulder_center-head "
        "shoulder_center-l_shoulder-l_elbow-l_wrist-l_hand "
        "shoulder_center-r_shoulder-r_elbow-r_wrist-r_hand "
        "hip_center-l_hip-l_knee-l_ankle-l_foot hip_center-r_hip-r_knee-r_ankle-r_foot",
        "hip_center",
        {"shoulder_center": ("thorax",), "spine": ("mid_spine",), "hip_center": ("pelvis",)},
    ),
    "mediapipe-33": Layout(
        "nose l_eye_inner l_eye l_eye_outer r_eye_inner r_eye r_eye_outer l_ear r_ear l_mouth "
        "r_mouth l_shoulder r_shoulder l_elbow r_elbow l_wrist r_wrist l_pinky r_pinky l_index "
        "r_index l_thumb r_thumb l_hip r_hip l_knee r_knee l_ankle r_ankle l_heel r_heel l_toe "
        "r_toe",
        "l_shoulder-l_ear-l_eye_outer-l_eye-l_eye_inner-nose-r_eye_inner-r_eye-r_eye_outer-r_ear-"
        "r_shoulder nose-l_mouth-r_mouth-nose l_shoulder-r_shoulder-r_hip-l_hip-l_shoulder "
        "l_wrist-l_thumb l_wrist-l_index-l_pinky-l_wrist "
        "r_wrist-r_thumb r_wrist-r_index-r_pinky-r_wrist "
        f"l_ankle-l_heel-l_toe-l_ankle r_ankle-r_heel-r_toe-r_ankle {_LIMBS}",
        "l_hip r_hip",
        {"l_thumb": ("l_thumb_knuckle",), "r_thumb": ("r_thumb_knuckle",)},
    ),
    "spnet-16": Layout(
        _SPNET, f"pelvis-thorax-neck-head {_TRUNK} {_LIMBS}", "pelvis", _SPNET_POINTS
    ),
    "spnet-17": Layout(
        f"{_SPNET} mid_spine",
        f"pelvis-mid_spine-thorax-neck-head {_TRUNK} {_LIMBS}",
        "pelvis",
        _SPNET_POINTS,
    ),
    "hand-21": Layout(
        f"wrist {_HAND}",
        " ".join(f"wrist-{f}1-{f}2-{f}3-{f}4" for f in _FINGERS),
        "wrist",
        {"wrist": ("hand_wrist",)},  # of one hand, no one knows which
    ),
    "shrec-22": Layout(
        f"wrist palm {_HAND.replace('forefinger', 'index')}",
        "wrist-palm wrist-thumb1-thumb2-thumb3-thumb4 "
        + " ".join(
            f"palm-{f}1-{f}2-{f}3-{f}4".replace("forefinger", "index") for f in _FINGERS[1:]
        ),
        "wrist",
        {"wrist": ("hand_wrist",), **{f"index{k}": (f"forefinger{k}",) for k in (1, 2, 3, 4)}},
    ),
}
