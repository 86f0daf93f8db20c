"""UCI-HAR: six activities, 30 people, a telephone at the waist.

Official layout: ``activity_labels.txt`` and ``{train,test}/{y,subject}_{train,test}.txt`` and
``{train,test}/Inertial Signals/{total_acc,body_gyro}_{x,y,z}_{train,test}.txt``: windows of 128
samples at 50 Hz (acceleration in g, turn rate in rad/s), each beginning in the middle of the one
before. Windows whose halves are the same are put together again to recordings, so that other
lengths can be cut and no overlapping windows are divided; ``window_s: 2.56`` with ``overlap: 0.5``
gives the official windows.

Source: Anguita, Ghio, Oneto, Parra, Reyes-Ortiz, "A Public Domain Dataset for Human Activity
Recognition Using Smartphones", ESANN 2013. Tried on files written in this layout alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from onebody.data import SampleTable
from onebody.data.table import Numbers
from onebody.datasets.wearable_config import WearableConfig
from onebody.datasets.wearable_table import WearableSet, wearable_table
from onebody.datasets.wearable_text import read_numbers
from onebody.datasets.wearable_trial import GRAVITY, Faults, Trial, make_stream
from onebody.labels import symmetric
from onebody.types import Ints

ACTIVITIES = (
    "WALKING", "WALKING_UPSTAIRS", "WALKING_DOWNSTAIRS", "SITTING", "STANDING", "LAYING",
)  # fmt: skip
"""Activities in official order (id 1 first)."""

RATE_HZ = 50.0
WINDOW, HOP = 128, 64
PARTS = ("train", "test")

SET = WearableSet(
    name="uci-har",
    positions=("waist",),
    spaces={"activity": symmetric("uci-har activity", ACTIVITIES)},
)

_SIGNALS = tuple(f"{kind}_{axis}" for kind in ("total_acc", "body_gyro") for axis in "xyz")


class UciHarConfig(WearableConfig):
    """Six activities, 30 people, a telephone at the waist (official texts).

    Attributes:
        window_s: the official windows by default.
        overlap: likewise.
    """

    kind: Literal["uci-har"] = "uci-har"
    window_s: float | None = Field(2.56, gt=0.0)
    overlap: float = Field(0.5, ge=0.0, lt=1.0)


def read_uci_har(config: UciHarConfig) -> SampleTable:
    """Read the set.

    Returns:
        Columns ``activity``, ``wearer`` and ``position`` (one class); ``split`` is the official
        one, in which the people of the test are others.

    Raises:
        ValueError: if a file is missing, or contradicts the others.
    """
    root = config.folder / "UCI HAR Dataset"
    folder = root if root.is_dir() else config.folder
    files = [file for part in PARTS for file in _files(folder, part).values()]
    for file in (folder / "activity_labels.txt", *files):
        if not file.is_file():
            raise ValueError(f"{file}: expected a file of UCI-HAR, found none. Name its folder.")
    _check_names(folder / "activity_labels.txt")
    return wearable_table(SET, config, files, lambda: _trials(folder))


def _files(folder: Path, part: str) -> dict[str, Path]:
    """Return the files of a part by what they hold."""
    own = folder / part
    found = {name: own / "Inertial Signals" / f"{name}_{part}.txt" for name in _SIGNALS}
    return found | {name: own / f"{name}_{part}.txt" for name in ("y", "subject")}


def _check_names(file: Path) -> None:
    """Refuse another order of activities than the official one."""
    lines = file.read_text("latin-1").split("\n")
    found = [" ".join(line.split()) for line in lines if line.strip()]
    expected = [f"{number} {name}" for number, name in enumerate(ACTIVITIES, start=1)]
    if found != expected:
        raise ValueError(
            f"{file}: expected the activities {', '.join(expected)}, found "
            f"{', '.join(found)[:200] or 'none'}. Fetch the file again."
        )


def _trials(folder: Path) -> Iterator[Trial]:
    """Put windows together to recordings."""
    faults = Faults()
    taught: set[int] = set()
    for part in PARTS:
        activity, subject, windows = _read_part(folder, part)
        if both := taught & set(subject.tolist()):
            raise ValueError(
                f"{_files(folder, part)['subject']}: expected other people than in "
                f"{PARTS[0]}, found subject {min(both)} in both. Fetch the files again."
            )
        taught |= set(subject.tolist())
        for first, stop in _runs(activity, subject, windows):
            values = _joined(windows[first:stop])
            name = f"{part}:{first + 1}-{stop}"
            times = np.arange(len(values)) / RATE_HZ
            streams = (
                make_stream("waist", "acceleration", times, GRAVITY * values[:, :3], faults, name),
                make_stream("waist", "turn_rate", times, values[:, 3:], faults, name),
            )
            yield Trial(
                name=name,
                subject=str(subject[first]),
                labels={"activity": ACTIVITIES[activity[first] - 1]},
                streams=tuple(stream for stream in streams if stream is not None),
                split=part,
            )


def _read_part(folder: Path, part: str) -> tuple[Ints, Ints, Numbers]:
    """Read ``[n]`` activity ids (from 1), ``[n]`` subjects and ``[n, 128, 6]`` windows.

    Raises:
        ValueError: if the files differ in their number of windows, or an id is impossible.
    """
    files = _files(folder, part)
    ids = {
        name: read_numbers(files[name].read_text("latin-1"), str(files[name]), 1, None)[:, 0]
        for name in ("y", "subject")
    }
    count = len(ids["y"])
    for name, least, most in (("y", 1, len(ACTIVITIES)), ("subject", 1, 1000)):
        values = ids[name]
        good = (values >= least) & (values <= most) & (values == np.rint(values))
        if not good.all():
            row = int(np.argmin(good))
            raise ValueError(
                f"{files[name]}: expected a number from {least} to {most} in row {row + 1}, found "
                f"{values[row]:g}."
            )
    signals = []
    for name in _SIGNALS:
        file = files[name]
        signals.append(read_numbers(file.read_text("latin-1"), str(file), WINDOW, None))
    for name, found in (("subject", ids["subject"]), *zip(_SIGNALS, signals, strict=True)):
        if len(found) != count:
            raise ValueError(
                f"{files[name]}: expected {count} rows (as {files['y'].name}), found {len(found)}."
            )
    whole = np.stack(signals, axis=-1)
    return ids["y"].astype(np.int64), ids["subject"].astype(np.int64), whole


def _runs(activity: Ints, subject: Ints, windows: Numbers) -> Iterator[tuple[int, int]]:
    """Find windows that go on where the one before has its middle: ``(first, stop)``."""
    same = (activity[1:] == activity[:-1]) & (subject[1:] == subject[:-1])
    halves = np.isclose(windows[1:, :HOP], windows[:-1, HOP:], rtol=0, atol=1e-6).all(axis=(1, 2))
    ends = [*(np.flatnonzero(~(same & halves)) + 1).tolist(), len(activity)]
    first = 0
    for stop in ends:
        yield first, stop
        first = stop


def _joined(windows: Numbers) -> Numbers:
    """Join overlapping windows ``[n, 128, 6]`` to one recording."""
    later = windows[1:, HOP:].reshape(-1, windows.shape[-1])
    return np.concatenate([windows[0], later])
