"""From trials to a table: every sensor at one rate, one row per sensor or per body."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import onebody
from onebody.data import ClassColumn, SampleTable, make_table
from onebody.data.table import Numbers, Text
from onebody.datasets.prepared import kept_table, prefix_subjects, store_arrays
from onebody.datasets.wearable_config import WearableConfig
from onebody.datasets.wearable_resample import at_rate
from onebody.datasets.wearable_trial import Quantity, Stream, Trial
from onebody.datasets.wearable_windows import cut_windows
from onebody.labels import UNLABELED, LabelSpace, symmetric
from onebody.types import Floats

CHANNELS = 6
"""Acceleration in m/s^2 with gravity (x, y, z), then turn rate in rad/s."""

_CHUNK_BYTES = 64 << 20
"""Arrays are written to files of about this size, so that a large set never lies in memory."""

MAX_SAMPLES = 10_000_000
"""Most samples of one recording at the wanted rate; a clock that jumps would ask for more."""

_NO_INFLUENCE = {"folder", "prepared", "window_s", "overlap", "min_valid", "subject_prefix"}
"""Keys that the kept table does not depend on: windows are cut when it is opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WearableSet:
    """What is fixed about a set of wearables.

    Attributes:
        name: of the dataset.
        positions: where sensors sit, in the order of a body's sensors.
        spaces: label space of each class column but ``wearer`` and ``position``.
    """

    name: str
    positions: tuple[str, ...]
    spaces: Mapping[str, LabelSpace]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One row before windows: a sensor, or all of a body."""

    trial: Trial
    position: str
    values: Floats


def wearable_table(
    dataset: WearableSet,
    config: WearableConfig,
    files: Sequence[Path],
    trials: Callable[[], Iterable[Trial]],
) -> SampleTable:
    """Return the table of a set: trials brought to one rate (kept from then on), then windows.

    Args:
        dataset: what is fixed about the set.
        config: what is asked for.
        files: that the trials are read from; where one changes, they are read anew.
        trials: reads them.

    Returns:
        Medium ``imu`` ``[N, S, 6]``; columns of the set, ``wearer`` and, one row a sensor,
        ``position``. Rows of one trial are one group.

    Raises:
        ValueError: if a position does not exist, or no row is left.
    """
    for position in config.positions:
        if position not in dataset.positions:
            raise ValueError(
                f"{dataset.name}: expected positions out of {', '.join(dataset.positions)}; found "
                f"{position!r}. Correct 'positions'."
            )
    root = config.prepared or config.folder / "prepared"
    place = root / _digest(config, files)
    table = kept_table(place, lambda work: make_rows(dataset, config, trials(), work))
    cut = cut_windows(
        table, window_s=config.window_s, overlap=config.overlap, min_valid=config.min_valid
    )
    return _with_wearers(prefix_subjects(cut, config.subject_prefix))


def make_rows(
    dataset: WearableSet, config: WearableConfig, trials: Iterable[Trial], folder: Path
) -> SampleTable:
    """Write trials at one rate into a folder, and return the table of whole recordings.

    Raises:
        ValueError: if no trial has a sensor at the asked positions, or trials contradict each
            other.
    """
    rows: list[_Row] = []
    sources: list[str] = []
    waiting: list[Floats] = []
    bare = 0

    def flush() -> None:
        if waiting:
            file = folder / f"imu-{len(sources):07}.npy"
            sources.extend(store_arrays(file, waiting).tolist())
            waiting.clear()

    for trial in _apart(dataset.name, trials):
        made = list(_rows(dataset, config, trial))
        bare += not made
        for row in made:
            waiting.append(row.values)
            rows.append(replace(row, values=np.zeros((0, 1, CHANNELS), np.float32)))
        if sum(part.nbytes for part in waiting) > _CHUNK_BYTES:
            flush()
    flush()
    if bare:
        warnings.warn(
            f"{dataset.name}: {bare} trials left out, no accelerometer at the asked positions.",
            stacklevel=2,
        )
    if not rows:
        raise ValueError(
            f"{config.folder}: expected trials with an accelerometer at "
            f"{', '.join(config.positions or dataset.positions)}, found none. Is the set whole?"
        )
    return _table(dataset, config, rows, np.array(sources, np.str_))


def files_below(folder: Path, *patterns: str) -> list[Path]:
    """Return the files of a set below its folder, without those that were prepared from it."""
    found = {path for pattern in patterns for path in folder.rglob(pattern) if path.is_file()}
    return sorted(
        path
        for path in found
        if not {"prepared", "__MACOSX"} & set(path.relative_to(folder).parts)
        and not path.name.startswith("._")
    )


def _apart(dataset: str, trials: Iterable[Trial]) -> Iterator[Trial]:
    """Refuse two trials of one name; a person of two genders, as UMAFall has one, is named."""
    names: set[str] = set()
    genders: dict[str, tuple[str, str]] = {}
    strange: list[str] = []
    for trial in trials:
        if trial.name in names:
            raise ValueError(
                f"{trial.name}: expected one recording of this name, found two. Remove one of them."
            )
        names.add(trial.name)
        if gender := trial.labels.get("gender"):
            first, other = genders.setdefault(trial.subject, (gender, trial.name))
            if first != gender:
                strange.append(
                    f"{trial.name} calls subject {trial.subject} {gender}, {other} {first}"
                )
        yield trial
    if strange:
        warnings.warn(
            f"{dataset}: {len(strange)} trials contradict another one's gender of the same person "
            f"(first: {strange[0]}). Labels are kept as they stand.",
            stacklevel=2,
        )


def _streams(dataset: WearableSet, trial: Trial) -> dict[tuple[str, Quantity], Stream]:
    """Return a trial's streams by position and quantity."""
    found: dict[tuple[str, Quantity], Stream] = {}
    for stream in trial.streams:
        key = (stream.position, stream.quantity)
        if stream.position not in dataset.positions or key in found:
            raise ValueError(
                f"{trial.name}: expected one {stream.quantity} at each of "
                f"{', '.join(dataset.positions)}; found {'two' if key in found else 'one'} at "
                f"{stream.position!r}. Fetch or pack the recording anew."
            )
        found[key] = stream
    return found


