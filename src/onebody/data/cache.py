"""Decoded copies of a table's media: training then never waits for a video decoder."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from onebody.data.media import MediaError
from onebody.data.sources import frame_span, probe, read_frames
from onebody.data.table import SampleTable
from onebody.types import Ints

GREY_MODALITIES = ("depth", "silhouette")
"""Modalities of one channel; all others are pictures in color."""

_CHUNK = 64
"""Frames decoded at a time, so that a long video never lies in memory whole."""

Clip = tuple[str, int, int, int]
"""(source, first frame, frame after the last, first row that has it)."""


def cache_media(table: SampleTable, modality: str, folder: Path) -> SampleTable:
    """Decode the span of every row once, into one memory-mapped array per picture size.

    Rows that share a source and a span share the frames. Files take their names when all are
    written: a failure leaves an earlier cache as it was. A variable frame rate becomes its mean.

    Args:
        table: any table.
        modality: which medium (others stay as they are, so a table with several modalities keeps
            its spans only where all of them are cached).
        folder: where the arrays go (``rgb-240x320.npy``).

    Returns:
        The table with ``npy#a:b`` sources for this modality, the frame rates filled in and the
        spans cleared.

    Raises:
        ValueError: if the table lacks the modality, or has other media whose spans would be lost.
        MediaError: if a row's media cannot be read; names the row.
    """
    if modality not in table.media:
        raise ValueError(
            f"Table {table.name!r} has no modality {modality!r}. Has: {', '.join(table.media)}."
        )
    _refuse_lost_spans(table, modality)
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".cache-", dir=folder))
    try:
        sources, fps = _write_cache(table, modality, work, folder)
        for file in sorted(work.iterdir()):
            os.replace(file, folder / file.name)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    nothing = np.full(len(table), np.nan)
    has_media = table.media[modality] != ""
    return replace(
        table,
        media={**table.media, modality: np.asarray(sources, np.str_)},
        fps=np.where(np.isnan(table.fps) & has_media, fps, table.fps),
        start_s=np.where(has_media, nothing, table.start_s),
        end_s=np.where(has_media, nothing, table.end_s),
    )


def _refuse_lost_spans(table: SampleTable, modality: str) -> None:
    """Refuse to clear the span of a row that another medium still needs."""
    spanned = ~(np.isnan(table.start_s) & np.isnan(table.end_s))
    for other, sources in table.media.items():
        lost = np.flatnonzero(spanned & (sources != "") & (table.media[modality] != ""))
        if other != modality and len(lost):
            raise ValueError(
                f"{table.row_names[lost[0]]}: {other!r} still needs the row's span, which caching "
                f"{modality!r} would clear. Cache a table of one modality."
            )


def _write_cache(
    table: SampleTable, modality: str, work: Path, folder: Path
) -> tuple[list[str], npt.NDArray[np.float64]]:
    """Write the arrays; return each row's new source and frame rate."""
    clips, clip_of_row, fps = _clips(table, modality)
    sources = [""] * len(clips)
    by_size: dict[tuple[int, int], list[int]] = {}
    for number, (source, _, _, _) in enumerate(clips):
        info = probe(source)
        by_size.setdefault((info.height, info.width), []).append(number)
    channels = 1 if modality.split("/")[0] in GREY_MODALITIES else 3
    for (height, width), numbers in sorted(by_size.items()):
        name = f"{modality.replace('/', '-')}-{height}x{width}.npy"
        total = sum(clips[n][2] - clips[n][1] for n in numbers)
        shape = (total, height, width, channels)
        frames = np.lib.format.open_memmap(work / name, "w+", dtype=np.uint8, shape=shape)
        at = 0
        for number in numbers:
            after = at + _copy(table, clips[number], frames[at:])
            sources[number] = f"{folder / name}#{at}:{after}"
            at = after
        frames.flush()
        del frames
    return ["" if c < 0 else sources[c] for c in clip_of_row], fps


def _copy(table: SampleTable, clip: Clip, out: npt.NDArray[np.uint8]) -> int:
    """Decode a clip into the front of an array; return how many frames it has."""
    source, first, stop, row = clip
    for begin in range(first, stop, _CHUNK):
        end = min(begin + _CHUNK, stop)
        with _naming(table, row):
            out[begin - first : end - first] = read_frames(
                source, np.arange(begin, end), channels=out.shape[-1]
            )
    return stop - first


def _clips(table: SampleTable, modality: str) -> tuple[list[Clip], Ints, npt.NDArray[np.float64]]:
    """Find the distinct clips, and each row's clip number and frame rate."""
    numbers: dict[tuple[str, int, int], int] = {}
    clips: list[Clip] = []
    clip_of_row = np.full(len(table), -1, np.int64)
    fps = np.full(len(table), np.nan)
    for row, source in enumerate(table.media[modality].tolist()):
        if not source:
            continue
        with _naming(table, row):
            given = float(table.fps[row])
            span = (float(table.start_s[row]), float(table.end_s[row]))
            key = (source, *frame_span(source, *span, fps=given))
            fps[row] = probe(source).fps
        if key not in numbers:
            numbers[key] = len(clips)
            clips.append((*key, row))
        clip_of_row[row] = numbers[key]
    return clips, clip_of_row, fps


@contextmanager
def _naming(table: SampleTable, row: int) -> Iterator[None]:
    """Name the row of the table in whatever its media raise."""
    try:
        yield
    except MediaError as error:
        where = f"{table.row_names[row]}: {error.source}"
        raise MediaError(where, error.expected, error.found) from None
