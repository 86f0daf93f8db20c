"""NTU RGB+D as a prepared folder: the chosen bodies of all recordings, an array per setup."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np

from onebody.data import JointsColumn, SampleTable, make_table
from onebody.data.sources import probe
from onebody.data.store import load_table, save_table
from onebody.data.table import Numbers
from onebody.datasets.ntu_bodies import PICTURE, Body, Person, choose
from onebody.datasets.ntu_skeleton import read_skeleton
from onebody.datasets.prepared import store_arrays

NAME = "ntu"
SECOND = "/person2"
"""What a second person's row is named after the recording."""

SKELETON = "ntu-25"
FPS = 30.0
_ARRAYS = ("skeleton", "pose2d", "pose3d")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A person of a recording, or a recording without anybody.

    Attributes:
        name: of the recording, and which person.
        video: its color video; empty: none.
        frames: how many frames text and video both have.
        end_s: where the shorter of them ends, if one is; else NaN.
        person: None: nobody is seen.
        resized: whether the video has another size than the official ones.
    """

    name: str
    video: str
    frames: int
    end_s: float
    person: Person | None
    resized: bool


@dataclass(slots=True, kw_only=True)
class _Rows:
    """The columns of all rows, as they grow."""

    names: list[str] = field(default_factory=list)
    videos: list[str] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    cameras: list[tuple[float, ...]] = field(default_factory=list)
    boxes: list[Numbers] = field(default_factory=list)
    depths: list[float] = field(default_factory=list)
    places: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in _ARRAYS})
    odd: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, number: int = 1) -> None:
        """Count something odd."""
        if number:
            self.odd[what] = self.odd.get(what, 0) + number


def prepare(
    files: Sequence[Path], videos: Mapping[str, str], body: Body, folder: Path
) -> SampleTable:
    """Read official texts and write a prepared folder; what is odd is counted and said.

    Args:
        files: texts in name order.
        videos: color video of each recording that has one.
        body: who is meant where there are several bodies.
        folder: the prepared folder: per setup some 0.1 GB of ``skeleton`` (mm), as much of
            ``pose2d`` and a third more of ``pose3d``.

    Returns:
        A row per recording (also of those in which nobody is seen) and one per second person;
        labels and splits are not in it.

    Raises:
        ManifestError: names the file and line that does not fit.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = _Rows()
    for setup, members in groupby(files, key=lambda file: file.stem[:4]):
        _add(rows, [row for file in members for row in _read(file, videos, body)], folder, setup)
    media = {"rgb": rows.videos} if any(rows.videos) else {}
    places = {name: np.array(found, np.str_) for name, found in rows.places.items()}
    made = make_table(
        f"{NAME} {body}",
        {**media, "skeleton": places["skeleton"]},
        columns={
            "pose2d": JointsColumn(sources=places["pose2d"], skeleton=SKELETON, unit="px"),
            "pose3d": JointsColumn(sources=places["pose3d"], skeleton=SKELETON, unit="mm"),
        },
        layouts={"skeleton": SKELETON},
        end_s=rows.ends,
        fps=np.full(len(rows.names), FPS),
        camera_matrix=np.array(rows.cameras),
        depth_ref_mm=rows.depths,
        box=np.array(rows.boxes),
        row_names=rows.names,
    )
    save_table(made, folder)
    if media:
        rows.count("have no color video", rows.videos.count(""))
    if rows.odd:
        text = "; ".join(f"{number} {what}" for what, number in rows.odd.items())
        warnings.warn(f"{NAME}: of {len(rows.names)} rows: {text}.", stacklevel=3)
    return load_table(folder)


def _read(file: Path, videos: Mapping[str, str], body: Body) -> Iterable[_Row]:
    """Read a recording: a row for the main person, and one for the second if there is one."""
    bodies = read_skeleton(file)
    video = videos.get(file.stem, "")
    shown, size = bodies.frames, PICTURE
    if video:
        info = probe(video)
        shown, size = info.num_frames, (info.height, info.width)
    frames = min(bodies.frames, shown)
    found = [person if size == PICTURE else person.scaled(*size) for person in choose(bodies, body)]
    people: list[Person | None] = [*found] or [None]
    for number, person in enumerate(people):
        yield _Row(
            name=f"{file.stem}{SECOND if number else ''}",
            video=video,
            frames=frames,
            end_s=frames / FPS if shown != bodies.frames else float("nan"),
            person=person,
            resized=size != PICTURE,
        )


def _add(rows: _Rows, found: Sequence[_Row], folder: Path, setup: str) -> None:
    """Write the arrays of one setup and add its rows."""
    people = [(row, row.person) for row in found if row.person is not None]
    arrays = {
        "skeleton": [person.space[: row.frames, :, :3] for row, person in people],
        "pose2d": [person.pixels[: row.frames] for row, person in people],
        "pose3d": [person.space[: row.frames] for row, person in people],
    }
    for name, parts in arrays.items():
        stored = iter(store_arrays(folder / f"{name}-{setup}.npy", parts) if parts else ())
        rows.places[name] += [str(next(stored)) if row.person else "" for row in found]
    for row in found:
        rows.names.append(row.name)
        rows.videos.append(row.video)
        _describe(rows, row)


def _describe(rows: _Rows, row: _Row) -> None:
    """Add what is known of a row beside its arrays."""
    person, nan = row.person, float("nan")
    rows.ends.append(row.end_s)
    rows.cameras.append(person.camera if person else (nan,) * 4)
    rows.boxes.append(person.box if person else np.full(4, nan))
    rows.depths.append(person.depth_ref_mm if person else nan)
    rows.count(
        "are of another length than their video: cut to the shorter", bool(np.isfinite(row.end_s))
    )
    rows.count(
        f"have a video of another size than {PICTURE[1]} x {PICTURE[0]}: places are brought to it",
        row.resized,
    )
    if person:
        rows.count("have a body whose number changes: taken for one person", person.renamed)
        rows.count("have joints with numbers that are not finite: missing", person.broken > 0)
        rows.count("fit no camera: no 3D pose can be learned", bool(np.isnan(person.camera[0])))
