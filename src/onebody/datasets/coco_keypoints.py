"""COCO keypoints: people in pictures, with boxes and joints, and the sets in the same form.

``annotations/person_keypoints_{train,val}2017.json`` beside the folders ``train2017`` and
``val2017``; or any JSON file of that form, PoseTrack18's and sub-JHMDB's as MMPose has them among
them. Of each annotation: ``keypoints`` (x, y, v per joint: v = 0 not annotated, 1 hidden, 2 seen),
``bbox`` (x, y, width, height), ``iscrowd``, and PoseTrack's ``bbox_head``. A file whose v never
exceeds 1 (PoseTrack) has no word for hidden: there 1 is seen.

Coordinates of keypoints are numbers of pixels, the first being 0, so half a pixel is added; boxes
count from the picture's border. JHMDB's count from 1.

Source: Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014; how keypoints and boxes
count: the data loader of Detectron2 (facebookresearch); JHMDB: MMPose's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from onebody.config import Config
from onebody.data import SampleTable
from onebody.datasets.coco_layout import layout_of, person_categories
from onebody.datasets.listed import Missing
from onebody.datasets.people import (
    PIXEL_CENTER,
    LeftOut,
    Person,
    check_distinct,
    first_folder,
    kept_people,
    people_table,
    split_of,
    with_pictures,
)
from onebody.datasets.pose_clip import read_json, refuse, to_numbers
from onebody.metrics import head_size
from onebody.skeletons import get_skeleton
from onebody.types import Floats

_FROM_ONE = ("jhmdb-15",)
"""Layouts whose files count pixels from 1."""

_CROWD = "annotations of crowds"
_NO_JOINTS = "annotations without an annotated joint"
_NO_BOX = "people without a box that has an area"
_OTHER = "annotations of other categories"

_PREFIX = "person_keypoints_"


class CocoKeypointsConfig(Config):
    """JSON files of COCO's form.

    Attributes:
        folder: what holds the annotation and the pictures.
        annotations: JSON files; default: ``annotations/person_keypoints_*.json`` in ``folder``.
        images: what the pictures' names start from; default: ``train2017`` (and the like), or
            ``images`` with or without it, inside ``folder``, or ``folder``, where they are.
        skeleton: joint layout; default: the one whose joints the file names, in its order.
        first_pixel: the number of the first pixel; default: 1 for JHMDB, else 0.
        prepared: where what was read is kept; default: ``prepared`` inside ``folder``.
        missing: whether people whose pictures are not there are an error or left out.
    """

    kind: Literal["coco-keypoints"] = "coco-keypoints"
    folder: Path
    annotations: tuple[Path, ...] = ()
    images: Path | None = None
    skeleton: str = ""
    first_pixel: Literal[0, 1] | None = None
    prepared: Path | None = None
    missing: Missing = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """What of a file all its annotations share.

    Attributes:
        path: the file.
        root: folder of its pictures.
        images: by id.
        categories: ids of people's categories; None: the file has no categories.
        skeleton: joint layout.
        shift: from its coordinates of keypoints to pixels.
        seen: the visibility that means seen.
    """

    path: Path
    root: Path
    images: Mapping[object, Mapping[str, Any]]
    categories: frozenset[object] | None
    skeleton: str
    shift: float
    seen: int


def read_coco_keypoints(config: CocoKeypointsConfig) -> SampleTable:
    """Read one row per person with joints: ``pose2d``, box, and head where that is annotated.

    Crowds, people without a joint or a box, and other categories make no row; how many they are is
    said when a file is first read. Pictures of one video (``vid_id``) are one group.

    Raises:
        ValueError: naming file and record of what contradicts the form.
    """
    files = config.annotations or tuple(
        sorted((config.folder / "annotations").glob(f"{_PREFIX}*.json"))
    )
    if not files:
        raise ValueError(
            f"{config.folder}: no COCO keypoints here. Expected annotations/{_PREFIX}*.json; name "
            "other files as 'annotations'."
        )
    # folders that appear later may be the pictures' own: then the annotation is read anew
    roots = [
        str(root.resolve()) for file in files for root in _roots(config, file) if root.is_dir()
    ]
    names = [str(file) for file in files]
    options = f"coco {names} {roots} {config.skeleton} {config.first_pixel}"

    def make(work: Path) -> SampleTable:
        return _read_files(files, config, work)

    folder = config.prepared or config.folder / "prepared"
    code = [Path(__file__), Path(__file__).with_name("coco_layout.py")]
    return with_pictures(kept_people(folder, [*files, *code], options, make), config.missing)


def _read_files(files: Sequence[Path], config: CocoKeypointsConfig, work: Path) -> SampleTable:
    """Read files as one table."""
    left_out = LeftOut()
    people: list[Person] = []
    keys: dict[Path, set[object]] = {}
    layouts: dict[str, Path] = {}
    for path in files:
        content = read_json(path)
        file = _open(path, content, config)
        layouts.setdefault(file.skeleton, path)
        keys[path] = set()
        for number, record in enumerate(content["annotations"]):
            person = _person(file, number, record, left_out)
            if person is not None:
                key = repr(record.get("id", (path, number)))
                if key in keys[path]:
                    place = f"{path}: annotation {number}"
                    refuse(place, "an 'id' of its own", key, "Number the annotations.")
                keys[path].add(key)
                people.append(person)
    if len(layouts) > 1:
        found = ", ".join(f"{layout} in {path}" for layout, path in layouts.items())
        refuse(files[0], "files of one joint layout", found, "Read them as two sources of data.")
    check_distinct(keys, "the annotation")
    if not people:
        refuse(files[0], "people", f"none that can be used ({left_out})", "Name another file.")
    left_out.say("coco-keypoints")
    return people_table("coco-keypoints", people, next(iter(layouts)), {}, work)


def _open(path: Path, content: Any, config: CocoKeypointsConfig) -> _File:
    """Read what all annotations of a file share."""
    parts = ("images", "annotations")
    if not isinstance(content, dict) or not all(isinstance(content.get(k), list) for k in parts):
        found = sorted(content) if isinstance(content, dict) else type(content).__name__
        refuse(path, "lists 'images' and 'annotations'", found, "Is it a COCO annotation file?")
    images = {}
    for number, image in enumerate(content["images"]):
        place = f"{path}: picture {number}"
        if not isinstance(image, dict) or not isinstance(image.get("file_name"), str):
            refuse(place, "a record with 'file_name'", repr(image), "Is it a COCO annotation file?")
        if not isinstance(image.get("id"), int | str) or image["id"] in images:
            refuse(place, "an id of its own", repr(image.get("id")), "Number the pictures.")
        images[image["id"]] = image
    categories, names = person_categories(path, content.get("categories"))
    skeleton = layout_of(path, names, config.skeleton)
    first = config.first_pixel
    if first is None:
        first = 1 if skeleton in _FROM_ONE else 0
    some = next((image["file_name"] for image in images.values()), "")
    return _File(
        path=path,
        root=first_folder(some, _roots(config, path)),
        images=images,
        categories=categories,
        skeleton=skeleton,
        shift=PIXEL_CENTER - first,
        seen=_seen(content["annotations"]),
    )


def _roots(config: CocoKeypointsConfig, path: Path) -> tuple[Path, ...]:
    """Return the folders that a file's pictures may lie in."""
    if config.images is not None:
        return (config.images,)
    folder, part = config.folder, path.stem.removeprefix(_PREFIX)
    return folder / part, folder / "images" / part, folder / "images", folder


