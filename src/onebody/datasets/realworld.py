"""RealWorld HAR: eight activities, 15 people, seven positions, one telephone or watch at each.

Official layout: ``proband<1..15>/data/{acc,gyr}_<activity>_csv.zip``, in each a text per position,
``<acc|Gyroscope>_<activity>[_<part>]_<position>.csv`` with the header
``id,attr_time,attr_x,attr_y,attr_z`` (ms since 1970, m/s^2 with gravity or rad/s, near 50 Hz,
irregular). Recordings that were stopped and taken up again have a part, and some archives hold
archives. Unpacked texts at any depth are read, too.

Source: Sztyler, Stuckenschmidt, "On-body Localization of Wearable Devices: An Investigation of
Position-Aware Activity Recognition", PerCom 2016. Tried on files written in this layout alone.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from onebody.data import SampleTable
from onebody.datasets.archive import archive_files
from onebody.datasets.wearable_config import WearableConfig
from onebody.datasets.wearable_table import WearableSet, files_below, wearable_table
from onebody.datasets.wearable_text import read_numbers
from onebody.datasets.wearable_trial import Faults, Quantity, Stream, Trial, make_stream
from onebody.labels import symmetric

ACTIVITIES = (
    "climbingdown", "climbingup", "jumping", "lying", "running", "sitting", "standing", "walking",
)  # fmt: skip
POSITIONS = ("chest", "forearm", "head", "shin", "thigh", "upperarm", "waist")
HEADER = "id,attr_time,attr_x,attr_y,attr_z"

SET = WearableSet(
    name="realworld",
    positions=POSITIONS,
    spaces={"activity": symmetric("realworld activity", ACTIVITIES)},
)

_QUANTITIES: dict[str, Quantity] = {"acc": "acceleration", "gyroscope": "turn_rate"}
_FILE = re.compile(
    r"(?P<sensor>[A-Za-z]+)_(?P<activity>[a-z]+)(?:_(?P<part>\d+))?_(?P<position>[a-z]+)\.csv"
)
_PROBAND = re.compile(r"proband(\d+)")


class RealWorldConfig(WearableConfig):
    """Eight activities, 15 people, seven positions (official archives)."""

    kind: Literal["realworld"] = "realworld"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """One text of an archive: what its name says, and what it holds."""

    place: str
    quantity: Quantity
    activity: str
    part: int
    position: str
    content: str


def read_realworld(config: RealWorldConfig) -> SampleTable:
    """Read the set.

    Returns:
        Columns ``activity``, ``wearer`` and, one row a sensor, ``position``.

    Raises:
        ValueError: if the folder holds no person's archives, or one contradicts its layout.
    """
    files = files_below(config.folder, "acc_*", "gyr_*", "Gyroscope_*")
    files = [path for path in files if path.suffix in (".zip", ".csv")]
    strangers = [path for path in files if _proband(path) is None]
    if not files or strangers:
        raise ValueError(
            f"{strangers[0] if strangers else config.folder}: expected RealWorld HAR's "
            "proband<number>/data/acc_<activity>_csv.zip, found none. Name the folder that holds "
            "proband1."
        )
    return wearable_table(SET, config, files, lambda: _trials(files))


def _proband(path: Path) -> int | None:
    """Return whose file it is."""
    found = [m for part in path.parts[:-1] if (m := _PROBAND.fullmatch(part))]
    return int(found[-1][1]) if found else None


def _trials(files: list[Path]) -> Iterator[Trial]:
    """Read person by person and activity by activity, so that few texts lie in memory."""
    faults = Faults()
    gathered: dict[tuple[int, str], list[Path]] = {}
    for path in files:
        activity = path.name.split("_")[1]
        gathered.setdefault((_proband(path) or 0, activity), []).append(path)
    for (person, activity), paths in sorted(gathered.items()):
        streams: dict[tuple[str, int], list[Stream]] = {}
        seen: dict[tuple[str, int, str, str], str] = {}
        for path in paths:
            for text in _texts(path):
                if activity in ACTIVITIES and text.activity != activity:
                    raise ValueError(
                        f"{text.place}: expected a recording of {activity!r}, as its archive is "
                        f"called, found one of {text.activity!r}. Rename one of them."
                    )
                key = (text.activity, text.part, text.position, text.quantity)
                if key in seen:
                    raise ValueError(
                        f"{text.place}: the same recording as {seen[key]}. Remove one of them."
                    )
                seen[key] = text.place
                stream = _stream(text, faults)
                if stream is not None:
                    streams.setdefault((text.activity, text.part), []).append(stream)
        for (own, part), found in sorted(streams.items()):
            yield Trial(
                name=f"proband{person}/{own}/{part}",
                subject=str(person),
                labels={"activity": own},
                streams=tuple(found),
            )
    if faults.places:
        warnings.warn(f"realworld: samples left out: {faults}.", stacklevel=2)


def _texts(path: Path) -> Iterator[_Text]:
    """Read the texts of an archive, or one that was unpacked."""
    if path.suffix == ".csv":
        yield _text(path.name, str(path), path.read_bytes())
        return
    for name, content in archive_files(path):
        yield _text(re.split(r"[/!\\]", name)[-1], f"{path}!{name}", content)


def _text(name: str, place: str, content: bytes) -> _Text:
    """Understand a text's name.

    Raises:
        ValueError: if it is not of the official form.
    """
    found = _FILE.fullmatch(name)
    sensor = found["sensor"].lower() if found else ""
    if (
        found is None
        or sensor not in _QUANTITIES
        or found["activity"] not in ACTIVITIES
        or found["position"] not in POSITIONS
    ):
        raise ValueError(
            f"{place}: expected acc_ or Gyroscope_<activity>_<position>.csv, with activities "
            f"{', '.join(ACTIVITIES)} and positions {', '.join(POSITIONS)}."
        )
    return _Text(
        place=place,
        quantity=_QUANTITIES[sensor],
        activity=found["activity"],
        part=int(found["part"] or 1),
        position=found["position"],
        content=content.decode("utf-8-sig", errors="replace"),
    )


def _stream(text: _Text, faults: Faults) -> Stream | None:
    """Read a text's samples."""
    header, _, body = text.content.partition("\n")
    if header.strip().replace('"', "") != HEADER:
        raise ValueError(f"{text.place}: expected the header {HEADER!r}, found {header[:60]!r}.")
    values = read_numbers(body, text.place, 5, ",")
    return make_stream(
        text.position, text.quantity, values[:, 1] / 1000, values[:, 2:], faults, text.place
    )
