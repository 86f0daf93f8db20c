"""Human3.6M's poses in arrays that training maps: one prepared folder per form and frame rate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from onebody.data import ClassColumn, JointsColumn, SampleTable, make_table
from onebody.data.store import load_table, save_table
from onebody.datasets.human36m_recording import ACTIONS, FPS, SKELETON, TEST, TRAIN, Recording
from onebody.datasets.prepared import store_arrays
from onebody.labels import symmetric
from onebody.types import Floats, Ints

NAME = "human36m"
FRAMES_FILE = "frames.npy"
SKELETONS = ("skeleton", "skeleton/2d")
"""Media of the poses themselves: in mm, and as pixels."""


def prepare(
    recordings: Iterable[Recording], every: int | None, folder: Path, *, skeletons: bool
) -> SampleTable:
    """Write the poses of all recordings, and return a row per recording and camera.

    Args:
        recordings: in any order; each once.
        every: frames of the 50 Hz video from one that is kept to the next; None: all there are.
        folder: where the arrays go.
        skeletons: whether the poses are media, too (`SKELETONS`); else ``rgb`` is left empty.

    Returns:
        The saved table, with ``action``, ``pose2d`` and ``pose3d``. Row r's frame numbers are the
        same part of ``frames.npy`` as its poses are of theirs.

    Raises:
        ValueError: if a recording comes twice, the files lack the frames that ``every`` asks for,
            or no frame is left.
    """
    kept = [chosen for recording in recordings if (chosen := thinned(recording, every))]
    if not kept:
        raise ValueError(f"{folder}: expected recordings with frames to keep, found none.")
    names = [str(recording.take) for recording in kept]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{NAME}: expected each recording once, found {twice[0]} again.")
    _check_frames(kept, every)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / FRAMES_FILE, np.concatenate([recording.frames for recording in kept]))
    save_table(_table(kept, names, folder, skeletons), folder)
    return load_table(folder)


def thinned(recording: Recording, every: int | None) -> Recording | None:
    """Keep every so many frames of a recording; None: that leaves nothing."""
    if every is None or not len(recording.frames):
        return recording if len(recording.frames) else None
    keep = recording.frames % every == 0
    if not keep.any():
        return None
    return Recording(
        take=recording.take,
        frames=recording.frames[keep],
        joints_mm=recording.joints_mm[keep],
        joints_px=recording.joints_px[keep],
        camera=recording.camera,
    )


def frame_numbers(folder: Path) -> Ints:
    """Return the frame numbers of all recordings, one after the other."""
    return np.asarray(np.load(folder / FRAMES_FILE, allow_pickle=False), np.int64)


def _check_frames(kept: Sequence[Recording], every: int | None) -> None:
    """Refuse to thin what was thinned by another step before."""
    if every is None:
        return
    gaps = [int(np.diff(r.frames).min()) for r in kept if len(r.frames) > 1]
    if gaps and min(gaps) > every:
        raise ValueError(
            f"{NAME}: expected frames 0, {every}, {2 * every}, .. of the 50 Hz video, found "
            f"multiples of {every} no nearer than {min(gaps)}: the files hold fewer frames. Take "
            "a multiple of their step as 'every', or files of 50 frames a second."
        )


def _table(
    kept: Sequence[Recording], names: list[str], folder: Path, skeletons: bool
) -> SampleTable:
    """Write the arrays; make the table over them."""
    space = symmetric(f"{NAME} action", ACTIONS)
    actions = [ACTIONS.index(recording.take.action) for recording in kept]
    millimetres = [recording.joints_mm for recording in kept]
    pixels = [recording.joints_px for recording in kept]
    media = {"rgb": np.full(len(kept), "", np.str_)}
    if skeletons:
        media = {
            name: store_arrays(folder / f"{name.replace('/', '-')}.npy", [_bare(j) for j in joints])
            for name, joints in zip(SKELETONS, (millimetres, pixels), strict=True)
        }
    splits = {**dict.fromkeys(TRAIN, "train"), **dict.fromkeys(TEST, "test")}
    return make_table(
        NAME,
        media,
        columns={
            "action": ClassColumn(values=np.array(actions, np.int64), space=space),
            "pose2d": JointsColumn(
                sources=store_arrays(folder / "pose2d.npy", pixels), skeleton=SKELETON, unit="px"
            ),
            "pose3d": JointsColumn(
                sources=store_arrays(folder / "pose3d.npy", millimetres),
                skeleton=SKELETON,
                unit="mm",
            ),
        },
        layouts=dict.fromkeys(SKELETONS, SKELETON) if skeletons else {},
        fps=[FPS / _step(recording.frames) for recording in kept],
        subject=[recording.take.subject for recording in kept],
        camera=[recording.take.camera for recording in kept],
        source=[recording.take.group for recording in kept],
        group=[recording.take.group for recording in kept],
        split=[splits.get(recording.take.subject, "") for recording in kept],
        camera_matrix=np.stack([recording.camera.matrix for recording in kept]),
        row_names=names,
    )


def _bare(joints: Floats) -> Floats:
    """Leave the visibility away."""
    return np.ascontiguousarray(joints[..., :-1])


def _step(frames: Ints) -> int:
    """Return the most usual distance between two frames."""
    return int(np.median(np.diff(frames))) if len(frames) > 1 else 1
