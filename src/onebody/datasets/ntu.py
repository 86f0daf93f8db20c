"""NTU RGB+D 60 and 120: Kinect skeletons and color videos of 60 or 120 actions.

Official layout: ``nturgb+d_skeletons/S001C001P001R001A001.skeleton``
(`onebody.datasets.ntu_skeleton`), ``nturgb+d_rgb/S001C001P001R001A001_rgb.avi`` (1920 x 1080) and a
list of recordings with missing skeletons. Skeletons are read once, into a prepared folder. This
reader was only tried on texts that were written in the official layout, on none of the official
ones but an excerpt.

Sources: see `onebody.datasets.ntu_names`. The joints are the Kinect's own estimates: pseudo ground
truth. One camera is fitted to each recording's joints, for nobody recorded a calibration. The
sensor mirrors what it sees: the left hand of a person who faces it lies on the picture's left.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import model_validator

from onebody.config import Config
from onebody.data import ClassColumn, SampleTable
from onebody.data.store import load_table
from onebody.datasets.listed import find_media
from onebody.datasets.ntu_bodies import Body
from onebody.datasets.ntu_names import CLASSES, MISSING_LISTS, Protocol, parse_name, read_missing
from onebody.datasets.ntu_prepare import NAME, SECOND, prepare
from onebody.datasets.prepared import is_made_from, keep_origin, prefix_subjects
from onebody.labels import symmetric
from onebody.types import Bools

SKELETONS, VIDEOS = "nturgb+d_skeletons", "nturgb+d_rgb"


class NtuConfig(Config):
    """NTU RGB+D in its official layout (or a prepared folder).

    Attributes:
        folder: what holds the official folders, or a prepared folder.
        classes: 60, or all 120 of the later set.
        split: the protocol that fills the table's ``split`` column: cross-subject, cross-view (of
            60) or cross-setup (of 120).
        body: who is meant where there are several bodies, see `onebody.datasets.ntu_bodies`.
        people: 2: the second person of a recording is a row of their own, in the same group,
            whether the class is one of two people or not.
        boxes: what is looked at in place of the color picture: ``joints``: around the joints of all
            frames in it (estimates of a Kinect), as SPNet's authors do; ``none``: the picture.
        skeletons: default: ``nturgb+d_skeletons`` inside ``folder`` if it is there, else
            ``folder``.
        videos: default: ``nturgb+d_rgb`` inside ``folder``, if it is there.
        lists: what holds the list of missing skeletons; default: ``folder``.
        prepared: default: ``prepared`` inside ``folder``. Each choice of ``body`` has its folder
            there.
        subject_prefix: put before every subject's name, so that the people of several sets stay
            apart.
    """

    kind: Literal["ntu"] = "ntu"
    folder: Path
    classes: Literal[60, 120] = 60
    split: Protocol = "xsub"
    body: Body = "spread"
    people: Literal[1, 2] = 1
    boxes: Literal["joints", "none"] = "joints"
    skeletons: Path | None = None
    videos: Path | None = None
    lists: Path | None = None
    prepared: Path | None = None
    subject_prefix: str = ""

    @model_validator(mode="after")
    def _protocol_of_set(self) -> Self:
        if (self.classes, self.split) in ((60, "xset"), (120, "xview")):
            raise ValueError(f"split {self.split!r} is no protocol of {self.classes} classes")
        return self


def read_ntu(config: NtuConfig) -> SampleTable:
    """Read the set: prepared where that was done before, else from the official files.

    Recordings without a body, or in the list of missing skeletons, are left out and counted.

    Raises:
        ValueError: naming the file and line that is missing, damaged or contradicts the layout.
    """
    if (config.folder / "table.json").exists():
        made = load_table(config.folder)
        if made.name != f"{NAME} {config.body}":
            raise ValueError(
                f"{config.folder}: expected a folder that was prepared with 'body: {config.body}', "
                f"found {made.name!r}. State its 'body', or prepare the official texts anew."
            )
        return _finish(made, config)
    files = _texts(config)
    videos = _videos(config)
    prepared = (config.prepared or config.folder / "prepared") / config.body
    found = load_table(prepared) if (prepared / "table.json").exists() else None
    names = [file.stem for file in files]
    if strange := sorted(set(videos) - set(names)):
        text = f"{NAME}: {len(strange)} videos (first: {strange[0]}) have no text"
        warnings.warn(f"{text} of a skeleton and are not used.", stacklevel=2)
    known = found is not None and _is_of(found, names, videos)
    if found is None or not known or not is_made_from(prepared, files):
        found = prepare(files, videos, config.body, prepared)
        keep_origin(prepared, files)
    return _finish(found, config)


def _texts(config: NtuConfig) -> list[Path]:
    """Find the official texts in name order."""
    inside = config.folder / SKELETONS
    root = config.skeletons or (inside if inside.is_dir() else config.folder)
    files = sorted(root.glob("*.skeleton"))
    if not files:
        raise ValueError(
            f"{root}: no NTU RGB+D here. Expected S001C001P001R001A001.skeleton and so on, or a "
            "prepared folder with table.json."
        )
    for file in files:
        if parse_name(file.stem) is None:
            raise ValueError(
                f"{file}: expected a name SsssCcccPpppRrrrAaaa of S001 to S032, C001 to C003, P001 "
                "to P106, R001 to R002, A001 to A120. Remove the file or correct its name."
            )
    return files


def _videos(config: NtuConfig) -> dict[str, str]:
    """Find the color videos by name of the recording."""
    root = config.videos or config.folder / VIDEOS
    if config.videos is None and not root.is_dir():
        return {}
    videos = {}
    for key, paths in find_media(root, 1).items():
        name = key.upper().removesuffix("_RGB")
        if name in videos or len(paths) > 1:
            raise ValueError(
                f"{root}: expected one video of {name}, found several. Remove all but one."
            )
        videos[name] = os.path.abspath(paths[0])
    return videos


def _is_of(made: SampleTable, names: list[str], videos: dict[str, str]) -> bool:
    """Say whether a prepared table is of these texts and videos, and knows boxes."""
    if not np.isfinite(made.box).any():  # earlier versions did not keep them
        return False
    main = made.select(~_is_second(made))
    rgb = main.media["rgb"].tolist() if "rgb" in main.media else [""] * len(main)
    return main.row_names.tolist() == names and rgb == [videos.get(name, "") for name in names]


def _is_second(table: SampleTable) -> Bools:
    """Return ``[N]``: which rows are a recording's second person?"""
    return np.char.endswith(table.row_names, SECOND)


