"""UMAFall: falls and everyday movements, with sensors at five places of the body.

Official layout: a trial is ``UMAFall_Subject_NN_{ADL|Fall}_<movement>_<n>_<date>_<time>.csv``:
a header of lines that begin with ``%`` (person, sensors and where they sit), then
``ms;sample;x;y;z;type;sensor`` with type 0 acceleration (g), 1 turn rate (deg/s), 2 magnetic field
(left out). The telephone in the right trouser pocket has an accelerometer alone (200 Hz, in
bursts); the tags at chest, waist, wrist and ankle have all three (20 Hz).

Source: Casilari, Santoyo-Ramon, Cano-Garcia, "UMAFall: A Multisensor Dataset for the Research on
Automatic Fall Detection", Procedia Computer Science 110, 2017.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from onebody.data import SampleTable
from onebody.data.table import Numbers
from onebody.datasets.wearable_config import WearableConfig
from onebody.datasets.wearable_packed import FILE, load_trials
from onebody.datasets.wearable_table import WearableSet, files_below, wearable_table
from onebody.datasets.wearable_text import read_numbers
from onebody.datasets.wearable_trial import (
    DEGREE,
    GRAVITY,
    Faults,
    Quantity,
    Stream,
    Trial,
    make_stream,
)
from onebody.labels import symmetric

ACTIVITIES = (
    "Aplausing", "Bending", "GoDownstairs", "GoUpstairs", "HandsUp", "Hopping", "Jogging",
    "LyingDown_OnABed", "MakingACall", "OpeningDoor", "Sitting_GettingUpOnAChair", "Walking",
    "backwardFall", "forwardFall", "lateralFall",
)  # fmt: skip
"""Movements as the files spell them; the last three are falls."""

POSITIONS = {
    "RIGHTPOCKET": "thigh_pocket",
    "CHEST": "chest",
    "WAIST": "waist",
    "WRIST": "wrist",
    "ANKLE": "ankle",
}
"""Positions as the files spell them, and as the label column does."""

GENDERS = {"F": "female", "M": "male"}

QUANTITIES: dict[int, tuple[Quantity, float]] = {
    0: ("acceleration", GRAVITY),
    1: ("turn_rate", DEGREE),
}
"""What a sensor type of the files is, and the factor to SI units."""

SET = WearableSet(
    name="umafall",
    positions=tuple(POSITIONS.values()),
    spaces={
        "activity": symmetric("umafall activity", ACTIVITIES),
        "kind": symmetric("umafall kind", ("ADL", "Fall")),
        "gender": symmetric("umafall gender", tuple(GENDERS.values())),
    },
)

_NAME = re.compile(
    r"UMAFall_Subject_(\d+)_(ADL|Fall)_(.+)_(\d+)_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d\.csv"
)


class UmafallConfig(WearableConfig):
    """Falls and everyday movements, five positions (official csv files, or packed trials).

    Attributes:
        rate_hz: the tags' own rate by default.
    """

    kind: Literal["umafall"] = "umafall"
    rate_hz: float = Field(20.0, gt=0.0, le=1000.0)


def read_umafall(config: UmafallConfig) -> SampleTable:
    """Read the set.

    Returns:
        Columns ``activity``, ``kind`` (everyday or fall), ``wearer``, ``gender`` and, one row a
        sensor, ``position``.

    Raises:
        ValueError: if the folder holds no trial, or a file contradicts its layout.
    """
    packed = config.folder / FILE
    if packed.exists():
        return wearable_table(SET, config, [packed], lambda: load_trials(config.folder))
    files = files_below(config.folder, "UMAFall_*.csv")
    if not files:
        raise ValueError(
            f"{config.folder}: no UMAFall here. Expected files UMAFall_Subject_*.csv, or {FILE}."
        )
    return wearable_table(SET, config, files, lambda: official_trials(files))


def official_trials(files: Iterable[Path]) -> Iterator[Trial]:
    """Read official files one by one; samples that cannot be used are counted in a warning."""
    faults = Faults()
    for file in files:
        yield read_trial(file, faults)
    if faults.places:
        warnings.warn(f"umafall: samples left out: {faults}.", stacklevel=2)
    if faults.contradicted:
        warnings.warn(
            f"umafall: {len(faults.contradicted)} files whose header names another person or "
            f"movement than their name, which was taken (first: {faults.contradicted[0]}).",
            stacklevel=2,
        )


def read_trial(file: Path, faults: Faults) -> Trial:
    """Read one official file.

    Raises:
        ValueError: naming the file and line, if it is none.
    """
    found = _NAME.fullmatch(file.name)
    if found is None:
        raise ValueError(
            f"{file}: expected UMAFall_Subject_NN_ADL_<movement>_<n>_<date>_<time>.csv (or Fall) "
            "as a name."
        )
    lines = file.read_text("utf-8-sig", errors="replace").splitlines()
    header = [line.strip() for line in lines if line.lstrip().startswith("%")]
    body = "\n".join("" if line.lstrip().startswith("%") else line for line in lines)
    sensors = _sensors(header, file)
    values = read_numbers(body, str(file), 7, ";")
    labels = {"activity": found[3], "kind": found[2]}
    if (found[2] == "Fall") != found[3].endswith("Fall"):
        raise ValueError(f"{file}: its name calls {found[3]!r} {found[2]!r}. Correct the name.")
    _check_header(header, found, faults, file)
    if gender := _said(header, "Gender"):
        if gender not in GENDERS:
            raise ValueError(
                f"{file}: expected '% Gender: F' or M, found {gender!r}. Correct the header."
            )
        labels["gender"] = GENDERS[gender]
    return Trial(
        name=file.stem,
        subject=str(int(found[1])),
        labels=labels,
        streams=make_streams(sensor_parts(values, sensors, file), faults, str(file)),
    )


def make_streams(
    parts: Iterable[tuple[str, int, Numbers, Numbers]], faults: Faults, place: str
) -> tuple[Stream, ...]:
    """Make streams of what a trial's sensors measured, in the files' units.

    Args:
        parts: position as the files spell it, sensor type, ``[n]`` ms and ``[n, 3]`` readings.
        faults: counts samples that are dropped.
        place: where the trial stands, for messages.
    """
    made = []
    for position, kind, times_ms, readings in parts:
        if kind in QUANTITIES:
            quantity, factor = QUANTITIES[kind]
            where = f"{place} {position} {quantity}"
            made.append(
                make_stream(
                    POSITIONS[position], quantity, times_ms / 1000, readings * factor, faults, where
                )
            )
    return tuple(stream for stream in made if stream is not None)


def sensor_parts(
    values: Numbers, sensors: Mapping[int, str], file: Path
) -> Iterator[tuple[str, int, Numbers, Numbers]]:
    """Take the rows of a file apart by sensor and type."""
    strangers = set(np.unique(values[:, 6]).tolist()) - set(sensors)
    if strangers:
        raise ValueError(
            f"{file}: samples of sensor {min(strangers):g}, which the header's table does not list "
            f"({', '.join(map(str, sensors))}). Fetch the file again."
        )
    types = set(np.unique(values[:, 5]).tolist()) - {0.0, 1.0, 2.0}
    if types:
        raise ValueError(
            f"{file}: expected sensor types 0, 1 and 2, found {min(types):g}. Fetch the file again."
        )
    for sensor, position in sensors.items():
        for kind in np.unique(values[:, 5]):
            own = values[(values[:, 6] == sensor) & (values[:, 5] == kind)]
            if len(own):
                yield position, int(kind), own[:, 0], own[:, 2:5]


def _sensors(header: list[str], file: Path) -> dict[int, str]:
    """Read the header's table of sensors: position by number."""
    sensors: dict[int, str] = {}
    for line in header:
        cells = [cell.strip() for cell in line.lstrip("% ").split(";")]
        if len(cells) < 4 or not cells[1].isdecimal():
            continue
        if cells[2] not in POSITIONS:
            raise ValueError(
                f"{file}: expected a position out of {', '.join(POSITIONS)}, found {cells[2]!r}."
            )
        if int(cells[1]) in sensors or cells[2] in sensors.values():
            raise ValueError(f"{file}: the header lists sensor {cells[1]} or {cells[2]} twice.")
        sensors[int(cells[1])] = cells[2]
    if not sensors:
        raise ValueError(
            f"{file}: expected a table of sensors in the header, found none. Fetch the file again."
        )
    return sensors


def _check_header(header: list[str], name: re.Match[str], faults: Faults, file: Path) -> None:
    """Count a file whose header names another person or movement than its name, which counts."""
    person = re.fullmatch(r"Subject_(\d+)", _said(header, "Name"))
    movement = _said(header, "Description of the movement")
    if (person and int(person[1]) != int(name[1])) or (movement and movement != name[3]):
        faults.contradicted.append(str(file))


def _said(header: list[str], key: str) -> str:
    """Return what the header says of a key; empty: nothing."""
    said = (line.lstrip("% ").partition(":") for line in header)
    return next((value.strip() for name, _, value in said if name.strip() == key), "")
