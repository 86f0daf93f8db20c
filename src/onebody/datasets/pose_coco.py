"""Poses in COCO's form: results of a pose network, or annotations.

Results are a list of ``{image_id, keypoints: [x, y, score] * J, score}``. Annotations are a mapping
with ``images`` and ``annotations``, whose keypoints have a visibility in the place of the score: 0
not labeled, 1 hidden, 2 seen. ``track_id`` joins poses of one person, in either.

Pictures belong to one recording if they share a ``vid_id`` (or ``video_id``), else the folder of
their ``file_name``, else all of them do. Their order is that of ``frame_id`` (``frame_index``),
else of the names. Results without a list of pictures are one recording whose image ids count its
frames.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from onebody.data.media import natural_key
from onebody.datasets.pose_clip import (
    Detection,
    PoseClip,
    PoseOptions,
    read_json,
    refuse,
    to_numbers,
)
from onebody.datasets.pose_tracks import stack_tracks

SPARSEST = 10
"""Image ids that leave more than nine of ten numbers out are no frame numbers."""

Id = int | str
Poses = dict[Id, list[Detection]]


def read_coco(source: Path, options: PoseOptions) -> Iterator[PoseClip]:
    """Read the recordings of a COCO file.

    Raises:
        ValueError: naming file and record, if the file contradicts the form.
    """
    content = read_json(source)
    annotated = isinstance(content, dict)
    if annotated and not all(isinstance(content.get(k), list) for k in ("images", "annotations")):
        refuse(source, "lists 'images' and 'annotations'", sorted(content), "Is it a COCO file?")
    if not annotated and not isinstance(content, list):
        refuse(source, "a list of results", type(content).__name__, "Is it a COCO file?")
    records = content["annotations"] if annotated else content
    poses: Poses = defaultdict(list)
    for number, record in enumerate(records):
        place = f"{source}: record {number}"
        poses[_image_id(place, record, "image_id")].append(
            _detection(place, record, options.joints, annotated=annotated)
        )
    if options.images is not None:
        listed = read_json(options.images)
        images = listed.get("images") if isinstance(listed, dict) else listed
        recordings = _listed(options.images, images, source.stem, poses)
    elif annotated:
        recordings = _listed(source, content["images"], source.stem, poses)
    else:
        recordings = {source.stem: _counted(source, poses)}
    for name, ids in recordings.items():
        clip = stack_tracks([poses.get(i, []) for i in ids], options.joints, 2)
        yield replace(clip, name=name, fps=options.fps)


def _image_id(place: str, record: object, key: str) -> Id:
    """Return the id of the picture that a record is of."""
    found = record.get(key) if isinstance(record, dict) else None
    if isinstance(found, bool) or not isinstance(found, int | str):
        refuse(place, f"a number or text as {key!r}", repr(found), "Write one for every record.")
    return found


def _detection(place: str, record: dict[str, Any], joints: int, *, annotated: bool) -> Detection:
    """Read one person."""
    values = to_numbers(place, record.get("keypoints"), "'keypoints'", (3 * joints,))
    x_y, last = values.reshape(joints, 3)[:, :2], values.reshape(joints, 3)[:, 2]
    if annotated and not np.isin(last, (0, 1, 2)).all():
        refuse(
            place, "visibilities 0, 1 or 2", last.tolist(), "Are they scores? Then list results."
        )
    known = last > 0 if annotated else (last > 0) | (x_y != 0).any(-1)
    missing = np.float32(np.nan)
    track = record.get("track_id")
    return Detection(
        joints=np.where(known[:, None], x_y, missing),
        scores=None if annotated else np.where(known, np.clip(last, 0, 1), missing),
        track="" if track is None else str(track),
    )


def _counted(source: Path, poses: Mapping[Id, object]) -> list[Id]:
    """Return the frames of a recording whose image ids count them; gaps are frames too."""
    numbers = [i for i in poses if isinstance(i, int)]
    if len(numbers) < len(poses):
        refuse(source, "frame numbers as image ids", "texts", "List the pictures: --images FILE.")
    if not numbers:
        refuse(source, "at least one pose", "none", "Leave the file out.")
    span = max(numbers) - min(numbers) + 1
    if span > SPARSEST * len(numbers):
        found = f"{len(numbers)} between {min(numbers)} and {max(numbers)}"
        refuse(source, "frame numbers as image ids", found, "List the pictures: --images FILE.")
    return list(range(min(numbers), max(numbers) + 1))


def _listed(
    file: Path, images: object, name: str, poses: Mapping[Id, object]
) -> dict[str, list[Id]]:
    """Return the frames of each recording as a list of pictures states them."""
    if not isinstance(images, list):
        refuse(file, "a list 'images'", type(images).__name__, "Is it a COCO file?")
    places: dict[str, list[tuple[Any, Id]]] = defaultdict(list)
    seen: set[Id] = set()
    for number, image in enumerate(images):
        place = f"{file}: picture {number}"
        own = _image_id(place, image, "id")
        if own in seen:
            refuse(place, "each id once", repr(own), "Give every picture its own id.")
        seen.add(own)
        path = PurePosixPath(str(image.get("file_name", "")))
        video = next((str(image[k]) for k in ("vid_id", "video_id") if k in image), "")
        folder = "" if path.parent == PurePosixPath(".") else str(path.parent)
        order = next((image[k] for k in ("frame_id", "frame_index") if k in image), None)
        if order is not None and (isinstance(order, bool) or not isinstance(order, int)):
            refuse(place, "a whole number as frame", repr(order), "Correct it or leave it out.")
        key = (0 if order is None else order, natural_key(str(path)), natural_key(str(own)))
        places[video or folder or name].append((key, own))
    strangers = [i for i in poses if i not in seen]
    if strangers:
        remedy = "Name the list of the pictures that the poses are of."
        refuse(file, f"all {len(poses)} pictures that have poses", f"no {strangers[0]!r}", remedy)
    return {video: [own for _, own in sorted(found)] for video, found in places.items()}
