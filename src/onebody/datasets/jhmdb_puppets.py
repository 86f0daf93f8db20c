"""The puppets of JHMDB: joints and body masks from official .mat files, in arrays that readers map.

``joint_positions/<class>/<name>/joint_positions.mat`` holds ``pos_img`` ``[2, 15, T]``: x, y in
pixels that count from 1 at the first pixel's center. Joints may lie outside the picture: they are
annotated there, but not seen. ``puppet_mask/<class>/<name>/puppet_mask.mat`` holds ``part_mask``
``[H, W, T]``, above 0 on the body. Where fewer frames are annotated than there are pictures, the
clip's span ends with the annotation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from onebody.data import JointsColumn, SampleTable, make_table
from onebody.data.media import MediaInfo
from onebody.data.sources import probe
from onebody.datasets.matlab import mat_variable
from onebody.datasets.prepared import store_arrays
from onebody.types import Floats, Frames

JOINTS_FOLDER, MASKS_FOLDER = "joint_positions", "puppet_mask"
SKELETON = "jhmdb-15"


@dataclass(frozen=True, slots=True, kw_only=True)
class Puppet:
    """What is annotated of one clip.

    Attributes:
        joints: ``[T, 15, 3]`` pixels (centers at i + 0.5) and visibility; None: no such folder.
        masks: ``[T, H, W]`` of 0 and 255; None: no such folder.
        end_s: where the annotation ends, if before the media; else NaN.
        fps: of the media.
    """

    joints: Floats | None
    masks: Frames | None
    end_s: float
    fps: float


def make_puppets(
    names: Sequence[str], sources: Sequence[str], fps: float, folder: Path, prepared: Path
) -> SampleTable:
    """Convert the annotation of clips into a prepared folder.

    Args:
        names: ``<class>/<name>`` of each clip.
        sources: its media.
        fps: frames per second of media without a clock; NaN: they have one.
        folder: the official folder.
        prepared: where the arrays go: joints in one, masks in a compressed one per clip.

    Returns:
        Not yet saved: a row per clip, named after it, with ``pose2d`` and ``silhouette`` as far as
        there are folders of them, frame rate and end.

    Raises:
        ValueError: names the file that is missing, damaged, or contradicts the media.
    """
    prepared.mkdir(parents=True, exist_ok=True)
    joints, masks, ends, rates = [], [], [], []
    for name, source in zip(names, sources, strict=True):
        puppet = _read(folder, name, probe(source), fps)
        ends.append(puppet.end_s)
        rates.append(puppet.fps)
        if puppet.joints is not None:
            joints.append(puppet.joints)
        if puppet.masks is not None:
            file = prepared / MASKS_FOLDER / f"{name}.npz"
            file.parent.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(file, masks=puppet.masks)
            masks.append(f"{file}#masks")
    columns = {}
    if joints:
        places = store_arrays(prepared / "pose2d.npy", joints)
        columns["pose2d"] = JointsColumn(sources=places, skeleton=SKELETON, unit="px")
    media = {"silhouette": masks} if masks else {}
    return make_table(
        "jhmdb-puppets",
        {"rgb": list(sources), **media},
        columns=columns,
        end_s=ends,
        fps=rates,
        row_names=list(names),
    )


def _read(folder: Path, name: str, info: MediaInfo, fps: float) -> Puppet:
    """Read one clip's joints and masks and cut them to their common length."""
    joints_file = folder / JOINTS_FOLDER / name / "joint_positions.mat"
    masks_file = folder / MASKS_FOLDER / name / "puppet_mask.mat"
    joints = _joints(joints_file, info) if (folder / JOINTS_FOLDER).is_dir() else None
    masks = _masks(masks_file, info) if (folder / MASKS_FOLDER).is_dir() else None
    lengths = {
        file: len(found)
        for file, found in ((joints_file, joints), (masks_file, masks))
        if found is not None
    }
    for file, length in lengths.items():
        if not 0 < length <= info.num_frames:
            raise ValueError(
                f"{file}: expected 1 to {info.num_frames} frames as in the clip's media, found "
                f"{length}. Fetch both again."
            )
    stop = min(lengths.values())
    rate = fps if np.isfinite(fps) else info.fps
    return Puppet(
        joints=None if joints is None else joints[:stop],
        masks=None if masks is None else masks[:stop],
        end_s=stop / rate if stop < info.num_frames else float("nan"),
        fps=rate,
    )


def _joints(file: Path, info: MediaInfo) -> Floats:
    """Read joints as ``[T, 15, 3]``."""
    values = mat_variable(file, "pos_img", 3)
    if values.shape[:2] != (2, 15) or not np.isfinite(values).all():
        found = "values that are not finite" if values.shape[:2] == (2, 15) else values.shape
        raise ValueError(f"{file}: expected pos_img (2, 15, T), found {found}. Fetch it again.")
    places = values.transpose(2, 1, 0).astype(np.float32) - np.float32(0.5)
    inside = ((places >= 0) & (places <= [info.width, info.height])).all(-1, keepdims=True)
    return np.concatenate([places, inside], axis=-1).astype(np.float32)


def _masks(file: Path, info: MediaInfo) -> Frames:
    """Read masks as ``[T, H, W]``."""
    values = mat_variable(file, "part_mask", 3)
    if values.shape[:2] != (info.height, info.width):
        raise ValueError(
            f"{file}: expected part_mask ({info.height}, {info.width}, T) as the pictures are, "
            f"found {values.shape}. Fetch both again."
        )
    return np.where(values.transpose(2, 0, 1).astype(np.bool_), 255, 0).astype(np.uint8)
