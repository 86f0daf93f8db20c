"""Split lists and file names that HMDB51 and JHMDB share.

A list ``<class>_test_split<k>.txt`` has lines ``<name>.avi <flag>``: 1 training, 2 test, 0 neither.
A name is ``<source>_<class>_<tags>_<number>``, where the tags tell the visible part of the body,
the camera's motion, the number of people, the view and the quality.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from onebody.datasets.defects import shown
from onebody.datasets.listed import Listed, check_unique, read_list

_LINE = re.compile(r"(?P<name>[^/\s][^/]*)\.avi\s+(?P<flag>[012])", re.ASCII)
_TAGS = re.compile(r"_[a-z]_[a-z]{2}_np\d+_[a-z]{2}_[a-z]{3}_\d+$", re.ASCII)
_PARTS = {"0": "", "1": "train", "2": "test"}


def split_clips(lists: Path, classes: Sequence[str], split: int) -> list[Listed]:
    """Read the lists of all classes for one split.

    A group is what was cut from one video for one class: the official splits keep these together,
    but use several classes of one film on both sides (its name is the clips' ``source``).

    Raises:
        ManifestError: naming file and line of what does not fit.
    """
    clips: list[Listed] = []
    for label in classes:
        for line in read_list(lists / f"{label}_test_split{split}.txt"):
            found = _LINE.fullmatch(line.text)
            if found is None:
                expected = "<name>.avi and 1 (training), 2 (test) or 0 (neither)"
                raise line.fault(expected, shown(line.text), "Fetch the lists again.")
            source = source_video(found["name"], label)
            clips.append(
                Listed(
                    line=line,
                    name=f"{label}/{found['name']}",
                    key=f"{label}/{found['name']}".casefold(),
                    label=label,
                    split=_PARTS[found["flag"]],
                    group=f"{label}/{source}",
                    source=source,
                )
            )
    check_unique(clips)
    return clips


def source_video(name: str, label: str) -> str:
    """Return the part of a clip's name that names the video it was cut from."""
    bare = _TAGS.sub("", name)
    if bare == name:  # without tags: all but the clip's number
        return re.sub(r"_\d+$", "", name)
    return bare.removesuffix(f"_{label}")
