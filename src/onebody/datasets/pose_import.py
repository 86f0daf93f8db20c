"""Poses of other programs become a prepared folder, which the dataset kind ``prepared`` reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from onebody.config import nearest
from onebody.data import ClassColumn, Column, SampleTable, make_table
from onebody.data.store import load_table, save_table
from onebody.datasets.pose_clip import PoseClip, PoseOptions
from onebody.datasets.pose_coco import read_coco
from onebody.datasets.pose_mediapipe import read_mediapipe
from onebody.datasets.pose_pyskl import read_pyskl
from onebody.datasets.pose_tracks import Person, persons_of
from onebody.datasets.pose_ultralytics import read_ultralytics
from onebody.datasets.prepared import store_arrays
from onebody.labels import UNLABELED, LabelSpace
from onebody.skeletons import check_common, convert, get_skeleton
from onebody.types import Bools, Floats

POSE_FORMATS: dict[str, Callable[[Path, PoseOptions], Iterator[PoseClip]]] = {
    "coco": read_coco,
    "mediapipe": read_mediapipe,
    "pyskl": read_pyskl,
    "ultralytics": read_ultralytics,
}
"""Readers of poses by the name of their format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is made of poses.

    Attributes:
        folder: the prepared folder.
        name: of the dataset.
        layout: joint layout that the poses are in.
        to: joint layout to convert them to; empty: as they are.
        person: who of several people becomes a sample.
        min_score: joints of a lower confidence are missing.
        classes: class names in the order of the labels; empty: the labels' numbers.
        symmetric: does every class stay what it is in a mirror? False: nobody has said.
    """

    folder: Path
    name: str
    layout: str
    to: str = ""
    person: Person = "score"
    min_score: float = 0.0
    classes: tuple[str, ...] = ()
    symmetric: bool = False


@dataclass(slots=True, kw_only=True)
class ImportReport:
    """What became of poses.

    Attributes:
        recordings: how many were read.
        frames: of all samples.
        known, joints: joints that are known, and all of them, over all samples' frames.
        left_out: recordings in which nobody is seen (with a confidence that is asked for).
        further_people: people who were not chosen.
        further_poses: in how many frames one of them is seen.
    """

    recordings: int = 0
    frames: int = 0
    known: int = 0
    joints: int = 0
    left_out: list[str] = field(default_factory=list)
    further_people: int = 0
    further_poses: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """One person of a recording: ``[T, J, D]`` joints, ``[T, J]`` scores or None."""

    name: str
    clip: PoseClip
    joints: Floats
    scores: Floats | None


def import_poses(clips: Iterable[PoseClip], target: Target) -> tuple[SampleTable, ImportReport]:
    """Write recordings as a prepared folder.

    Media: ``skeleton`` ``[T, J, D]``, NaN where a joint is missing, and, where confidences are
    stated, ``confidence`` ``[T, J]``. Labels stand in the column ``class``. A recording is a group.

    Returns:
        The table, and what was kept and left out.

    Raises:
        ValueError: if no recording shows anybody, two have one name, a label has no class, the
            layouts have no joint in common, or another dataset lies in the folder.
    """
    check_target(target)
    report, samples, names = ImportReport(), [], set[str]()
    for clip in clips:
        if clip.name in names:
            raise ValueError(
                f"{target.name}: expected each recording once, found {clip.name!r} twice. Import "
                "the sources into folders of their own."
            )
        names.add(clip.name)
        samples += _samples(clip, target, report)
    if not names:
        raise ValueError(f"{target.name}: expected recordings, found none. Is the file whole?")
    if not samples:
        raise ValueError(
            f"{target.name}: expected people in at least one of {report.recordings} recordings, "
            "found nobody. Lower --min-score, or look at the files."
        )
    dims = {sample.joints.shape[2] for sample in samples}
    if len(dims) > 1:
        raise ValueError(
            f"{target.name}: expected 2D or 3D joints, found both. Import them into folders of "
            "their own."
        )
    target.folder.mkdir(parents=True, exist_ok=True)
    save_table(_to_table(samples, target), target.folder)
    return load_table(target.folder), report


def check_target(target: Target) -> None:
    """Refuse layouts that do not meet, and to write over anything but poses of an earlier time.

    Raises:
        ValueError: if the layouts have no joint in common, or another dataset lies in the folder.
    """
    check_common(target.layout, target.to or target.layout)
    if not (target.folder / "table.json").exists():
        return
    held = load_table(target.folder)
    if set(held.media) - {"skeleton", "confidence"} or set(held.columns) - {"class"}:
        raise ValueError(
            f"{target.folder}: expected no folder, or one of imported poses, found the dataset "
            f"{held.name!r} ({', '.join([*held.media, *held.columns])}). Take another --out."
        )


def _samples(clip: PoseClip, target: Target, report: ImportReport) -> list[_Sample]:
    """Make the samples of a recording and count what is left out."""
    clip = _only_sure(clip, target.min_score)
    known: Bools = np.asarray(np.isfinite(clip.joints).all(-1))  # [P, T, J]
    chosen = persons_of(clip, target.person)
    further = [p for p in np.flatnonzero(known.any((1, 2))) if p not in chosen]
    report.recordings += 1
    report.further_people += len(further)
    report.further_poses += int(known[further].any(-1).sum())
    report.frames += clip.joints.shape[1] * len(chosen)
    if not chosen:
        report.left_out.append(clip.name)
    samples = [_sample(clip, person, len(chosen) > 1, target) for person in chosen]
    for sample in samples:
        seen = np.isfinite(sample.joints).all(-1)
        report.known += int(seen.sum())
        report.joints += seen.size
    return samples


def _only_sure(clip: PoseClip, min_score: float) -> PoseClip:
    """Mark joints of a low confidence as missing."""
    if clip.scores is None or min_score <= 0:
        return clip
    sure = clip.scores >= min_score  # NaN is not
    missing = np.float32(np.nan)
    return replace(
        clip,
        joints=np.where(sure[..., None], clip.joints, missing),
        scores=np.where(sure, clip.scores, missing),
    )


def _sample(clip: PoseClip, person: int, numbered: bool, target: Target) -> _Sample:
    """Make one person's sample in the layout that is asked for."""
    joints = clip.joints[person]
    scores = None if clip.scores is None else clip.scores[person]
    if target.to and target.to != target.layout:
        scores = None if scores is None else _convert(scores[..., None], target)[..., 0]
        joints = _convert(joints, target)
    name = f"{clip.name}/person{person + 1}" if numbered else clip.name
    return _Sample(name=name, clip=clip, joints=joints, scores=scores)


