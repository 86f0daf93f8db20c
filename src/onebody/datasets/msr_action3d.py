"""MSR Action3D: Kinect skeletons of 20 movements, from the official texts or a prepared folder.

Official layout: one text ``a{A}_s{S}_e{E}_skeleton3D.txt`` a recording (two digits each), 20 lines
a frame of ``x y z confidence``: metres, camera frame, y up, joints in an order of their own. Beside
them may lie ``JiangExperimentFileList.txt``, which names the 557 recordings that Wang et al.
("Mining Actionlet Ensemble", CVPR 2012) and later papers use.

Source: Li, Zhang, Liu, "Action Recognition Based on a Bag of 3D Points", CVPR Workshops 2010. The
joints are an estimate of the sensor's software: pseudo ground truth. Frames in which no body was
found are all zero; they become missing joints.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from onebody.config import Config
from onebody.data import ClassColumn, SampleTable, make_table
from onebody.data.store import load_table, save_table
from onebody.datasets.class_columns import class_columns
from onebody.datasets.prepared import prefix_subjects, store_arrays
from onebody.labels import symmetric
from onebody.types import Floats

CLASSES = (
    "high arm wave", "horizontal arm wave", "hammer", "hand catch", "forward punch", "high throw",
    "draw x", "draw tick", "draw circle", "hand clap", "two hand wave", "side boxing", "bend",
    "forward kick", "side kick", "jogging", "tennis swing", "tennis serve", "golf swing",
    "pickup throw",
)  # fmt: skip
"""Class names in official order (id 1 first)."""

GESTURES = (1, 2, 3, 7, 8, 9, 10, 11)
"""Official ids of the classes that say something with the hands alone; the others are actions."""

MIRRORED = {"draw tick": None}
"""A tick seen in a mirror is no tick; the other movements stay themselves with the other side."""

SUBSETS = {
    "AS1": (2, 3, 5, 6, 10, 13, 18, 20),
    "AS2": (1, 4, 7, 8, 9, 11, 12, 14),
    "AS3": (6, 14, 15, 16, 17, 18, 19, 20),
}
"""The paper's three action sets by official id: the first two hold look-alikes, the third hard
ones."""

JOINT_ORDER = (19, 2, 3, 6, 0, 7, 9, 11, 1, 8, 10, 12, 4, 13, 15, 17, 5, 14, 16, 18)
"""Joint j of the layout ``kinect-20`` is joint ``JOINT_ORDER[j]`` of the official texts."""

FPS = 15.0
LIST_2012 = "JiangExperimentFileList.txt"
_NAME = "msr-action3d"
_LAYOUTS = {"skeleton": "kinect-20"}
_COLUMN_2012 = "cvpr12"
_MEMBERSHIP = ("left out", "used")
_LEFT_SHOULDER, _RIGHT_SHOULDER = 4, 8
_SHOULDERS_M = (0.1, 0.6)  # from right to left: some 0.34 m for a person who faces the sensor


class MsrAction3dConfig(Config):
    """Skeletons of 20 movements (official texts, or a prepared folder).

    Attributes:
        folder: the folder of the official texts, or one that was prepared from it.
        prepared: where to write the prepared form; default: ``prepared`` inside ``folder``.
        subset: one of the paper's action sets of 8 classes, or all 20 classes.
        protocol: ``in_cvpr12``: only the 557 recordings of later papers; ``all``: every one.
        subject_prefix: put before every subject's name, so that the people of several sets stay
            apart.
    """

    kind: Literal["msr-action3d"] = "msr-action3d"
    folder: Path
    prepared: Path | None = None
    subset: Literal["all", "AS1", "AS2", "AS3"] = "all"
    protocol: Literal["all", "in_cvpr12"] = "all"
    subject_prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One recording.

    Attributes:
        action, subject, trial: official ids, from 1.
        skeleton_m: ``[T, 20, 3]`` joints in layout ``kinect-20``, metres, y up; a frame without a
            body is all zero.
        in_cvpr12: is it one of the 557 that later papers use? None: nobody has said.
    """

    action: int
    subject: int
    trial: int
    skeleton_m: Floats
    in_cvpr12: bool | None

    @property
    def name(self) -> str:
        """Name of the recording as the official files spell it."""
        return f"a{self.action:02}_s{self.subject:02}_e{self.trial:02}"


def read_msr_action3d(config: MsrAction3dConfig) -> SampleTable:
    """Read the set: prepared where that was done before, else from the official texts.

    Raises:
        ValueError: if the folder holds neither form, a file contradicts its layout, or the
            protocol is asked for and the list of its recordings is not there.
    """
    prepared = config.prepared or config.folder / "prepared"
    for folder in (config.folder, prepared):
        if (folder / "table.json").exists():
            return _choose(load_table(folder), config)
    return _choose(prepare(official_recordings(config.folder), prepared), config)


