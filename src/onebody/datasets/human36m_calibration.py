"""Files of Human3.6M's cameras.

==============  ================================================================================
``cameras.pkl``  MMPose's: ``{(S1, 54138969): {R, T, c, f, k, p, w, h, ..}}``; R turns the camera's
                 axes into the world's, T is the camera's place in m
``cameras.h5``   Martinez': ``subject1/camera1/{R, T, c, f, k, p, Name}``; R as above (HDF5 keeps
                 Matlab's matrices transposed), T in mm, Name as character codes
==============  ================================================================================

Source: MMPose; Martinez et al., "A simple yet effective baseline for 3d human pose estimation",
ICCV 2017, whose code is read by most others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from onebody.datasets.human36m_camera import Camera
from onebody.datasets.human36m_recording import CAMERAS
from onebody.datasets.pickle_reader import read_pickle
from onebody.types import Array, Doubles

Cameras = Mapping[tuple[str, str], Camera]
"""By subject and official name of the camera."""

_SIZES = {"R": 9, "T": 3, "f": 2, "c": 2, "k": 3, "p": 2}
_BROKEN = (
    *(OSError, KeyError, RuntimeError, TypeError, AttributeError),
    *(ValueError, OverflowError, MemoryError),
)
"""What h5py raises on damaged files."""

_TALL = (CAMERAS[0], CAMERAS[3])
_PIXELS = 1000


def read_cameras(file: Path) -> Cameras:
    """Read the cameras of all subjects.

    Raises:
        ImportError: for ``.h5`` without h5py; names the extra.
        ValueError: names the file and the camera that is not as expected.
    """
    return _from_h5(file) if file.suffix in (".h5", ".hdf5") else _from_pickle(file)


def camera_of(cameras: Cameras, subject: str, name: str, where: str) -> Camera:
    """Return one camera.

    Raises:
        ValueError: if it is not among them; names what asks for it.
    """
    if (subject, name) not in cameras:
        known = ", ".join(sorted({subject for subject, _ in cameras}))
        raise ValueError(
            f"{where}: expected the camera {name!r} of {subject} among the cameras, found none "
            f"(subjects: {known}). Give the cameras of this set."
        )
    return cameras[subject, name]


def open_h5(file: Path, read: Callable[[Any], Any]) -> Any:
    """Open an HDF5 file and read from it.

    Raises:
        ImportError: if h5py is not installed; names the extra.
        ValueError: if the file is missing, damaged, or lacks what is read.
    """
    try:
        import h5py
    except ImportError as error:
        raise ImportError("Reading .h5 files needs: pip install 'onebody[keras]'") from error
    if not file.is_file():
        raise ValueError(f"{file}: expected an HDF5 file, found none. Fetch it.")
    try:
        with h5py.File(file, "r") as opened:
            return read(opened)
    except _BROKEN as error:
        raise ValueError(
            f"{file}: expected an HDF5 file of its layout, found: {error}. Fetch it again."
        ) from None


def _from_pickle(file: Path) -> Cameras:
    content = read_pickle(file)
    if not isinstance(content, dict) or not content:
        raise ValueError(f"{file}: expected cameras by (subject, name), found {type(content)}.")
    cameras = {}
    for key, values in content.items():
        named = isinstance(key, tuple) and len(key) == 2 and all(isinstance(k, str) for k in key)
        if not named or not isinstance(values, dict):
            raise ValueError(
                f"{file}: expected cameras by (subject, name), found the key {str(key)[:60]!r}."
            )
        cameras[key] = _make(values, f"{file}: camera {key}", 1000.0, key[1])
    return cameras


def _from_h5(file: Path) -> Cameras:
    cameras = {}
    for place, values in open_h5(file, _arrays).items():
        name = "".join(chr(int(code) % 128) for code in values.pop("Name").ravel())
        subject = f"S{place.partition('/')[0].removeprefix('subject')}"
        cameras[subject, name] = _make(values, f"{file}: {place}", 1.0, name)
    if not cameras:
        raise ValueError(f"{file}: expected cameras (subject1/camera1/R), found none.")
    return cameras


def _arrays(opened: Any) -> dict[str, dict[str, Array]]:
    """Take the arrays of every camera out of an open file."""
    return {
        f"{subject}/{number}": {
            "Name": np.asarray(camera["Name"], np.int64),
            **{name: np.asarray(camera[name]) for name in _SIZES},
        }
        for subject, group in opened.items()
        for number, camera in group.items()
    }


def _make(values: Mapping[str, Any], where: str, to_mm: float, name: str) -> Camera:
    """Make a camera of the arrays that the files share."""
    found = {key: _numbers(values, key, size, where) for key, size in _SIZES.items()}
    rotation = found["R"].reshape(3, 3).T  # files turn from the camera to the world
    straight = np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3)
    if not straight or np.linalg.det(rotation) < 0 or (found["f"] <= 0).any():
        raise ValueError(
            f"{where}: expected a rotation R and focal lengths f above 0, found others. Fetch the "
            "file again."
        )
    width = _pixels(values.get("w", _PIXELS), where)
    height = _pixels(values.get("h", _PIXELS + 2 if name in _TALL else _PIXELS), where)
    return Camera(
        rotation=rotation,
        position_mm=found["T"] * to_mm,
        focal_px=found["f"],
        center_px=found["c"],
        radial=found["k"],
        tangential=found["p"],
        width=width,
        height=height,
    )


def _numbers(values: Mapping[str, Any], key: str, size: int, where: str) -> Doubles:
    """Take one array of a camera, flat."""
    try:
        array = np.asarray(values.get(key, ()))
    except ValueError:  # lists of different lengths
        array = np.empty(0, object)
    good = array.dtype.kind in "iuf" and array.size == size and bool(np.isfinite(array).all())
    if not good:
        raise ValueError(
            f"{where}: expected {size} finite numbers in {key!r}, found {array.dtype} "
            f"{list(array.shape)}. Fetch the file again."
        )
    return array.astype(np.float64).ravel()


def _pixels(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 10_000:
        raise ValueError(f"{where}: expected w and h in pixels, found {value!r}.")
    return value
