"""Skeletons in the form of pyskl and mmaction2: a pickle of annotations.

The pickle is ``{split: {name: [id, ..]}, annotations: [..]}`` or the list of annotations alone. An
annotation has ``frame_dir`` (or ``filename``: its id), ``label`` from 0, ``total_frames``, and

- ``keypoint`` ``[M, T, V, C]`` with ``keypoint_score`` ``[M, T, V]`` for C = 2 (pixels); C = 3 is
  a place in space, or
- the compressed form: ``frame_inds`` ``[N]``, the frame of each of N poses, whose ``keypoint``
  ``[N, V, 3]`` (x, y, score) is in the annotation, or in other pickles (by id, or one file an id).

Padding of zeros (people and frames that are not there) becomes missing joints.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from onebody.datasets.pickle_reader import read_pickle
from onebody.datasets.pose_clip import MOST_FRAMES, PoseClip, PoseOptions, refuse
from onebody.types import Array, Floats

_MOST_POSES = 10 * MOST_FRAMES
_MISSING = np.float32(np.nan)


def read_pyskl(source: Path, options: PoseOptions) -> Iterator[PoseClip]:
    """Read the recordings of a pickle.

    Raises:
        ValueError: naming file and annotation, if one contradicts the form; if the pickle holds
            anything but plain values and numpy arrays.
    """
    content = read_pickle(source)
    annotations = content.get("annotations") if isinstance(content, dict) else content
    if not isinstance(annotations, list) or not all(isinstance(a, dict) for a in annotations):
        refuse(source, "a list of annotations", type(annotations).__name__, "Is it a skeleton set?")
    stated = content.get("split", {}) if isinstance(content, dict) else {}
    splits = _splits(source, stated, options.splits)
    stored = _load_stored(options.keypoints)
    seen: set[str] = set()
    scores: Floats | None
    for number, annotation in enumerate(annotations):
        name = _name(f"{source}: annotation {number}", annotation)
        place = f"{source}: annotation {number} ({name!r})"
        if name in seen:
            refuse(place, "each id once", "it twice", "Drop one of them.")
        seen.add(name)
        if "frame_inds" in annotation:
            poses = _poses(place, name, annotation, stored, options)
            joints, scores = _compressed(place, annotation, poses, options)
        else:
            joints, scores = _joints(place, annotation, options)
        yield PoseClip(
            name=name,
            joints=joints,
            scores=scores,
            fps=options.fps,
            label=_whole(place, annotation, "label", -1),
            split=splits.get(name, ""),
        )
    unknown = sorted(set(splits) - seen)
    if unknown:
        found = f"none for {unknown[0]!r} and {len(unknown) - 1} more"
        refuse(source, "an annotation for every id of the splits", found, "Correct the splits.")


def _name(place: str, annotation: Mapping[str, Any]) -> str:
    """Return the id of an annotation."""
    found = annotation.get("frame_dir", annotation.get("filename"))
    if not isinstance(found, str) or not found or "\0" in found:
        refuse(place, "a text as 'frame_dir'", repr(found), "Give every annotation its id.")
    return found


def _splits(source: Path, stated: object, wanted: tuple[str, ...]) -> dict[str, str]:
    """Return the split of every id."""
    if not isinstance(stated, dict) or not all(
        isinstance(ids, list) and all(isinstance(own, str) for own in ids)
        for ids in stated.values()
    ):
        refuse(source, "lists of ids by split", "other values", "Correct 'split'.")
    missing = [name for name in wanted if name not in stated]
    if missing:
        refuse(source, f"a split {missing[0]!r}", ", ".join(map(str, stated)), "Name one of them.")
    splits: dict[str, str] = {}
    for name, ids in stated.items():
        for own in ids if not wanted or name in wanted else ():
            if splits.setdefault(own, name) != name:
                found = f"{own!r} in {splits[own]!r} and {name!r}"
                refuse(source, "every id in one split", found, "Choose: --splits train1,test1.")
    return splits


def _joints(
    place: str, annotation: Mapping[str, Any], options: PoseOptions
) -> tuple[Floats, Floats | None]:
    """Return joints ``[P, T, J, D]`` and their scores, NaN where missing."""
    keypoint = _array(place, annotation, "keypoint", 4)
    people, frames, joints, dims = keypoint.shape
    if joints != options.joints or dims not in (2, 3):
        expected = f"keypoint [M, T, {options.joints}, 2 or 3]"
        refuse(place, expected, list(keypoint.shape), "Name the layout that the joints are in.")
    if _whole(place, annotation, "total_frames", frames) != frames:
        expected = f"{annotation['total_frames']} frames, as 'total_frames' says"
        refuse(place, expected, frames, "Correct it, or drop the annotation.")
    if dims == 3:
        return _in_space(place, keypoint, options), None
    if "keypoint_score" not in annotation:
        there = (keypoint != 0).any((-1, -2))[..., None, None]
        return np.where(there, keypoint, _MISSING), None
    scores = _array(place, annotation, "keypoint_score", 3)
    if scores.shape != (people, frames, joints):
        expected = f"keypoint_score {[people, frames, joints]}"
        refuse(place, expected, list(scores.shape), "Correct it, or drop the annotation.")
    return _in_picture(keypoint, scores)


def _in_picture(joints: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """Mark joints that are all zero, score too, as missing."""
    known = (scores > 0) | (joints != 0).any(-1)
    return (
        np.where(known[..., None], joints, _MISSING),
        np.where(known, np.clip(scores, 0, 1), _MISSING),
    )


def _in_space(place: str, joints: Floats, options: PoseOptions) -> Floats:
    """Turn 3D joints into mm with y down; bodies of nothing but zeros are missing."""
    if not options.unit:
        refuse(place, "a stated unit of 3D joints", "none", "Say it: --unit m or --unit mm.")
    scale = 1000.0 if options.unit == "m" else 1.0
    factors = np.array([scale, -scale if options.y_up else scale, scale], np.float32)
    there = (joints != 0).any((-1, -2))[..., None, None]
    return np.where(there, joints * factors, _MISSING)


def _compressed(
    place: str, annotation: Mapping[str, Any], keypoint: Floats, options: PoseOptions
) -> tuple[Floats, Floats]:
    """Lay poses that are listed with their frames out by person and frame.

    The n-th pose of a frame is person n, as in the form's own reader. Frames run from the first to
    the last that has a pose, at the largest step that meets all of them (every other frame of a
    video was looked at, usually).
    """
    frames = _array(place, annotation, "frame_inds", 1).astype(np.int64)
    if keypoint.shape != (len(frames), options.joints, 3) or not len(frames):
        expected = f"keypoint {[max(len(frames), 1), options.joints, 3]}, one pose a frame_inds"
        refuse(place, expected, list(keypoint.shape), "Name the layout, or drop the annotation.")
    if (np.diff(frames) < 0).any() or frames[0] < 0 or frames[-1] - frames[0] >= MOST_FRAMES:
        refuse(place, "growing frame_inds", frames.tolist(), "Sort the poses by frame.")
    step = int(np.gcd.reduce(np.diff(np.unique(frames)), initial=0)) or 1
    t = (frames - frames[0]) // step
    first = np.searchsorted(t, t)  # where the poses of each frame begin
    person = np.arange(len(t)) - first
    people = int(person.max()) + 1
    if people * int(t[-1] + 1) > _MOST_POSES:
        refuse(place, f"at most {people} people in a few frames", len(t), "Drop the annotation.")
    laid = np.zeros((people, t[-1] + 1, options.joints, 3), np.float32)
    laid[person, t] = keypoint
    return _in_picture(laid[..., :2], laid[..., 2])


def _load_stored(paths: tuple[Path, ...]) -> dict[str, Any]:
    """Read the files that hold joints by id; folders are looked into id by id."""
    stored: dict[str, Any] = {}
    for path in paths:
        found = {} if path.is_dir() else read_pickle(path)
        if not isinstance(found, dict):
            refuse(path, "joints by id", type(found).__name__, "Is it a file of keypoints?")
        stored |= found
    return stored


def _poses(
    place: str,
    name: str,
    annotation: Mapping[str, Any],
    stored: Mapping[str, Any],
    options: PoseOptions,
) -> Floats:
    """Return the joints ``[N, J, 3]`` of a compressed annotation."""
    files = [path / f"{name}.pkl" for path in options.keypoints if path.is_dir()]
    found = annotation if "keypoint" in annotation else stored.get(name)
    if found is None:
        found = next((read_pickle(file) for file in files if file.exists()), None)
    if not isinstance(found, dict):
        searched = ", ".join(map(str, options.keypoints)) or "the annotation"
        remedy = "Name the files or folders that hold the joints: --keypoints."
        refuse(place, f"its keypoint in {searched}", "none", remedy)
    return _array(place, found, "keypoint", 3)


def _array(place: str, record: Mapping[str, Any], key: str, axes: int) -> Floats:
    """Return a finite array of numbers."""
    found: Array | None = record.get(key)
    if not isinstance(found, np.ndarray) or found.ndim != axes or found.dtype.kind not in "fiu":
        said = f"{found.dtype} {list(found.shape)}" if isinstance(found, np.ndarray) else found
        refuse(place, f"an array of {axes} axes as {key!r}", said, "Is the annotation whole?")
    numbers = found.astype(np.float32)
    if not (np.abs(numbers) < 1e9).all():
        refuse(place, f"finite numbers in {key!r}", "others", "Mark missing joints by zeros.")
    return numbers


def _whole(place: str, record: Mapping[str, Any], key: str, default: int) -> int:
    """Return a whole number; no set has labels or frames beyond a million."""
    found = record.get(key, default)
    if isinstance(found, bool) or not isinstance(found, int) or not -1 <= found <= MOST_FRAMES:
        refuse(place, f"a whole number up to {MOST_FRAMES} as {key!r}", repr(found), "Correct it.")
    return found
