"""Penn Action: 2,326 web videos of 15 actions with 13 joints in every frame.

Official layout: ``frames/0001/000001.jpg`` and ``labels/0001.mat``
(`onebody.datasets.penn_action_labels`). Labels alone are enough: joints are a label (``pose2d``)
and the medium ``skeleton`` (pixels). They are converted once into a prepared folder. Nobody says
how many frames a second there are, nor which videos show the same person.

Source: Zhang, Zhu, Derpanis, "From Actemes to Action: A Strongly-supervised Representation for
Detailed Action Understanding", ICCV 2013.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from onebody.config import Config
from onebody.data import ClassColumn, JointsColumn, SampleTable, make_table
from onebody.data.sources import probe, read_array
from onebody.data.store import load_table, save_table
from onebody.data.table import Numbers
from onebody.datasets.listed import Missing, find_media
from onebody.datasets.penn_action_labels import (
    CLASSES,
    VIEWS,
    Video,
    joint_box,
    read_label,
    summary,
)
from onebody.datasets.prepared import is_made_from, keep_origin, store_arrays
from onebody.labels import LabelSpace, symmetric

LABELS, FRAMES = "labels", "frames"
SKELETON = "penn-13"
_NAME = "penn-action"
_VIEW_MIRROR = {"front": "front", "back": "back", "left": "right", "right": "left"}
_ANY_SIZE = (100_000, 100_000)
_SIZE_SLACK = 1
"""Pixels by which pictures may differ from what the label says, from rounding when scaled."""


class PennActionConfig(Config):
    """Penn Action in its official layout, with or without the pictures.

    Attributes:
        folder: what holds ``labels`` and ``frames``, or a prepared folder.
        media: ``skeleton``: joints alone, even where there are pictures; ``frames``: pictures must
            be there; default: pictures if they are there, and joints.
        prepared: where joints are kept; default: ``prepared`` inside ``folder``.
        fps: frames per second; null: unknown, as the set does not say.
        boxes: what is looked at in place of the picture: ``annotated``: the set's own boxes, those
            of all frames as one; ``joints``: around the joints that are seen, as SPNet's authors
            do (which is closer); ``none``: the picture.
        missing: whether labeled videos without pictures are an error or left out.
    """

    kind: Literal["penn-action"] = "penn-action"
    folder: Path
    media: Literal["frames", "skeleton"] | None = None
    prepared: Path | None = None
    fps: float | None = Field(None, gt=0.0)
    boxes: Literal["annotated", "joints", "none"] = "annotated"
    missing: Missing = "refuse"


def read_penn_action(config: PennActionConfig) -> SampleTable:
    """Read the set: prepared where that was done before, else from the official files.

    Raises:
        ImportError: if labels are read and scipy is not installed.
        ValueError: naming the file and field that is missing, damaged or contradicts another.
    """
    if (config.folder / "table.json").exists():
        return _finish(load_table(config.folder), config)
    files = sorted((config.folder / LABELS).glob("*.mat"))
    if not files:
        raise ValueError(
            f"{config.folder}: no Penn Action here. Expected labels/0001.mat and so on, or a "
            "prepared folder with table.json."
        )
    pictures = _pictures(config, [file.stem for file in files])
    if pictures is not None:
        files = [file for file in files if file.stem in pictures]
    prepared = config.prepared or config.folder / "prepared"
    made = load_table(prepared) if (prepared / "table.json").exists() else None
    known = made is not None and _is_of(made, [file.stem for file in files], pictures)
    if made is None or not known or not is_made_from(prepared, files):
        made = prepare((read_label(file) for file in files), prepared, pictures)
        keep_origin(prepared, files)
    return _finish(made, config)


def prepare(
    videos: Iterable[Video], folder: Path, pictures: Mapping[str, str] | None = None
) -> SampleTable:
    """Write videos as a prepared folder and return its table; what is odd is counted and said.

    Args:
        videos: what is annotated.
        folder: the prepared folder.
        pictures: folder of each video's pictures by its name; None: there are none.

    Raises:
        ValueError: if pictures contradict a label; names both.
    """
    found = list(videos)
    media = {}
    if pictures is not None:
        media["rgb"] = np.array([_numbered(v, pictures[v.name]) for v in found], np.str_)
    folder.mkdir(parents=True, exist_ok=True)
    media["skeleton"] = store_arrays(folder / "skeleton.npy", [v.joints[..., :2] for v in found])
    places = store_arrays(folder / "pose2d.npy", [v.joints for v in found])
    labels = np.array([CLASSES.index(v.action) for v in found], np.int64)
    views = np.array([VIEWS.index(v.view) for v in found], np.int64)
    names = [v.name for v in found]
    made = make_table(
        _NAME,
        media,
        columns={
            "action": ClassColumn(values=labels, space=symmetric(_NAME, CLASSES)),
            "view": ClassColumn(
                values=views, space=LabelSpace(f"{_NAME} view", VIEWS, _VIEW_MIRROR)
            ),
            "pose2d": JointsColumn(sources=places, skeleton=SKELETON, unit="px"),
        },
        layouts={"skeleton": SKELETON},
        split=[v.split for v in found],
        group=names,
        box=np.array([v.box for v in found], np.float64).reshape(-1, 4),
        row_names=names,
    )
    save_table(made, folder)
    if text := summary(found):
        warnings.warn(f"{_NAME}: {text}.", stacklevel=3)
    return load_table(folder)


def _pictures(config: PennActionConfig, names: list[str]) -> dict[str, str] | None:
    """Find the folders of the videos' pictures by name; None: joints alone are wanted or there."""
    root = config.folder / FRAMES
    if config.media == "skeleton" or (config.media is None and not root.is_dir()):
        return None
    found = {key: paths[0] for key, paths in find_media(root, 1, folders=True).items()}
    lost = [name for name in names if name not in found]
    if lost and (config.missing == "refuse" or len(lost) == len(names)):
        raise ValueError(
            f"{root}: expected a folder of pictures for every label, found none for {lost[0]!r} "
            f"({len(lost)} of {len(names)} videos are missing). Fetch them, state 'missing: drop' "
            "to go without them, or 'media: skeleton' to read joints alone."
        )
    if lost:
        text = f"{_NAME}: {len(lost)} of {len(names)} videos have no pictures below {root}"
        warnings.warn(f"{text} and are left out.", stacklevel=3)
    if strange := sorted(set(found) - set(names)):
        text = f"{_NAME}: {len(strange)} folders below {root} have no label"
        warnings.warn(f"{text} (first: {strange[0]!r}) and are not used.", stacklevel=3)
    return {name: found[name] for name in names if name in found}


