"""JHMDB: short clips of 21 actions with 15 joints and a body mask in every frame.

Official layout: ``ReCompress_Videos/<class>/<name>.avi`` or, as pictures,
``Rename_Images/<class>/<name>/00001.png`` (320 x 240, cut from HMDB51, 30 fps);
``splits/<class>_test_split{1,2,3}.txt`` (see `onebody.datasets.hmdb_lists`);
``joint_positions/<class>/<name>/joint_positions.mat`` and
``puppet_mask/<class>/<name>/puppet_mask.mat``. Where joints or masks are there, they are converted
once into a prepared folder (`onebody.datasets.jhmdb_puppets`). Results are the mean of the three
splits.

Source: Jhuang, Gall, Zuffi, Schmid, Black, "Towards Understanding Action Recognition", ICCV 2013.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from onebody.config import Config
from onebody.data import SampleTable
from onebody.data.store import load_table, save_table
from onebody.datasets.hmdb_lists import split_clips
from onebody.datasets.jhmdb_puppets import JOINTS_FOLDER, MASKS_FOLDER, make_puppets
from onebody.datasets.listed import Missing, find_media, listed_table, place_clips
from onebody.labels import symmetric

CLASSES = (
    "brush_hair", "catch", "clap", "climb_stairs", "golf", "jump", "kick_ball", "pick", "pour",
    "pullup", "push", "run", "shoot_ball", "shoot_bow", "shoot_gun", "sit", "stand",
    "swing_baseball", "throw", "walk", "wave",
)  # fmt: skip
"""Class names; there is no official order but the alphabet's."""

FPS = 30.0
VIDEOS, FRAMES = "ReCompress_Videos", "Rename_Images"


class JhmdbConfig(Config):
    """JHMDB in its official layout.

    Attributes:
        folder: what holds ``splits`` and the folders of media, joints and masks.
        split: which official split goes into the table's ``split`` column.
        media: videos, or folders of pictures; default: videos if they are there.
        lists: the lists; default: ``splits`` inside ``folder``.
        prepared: where joints and masks are kept; default: ``prepared`` inside ``folder``.
        fps: frames per second of the folders of pictures.
        missing: whether listed clips that are not there are an error or left out.
    """

    kind: Literal["jhmdb"] = "jhmdb"
    folder: Path
    split: Literal[1, 2, 3] = 1
    media: Literal["videos", "frames"] | None = None
    lists: Path | None = None
    prepared: Path | None = None
    fps: float = Field(FPS, gt=0.0)
    missing: Missing = "refuse"


def read_jhmdb(config: JhmdbConfig) -> SampleTable:
    """Read one official split, with ``pose2d`` and ``silhouette`` where joints and masks are there.

    Raises:
        ValueError: naming file and line of what is missing or contradicts itself.
    """
    clips = split_clips(config.lists or config.folder / "splits", CLASSES, config.split)
    is_video = (config.media or _there(config.folder)) == "videos"
    root = config.folder / (VIDEOS if is_video else FRAMES)
    found = find_media(root, 2, folders=not is_video)
    kept, sources = place_clips("jhmdb", clips, found, root, config.missing)
    if not is_video:
        sources = [f"{source}/%05d.png" for source in sources]
    fps = float("nan") if is_video else config.fps
    table = listed_table("jhmdb", "action", symmetric("jhmdb", CLASSES), kept, sources, fps)
    parts = {"pose2d": JOINTS_FOLDER, "silhouette": MASKS_FOLDER}
    wanted = {part for part, name in parts.items() if (config.folder / name).is_dir()}
    if not wanted:
        return table
    names = [clip.name for clip in kept]
    return _join(table, _puppets(config, names, sources, fps, wanted), names)


def _there(folder: Path) -> str:
    """Say which media a folder holds."""
    return "videos" if (folder / VIDEOS).is_dir() else "frames"


def _puppets(
    config: JhmdbConfig, names: Sequence[str], sources: Sequence[str], fps: float, wanted: set[str]
) -> SampleTable:
    """Return the converted joints and masks, made now if they were not made before."""
    prepared = config.prepared or config.folder / "prepared"
    if (prepared / "table.json").exists():
        made = load_table(prepared)
        known = dict(zip(made.row_names.tolist(), made.media["rgb"].tolist(), strict=True))
        same_media = all(
            known.get(name) == os.path.abspath(source)
            for name, source in zip(names, sources, strict=True)
        )
        same_clock = not np.isfinite(fps) or bool((made.fps == fps).all())
        if wanted <= {*made.media, *made.columns} and same_media and same_clock:
            return made
    made = make_puppets(names, sources, fps, config.folder, prepared)
    save_table(made, prepared)
    return made


def _join(table: SampleTable, puppets: SampleTable, names: Sequence[str]) -> SampleTable:
    """Add joints and masks to the rows of a split."""
    place = {name: row for row, name in enumerate(puppets.row_names.tolist())}
    found = puppets.select(np.array([place[name] for name in names], np.int64))
    return replace(
        table,
        media={**found.media, "rgb": table.media["rgb"]},
        columns={**table.columns, **found.columns},
        end_s=found.end_s,
        fps=found.fps,
    )