def _convert(values: Floats, target: Target) -> Floats:
    """Rearrange ``[T, J, D]`` values; NaN stays NaN."""
    known: Bools = np.asarray(np.isfinite(values).all(-1))
    found, there = convert(values, known, target.layout, target.to)
    return np.where(there[..., None], found, np.float32(np.nan))


def _to_table(samples: list[_Sample], target: Target) -> SampleTable:
    """Write the arrays and make the table."""
    media = {"skeleton": store_arrays(target.folder / "skeleton.npy", [s.joints for s in samples])}
    stated = [s.scores for s in samples if s.scores is not None]
    if stated:
        places = iter(store_arrays(target.folder / "confidence.npy", stated).tolist())
        found = ["" if s.scores is None else next(places) for s in samples]
        media["confidence"] = np.array(found, np.str_)
    return make_table(
        target.name,
        media,
        columns=_label_column([sample.clip for sample in samples], target),
        layouts={"skeleton": get_skeleton(target.to or target.layout).name},
        fps=[sample.clip.fps for sample in samples],
        group=[sample.clip.name for sample in samples],
        split=[sample.clip.split for sample in samples],
        row_names=[sample.name for sample in samples],
    )


def _label_column(clips: list[PoseClip], target: Target) -> dict[str, Column]:
    """Make the column of classes; none if nothing is labeled."""
    labels = np.array([clip.label for clip in clips], np.int64)
    if (labels == UNLABELED).all() and not target.classes:
        return {}
    classes = target.classes or tuple(str(i) for i in range(labels.max() + 1))
    beyond = np.flatnonzero(labels >= len(classes))
    if len(beyond):
        raise ValueError(
            f"{target.name}: expected labels from 0 to {len(classes) - 1}, one for each of the "
            f"{len(classes)} classes, found {labels[beyond[0]]} in {clips[beyond[0]].name!r}. Name "
            "all classes."
        )
    mirror: dict[str, str | None] = {c: c for c in classes} if target.symmetric else {}
    space = LabelSpace(f"{target.name} class", classes, mirror)
    return {"class": ClassColumn(values=labels, space=space)}


def pose_reader(name: str) -> Callable[[Path, PoseOptions], Iterator[PoseClip]]:
    """Return the reader of a format.

    Raises:
        ValueError: if there is none; names the nearest.
    """
    if name not in POSE_FORMATS:
        raise ValueError(f"Unknown format of poses {name!r}. {nearest(name, POSE_FORMATS)}")
    return POSE_FORMATS[name]
