"""Windows of recordings as rows: a span of the same medium, in the recording's group."""

from __future__ import annotations

import warnings
from dataclasses import replace
from itertools import pairwise

import numpy as np

from onebody.data import SampleTable
from onebody.data.sources import read_array
from onebody.data.table import Text
from onebody.types import Bools, Floats


def cut_windows(
    table: SampleTable,
    *,
    window_s: float | None,
    overlap: float = 0.0,
    min_valid: float = 0.5,
    modality: str = "imu",
) -> SampleTable:
    """Cut every row's recording into windows of equal length.

    The rest at a recording's end that fills no window is dropped; recordings shorter than a window
    and windows of which too little is known are left out, counted, with a warning.

    Args:
        table: rows are whole recordings with a frame rate.
        window_s: length of a window; None: rows stay whole.
        overlap: of two windows, as a part of their length.
        min_valid: part of a window's samples that must be known, of the sensor that knows most.
        modality: the medium that is cut.

    Returns:
        Rows in the order of recordings and time, with the recording's labels, group and subject.

    Raises:
        ValueError: if nothing is left.
    """
    rows: list[int] = []
    spans: list[tuple[float, float]] = []
    short = unknown = 0
    for row in range(len(table)):
        known = known_samples(np.asarray(read_array(str(table.media[modality][row]))))
        rate = float(table.rate(modality)[row])
        length = len(known) if window_s is None else round(window_s * rate)
        hop = max(1, round(length * (1 - overlap)))
        starts = range(0, len(known) - length + 1, hop) if length else range(0)
        short += not starts
        for start in starts:
            if known[start : start + length].mean(axis=0).max() < min_valid:
                unknown += 1
                continue
            rows.append(row)
            spans.append((start / rate, (start + length) / rate))
    _say(table, short, unknown, window_s)
    if not rows:
        what = "recording" if window_s is None else f"window of {window_s:g} s"
        shorter = "" if window_s is None else "shorter windows, "
        raise ValueError(
            f"Table {table.name!r}: no {what} is left: of {short} too few samples are there, of "
            f"{unknown} too little is known. Take {shorter}a larger 'max_gap_s' or a smaller "
            "'min_valid'."
        )
    cut = table.select(np.array(rows, np.int64))
    if window_s is None:
        return cut
    start_s, end_s = np.array(spans, np.float64).T
    return replace(cut, start_s=start_s, end_s=end_s, row_names=_names(cut.row_names))


def known_samples(values: Floats) -> Bools:
    """Return ``[N, S]``: samples of ``[N, S, C]`` whose acceleration (channels 0 to 2) is known."""
    return np.asarray(np.isfinite(values[..., :3]).all(axis=-1))


def _names(names: Text) -> Text:
    """Number the windows of each recording."""
    count, numbers = 0, [0] if len(names) else []
    for before, name in pairwise(names.tolist()):
        count = count + 1 if name == before else 0
        numbers.append(count)
    named = [f"{name}@{number}" for name, number in zip(names.tolist(), numbers, strict=True)]
    return np.array(named, np.str_)


def _say(table: SampleTable, short: int, unknown: int, window_s: float | None) -> None:
    """Warn of what was left out."""
    said = []
    if short:
        said.append(f"{short} recordings shorter than a window of {window_s} s")
    if unknown:
        said.append(
            f"{unknown} {'windows' if window_s else 'recordings'} of which too little is known"
        )
    if said:
        warnings.warn(f"{table.name}: left out: {'; '.join(said)}.", stacklevel=3)
