"""HMDB51: videos of 51 actions in class folders, three official splits.

Official layout: ``<class>/<name>.avi`` (240 pixels high, 30 fps) and 51 x 3 lists
``testTrainMulti_7030_splits/<class>_test_split{1,2,3}.txt`` (see `onebody.datasets.hmdb_lists`). 70
clips of a class are trained on and 30 tested in every split; the others are in neither part and
have no row. Results are the mean of the three splits.

Source: Kuehne, Jhuang, Garrote, Poggio, Serre, "HMDB: A Large Video Database for Human Motion
Recognition", ICCV 2011.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from onebody.config import Config
from onebody.data import SampleTable
from onebody.datasets.hmdb_lists import split_clips
from onebody.datasets.listed import Missing, find_media, listed_table, place_clips
from onebody.labels import symmetric

CLASSES = (
    "brush_hair", "cartwheel", "catch", "chew", "clap", "climb", "climb_stairs", "dive",
    "draw_sword", "dribble", "drink", "eat", "fall_floor", "fencing", "flic_flac", "golf",
    "handstand", "hit", "hug", "jump", "kick", "kick_ball", "kiss", "laugh", "pick", "pour",
    "pullup", "punch", "push", "pushup", "ride_bike", "ride_horse", "run", "shake_hands",
    "shoot_ball", "shoot_bow", "shoot_gun", "sit", "situp", "smile", "smoke", "somersault",
    "stand", "swing_baseball", "sword", "sword_exercise", "talk", "throw", "turn", "walk", "wave",
)  # fmt: skip
"""Class names; there is no official order but the alphabet's."""


class Hmdb51Config(Config):
    """HMDB51 in its official layout.

    Attributes:
        folder: what holds the class folders and ``testTrainMulti_7030_splits``.
        split: which official split goes into the table's ``split`` column.
        videos: the class folders; default: ``videos`` inside ``folder`` if there is one, else
            ``folder`` itself.
        lists: the lists; default: ``testTrainMulti_7030_splits`` inside ``folder``.
        missing: whether listed videos that are not there are an error or left out.
    """

    kind: Literal["hmdb51"] = "hmdb51"
    folder: Path
    split: Literal[1, 2, 3] = 1
    videos: Path | None = None
    lists: Path | None = None
    missing: Missing = "refuse"


def read_hmdb51(config: Hmdb51Config) -> SampleTable:
    """Read one official split; videos are not opened.

    Raises:
        ValueError: naming file and line of what is missing or contradicts itself.
    """
    inside = config.folder / "videos"
    videos = config.videos or (inside if inside.is_dir() else config.folder)
    lists = config.lists or config.folder / "testTrainMulti_7030_splits"
    clips = split_clips(lists, CLASSES, config.split)
    kept, sources = place_clips("hmdb51", clips, find_media(videos, 2), videos, config.missing)
    return listed_table("hmdb51", "action", symmetric("hmdb51", CLASSES), kept, sources)
