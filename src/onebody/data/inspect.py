"""Decode a medium whole and say which frames are damaged.

What no decoder can notice: video data carry no checksum, so a changed bit may decode into another
picture without offending any rule. Keep checksums of files that must not change.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import av.logging
import numpy as np

from onebody.data.images import picture_sources, read_picture
from onebody.data.media import MediaError, Place, parse
from onebody.data.sources import read_frames
from onebody.data.video_file import decode, open_video
from onebody.data.video_index import video_index

_OPTIONS = {"err_detect": "crccheck+bitstream+buffer"}
"""Checks that sound files pass. Stricter ones flag intact XviD files."""

_SAYINGS = 3
"""How many of the decoder's own messages are quoted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Something wrong within a medium.

    Attributes:
        first, last: numbers of the frames concerned.
        what: what is wrong, in the decoder's words where it has any.
    """

    first: int
    last: int
    what: str


def find_flaws(source: str) -> list[Flaw]:
    """Decode every frame of a medium.

    Returns:
        Runs of damaged frames, in order; empty: nothing was noticed.

    Raises:
        MediaError: if the medium is missing, empty, truncated, or cannot be opened.
    """
    place = parse(source)
    if place.kind == "video":
        return _video_flaws(place)
    if place.kind in ("image", "folder"):
        return _picture_flaws(place)
    read_frames(source, np.arange(0))
    return []


def _video_flaws(place: Place) -> list[Flaw]:
    index = video_index(place)
    level = av.logging.get_level()
    repeated = av.logging.get_skip_repeated()
    av.logging.set_level(av.logging.WARNING)
    av.logging.set_skip_repeated(False)
    damaged: set[int] = set()
    seen: set[int] = set()
    try:
        with av.logging.Capture() as log, open_video(place, _OPTIONS) as (container, stream):
            for frame, sound in decode(container, stream):
                number = len(seen)
                if not index.counted and frame.pts is not None:
                    number = int(np.searchsorted(index.times, frame.pts))
                seen.add(number)
                if not sound:
                    damaged.add(number)
    finally:
        av.logging.set_level(level)
        av.logging.set_skip_repeated(repeated)
    if len(seen) < len(index) - index.counted:  # a counted file may close with an empty filler
        damaged |= set(range(len(index))) - seen
    short = index.header - len(index)
    if short > 0:  # little enough for `video_index` to let it pass
        what = f"the header promises {index.header} frames, {len(index)} are in the file"
        return [Flaw(first=0, last=len(index) - 1, what=what)]
    said = "; ".join(list(dict.fromkeys(text.strip() for _, _, text in log))[:_SAYINGS])
    if said and not damaged:
        return [Flaw(first=0, last=len(index) - 1, what=f"the decoder says: {said}")]
    what = f"damaged or lost ({said})" if said else "damaged or lost"
    return [Flaw(first=a, last=b, what=what) for a, b in _runs(damaged)]


def _picture_flaws(place: Place) -> list[Flaw]:
    sources = picture_sources(place) if place.kind == "folder" else [place.source]
    flaws = []
    size: tuple[int, ...] = ()
    for number, source in enumerate(sources):
        try:
            shape = read_picture(source, 3).shape
        except MediaError as error:
            flaws.append(Flaw(first=number, last=number, what=str(error)))
            continue
        size = size or shape
        if shape != size:
            what = f"{shape[1]} x {shape[0]} pixels, others {size[1]} x {size[0]}"
            flaws.append(Flaw(first=number, last=number, what=what))
    return flaws


def _runs(numbers: Collection[int]) -> list[tuple[int, int]]:
    """Join numbers into (first, last) runs."""
    if not numbers:
        return []
    values = np.unique(list(numbers))
    groups = np.split(values, np.flatnonzero(np.diff(values) > 1) + 1)
    return [(int(group[0]), int(group[-1])) for group in groups]
