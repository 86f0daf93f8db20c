"""Human3.6M as MMPose prepares it: poses in each camera's frame beside the names of pictures.

``annotation_body3d/fps{50,10}/h36m_{train,test}.npz`` holds, for N pictures, ``imgname`` ``[N]``
(``S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg``: pictures of the 50 Hz video,
from 1), ``part`` ``[N, 17, 3]`` (pixels and whether it is annotated) and ``S`` ``[N, 17, 4]``
(metres in the camera's frame and the same). The boxes ``center`` and ``scale`` are not read.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from onebody.datasets.human36m_calibration import Cameras, camera_of
from onebody.datasets.human36m_camera import Camera
from onebody.datasets.human36m_recording import Recording, Take, checked_depth, parse_take
from onebody.types import Array, Bools, Doubles, Ints

_SHAPES = {"part": (17, 3), "S": (17, 4)}
_IMAGE = re.compile(r"(?:.*/)?(?P<stem>[^/]+)_(?P<number>\d{1,7})\.jpg", re.ASCII)
_FARTHEST_PX, _STRAY_PX = 5.0, 100.0
"""Median and largest distance between the 2D joints and the projected 3D ones; 0.00004 px on real
frames."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a recording stands: its file, and the records (from 0) of its frames."""

    file: Path
    take: Take
    records: Ints

    def __str__(self) -> str:
        return f"{self.file}: {self.take}"

    def of(self, wrong: Bools) -> str:
        """Name the first record (from 1) of those that are wrong ``[T, 17]``, and its joint."""
        frame, joint = np.argwhere(wrong)[0].tolist()
        return f"{self.file}: record {self.records[frame] + 1} ({self.take}), joint {joint}"


def read_mmpose(file: Path, cameras: Cameras) -> Iterator[Recording]:
    """Read one annotation file, a recording and camera at a time, in the order of the file.

    Raises:
        ValueError: names the file and the record (from 1) that is not as expected, or whose 2D
            joints are not where the camera puts the 3D ones.
    """
    names, arrays = _load(file)
    for take, records, numbers in _takes(file, names):
        camera = camera_of(cameras, take.subject, take.camera, f"{file}: record {records[0] + 1}")
        order = np.argsort(numbers, kind="stable")
        records, numbers = records[order], numbers[order]
        twice = np.flatnonzero(np.diff(numbers) == 0)
        if len(twice):
            raise ValueError(
                f"{file}: record {records[twice[0] + 1] + 1}: expected each picture once, found "
                f"number {numbers[twice[0]]} of {take} before. Fetch the file again."
            )
        place = _Place(file, take, records)
        yield _recording(numbers - 1, arrays["S"][records], arrays["part"][records], camera, place)


def _load(file: Path) -> tuple[list[str], dict[str, Array]]:
    """Read and check the arrays of a file."""
    found = {}
    try:
        zipfile.ZipFile(file).close()  # np.load leaves a file that is none open
        with np.load(file, allow_pickle=False) as opened:
            for key in ("imgname", *_SHAPES):
                found[key] = np.asarray(opened[key])
    except KeyError:
        raise ValueError(
            f"{file}: expected imgname, part and S, found no {key!r}. Is "
            "it an annotation of h36m_train.npz's form?"
        ) from None
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error, MemoryError) as error:
        raise ValueError(
            f"{file}: expected a whole npz file of plain arrays, found: {error}. Fetch it again."
        ) from None
    names = found.pop("imgname")
    if names.dtype.kind != "U" or names.ndim != 1 or not len(names):
        raise ValueError(
            f"{file}: expected imgname [N] texts, found {names.dtype} {list(names.shape)}. "
            "Fetch the file again."
        )
    for key, shape in _SHAPES.items():
        array = found[key]
        if array.shape != (len(names), *shape) or array.dtype.kind != "f":
            raise ValueError(
                f"{file}: expected {key} {[len(names), *shape]} numbers (as many as imgname), "
                f"found {array.dtype} {list(array.shape)}. Fetch the file again."
            )
    return names.tolist(), found