def _finish(made: SampleTable, config: NtuConfig) -> SampleTable:
    """Keep the rows that the options ask for, and fill the columns of the protocol."""
    names = [name.removesuffix(SECOND) for name in made.row_names.tolist()]
    parsed = [parse_name(name) for name in names]
    if bad := [name for name, found in zip(names, parsed, strict=True) if found is None]:
        raise ValueError(f"{config.folder}: expected rows named as NTU RGB+D's, found {bad[0]!r}.")
    recordings = [found for found in parsed if found is not None]
    wanted = np.array([found.is_of(config.classes) for found in recordings], np.bool_)
    wanted &= ~_is_second(made) | (config.people == 2)
    keep = _with_skeletons(made, wanted, names, config)
    labels = np.array([found.action - 1 for found in recordings], np.int64)
    labels = np.where(wanted, labels, 0)  # of other rows the class may have no place
    space = symmetric(f"{NAME}-{config.classes}", CLASSES[: config.classes])
    across = config.split == "xview"  # which tests what it has seen from other sides
    groups = names if across else [found.performance for found in recordings]
    table = replace(
        made,
        name=NAME,
        columns={"action": ClassColumn(values=labels, space=space), **made.columns},
        split=np.array([found.split(config.split) for found in recordings], np.str_),
        subject=np.array([str(found.subject) for found in recordings], np.str_),
        camera=np.array([str(found.camera) for found in recordings], np.str_),
        source=np.array([found.performance for found in recordings], np.str_),
        group=np.array(groups, np.str_),
        box=made.box if config.boxes == "joints" else np.full((len(made), 4), np.nan),
    ).select(keep)
    return prefix_subjects(table, config.subject_prefix)


def _with_skeletons(made: SampleTable, wanted: Bools, names: list[str], config: NtuConfig) -> Bools:
    """Leave out what has no skeleton, or is in the official list; count both."""
    listed = np.isin(names, sorted(_listed(config)))
    empty = made.media["skeleton"] == ""
    keep: Bools = wanted & ~listed & ~empty
    parts = []
    if (wanted & listed).any():
        parts.append(f"{(wanted & listed).sum()} are in the list of missing skeletons")
    if (wanted & empty & ~listed).any():
        parts.append(f"{(wanted & empty & ~listed).sum()} more show no body")
    if parts:
        text = f"{NAME}: of {wanted.sum()} rows {' and '.join(parts)}"
        warnings.warn(f"{text}; they are left out.", stacklevel=4)
    if not keep.any():
        raise ValueError(
            f"{config.folder}: expected recordings of {config.classes} classes with skeletons, "
            "found none. State 'classes: 120' for the later set."
        )
    return keep


def _listed(config: NtuConfig) -> set[str]:
    """Read the official list of missing skeletons; that of 120 holds that of 60."""
    root = config.lists or config.folder
    for classes in (60, 120) if config.classes == 60 else (120,):
        file = root / MISSING_LISTS[classes]
        if file.exists():
            return read_missing(file)
    text = f"{NAME}: no {MISSING_LISTS[config.classes]} in {root}, so that incomplete skeletons are"
    warnings.warn(f"{text} kept: figures are not those of the official protocol.", stacklevel=5)
    return set()