def _seen(records: Sequence[Any]) -> int:
    """Return which visibility means seen: the greatest that a file has, 1 or 2."""
    lists = (r.get("keypoints") for r in records if isinstance(r, dict))
    return 2 if any(2 in found[2::3] for found in lists if isinstance(found, list)) else 1


def _person(file: _File, number: int, record: Any, left_out: LeftOut) -> Person | None:
    """Read one annotation; None: it makes no row."""
    place = f"{file.path}: annotation {number}"
    if not isinstance(record, dict):
        refuse(place, "a record", repr(record), "Is it a COCO annotation file?")
    own = record.get("image_id")
    image = file.images.get(own) if isinstance(own, int | str) else None
    if image is None:
        refuse(place, "the 'image_id' of a listed picture", repr(own), "Add the picture.")
    short = f"{file.path.name}:{record.get('id', number)}"
    joints = None
    category = record.get("category_id")
    if file.categories is not None and not any(category == own for own in file.categories):
        left_out.add(_OTHER, short)
    elif record.get("iscrowd"):
        left_out.add(_CROWD, short)
    elif np.isnan(joints := _joints(file, place, record)).any(1).all():
        left_out.add(_NO_JOINTS, short)
    elif (box := _corners(place, record, "bbox", file.shift)) is None:
        left_out.add(_NO_BOX, short)
    else:
        head = _corners(place, record, "bbox_head", 0.0) if record.get("bbox_head") else None
        video = next((str(image[k]) for k in ("vid_id", "video_id") if k in image), "")
        return Person(
            place=short,
            picture=str(file.root / image["file_name"]),
            box=box,
            joints=joints,
            head_px=float("nan") if head is None else float(head_size(np.array(head))),
            source=video,
            group=video or image["file_name"],
            split=split_of(file.path),
        )
    return None


def _joints(file: _File, place: str, record: Mapping[str, Any]) -> Floats:
    """Read joints as ``[J, 3]``."""
    count = len(get_skeleton(file.skeleton))
    found = record.get("keypoints")
    if found is None or found == []:  # people whose joints nobody looked for
        return np.full((count, 3), np.nan, np.float32)
    values = to_numbers(place, found, "'keypoints'", (3 * count,)).reshape(count, 3)
    if not np.isin(values[:, 2], (0, 1, 2)).all():
        remedy = "Are they scores? Then import them as poses of another program."
        refuse(place, "visibilities 0, 1 or 2", values[:, 2].tolist(), remedy)
    joints = values + np.array([file.shift, file.shift, 0.0], np.float32)
    joints[:, 2] = values[:, 2] >= file.seen
    return np.where(values[:, 2:] > 0, joints, np.float32(np.nan))


def _corners(
    place: str, record: Mapping[str, Any], key: str, shift: float
) -> tuple[float, float, float, float] | None:
    """Read a box (x, y, width, height) as corners; None: it is not there or has no area."""
    if record.get(key) is None:
        return None
    x, y, w, h = to_numbers(place, record[key], f"'{key}'", (4,)).tolist()
    # boxes count from the border, which lies half a pixel before the first pixel's center
    x, y = x + shift - PIXEL_CENTER, y + shift - PIXEL_CENTER
    return (x, y, x + w, y + h) if w > 0 and h > 0 else None