def _takes(file: Path, names: list[str]) -> Iterator[tuple[Take, Ints, Ints]]:
    """Gather the records of each recording: their places in the file and picture numbers."""
    gathered: dict[str, list[tuple[int, int]]] = {}
    takes: dict[str, Take] = {}
    for record, name in enumerate(names):
        found = _IMAGE.fullmatch(name)
        stem = found["stem"] if found else ""
        if stem not in takes:
            take = parse_take(stem)
            if take is None:
                raise _unnamed(file, record, name)
            takes[stem] = take
        number = int(found["number"]) if found else 0
        if number < 1:
            raise _unnamed(file, record, name)
        gathered.setdefault(stem, []).append((record, number))
    for stem, members in gathered.items():
        pairs = np.array(members, np.int64)
        yield takes[stem], pairs[:, 0], pairs[:, 1]


def _unnamed(file: Path, record: int, name: str) -> ValueError:
    return ValueError(
        f"{file}: record {record + 1}: expected a picture's name such as "
        f"'S1_Directions_1.54138969_000001.jpg', found {name[:80]!r}."
    )


def _recording(frames: Ints, space: Array, flat: Array, camera: Camera, place: _Place) -> Recording:
    """Bring the records of one recording into mm and pixels."""
    known = _annotated(space, "S", place) & _annotated(flat, "part", place)
    millimetres = np.where(known[..., None], np.asarray(space[..., :3], np.float64) * 1000, np.nan)
    pixels = np.where(known[..., None], flat[..., :2], np.nan)
    checked_depth(millimetres, str(place))
    _check_camera(millimetres, pixels, camera, place)
    seen = np.where(known, camera.sees(pixels), np.nan)[..., None]
    return Recording(
        take=place.take,
        frames=frames,
        joints_mm=np.concatenate([millimetres, seen], axis=-1).astype(np.float32),
        joints_px=np.concatenate([pixels, seen], axis=-1).astype(np.float32),
        camera=camera,
    )


def _annotated(values: Array, key: str, place: _Place) -> Bools:
    """Return ``[T, 17]`` which joints are annotated, by the last channel."""
    numbers = np.asarray(values, np.float64)
    marks = numbers[..., -1]
    odd = ~np.isin(marks, (0, 1))
    if odd.any():
        raise ValueError(
            f"{place.of(odd)}: expected 1 (annotated) or 0 as the last number of {key!r}, found "
            f"{marks[odd][0]:g}. Fetch the file again."
        )
    known = marks > 0
    bad = ~np.isfinite(numbers).all(-1) & known
    if bad.any():
        raise ValueError(
            f"{place.of(bad)}: expected finite joints in {key!r}, found others in "
            f"{int(bad.any(1).sum())} of {len(bad)} frames. Fetch the file again."
        )
    return np.asarray(known)


def _check_camera(millimetres: Doubles, pixels: Doubles, camera: Camera, place: _Place) -> None:
    """Refuse 2D and 3D joints that do not belong together by this camera."""
    with np.errstate(over="ignore", invalid="ignore"):  # of joints that no camera sees
        away = np.linalg.norm(camera.project(millimetres) - pixels, axis=-1)
    middle = float(np.nanmedian(away))
    if not middle <= _FARTHEST_PX:
        raise ValueError(
            f"{place}: expected the 3D joints at the 2D ones within {_FARTHEST_PX:g} px, found a "
            f"median of {middle:.4g} px. Are these the cameras of this set?"
        )
    stray = ~(away <= _STRAY_PX) & ~np.isnan(pixels[..., 0])  # NaN too
    if stray.any():
        raise ValueError(
            f"{place.of(stray)}: expected the 3D joint at the 2D one within {_STRAY_PX:g} px, "
            f"found it {away[stray][0]:.4g} px away, in {int(stray.any(1).sum())} of "
            f"{len(stray)} frames. Fetch the file again."
        )
