"""A small person that can be posed, as a clip."""

from __future__ import annotations

import numpy as np

from onebody.classic.clips import Clip
from onebody.skeletons import get_skeleton

KINECT = get_skeleton("kinect-20")

STANDING = {
    "head": (0, -800, 0), "shoulder_center": (0, -500, 0), "spine": (0, -100, 0),
    "hip_center": (0, 0, 0), "l_shoulder": (180, -480, 0), "l_elbow": (220, -220, 0),
    "l_wrist": (240, 20, 0), "l_hand": (245, 90, 0), "r_shoulder": (-180, -480, 0),
    "r_elbow": (-220, -220, 0), "r_wrist": (-240, 20, 0), "r_hand": (-245, 90, 0),
    "l_hip": (90, 60, 0), "l_knee": (100, 480, 0), "l_ankle": (100, 880, 0),
    "l_foot": (100, 930, -120), "r_hip": (-90, 60, 0), "r_knee": (-100, 480, 0),
    "r_ankle": (-100, 880, 0), "r_foot": (-100, 930, -120),
}  # fmt: skip
"""mm; faces the camera, which stands three meters away."""


def pose(**moved):
    """Return ``[20, 3]`` joints in mm; some of them elsewhere."""
    places = {**STANDING, **moved}
    found = np.array([places[joint] for joint in KINECT.joints], np.float32)
    return found + np.array([0, 0, 3000], np.float32)


def waving(frames=24, *, side="r", fps=30.0, speed=1.0, noise=0.0, seed=0):
    """Return a clip of one hand that waves above the head."""
    rng = np.random.default_rng(seed)
    sign = 1 if side == "l" else -1
    joints = []
    for frame in range(frames):
        swing = 120 * np.sin(speed * 2 * np.pi * frame / fps)
        moved = {
            f"{side}_elbow": (sign * 300, -600, 0),
            f"{side}_wrist": (sign * 300 + swing, -850, 0),
            f"{side}_hand": (sign * 300 + 1.2 * swing, -920, 0),
        }
        joints.append(pose(**moved))
    values = np.stack(joints) + rng.normal(0, noise, (frames, 20, 3))
    return Clip(joints=values.astype(np.float32), fps=fps)


def standing(frames=24, fps=30.0, noise=0.0, seed=0):
    """Return a clip of a person who does nothing."""
    rng = np.random.default_rng(seed)
    values = np.stack([pose()] * frames) + rng.normal(0, noise, (frames, 20, 3))
    return Clip(joints=values.astype(np.float32), fps=fps)
