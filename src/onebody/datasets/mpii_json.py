"""MPII as JSON lists, the form that HRNet made common: one record per person.

``{"image": "005808361.jpg", "center": [x, y], "scale": height / 200, "joints": [[x, y]] * 16,
"joints_vis": [0 or 1] * 16}``; a record without joints is unlabeled. ``joints_vis`` says whether a
joint is annotated: annotated joints are taken for seen. Sizes of heads stand in a file beside the
validation list (``gt_valid.mat``, ``mpii_gt_val.mat``: ``headboxes_src`` ``[2, 2, N]``, in the
list's order). The lists do not say from which video a picture was taken: each is its own group.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from onebody.data import SampleTable
from onebody.datasets.matlab import mat_variable
from onebody.datasets.people import (
    PIXEL_CENTER,
    LeftOut,
    Person,
    check_distinct,
    people_table,
    split_of,
)
from onebody.datasets.pose_clip import read_json, refuse, to_numbers
from onebody.metrics import head_size
from onebody.types import Doubles, Floats

SKELETON = "mpii-16"
PERSON_PX = 200.0
"""Height of a person of scale 1."""

_DOWN_PX = 15.0
"""How far a box is moved down, for a person of scale 1."""

_NO_BOX = "people without a position and a scale"
_NO_JOINTS = "people without an annotated joint"


def read_lists(files: Sequence[Path], images: Path, work: Path) -> SampleTable:
    """Read JSON lists as one table.

    Raises:
        ValueError: naming file and record of what contradicts the form.
    """
    left_out = LeftOut()
    people: list[Person] = []
    keys: dict[Path, set[object]] = {}
    for file in files:
        found = _read_list(file, images, left_out)
        keys[file] = {(person.picture, person.box) for person in found}
        people += found
    check_distinct(keys, "the person")
    if not people:
        refuse(files[0], "people", f"none that can be used ({left_out})", "Name another list.")
    left_out.say("mpii")
    return people_table("mpii", people, SKELETON, {}, work)


def head_file(file: Path) -> Path | None:
    """Return the file beside a list that holds the boxes of its heads, if there is one."""
    names = (f"gt_{file.stem}.mat", file.stem.replace("mpii_", "mpii_gt_") + ".mat")
    return next((file.with_name(n) for n in names if file.with_name(n).is_file()), None)


def person_box(x: float, y: float, scale: float) -> tuple[float, float, float, float]:
    """Return the square box of a person (x0, y0, x1, y1) from position (counted from 1) and scale.

    Source: the affine crop of HRNet, for which see Sun, Xiao, Liu, Wang, "Deep High-Resolution
    Representation Learning for Human Pose Estimation", CVPR 2019.
    """
    half = PERSON_PX * scale / 2
    x, y = x - PIXEL_CENTER, y - PIXEL_CENTER + _DOWN_PX * scale
    return x - half, y - half, x + half, y + half


def _read_list(file: Path, images: Path, left_out: LeftOut) -> list[Person]:
    """Read one list."""
    records = read_json(file)
    if not isinstance(records, list) or not records:
        refuse(file, "a list of people", type(records).__name__, "Is it an MPII list?")
    heads = _heads(file, records)
    split, people = split_of(file), []
    for number, record in enumerate(records):
        place = f"{file.name}:{number}"
        whole = f"{file}: record {number}"
        joints = _joints(whole, record)
        x, y = to_numbers(whole, record.get("center"), "'center'", (2,)).tolist()
        scale = float(to_numbers(whole, [record.get("scale")], "'scale'", (1,))[0])
        if scale <= 0 or x == -1:
            left_out.add(_NO_BOX, place)
        elif joints is not None and np.isnan(joints).any(1).all():
            left_out.add(_NO_JOINTS, place)
        else:
            person = Person(
                place=place,
                picture=str(images / record["image"]),
                box=person_box(x, y, scale),
                joints=joints,
                head_px=float(heads[number]),
                group=record["image"],
                split=split,
            )
            people.append(person)
    return people


def _joints(place: str, record: Any) -> Floats | None:
    """Read joints as ``[16, 3]``; None: the record has none."""
    if not isinstance(record, dict) or not isinstance(record.get("image"), str):
        refuse(place, "a record with 'image'", repr(record), "Is it an MPII list?")
    points, seen = record.get("joints"), record.get("joints_vis")
    if points is None and seen is None:
        return None
    if not isinstance(points, list) or len(points) != 16:
        found = len(points) if isinstance(points, list) else repr(points)
        refuse(place, "16 'joints'", found, "Is it an MPII list?")
    places = np.stack([to_numbers(place, point, "a joint", (2,)) for point in points])
    known = to_numbers(place, seen, "'joints_vis'", (16,))
    if not np.isin(known, (0, 1)).all():
        refuse(place, "'joints_vis' of 0 and 1", seen, "Is it an MPII list?")
    joints = np.concatenate([places - np.float32(PIXEL_CENTER), known[:, None]], axis=1)
    return np.where(known[:, None] > 0, joints, np.float32(np.nan))


def _heads(file: Path, records: Sequence[Any]) -> Doubles:
    """Return the size of every record's head; NaN where nobody says.

    Raises:
        ValueError: if the file of heads is of other people.
    """
    beside = head_file(file)
    if beside is None:
        return np.full(len(records), np.nan)
    boxes = mat_variable(beside, "headboxes_src", 3)
    joints = mat_variable(beside, "pos_gt_src", 3)
    count = len(records)
    if boxes.shape != (2, 2, count) or joints.shape != (16, 2, count):
        found = f"headboxes_src {boxes.shape} and pos_gt_src {joints.shape}"
        remedy = "Fetch both again, or move the .mat file away."
        refuse(beside, f"the heads and joints of the {count} people of {file.name}", found, remedy)
    for number in (0, count // 2, count - 1):  # the order of both files is the only bond
        own = _joints(f"{file}: record {number}", records[number])
        if own is None or not np.isfinite(own).any():
            continue
        gap = np.abs(own[:, :2] + PIXEL_CENTER - np.asarray(joints[:, :, number], np.float64))
        if not np.nanmedian(gap) <= 1:
            remedy = "Fetch both again, or move the .mat file away."
            refuse(beside, f"the joints of {file.name}", f"others at record {number}", remedy)
    return head_size(np.asarray(boxes, np.float64).reshape(4, count).T)
