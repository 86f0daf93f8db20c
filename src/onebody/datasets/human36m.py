"""Human3.6M: 15 everyday actions of seven people before four cameras, with 3D joints at 50 Hz.

Three forms are read, for the official ``.cdf`` files need a library of their own: MMPose's
(`onebody.datasets.human36m_mmpose`), VideoPose3D's and Martinez' (`human36m_world`). Poses are
converted once into a prepared folder. The usual protocol trains on S1, S5, S6, S7, S8 and tests on
S9 and S11, on every 64th frame (SPNet and others) or on all frames (networks that lift 2D joints);
`onebody.evaluation.mean_over_groups` takes the mean over actions.

The table keeps the cameras' pinholes and not their distortion (`human36m_camera`): ``pose2d`` has
it, ``pose3d`` in the picture lacks it. On four real frames that is 0.8 px of 1000 on average and at
most 3.4. A network that is taught with these tables is measured as it was taught; for one that was
taught with the distortion (the weights of SPNet's authors), joints at the right pixels and depths
are still 2.9 mm off on average, relative to the root: `Camera.unproject` is exact.

Source: Ionescu, Papava, Olaru, Sminchisescu, "Human3.6M: Large Scale Datasets and Predictive
Methods for 3D Human Sensing in Natural Environments", PAMI 2014.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from onebody.config import Config
from onebody.data import SampleTable
from onebody.data.store import load_table
from onebody.datasets.human36m_calibration import read_cameras
from onebody.datasets.human36m_media import (
    PICTURES,
    Place,
    from_pictures,
    from_videos,
    picture_folders,
    video_files,
)
from onebody.datasets.human36m_mmpose import read_mmpose
from onebody.datasets.human36m_prepare import NAME, frame_numbers, prepare
from onebody.datasets.human36m_recording import Recording
from onebody.datasets.human36m_rows import cut_pieces, place_pieces, table_of_pieces
from onebody.datasets.human36m_world import h5_files, read_martinez, read_videopose3d
from onebody.datasets.listed import Missing
from onebody.datasets.prepared import digest, prefix_subjects

Form = Literal["mmpose", "videopose3d", "martinez"]
Media = Literal["pictures", "videos", "skeletons"]

DAMAGED = "S11 Directions"
"""The recording whose video is damaged; nobody uses it."""

_CAMERA_FILES = (
    *("annotation_body3d/cameras.pkl", "cameras.pkl"),
    *("cameras.h5", "h36m/cameras.h5"),
)


class Human36mConfig(Config):
    """Human3.6M in one of its usual forms.

    Attributes:
        folder: what holds ``annotation_body3d``, ``data_3d_h36m.npz`` or ``S1/MyPoses`` (also
            within ``h36m``).
        form: which of them is read; default: the one that is there.
        rate: which of MMPose's annotations: 50 or 10 frames a second; default: 50 if it is there.
        cameras: ``cameras.pkl`` or ``cameras.h5``; default: beside the poses.
        every: keep the frames of the 50 Hz video that this number divides; default: all there are.
        frames: frames of a row; 1: stills. Recordings are cut into rows of so many, the last of
            them shorter. Default: a whole recording is a row.
        media: pictures, videos, or the poses as skeletons; default: the first that is there.
        images: the folder of pictures; default: ``images`` inside ``folder``.
        prepared: where the arrays are kept; default: ``prepared`` inside ``folder``.
        missing: whether rows without pictures are an error or left out.
        subject_prefix: put before every subject's name, so that the people of several sets stay
            apart.
    """

    kind: Literal["human36m"] = "human36m"
    folder: Path
    form: Form | None = None
    rate: Literal[10, 50] | None = None
    cameras: Path | None = None
    every: int | None = Field(None, ge=1)
    frames: int | None = Field(None, ge=1)
    media: Media | None = None
    images: Path | None = None
    prepared: Path | None = None
    missing: Missing = "refuse"
    subject_prefix: str = ""


def read_human36m(config: Human36mConfig) -> SampleTable:
    """Read the set, with ``action``, ``pose2d``, ``pose3d`` and a medium.

    ``depth_ref_mm`` is the root's true distance (its mean over the row's frames): depth that a
    network is given, not one that it finds.

    Raises:
        ImportError: for ``.h5`` without h5py; names the extra.
        ValueError: if no form that is read is there, or a file contradicts itself or its cameras.
    """
    media, place = _medium(config)
    folder, recordings = _prepared(config, skeletons=place is None)
    numbers = frame_numbers(folder)
    pieces = cut_pieces(recordings, numbers, config.frames)
    if place is not None:
        where = f"{media} in {config.images or config.folder}"
        pieces = place_pieces(recordings, pieces, numbers, place, where, config.missing)
    table = table_of_pieces(recordings, pieces, numbers, folder)
    return prefix_subjects(table, config.subject_prefix)


def _medium(config: Human36mConfig) -> tuple[Media, Place | None]:
    """Find the medium; no function: the poses themselves."""
    images = config.images or config.folder / PICTURES
    if config.media in ("pictures", None):
        folders = picture_folders(images)
        if folders or config.media:
            return "pictures", from_pictures(folders)
    if config.media in ("videos", None):
        files = video_files(config.folder)
        if files or config.media:
            return "videos", from_videos(files)
    return "skeletons", None


def _prepared(config: Human36mConfig, *, skeletons: bool) -> tuple[Path, SampleTable]:
    """Return the folder and table of all recordings, made now if they were not made before."""
    form, files = _form(config)
    cameras = _cameras(config)
    root = config.prepared or config.folder / "prepared"
    made = root / digest([*files, cameras], form, config.every, skeletons)
    if (made / "table.json").exists():
        table = load_table(made)
    else:
        recordings = _recordings(form, files, cameras)
        table = prepare(recordings, config.every, made, skeletons=skeletons)
    damaged = table.group == DAMAGED
    if damaged.any():
        warnings.warn(
            f"{NAME}: {DAMAGED} is left out, its video is damaged ({int(damaged.sum())} of "
            f"{len(table)} recordings and cameras).",
            stacklevel=3,
        )
        table = table.select(~damaged)
    if not len(table):
        raise ValueError(f"{config.folder}: expected recordings besides {DAMAGED}, found none.")
    return made, table


def _form(config: Human36mConfig) -> tuple[Form, list[Path]]:
    """Find the form that is there, and its files."""
    folder = config.folder
    rates = (config.rate,) if config.rate else (50, 10)
    annotations = [folder / "annotation_body3d" / f"fps{rate}" for rate in rates]
    names = ("h36m_train.npz", "h36m_test.npz")
    lists = [[path / name for name in names if (path / name).exists()] for path in annotations]
    there: dict[Form, list[Path]] = {
        "mmpose": next((found for found in lists if found), []),
        "videopose3d": [f for f in [folder / "data_3d_h36m.npz"] if f.exists()],
        "martinez": h5_files(folder) or h5_files(folder / "h36m"),
    }
    found: list[Form] = [form for form, files in there.items() if files]
    if config.form:
        found = [config.form] if there[config.form] else []
    if len(found) == 1:
        return found[0], there[found[0]]
    if found:
        raise ValueError(f"{folder}: expected one form, found {', '.join(found)}. State 'form'.")
    official = next(folder.glob("S*/MyPoseFeatures/*/*.cdf"), None)
    cdf = f" The official {official.name!r} is not read: convert it." if official else ""
    raise ValueError(
        f"{folder}: no Human3.6M here. Expected {' or '.join(str(p) for p in annotations)} with "
        "h36m_train.npz and h36m_test.npz (MMPose), data_3d_h36m.npz (VideoPose3D) or "
        f"S1/MyPoses/3D_positions/*.h5 (Martinez).{cdf}"
    )


def _cameras(config: Human36mConfig) -> Path:
    """Find the file of the cameras."""
    options = [config.cameras] if config.cameras else [config.folder / n for n in _CAMERA_FILES]
    for file in options:
        if file.is_file():
            return file
    names = ", ".join(str(file) for file in options)
    raise ValueError(
        f"{config.folder}: expected the cameras ({names}), found none. State 'cameras': MMPose's "
        "cameras.pkl or Martinez' cameras.h5 fits every form."
    )


def _recordings(form: Form, files: Sequence[Path], cameras: Path) -> Iterator[Recording]:
    """Read all recordings of one form."""
    calibrated = read_cameras(cameras)
    if form == "martinez":
        yield from read_martinez(files[0].parents[3], calibrated)
        return
    for file in files:
        yield from (read_mmpose if form == "mmpose" else read_videopose3d)(file, calibrated)
