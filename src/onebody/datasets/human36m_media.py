"""Human3.6M's pictures and videos: where they lie, and which frames of them a row needs.

Pictures: ``images/S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg``, frame i of the
50 Hz video with the number i + 1 (MMPose's). Videos: ``S1/Videos/Directions 1.54138969.mp4``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from onebody.data.sources import probe
from onebody.datasets.human36m_recording import FPS, Take, parse_take
from onebody.types import Ints

PICTURES, VIDEOS = "images", "Videos"
SIDE_PX, ROWS_MORE = 1000, 2
"""Pictures are 1000 wide and 1000 or 1002 high; which of the two differs between recordings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What of a row has pictures.

    Attributes:
        source: of the medium.
        count: how many of the row's first frames it shows; 0: it ends before them.
        start_s, end_s: span within it; NaN: all of it.
    """

    source: str
    count: int
    start_s: float = float("nan")
    end_s: float = float("nan")

    @property
    def is_video(self) -> bool:
        """Whether frames between those of the row are shown, too."""
        return bool(np.isfinite(self.start_s))


Place = Callable[[Take, Ints], Placed | None]
"""From a recording and the frame numbers of a row to its medium; None: there is none."""


def picture_folders(root: Path) -> dict[Take, Path]:
    """Find the folders of pictures of all recordings."""
    return _found(root.glob("S*/*.*/"), lambda path: path.name)


def video_files(root: Path) -> dict[Take, Path]:
    """Find the videos of all recordings; those of no action (``_ALL``) are passed over."""
    return _found(root.glob(f"S*/{VIDEOS}/*.mp4"), lambda p: f"{p.parts[-3]}_{p.stem}")


def from_pictures(folders: Mapping[Take, Path]) -> Place:
    """Make rows of numbered pictures; a row that lacks one of them has none."""

    @cache
    def numbers(folder: Path) -> frozenset[int]:
        form = re.compile(re.escape(folder.name) + r"_(\d{6})\.jpg", re.ASCII)
        matches = (form.fullmatch(name) for name in os.listdir(folder))
        return frozenset(int(found[1]) for found in matches if found)

    def place(take: Take, frames: Ints) -> Placed | None:
        folder = folders.get(take)
        wanted = frames + 1
        if folder is None or not numbers(folder).issuperset(wanted.tolist()):
            return None
        base, first = f"{folder}/{folder.name}", int(wanted[0])
        if len(wanted) == 1:
            return Placed(source=f"{base}_{first:06d}.jpg", count=1)
        source = f"{base}_%06d.jpg#{first}:{wanted[-1] + 1}:{wanted[1] - first}"
        return Placed(source=source, count=len(wanted))

    return place


def from_videos(files: Mapping[Take, Path]) -> Place:
    """Make rows of spans of videos, as far as these go.

    The function raises `ValueError` for several frames that do not follow each other: a video
    shows all of them.
    """

    def place(take: Take, frames: Ints) -> Placed | None:
        file = files.get(take)
        if file is None:
            return None
        if len(frames) > 1 and frames[1] - frames[0] > 1:
            raise ValueError(
                f"{file}: a video shows every frame, but the rows hold every "
                f"{frames[1] - frames[0]}th. Leave 'every' out, take rows of one frame "
                "(frames: 1), or extract pictures."
            )
        count = int(np.searchsorted(frames, probe(str(file)).num_frames))
        if not count:
            return Placed(source=str(file), count=0)
        start, end = frames[0] / FPS, (frames[count - 1] + 1) / FPS
        return Placed(source=str(file), count=count, start_s=float(start), end_s=float(end))

    return place


def check_size(source: str) -> None:
    """Refuse pictures of another size than the one that joints and cameras are stated in.

    Raises:
        ValueError: if they are not as recorded, or cannot be read.
    """
    info = probe(source)
    if info.width != SIDE_PX or not SIDE_PX <= info.height <= SIDE_PX + ROWS_MORE:
        raise ValueError(
            f"{source}: expected pictures of {SIDE_PX} x {SIDE_PX} (or {SIDE_PX + ROWS_MORE}) "
            f"pixels, in which joints and cameras are stated, found {info.width} x {info.height}. "
            "Extract them as they were recorded."
        )


def _found(paths: Iterable[Path], name: Callable[[Path], str]) -> dict[Take, Path]:
    """Key paths by the recordings that their names say."""
    found: dict[Take, Path] = {}
    for path in sorted(paths):
        take = parse_take(name(path))
        if take is None:
            continue
        if take in found:
            raise ValueError(f"{path}: expected {take} once, found {found[take]} as well.")
        found[take] = path
    return found
