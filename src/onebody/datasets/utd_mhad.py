"""UTD-MHAD: depth video, Kinect skeletons and one inertial sensor, in its official layout.

Official layout: ``Depth/a{A}_s{S}_t{T}_depth.mat`` (``d_depth`` ``[240, 320, T]`` uint16, mm, 0
where there is no body), ``Skeleton/..._skeleton.mat`` (``d_skel`` ``[20, 3, T]``, m, camera frame,
y up) and ``Inertial/..._inertial.mat`` (``d_iner`` ``[N, 6]``: g and deg/s, 50 Hz). Reading it once
writes a prepared folder (pictures cropped to the body, joints in their pixels) that later runs map
into memory.

Source: Chen, Jafari, Kehtarnavaz, "UTD-MHAD: A Multimodal Dataset for Human Action Recognition
Utilizing a Depth Camera and a Wearable Inertial Sensor", ICIP 2015. The joints are the Kinect's own
estimates: pseudo ground truth. The sensor sits on the right wrist for classes 1-21 and on the right
thigh for 22-27, so its position gives the class away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from onebody.config import Config
from onebody.data import Column, JointsColumn, SampleTable, make_table
from onebody.data.store import load_table, save_table
from onebody.datasets.class_columns import class_columns
from onebody.datasets.matlab import mat_variable
from onebody.datasets.prepared import prefix_subjects, store_arrays
from onebody.datasets.silhouettes import add_silhouettes
from onebody.types import Array, Bools, Floats, Frames

CLASSES = (
    "swipe_left", "swipe_right", "wave", "clap", "throw", "arm_cross", "basketball_shoot",
    "draw_x", "draw_circle_cw", "draw_circle_ccw", "draw_triangle", "bowling", "boxing",
    "baseball_swing", "tennis_swing", "arm_curl", "tennis_serve", "push", "knock", "catch",
    "pickup_throw", "jog", "walk", "sit2stand", "stand2sit", "lunge", "squat",
)  # fmt: skip
"""Class names in official order (id 1 first)."""

GESTURES = (1, 2, 3, 4, 6, 8, 9, 10, 11, 18, 19)
"""Official ids of the classes that say something with the hands alone; the others are actions."""

MIRRORED = {
    "swipe_left": "swipe_right",
    "swipe_right": "swipe_left",
    "draw_circle_cw": "draw_circle_ccw",
    "draw_circle_ccw": "draw_circle_cw",
}
"""Classes that a mirror turns into another one; the rest stay themselves with the other hand."""

FPS = 30.0
FOCAL_PX = 285.63  # of the 320 x 240 depth picture; puts 93 % of the joints on the silhouette
CENTER_PX = (160.0, 120.0)
DEPTH_LAG = 2
"""Frames by which the depth stream lags the skeletons: depth[t] belongs to skeleton[t - 2]."""

_LAYOUTS = {"skeleton": "kinect-20"}

_RATES = {"imu": 50.0}
"""The inertial sensor has a clock of its own."""

GREY_REFERENCE, GREY_PER_MM, GREY_MINIMUM = 136.0, 119.0 / 900.0, 17.0


class UtdMhadConfig(Config):
    """Depth video of 27 movements with 20 joints (official .mat files, or a prepared folder).

    Attributes:
        folder: the official folder, or one that was prepared from it.
        prepared: where to write the prepared form; default: ``prepared`` inside ``folder``.
        size: side of the prepared pictures in pixels.
        silhouettes: whether to add the medium ``silhouette`` to the prepared form if it lacks it.
        subject_prefix: put before every subject's name, so that the people of several sets stay
            apart.
    """

    kind: Literal["utd-mhad"] = "utd-mhad"
    folder: Path
    prepared: Path | None = None
    size: int = 112
    silhouettes: bool = False
    subject_prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One recording.

    Attributes:
        action, subject, trial: official ids, from 1.
        depth: ``[T, S, S]`` grey pictures of the body's square, see `grey_depth`.
        square: x0, y0 and side of that square in the 320 x 240 picture, px.
        depth_ref_mm: distance that is grey 136.
        skeleton_m: ``[T, 20, 3]`` joints in the camera frame, y up, metres, not yet lagged.
        inertial: ``[N, 6]`` acceleration in g and turn rate in deg/s at 50 Hz.
    """

    action: int
    subject: int
    trial: int
    depth: Frames
    square: tuple[float, float, float]
    depth_ref_mm: float
    skeleton_m: Floats
    inertial: Floats


