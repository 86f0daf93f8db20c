"""Tiny tables whose pictures show what their labels say."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from onebody.data import (
    ClassColumn,
    InputSpec,
    JointsColumn,
    SampleTable,
    TargetSpec,
    make_table,
)
from onebody.labels import LabelSpace
from onebody.skeletons import get_skeleton

SKELETON = "kinect-20"
JOINTS = len(get_skeleton(SKELETON))
SPEC = InputSpec(modality="depth", size=32, frames=4)
GESTURES = LabelSpace(
    "gestures",
    ("swipe_left", "swipe_right", "salute"),
    {"swipe_left": "swipe_right", "swipe_right": "swipe_left", "salute": None},
)
CAMERA = (100.0, 100.0, 32.0, 24.0)


def blobs(centers: np.ndarray, height: int, width: int, radius: float = 2.5) -> np.ndarray:
    """Draw a bright disc for each frame: centers [T, 2] x, y; NaN draws none."""
    y, x = np.mgrid[:height, :width] + 0.5
    distance = np.hypot(x[None] - centers[:, 0, None, None], y[None] - centers[:, 1, None, None])
    return np.where(distance <= radius, 250, 0).astype(np.uint8)


def joint_paths(rows: int, frames: int, seed: int = 0) -> np.ndarray:
    """Place every joint well inside a 64 x 48 picture: [N, T, J, 3] px and visibility."""
    rng = np.random.default_rng(seed)
    joints = np.ones((rows, frames, JOINTS, 3), np.float32)
    joints[..., 0] = rng.uniform(24, 40, joints.shape[:-1])
    joints[..., 1] = rng.uniform(16, 32, joints.shape[:-1])
    return joints


def sample_table(
    folder: Path, rows: int = 6, frames: int = 8, joint: int = 0, modality: str = "depth"
) -> SampleTable:
    """Write a table: pictures 48 x 64 with a disc at one joint, its joints and gesture labels."""
    joints = joint_paths(rows, frames)
    flat = joints.reshape(rows * frames, JOINTS, 3)
    pictures = blobs(flat[:, joint, :2], 48, 64)
    if modality == "rgb":
        pictures = np.repeat(pictures[..., None], 3, axis=-1)
    np.save(folder / f"{modality}.npy", pictures)
    np.save(folder / "joints.npy", flat)
    spans = [f"#{i * frames}:{(i + 1) * frames}" for i in range(rows)]
    return make_table(
        "made",
        {modality: [f"{folder}/{modality}.npy{span}" for span in spans]},
        columns={
            "pose": JointsColumn(
                sources=np.array([f"{folder}/joints.npy{span}" for span in spans]),
                skeleton=SKELETON,
                unit="px",
            ),
            "gesture": ClassColumn(values=np.arange(rows) % 3, space=GESTURES),
        },
        fps=[10.0] * rows,
        camera_matrix=[CAMERA] * rows,
        depth_ref_mm=[2000.0] * rows,
    )


def pose_spec(dims: int = 2) -> TargetSpec:
    return TargetSpec(task="pose", column="pose", form="joints", skeleton=SKELETON, dims=dims)


def gesture_spec(**given: object) -> TargetSpec:
    mirror = GESTURES.mirror_table()
    values = {"column": "gesture", "table": np.arange(3), "mirror": mirror, **given}
    return TargetSpec(task="gesture", form="class", **values)
