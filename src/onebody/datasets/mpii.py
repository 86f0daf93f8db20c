"""MPII Human Pose: people in stills of web videos, 16 joints, their boxes, heads and activities.

Two forms are read; which one is there shows by the files:

- the official ``mpii_human_pose_v1_u12_1.mat`` (`onebody.datasets.mpii_mat`): all people, sizes of
  heads, activities, and which video a picture was taken from;
- the JSON lists that public code takes (`onebody.datasets.mpii_json`): ``annot/train.json``,
  ``annot/valid.json`` (``mpii_train.json``, ..), the usual validation set among them.

A person's box is a square about the stated center, as high as 200 times the stated scale, moved
down by 7.5 % of that so that the feet are within, as HRNet does; `InputSpec.box_scale` enlarges it
by its 1.25. Coordinates count from 1 at the first pixel's center. No official .mat file was at
hand: its reader was tried on files that were written in that layout.

Source: Andriluka, Pishchulin, Gehler, Schiele, "2D Human Pose Estimation: New Benchmark and State
of the Art Analysis", CVPR 2014.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from onebody.config import Config
from onebody.data import SampleTable
from onebody.datasets import matlab, mpii_json, mpii_mat
from onebody.datasets.listed import Missing
from onebody.datasets.mpii_json import head_file, read_lists
from onebody.datasets.mpii_mat import read_release
from onebody.datasets.people import kept_people, with_pictures

RELEASE = "mpii_human_pose_v1_u12_1.mat"
_PLACES = ("", "annot", "annotations", "mpii_human_pose_v1_u12_2")
_LISTS = tuple(
    tuple(f"{prefix}{part}.json" for part in parts)
    for prefix, parts in (("", ("train", "valid", "test")), ("mpii_", ("train", "val", "test")))
)


class MpiiConfig(Config):
    """MPII, official or as JSON lists.

    Attributes:
        folder: what holds the annotation and the pictures.
        annotations: the .mat file, or JSON lists; default: looked for in ``folder``, the .mat file
            first.
        images: the pictures; default: ``images`` inside ``folder`` if it is there, else ``folder``.
        people: of the .mat file: everyone (``all``), or those that its ``single_person`` says stand
            apart from others (``single``): the people of the single-person test.
        prepared: where what was read is kept; default: ``prepared`` inside ``folder``.
        missing: whether people whose pictures are not there are an error or left out.
    """

    kind: Literal["mpii"] = "mpii"
    folder: Path
    annotations: tuple[Path, ...] = ()
    images: Path | None = None
    people: Literal["all", "single"] = "all"
    prepared: Path | None = None
    missing: Missing = "refuse"


def read_mpii(config: MpiiConfig) -> SampleTable:
    """Read one row per person: box, head size, ``pose2d``.

    The .mat file also gives ``activity`` and ``category``. People of training pictures without
    joints make no row; unlabeled people of test pictures make rows without labels. How many people
    were left out is said when the annotation is first read.

    Raises:
        ImportError: if scipy is needed and not installed; names the extra.
        ValueError: naming file and record of what is missing or contradicts itself.
    """
    files = config.annotations or find_annotations(config.folder)
    forms = {file.suffix.lower() for file in files}
    if forms not in ({".mat"}, {".json"}) or (forms == {".mat"} and len(files) > 1):
        raise ValueError(
            f"{config.folder}: expected one .mat file or JSON lists as 'annotations', found "
            f"{', '.join(map(str, files))}."
        )
    inside = config.folder / "images"
    images = config.images or (inside if inside.is_dir() else config.folder)
    code = [Path(str(module.__file__)) for module in (matlab, mpii_json, mpii_mat)]
    heads = [file for file in map(head_file, files) if file] if forms == {".json"} else []
    options = f"mpii {images.resolve()} {config.people} {[str(file) for file in files]}"

    def make(work: Path) -> SampleTable:
        if forms == {".mat"}:
            return read_release(files[0], images, config.people, work)
        if config.people != "all":
            raise ValueError(
                f"{files[0]}: 'people: {config.people}' needs the .mat file, which alone says who "
                "stands apart. Leave it out."
            )
        return read_lists(files, images, work)

    folder = config.prepared or config.folder / "prepared"
    table = kept_people(folder, [*files, *heads, *code], options, make)
    return with_pictures(table, config.missing)


def find_annotations(folder: Path) -> Sequence[Path]:
    """Find the .mat file, or else JSON lists.

    Raises:
        ValueError: if there are neither.
    """
    for place in _PLACES:
        if (folder / place / RELEASE).is_file():
            return (folder / place / RELEASE,)
    for place in _PLACES:
        for names in _LISTS:
            found = [folder / place / name for name in names if (folder / place / name).is_file()]
            if found:
                return found
    raise ValueError(
        f"{folder}: no MPII here. Expected {RELEASE}, or train.json and valid.json in 'annot' or "
        "'annotations'; name other files as 'annotations'."
    )