def _is_of(made: SampleTable, names: list[str], pictures: Mapping[str, str] | None) -> bool:
    """Say whether a prepared table is of these videos and pictures, and knows boxes."""
    if not np.isfinite(made.box).any():  # earlier versions did not keep them
        return False
    if made.row_names.tolist() != names or ("rgb" in made.media) != (pictures is not None):
        return False
    if pictures is None:
        return True
    folders = [source.rpartition("/")[0] for source in made.media["rgb"].tolist()]
    return folders == [os.path.abspath(pictures[name]) for name in names]


def _numbered(video: Video, folder: str) -> str:
    """Return the source of a video's pictures, which must be as many and as large as labeled."""
    frames = len(video.joints)
    source = f"{folder}/%06d.jpg"
    info = probe(source)
    if info.num_frames != frames:
        raise ValueError(
            f"{folder}: expected {frames} pictures, as labels/{video.name}.mat says in 'nframes', "
            f"found {info.num_frames}. Fetch both again."
        )
    off = max(abs(info.height - video.size[0]), abs(info.width - video.size[1]))
    if off > _SIZE_SLACK:
        raise ValueError(
            f"{folder}: expected pictures of {video.size[0]} x {video.size[1]} (H x W), as "
            f"labels/{video.name}.mat says in 'dimensions', found {info.height} x {info.width}. "
            "Take the official pictures: joints are places in these."
        )
    return f"{source}#1:{frames + 1}"


def _finish(table: SampleTable, config: PennActionConfig) -> SampleTable:
    """Put in the frame rate, if somebody knows it, and the boxes that are asked for."""
    if config.fps is not None:
        table = replace(table, fps=np.full(len(table), config.fps))
    if config.boxes == "joints":
        return replace(table, box=_joint_boxes(table))
    if config.boxes == "none":
        return replace(table, box=np.full((len(table), 4), np.nan))
    if not np.isfinite(table.box).any():
        raise ValueError(
            f"{config.folder}: expected a prepared folder with the set's boxes, found none (an "
            "earlier version did not keep them). State 'boxes: joints' (or 'none'), or prepare the "
            "labels anew."
        )
    return table


def _joint_boxes(table: SampleTable) -> Numbers:
    """Return boxes ``[N, 4]`` around the joints that are seen."""
    column = table.columns["pose2d"]
    assert isinstance(column, JointsColumn)  # as prepared
    # What lies outside the picture is not seen, so that its size is not needed.
    joints = (np.asarray(read_array(str(place)), np.float32) for place in column.sources)
    return np.array([joint_box(own, _ANY_SIZE) for own in joints], np.float64).reshape(-1, 4)