def _rows(dataset: WearableSet, config: WearableConfig, trial: Trial) -> Iterator[_Row]:
    """Bring a trial's sensors to one rate."""
    wanted = [p for p in dataset.positions if not config.positions or p in config.positions]
    found = _streams(dataset, trial)
    worn = [position for position in wanted if (position, "acceleration") in found]
    if not worn:
        return
    if config.per == "sensor":
        for position in worn:
            times = found[position, "acceleration"].times_s
            grid = _grid(times[0], times[-1], config.rate_hz, f"{trial.name}/{position}")
            values = _sensor(found, position, grid, config)
            yield _Row(trial=trial, position=position, values=values[:, None])
        return
    ends = [found[position, "acceleration"].times_s[[0, -1]] for position in worn]
    grid = _grid(min(e[0] for e in ends), max(e[1] for e in ends), config.rate_hz, trial.name)
    body = np.full((len(grid), len(wanted), CHANNELS), np.nan, np.float32)
    for place, position in enumerate(wanted):
        if position in worn:
            body[:, place] = _sensor(found, position, grid, config)
    yield _Row(trial=trial, position="", values=body)


def _grid(start_s: float, end_s: float, rate_hz: float, place: str) -> Numbers:
    """Return times from a start on, a steady rate apart, up to an end.

    Raises:
        ValueError: if that is no length of a recording.
    """
    if (end_s - start_s) * rate_hz >= MAX_SAMPLES:
        raise ValueError(
            f"{place}: expected a recording of at most {MAX_SAMPLES / rate_hz / 3600:.0f} hours at "
            f"{rate_hz:g} Hz, found one of {(end_s - start_s) / 3600:.3g}. A clock jumps in it, or "
            "its sensors have clocks of their own: fetch it again, leave it out, or read it with "
            "'per: sensor'."
        )
    return start_s + np.arange(int((end_s - start_s) * rate_hz + 1e-6) + 1) / rate_hz


def _sensor(
    found: Mapping[tuple[str, Quantity], Stream],
    position: str,
    grid: Numbers,
    config: WearableConfig,
) -> Floats:
    """Return ``[m, 6]``: one sensor's readings; NaN where there are none."""
    values = np.full((len(grid), CHANNELS), np.nan, np.float32)
    kinds: tuple[tuple[int, Quantity], ...] = ((0, "acceleration"), (3, "turn_rate"))
    for first, quantity in kinds:
        stream = found.get((position, quantity))
        if stream is None or (first and config.accelerometer_only):
            continue
        values[:, first : first + 3] = at_rate(
            stream.times_s,
            stream.values,
            grid,
            rate_hz=config.rate_hz,
            max_gap_s=config.max_gap_s,
            lowpass_hz=config.lowpass_hz,
        )
    return values


def _table(
    dataset: WearableSet, config: WearableConfig, rows: Sequence[_Row], sources: Text
) -> SampleTable:
    """Describe whole recordings."""
    spaces = dict(dataset.spaces)
    if config.per == "sensor":
        spaces["position"] = symmetric(f"{dataset.name} position", dataset.positions)
    columns = {name: _column(name, space, rows) for name, space in spaces.items()}
    names = [row.trial.name for row in rows]
    return make_table(
        dataset.name,
        {"imu": sources},
        columns=columns,
        fps=np.full(len(rows), config.rate_hz),
        subject=[row.trial.subject for row in rows],
        group=names,
        split=[row.trial.split for row in rows],
        row_names=[
            f"{name}/{row.position}" if row.position else name
            for name, row in zip(names, rows, strict=True)
        ],
    )


def _column(name: str, space: LabelSpace, rows: Sequence[_Row]) -> ClassColumn:
    """Make one class column; a class that the set does not have is refused."""
    values = np.full(len(rows), UNLABELED, np.int64)
    for place, row in enumerate(rows):
        text = row.position if name == "position" else row.trial.labels.get(name, "")
        if text:
            try:
                values[place] = space.index(text)
            except ValueError as error:
                raise ValueError(f"{row.trial.name}: {error}") from None
    return ClassColumn(values=values, space=space)


def _with_wearers(table: SampleTable) -> SampleTable:
    """Add the column ``wearer``: who of the people in this table wore the sensor."""
    people = sorted(set(table.subject.tolist()), key=lambda s: (len(s), s))
    space = symmetric(f"{table.name} wearer", people)
    place = {name: index for index, name in enumerate(people)}
    values = np.array([place[name] for name in table.subject.tolist()], np.int64)
    return replace(
        table, columns={**table.columns, "wearer": ClassColumn(values=values, space=space)}
    )


def _digest(config: WearableConfig, files: Sequence[Path]) -> str:
    """Return what a kept table is called: by its options, its files and this code."""
    told = config.model_dump_json(exclude=_NO_INFLUENCE)
    digest = hashlib.sha256(f"{onebody.__version__}\n{told}\n".encode())
    for file in files:
        about = file.stat()
        name = file.relative_to(config.folder)
        digest.update(f"{name}\n{about.st_size}\n{about.st_mtime_ns}\n".encode())
    here = Path(__file__).parent
    for code in sorted((*here.glob("wearable_*.py"), here / f"{config.kind}.py")):  # type: ignore[attr-defined]
        digest.update(code.read_bytes() if code.exists() else b"")
    return digest.hexdigest()[:20]
