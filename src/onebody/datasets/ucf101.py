"""UCF101: videos of 101 actions in class folders, three official splits.

Official layout: ``UCF-101/<Class>/v_<Class>_g<GG>_c<CC>.avi`` (320 x 240, 25 fps) and
``ucfTrainTestlist/`` with ``classInd.txt`` (``1 ApplyEyeMakeup``), ``trainlist0{1,2,3}.txt`` (path
and class number) and ``testlist0{1,2,3}.txt`` (path alone). Clips of one group g<GG> of a class
were cut from one recording or show one scene: they are the table's groups. Results are the mean of
the three splits.

Source: Soomro, Zamir, Shah, "UCF101: A Dataset of 101 Human Actions Classes From Videos in The
Wild", CRCV-TR-12-01, 2012.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from onebody.config import Config
from onebody.data import SampleTable
from onebody.datasets.defects import shown
from onebody.datasets.listed import (
    Listed,
    ListLine,
    Missing,
    check_unique,
    class_of,
    find_media,
    listed_table,
    numbered_classes,
    place_clips,
    read_list,
)
from onebody.labels import symmetric

_LINE = re.compile(
    r"(?P<folder>[^/\s]+)/(?P<name>v_(?P<shown>[^/\s]+)_g(?P<group>\d{1,4})_c\d{1,4})\.avi"
    r"(?:\s+(?P<number>\d{1,9}))?",
    re.ASCII,
)


class Ucf101Config(Config):
    """UCF101 in its official layout.

    Attributes:
        folder: what holds ``UCF-101`` and ``ucfTrainTestlist``.
        split: which official split goes into the table's ``split`` column.
        videos: the class folders; default: ``UCF-101`` inside ``folder``.
        lists: the lists; default: ``ucfTrainTestlist`` inside ``folder``.
        missing: whether listed videos that are not there are an error or left out.
    """

    kind: Literal["ucf101"] = "ucf101"
    folder: Path
    split: Literal[1, 2, 3] = 1
    videos: Path | None = None
    lists: Path | None = None
    missing: Missing = "refuse"


def read_ucf101(config: Ucf101Config) -> SampleTable:
    """Read one official split; videos are not opened.

    Raises:
        ValueError: naming file and line of what is missing or contradicts itself.
    """
    lists = config.lists or config.folder / "ucfTrainTestlist"
    videos = config.videos or config.folder / "UCF-101"
    classes, clips = ucf101_clips(lists, config.split)
    kept, sources = place_clips("ucf101", clips, find_media(videos, 2), videos, config.missing)
    return listed_table("ucf101", "action", symmetric("ucf101", classes), kept, sources)


def ucf101_clips(lists: Path, split: int) -> tuple[tuple[str, ...], list[Listed]]:
    """Read the lists of one split.

    Returns:
        Class names in official order, and the clips, training first.
    """
    classes = numbered_classes(lists / "classInd.txt")
    # One class folder is spelled otherwise in its files: HandstandPushups, v_HandStandPushups_*.
    known = {name.casefold(): name for name in classes}
    clips = [
        _clip(line, part, known, classes)
        for part in ("train", "test")
        for line in read_list(lists / f"{part}list0{split}.txt")
    ]
    check_unique(clips)
    return classes, clips


def _clip(line: ListLine, part: str, known: dict[str, str], classes: tuple[str, ...]) -> Listed:
    """Read one line and check that its folder, its file name and its number agree."""
    found = _LINE.fullmatch(line.text)
    if found is None or (part == "train" and not found["number"]):
        number = " and a class number" if part == "train" else ""
        expected = f"<Class>/v_<Class>_g<GG>_c<CC>.avi{number}"
        raise line.fault(expected, shown(line.text), "Fetch the lists again.")
    label = class_of(line, found["folder"], known)
    if found["shown"].casefold() != label.casefold():
        text = f"{found['name']!r} in {found['folder']!r}"
        raise line.fault("a file named after its folder", text, "Fetch the lists again.")
    own = classes.index(label) + 1
    if int(found["number"] or own) != own:
        text = f"{found['number']} of {len(classes)}"
        raise line.fault(f"{own}, the number of {label}", text, "Fetch the lists again.")
    return Listed(
        line=line,
        name=f"{found['folder']}/{found['name']}",
        key=f"{found['folder']}/{found['name']}".casefold(),
        label=label,
        split=part,
        group=f"{label}/g{int(found['group']):02d}",
    )
