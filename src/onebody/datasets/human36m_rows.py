"""Rows of Human3.6M: recordings cut into pieces, with their pictures."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from onebody.data import JointsColumn, SampleTable
from onebody.data.table import Text
from onebody.datasets.human36m_media import Place, Placed, check_size
from onebody.datasets.human36m_prepare import NAME, SKELETONS
from onebody.datasets.human36m_recording import FPS, parse_take
from onebody.datasets.listed import Missing
from onebody.types import Doubles, Ints

WINDOW_MM = 1800.0
"""Side of the square around the root, at its distance, that a person's box is: enlarged by the
usual factor of 1.25 it is SPNet's 2.25 m. It needs ground truth, as SPNet's does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A row: entries ``first`` to ``stop`` of the arrays, of one recording.

    Attributes:
        recording: row of the prepared table.
        first, stop: of the arrays' entries.
        placed: its pictures; None: it has none, or nobody has looked.
    """

    recording: int
    first: int
    stop: int
    placed: Placed | None = None


def cut_pieces(recordings: SampleTable, numbers: Ints, frames: int | None) -> list[Piece]:
    """Cut recordings into rows.

    Args:
        recordings: the prepared table.
        numbers: frame numbers of all recordings.
        frames: of a row; None: all of a recording's.

    Raises:
        ValueError: if the frames of a row have no common distance.
    """
    pieces = []
    for row, source in enumerate(_joints(recordings, "pose3d").sources.tolist()):
        begin, end = (int(text) for text in source.rpartition("#")[2].split(":"))
        step = frames or end - begin
        if step > 1:
            _check_even(str(recordings.row_names[row]), numbers[begin:end])
        pieces += [
            Piece(recording=row, first=first, stop=min(first + step, end))
            for first in range(begin, end, step)
        ]
    return pieces


def place_pieces(
    recordings: SampleTable,
    pieces: Sequence[Piece],
    numbers: Ints,
    place: Place,
    where: str,
    missing: Missing,
) -> list[Piece]:
    """Find the pictures of rows; what has none is counted and said.

    Args:
        recordings: the prepared table.
        pieces: rows.
        numbers: frame numbers of all recordings.
        place: finds the medium of a row.
        where: what is looked for where, for messages.
        missing: what becomes of rows without pictures.

    Raises:
        ValueError: if pictures are missing (and not dropped, or all are), or of another size.
    """
    takes = [parse_take(name) for name in recordings.row_names.tolist()]
    kept: list[Piece] = []
    lost: list[Piece] = []
    short = 0
    for piece in pieces:
        take = takes[piece.recording]
        assert take is not None  # the names were made of takes
        placed = place(take, numbers[piece.first : piece.stop])
        if placed is None:
            lost.append(piece)
            continue
        short += piece.stop - piece.first - placed.count
        if placed.count:
            if not kept or kept[-1].recording != piece.recording:
                check_size(placed.source)
            kept.append(replace(piece, stop=piece.first + placed.count, placed=placed))
    if not kept and not lost:
        raise ValueError(
            f"{NAME}: expected {where} at the rows' frames, found all of them to end before."
        )
    if lost and (missing == "refuse" or not kept):
        name = recordings.row_names[lost[0].recording]
        raise ValueError(
            f"{NAME}: expected {where} of {name} from frame {numbers[lost[0].first] + 1} on, found "
            f"them not or not all ({len(lost)} of {len(pieces)} rows lack some). Fetch them, or "
            "state 'missing: drop' to go without."
        )
    if lost:
        _say(f"{len(lost)} of {len(pieces)} rows lack {where} and are left out")
    if short:
        _say(f"{short} frames after the end of their videos are left out")
    return kept


def _check_even(name: str, frames: Ints) -> None:
    """Refuse a row whose frames have no common clock."""
    gaps = np.diff(frames)
    if len(gaps) and gaps.min() != gaps.max():
        raise ValueError(
            f"{NAME}: {name}: expected frames at equal distances, found {gaps.min()} to "
            f"{gaps.max()} between two. Take stills (frames: 1), or a whole annotation file."
        )


def table_of_pieces(
    recordings: SampleTable, pieces: Sequence[Piece], numbers: Ints, folder: Path
) -> SampleTable:
    """Make the table of rows.

    Args:
        recordings: the prepared table.
        pieces: rows; with pictures, or none of them has any.
        numbers: frame numbers of all recordings.
        folder: of the arrays.
    """
    rows = recordings.select(np.array([piece.recording for piece in pieces], np.int64))
    space = np.load(folder / "pose3d.npy", mmap_mode="r", allow_pickle=False)
    flat = np.load(folder / "pose2d.npy", mmap_mode="r", allow_pickle=False)
    depth = np.asarray(space[:, 0, 2], np.float64)
    root_px = np.asarray(flat[:, 0, :2], np.float64)
    spans = [f"#{piece.first}:{piece.stop}" for piece in pieces]

    def cut(sources: Sequence[str]) -> Text:
        files = [source.rpartition("#")[0] for source in sources]
        return np.array([a + b for a, b in zip(files, spans, strict=True)], np.str_)

    joints = {name: _joints(rows, name) for name in ("pose2d", "pose3d")}
    placed = [piece.placed for piece in pieces if piece.placed]
    if placed:
        media = {"rgb": np.array([found.source for found in placed], np.str_)}
        rows = replace(
            rows,
            start_s=np.array([found.start_s for found in placed]),
            end_s=np.array([found.end_s for found in placed]),
            fps=np.where([found.is_video for found in placed], FPS, rows.fps),
        )
    else:
        media = {name: cut(rows.media[name].tolist()) for name in SKELETONS}
    return replace(
        rows,
        media=media,
        columns={
            **rows.columns,
            **{n: replace(c, sources=cut(c.sources.tolist())) for n, c in joints.items()},
        },
        box=np.array(
            [
                _window(root_px[p.first : p.stop], depth[p.first : p.stop], focal)
                for p, focal in zip(pieces, rows.camera_matrix[:, :2].max(axis=1), strict=True)
            ]
        ),
        depth_ref_mm=np.array([depth[piece.first : piece.stop].mean() for piece in pieces]),
        row_names=np.array(_names(recordings, pieces, numbers), np.str_),
    )


def _window(root_px: Doubles, depth_mm: Doubles, focal_px: float) -> Doubles:
    """Return the box ``[4]`` of all squares of `WINDOW_MM` around the roots of a row's frames.

    Args:
        root_px: ``[T, 2]``.
        depth_mm: ``[T]``.
        focal_px: the longer focal length.
    """
    half = (WINDOW_MM / 2 * focal_px / depth_mm)[:, None]
    return np.concatenate([(root_px - half).min(axis=0), (root_px + half).max(axis=0)])


def _names(recordings: SampleTable, pieces: Sequence[Piece], numbers: Ints) -> list[str]:
    """Name rows after their recording and first picture (numbers from 1)."""
    whole = len(pieces) == len({piece.recording for piece in pieces})
    names = recordings.row_names
    return [str(names[p.recording]) + ("" if whole else f"#{numbers[p.first] + 1}") for p in pieces]


def _joints(table: SampleTable, name: str) -> JointsColumn:
    column = table.columns[name]
    assert isinstance(column, JointsColumn)  # as prepared
    return column


def _say(text: str) -> None:
    warnings.warn(f"{NAME}: {text}.", stacklevel=4)