def read_utd_mhad(config: UtdMhadConfig) -> SampleTable:
    """Read the set: prepared where that was done before, else from the official files.

    Raises:
        ValueError: if the folder holds neither form, or a file contradicts its layout.
    """
    prepared = config.prepared or config.folder / "prepared"
    for folder in (config.folder, prepared):
        if (folder / "table.json").exists():
            return _finish(load_table(folder), folder, config)
    if not (config.folder / "Depth").is_dir():
        raise ValueError(
            f"{config.folder}: no UTD-MHAD here. Expected the folders Depth, Skeleton and Inertial "
            "with the official .mat files, or a prepared folder with table.json."
        )
    made = prepare(official_clips(config.folder, config.size), prepared)
    return _finish(made, prepared, config)


def official_clips(folder: Path, size: int) -> Iterator[Clip]:
    """Read the official files one recording at a time, in name order."""
    files = sorted((folder / "Depth").glob("*_depth.mat"))
    if not files:
        raise ValueError(f"{folder / 'Depth'}: no file named a*_s*_t*_depth.mat.")
    for file in files:
        found = re.fullmatch(r"a(\d+)_s(\d+)_t(\d+)_depth\.mat", file.name)
        if found is None or not 1 <= int(found[1]) <= len(CLASSES):
            raise ValueError(f"{file}: expected a1..a27_s*_t*_depth.mat as a name.")
        key = file.name.removesuffix("_depth.mat")
        depth_mm = mat_variable(file, "d_depth", 3).transpose(2, 0, 1)
        joints = mat_variable(folder / "Skeleton" / f"{key}_skeleton.mat", "d_skel", 3)
        sensor = mat_variable(folder / "Inertial" / f"{key}_inertial.mat", "d_iner", 2)
        if joints.shape != (20, 3, len(depth_mm)):
            raise ValueError(
                f"{key}: the skeleton is {joints.shape}, expected (20, 3, {len(depth_mm)}) to go "
                f"with {len(depth_mm)} depth frames. Leave {key} out, or fetch it again."
            )
        pictures, square, reference = grey_depth(depth_mm, size, str(file))
        yield Clip(
            action=int(found[1]),
            subject=int(found[2]),
            trial=int(found[3]),
            depth=pictures,
            square=square,
            depth_ref_mm=reference,
            skeleton_m=joints.transpose(2, 0, 1).astype(np.float32),
            inertial=sensor.astype(np.float32),
        )


def grey_depth(
    depth_mm: Array, size: int, name: str
) -> tuple[Frames, tuple[float, float, float], float]:
    """Crop depth to the body's square and code it in grey.

    Args:
        depth_mm: ``[T, H, W]`` distances, 0 where there is no body.
        size: side of the result in pixels.
        name: of the recording, for messages.

    Returns:
        ``[T, size, size]`` uint8 (0 background, else 136 at the median distance and 119 brighter
        900 mm nearer, within 17 to 255), the square (x0, y0, side), the median distance in mm.
    """
    distance = np.asarray(depth_mm, np.float32)
    body: Bools = distance > 0
    if not body.any():
        raise ValueError(f"{name}: every depth value is 0: no body in any frame.")
    rows, columns = np.where(body.any(axis=0))
    # 7 % of margin around everything the body covers during the clip
    side = round(1.07 * max(np.ptp(rows) + 1, np.ptp(columns) + 1))
    x0 = int((columns.min() + columns.max() + 1 - side) / 2)
    y0 = int((rows.min() + rows.max() + 1 - side) / 2)
    reference = float(np.median(distance[body]))
    grey = GREY_REFERENCE + (reference - distance) * GREY_PER_MM
    grey = np.where(body, np.clip(grey, GREY_MINIMUM, 255), 0).astype(np.uint8)
    box = (x0, y0, x0 + side, y0 + side)
    squares = [
        Image.fromarray(frame).crop(box).resize((size, size), Image.Resampling.BILINEAR)
        for frame in grey
    ]
    return np.stack([np.asarray(square) for square in squares]), (x0, y0, side), reference