def official_recordings(folder: Path) -> Iterator[Recording]:
    """Read the official texts one recording at a time, in name order."""
    files = sorted(folder.glob("*_skeleton3D.txt"))
    if not files:
        raise ValueError(
            f"{folder}: no MSR Action3D here. Expected files a*_s*_e*_skeleton3D.txt, or a "
            "prepared folder with table.json."
        )
    listed = folder / LIST_2012
    used = set(listed.read_text("utf-8-sig").split()) if listed.exists() else None
    for file in files:
        found = re.fullmatch(r"a(\d\d)_s(\d\d)_e(\d\d)_skeleton3D\.txt", file.name)
        if found is None or not 1 <= int(found[1]) <= len(CLASSES):
            raise ValueError(f"{file}: expected a01..a20_s*_e*_skeleton3D.txt as a name.")
        key = file.name.removesuffix("_skeleton3D.txt")
        yield Recording(
            action=int(found[1]),
            subject=int(found[2]),
            trial=int(found[3]),
            skeleton_m=read_text(file),
            in_cvpr12=None if used is None else key in used,
        )


def read_text(file: Path) -> Floats:
    """Read one official text.

    Returns:
        ``[T, 20, 3]`` joints in layout ``kinect-20``, metres, y up.

    Raises:
        ValueError: naming the file and line, if it is no such text.
    """
    rows = []
    for number, line in enumerate(file.read_text("utf-8-sig", errors="replace").splitlines(), 1):
        if not line.strip():
            continue
        try:
            values = [float(text) for text in line.split()]
        except ValueError:
            values = []
        if len(values) != 4 or not np.isfinite(values).all():
            raise ValueError(
                f"{file}:{number}: expected four numbers (x y z confidence), found "
                f"{line.strip()[:60]!r}. Fetch the file again."
            )
        rows.append(values[:3])
    if not rows or len(rows) % 20:
        raise ValueError(
            f"{file}: expected 20 lines a frame, found {len(rows)}. Fetch the file again."
        )
    return np.array(rows, np.float32).reshape(-1, 20, 3)[:, JOINT_ORDER]


def prepare(recordings: Iterable[Recording], folder: Path) -> SampleTable:
    """Write recordings as a prepared folder and return its table.

    A recording without a single body is left out, with a warning that names it.

    Raises:
        ValueError: if a body's shoulders are not where its layout says.
    """
    kept, joints = [], []
    for recording in recordings:
        skeleton = _joints_mm(recording)
        if np.isnan(skeleton).all():
            warnings.warn(f"{recording.name}: left out, no frame shows a body.", stacklevel=2)
            continue
        kept.append(recording)
        joints.append(skeleton)
    folder.mkdir(parents=True, exist_ok=True)
    columns = class_columns(_NAME, CLASSES, GESTURES, MIRRORED, [r.action for r in kept])
    used = [-1 if r.in_cvpr12 is None else int(r.in_cvpr12) for r in kept]
    membership = ClassColumn(
        values=np.array(used, np.int64), space=symmetric(f"{_NAME} {_COLUMN_2012}", _MEMBERSHIP)
    )
    names = [recording.name for recording in kept]
    bare = make_table(
        _NAME,
        {"skeleton": store_arrays(folder / "skeleton.npy", joints)},
        columns={**columns, _COLUMN_2012: membership},
        layouts=_LAYOUTS,
        fps=np.full(len(kept), FPS),
        subject=[str(recording.subject) for recording in kept],
        group=names,
        row_names=names,
    )
    save_table(bare, folder)
    return load_table(folder)


def _joints_mm(recording: Recording) -> Floats:
    """Return ``[T, 20, 3]`` joints in mm, y down; NaN where a frame has no body."""
    joints = recording.skeleton_m
    empty = (joints == 0).all((1, 2))
    span = joints[~empty, _RIGHT_SHOULDER, 0] - joints[~empty, _LEFT_SHOULDER, 0]
    if len(span) and not _SHOULDERS_M[0] <= (width := float(np.median(span))) <= _SHOULDERS_M[1]:
        raise ValueError(
            f"{recording.name}: expected the right shoulder {_SHOULDERS_M[0]} to {_SHOULDERS_M[1]} "
            f"m beside the left one (as the sensor mirrors), found {width:.3g}. The joints are in "
            "another order or unit: fetch the real-world skeletons (skeleton3D)."
        )
    mm = joints * np.array([1000.0, -1000.0, 1000.0], np.float32)
    return np.where(empty[:, None, None], np.float32(np.nan), mm)


def _choose(table: SampleTable, config: MsrAction3dConfig) -> SampleTable:
    """Keep the rows that the options ask for."""
    membership, ids = table.columns[_COLUMN_2012], table.columns["class"]
    assert isinstance(membership, ClassColumn)
    assert isinstance(ids, ClassColumn)
    keep = np.ones(len(table), np.bool_)
    among = SUBSETS.get(config.subset, ())
    if among:
        keep &= np.isin(ids.values + 1, among)
    if config.protocol == "in_cvpr12":
        if not table.labeled(_COLUMN_2012).all():
            raise ValueError(
                f"{config.folder}: expected {LIST_2012} beside the texts when they were prepared, "
                "found none, so nobody knows the recordings of in_cvpr12. Add it, remove the "
                "prepared folder and read again, or take protocol: all."
            )
        keep &= membership.values == _MEMBERSHIP.index("used")
    own = [int(i) + 1 for i in ids.values]
    columns = class_columns(_NAME, CLASSES, GESTURES, MIRRORED, own, among)
    chosen = replace(table, columns=columns, layouts=_LAYOUTS).select(keep)
    return prefix_subjects(chosen, config.subject_prefix)
