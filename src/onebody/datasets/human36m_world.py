"""Human3.6M in the world's frame: VideoPose3D's npz and Martinez' h5 files.

``data_3d_h36m.npz`` holds one object ``positions_3d``: ``{S1: {Directions 1: [T, 32, 3] m}}``.
Martinez' are ``S1/MyPoses/3D_positions/Directions 1.h5`` with ``3D_positions`` ``[96, T]`` mm. The
cameras come from a file of their own; the 2D joints are made by projection.

Source: Pavllo et al., "3D human pose estimation in video with temporal convolutions and
semi-supervised training", CVPR 2019; Martinez et al., ICCV 2017. Both readers were only tried on
files written in these layouts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from onebody.datasets.human36m_calibration import Cameras, camera_of, open_h5
from onebody.datasets.human36m_recording import (
    CAMERAS,
    JOINTS,
    Recording,
    Take,
    checked_depth,
    parse_action,
)
from onebody.datasets.object_arrays import read_object
from onebody.types import Array

KEY_NPZ, KEY_H5 = "positions_3d", "3D_positions"
H5_FOLDER = Path("MyPoses", "3D_positions")


def read_videopose3d(file: Path, cameras: Cameras) -> Iterator[Recording]:
    """Read VideoPose3D's file, all cameras of one recording after the other.

    Raises:
        ValueError: names the file and the recording that is not as expected.
    """
    content = read_object(file, KEY_NPZ)
    if not isinstance(content, dict) or not all(isinstance(v, dict) for v in content.values()):
        raise ValueError(f"{file}: expected {KEY_NPZ} by subject and action, found no mappings.")
    if not any(content.values()):
        raise ValueError(f"{file}: expected recordings, found none. Fetch it again.")
    for subject, actions in content.items():
        for action, values in actions.items():
            where = f"{file}: {str(subject)[:40]} {str(action)[:40]!r}"
            array = np.asarray(values) if isinstance(values, np.ndarray) else np.zeros(0, bool)
            if array.ndim != 3 or array.shape[1:] != (32, 3):
                raise _misshaped(where, "[T, 32, 3]", array)
            yield from _all_cameras(str(subject), str(action), array, 1000.0, cameras, where)


def h5_files(folder: Path) -> list[Path]:
    """Return Martinez' files below a folder, in name order."""
    return sorted(folder.glob(f"S*/{H5_FOLDER.as_posix()}/*.h5"))


def read_martinez(folder: Path, cameras: Cameras) -> Iterator[Recording]:
    """Read Martinez' files, all cameras of one recording after the other.

    Raises:
        ImportError: if h5py is not installed; names the extra.
        ValueError: names the file that is not as expected.
    """
    for file in h5_files(folder):
        array = open_h5(file, _positions)
        if array.ndim != 2 or len(array) != 96:
            raise _misshaped(f"{file}: {KEY_H5}", "[96, T]", array)
        world = array.reshape(32, 3, -1).transpose(2, 0, 1)
        yield from _all_cameras(file.parts[-4], file.stem, world, 1.0, cameras, str(file))


def _positions(opened: Any) -> Array:
    return np.asarray(opened[KEY_H5])


def _misshaped(where: str, expected: str, found: Array) -> ValueError:
    return ValueError(
        f"{where}: expected positions {expected}, found {found.dtype} {list(found.shape)}. Fetch "
        "the file again."
    )


def _all_cameras(
    subject: str, action: str, world: Array, to_mm: float, cameras: Cameras, where: str
) -> Iterator[Recording]:
    """Show one recording to the four cameras."""
    parsed = parse_action(action)
    if parsed is None:
        raise ValueError(
            f"{where}: expected an action such as 'Directions' or 'Directions 1', found "
            f"{action[:60]!r}."
        )
    if world.dtype.kind != "f" or not len(world) or not np.isfinite(world).all():
        raise _misshaped(where, "of finite numbers", world)
    points = world[:, JOINTS].astype(np.float64) * to_mm
    for name in CAMERAS:
        camera = camera_of(cameras, subject, name, where)
        millimetres = camera.to_camera(points)
        checked_depth(millimetres, f"{where}, camera {name}")
        pixels = camera.project(millimetres)
        seen = camera.sees(pixels)[..., None]
        yield Recording(
            take=Take(subject, *parsed, name),
            frames=np.arange(len(points), dtype=np.int64),
            joints_mm=np.concatenate([millimetres, seen], axis=-1).astype(np.float32),
            joints_px=np.concatenate([pixels, seen], axis=-1).astype(np.float32),
            camera=camera,
        )