def prepare(clips: Iterable[Clip], folder: Path) -> SampleTable:
    """Write recordings as a prepared folder and return its table."""
    found = list(clips)
    folder.mkdir(parents=True, exist_ok=True)
    scale = [clip.depth.shape[1] / clip.square[2] for clip in found]
    camera = np.array(
        [
            (FOCAL_PX * s, FOCAL_PX * s, (CENTER_PX[0] - x0) * s, (CENTER_PX[1] - y0) * s)
            for s, (x0, y0, _) in zip(scale, (clip.square for clip in found), strict=True)
        ]
    )
    joints = [_joints_mm(clip) for clip in found]
    pixels = [_project(mm, matrix) for mm, matrix in zip(joints, camera, strict=True)]
    names = [f"a{clip.action}_s{clip.subject}_t{clip.trial}" for clip in found]
    frames = [clip.depth[..., None] for clip in found]
    bare = make_table(
        "utd-mhad",
        {
            "depth": store_arrays(folder / "depth.npy", frames),
            "skeleton": store_arrays(folder / "skeleton.npy", [mm[..., :3] for mm in joints]),
            "imu": store_arrays(folder / "inertial.npy", [_si_units(clip) for clip in found]),
        },
        columns={
            **_labels([clip.action for clip in found]),
            "pose2d": JointsColumn(
                sources=store_arrays(folder / "pose2d.npy", pixels), skeleton="kinect-20", unit="px"
            ),
            "pose3d": JointsColumn(
                sources=store_arrays(folder / "pose3d.npy", joints), skeleton="kinect-20", unit="mm"
            ),
        },
        layouts=_LAYOUTS,
        rates=_RATES,
        fps=np.full(len(found), FPS),
        subject=[str(clip.subject) for clip in found],
        group=names,
        row_names=names,
        camera_matrix=camera,
        depth_ref_mm=[clip.depth_ref_mm for clip in found],
    )
    save_table(bare, folder)
    return load_table(folder)


def _labels(actions: Sequence[int]) -> dict[str, Column]:
    """Make the label columns of official class ids."""
    return class_columns("utd-mhad", CLASSES, GESTURES, MIRRORED, actions)


def _finish(table: SampleTable, folder: Path, config: UtdMhadConfig) -> SampleTable:
    """Add what the prepared folder lacks, and the prefix of the subjects."""
    if config.silhouettes and "silhouette" not in table.media:
        table = add_silhouettes(table, folder)
    if not {"class", "kind"} <= set(table.columns):
        ids = [int(name[1:].partition("_")[0]) for name in table.row_names.tolist()]  # "a1_s1_t1"
        table = replace(table, columns={**_labels(ids), **table.columns})
    rates = {modality: rate for modality, rate in _RATES.items() if modality in table.media}
    table = replace(table, layouts=_LAYOUTS, rates=rates)
    return prefix_subjects(table, config.subject_prefix)


def _joints_mm(clip: Clip) -> Floats:
    """Return ``[T, 20, 4]`` joints in mm, y down, that belong to the depth frames; visibility 1."""
    frames = len(clip.depth)
    paired = np.clip(np.arange(frames) - DEPTH_LAG, 0, len(clip.skeleton_m) - 1)
    joints = clip.skeleton_m[paired] * np.array([1000.0, -1000.0, 1000.0], np.float32)
    seen = np.where(np.isfinite(joints).all(-1, keepdims=True), 1.0, np.nan)
    return np.concatenate([joints, seen], axis=-1).astype(np.float32)


def _si_units(clip: Clip) -> Floats:
    """Return ``[N, 1, 6]``: acceleration in m/s^2, turn rate in rad/s, of the only sensor."""
    factors = np.r_[np.full(3, 9.80665), np.full(3, np.pi / 180)].astype(np.float32)
    return (clip.inertial * factors)[:, None]


def _project(joints_mm: Floats, camera: Array) -> Floats:
    """Project ``[T, J, 4]`` joints to ``[T, J, 3]`` pixels and visibility."""
    depth = joints_mm[..., 2]
    x = camera[0] * joints_mm[..., 0] / depth + camera[2]
    y = camera[1] * joints_mm[..., 1] / depth + camera[3]
    return np.stack([x, y, joints_mm[..., 3]], axis=-1).astype(np.float32)
