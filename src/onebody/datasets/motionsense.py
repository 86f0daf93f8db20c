"""MotionSense: six activities with a telephone in the front pocket of the trousers.

Official layout: ``A_DeviceMotion_data/<act>_<trial>/sub_<1..24>.csv`` (the folder may stand within
one of its own name, as its archive unpacks, or be that archive, ``A_DeviceMotion_data.zip``): a
line number, then attitude, gravity and userAcceleration (g; their sum is what an accelerometer
shows) and rotationRate (rad/s) at 50 Hz; and ``data_subjects_info.csv``.

Source: Malekzadeh, Clegg, Cavallaro, Haddadi, "Mobile Sensor Data Anonymization", IoTDI 2019. Only
the list of people was tried on the official file; recordings were tried on files written in this
layout.
"""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from onebody.data import SampleTable
from onebody.datasets.archive import archive_files
from onebody.datasets.wearable_config import WearableConfig
from onebody.datasets.wearable_table import WearableSet, files_below, wearable_table
from onebody.datasets.wearable_text import read_numbers
from onebody.datasets.wearable_trial import GRAVITY, Faults, Trial, make_stream
from onebody.labels import symmetric

ACTIVITIES = {
    "dws": "downstairs",
    "ups": "upstairs",
    "wlk": "walking",
    "jog": "jogging",
    "sit": "sitting",
    "std": "standing",
}
"""Activities as the folders spell them, and as the label column does."""

RATE_HZ = 50.0
POSITION = "thigh_pocket"
FIRST_SHORT_TRIAL = 11
"""Trials from this number on are the short ones, which the authors test on."""

GENDERS = {"0": "female", "1": "male"}
PEOPLE = "data_subjects_info.csv"

SET = WearableSet(
    name="motionsense",
    positions=(POSITION,),
    spaces={
        "activity": symmetric("motionsense activity", tuple(ACTIVITIES.values())),
        "gender": symmetric("motionsense gender", tuple(GENDERS.values())),
    },
)

_PLACE = re.compile(r"(?:^|/)(?P<act>[a-z]{3})_(?P<trial>\d+)/sub_(?P<subject>\d+)\.csv$")
_AXES = ("x", "y", "z")


class MotionSenseConfig(WearableConfig):
    """Six activities, 24 people, one telephone (official csv files)."""

    kind: Literal["motionsense"] = "motionsense"


def read_motionsense(config: MotionSenseConfig) -> SampleTable:
    """Read the set.

    Returns:
        Columns ``activity``, ``wearer``, ``position`` (one class) and, where the list of people is
        there, ``gender``; ``split`` is test for the short trials.

    Raises:
        ValueError: if the folder holds no recording, or a file contradicts its layout.
    """
    if not config.folder.is_dir():
        raise ValueError(f"{config.folder}: expected the folder of MotionSense, found none.")
    found = [
        path
        for path in files_below(config.folder, "sub_*.csv", "A_DeviceMotion_data.zip")
        if "A_DeviceMotion_data" in str(path.relative_to(config.folder.parent))
    ]
    unpacked = [path for path in found if path.suffix == ".csv"]
    files = unpacked or found[:1]
    if not files:
        raise ValueError(
            f"{config.folder}: no MotionSense here. Expected A_DeviceMotion_data/<act>_<trial>/"
            "sub_*.csv, or A_DeviceMotion_data.zip."
        )
    lists = files_below(config.folder, PEOPLE)[:1]
    return wearable_table(SET, config, [*files, *lists], lambda: _trials(files, lists))


def read_people(file: Path) -> dict[str, str]:
    """Read the list of people: gender by subject.

    Raises:
        ValueError: if it is no such list, or contradicts itself.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"{file}: expected a list of people as UTF-8 text, found: {error}. Fetch it again."
        ) from None
    if not rows:
        raise ValueError(f"{file}: expected a list of people, found none. Fetch it again.")
    people: dict[str, str] = {}
    for number, row in enumerate(rows, start=2):
        code, gender = (row.get("code") or "").strip(), (row.get("gender") or "").strip()
        if not code.isdecimal() or gender not in GENDERS:
            raise ValueError(
                f"{file}:{number}: expected a code and a gender 0 or 1, found {code!r}, {gender!r}."
            )
        if people.setdefault(str(int(code)), GENDERS[gender]) != GENDERS[gender]:
            raise ValueError(
                f"{file}:{number}: expected one gender of person {code}, found two. Correct it."
            )
    return people


def _trials(files: list[Path], lists: list[Path]) -> Iterator[Trial]:
    """Read recordings one by one."""
    people = read_people(lists[0]) if lists else {}
    faults = Faults()
    for name, text in _texts(files):
        found = _PLACE.search(name)
        if found is None or found["act"] not in ACTIVITIES:
            raise ValueError(
                f"{name}: expected <act>_<trial>/sub_<number>.csv with act one of "
                f"{', '.join(ACTIVITIES)}."
            )
        yield _trial(name, text, found, people, faults)
    if faults.places:
        warnings.warn(f"motionsense: samples left out: {faults}.", stacklevel=2)


def _texts(files: list[Path]) -> Iterator[tuple[str, str]]:
    """Read the csv files of folders or of the archive."""
    for file in files:
        if file.suffix == ".csv":
            yield file.as_posix(), file.read_text("utf-8-sig", errors="replace")
        else:
            for name, content in archive_files(file):
                yield f"{file.as_posix()}!{name}", content.decode("utf-8-sig", errors="replace")


def _trial(
    name: str, text: str, found: re.Match[str], people: dict[str, str], faults: Faults
) -> Trial:
    """Make a trial of one file."""
    header, _, body = text.partition("\n")
    names = [cell.strip().strip('"') for cell in header.split(",")]
    wanted = [f"{kind}.{axis}" for kind in ("gravity", "userAcceleration") for axis in _AXES]
    wanted += [f"rotationRate.{axis}" for axis in _AXES]
    missing = [column for column in wanted if column not in names]
    if missing:
        told = ", ".join(names)[:80] or "none"
        raise ValueError(
            f"{name}: expected a column {missing[0]!r}, found {told}. Fetch the file again."
        )
    if twice := [column for column in wanted if names.count(column) > 1]:
        raise ValueError(f"{name}: the header names {twice[0]!r} twice. Fetch the file again.")
    values = read_numbers(body, name, len(names), ",")[:, [names.index(c) for c in wanted]]
    times = np.arange(len(values)) / RATE_HZ
    readings = (
        ("acceleration", GRAVITY * (values[:, :3] + values[:, 3:6])),
        ("turn_rate", values[:, 6:]),
    )
    streams = [make_stream(POSITION, kind, times, v, faults, name) for kind, v in readings]  # type: ignore[arg-type]
    subject = str(int(found["subject"]))
    labels = {"activity": ACTIVITIES[found["act"]]}
    if subject in people:
        labels["gender"] = people[subject]
    return Trial(
        name=f"{found['act']}_{int(found['trial'])}/sub_{subject}",
        subject=subject,
        labels=labels,
        streams=tuple(stream for stream in streams if stream is not None),
        split="test" if int(found["trial"]) >= FIRST_SHORT_TRIAL else "train",
    )
