"""Reading what the media of a batch hold, before anything is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from onebody.data.augment import AugmentConfig, Draws, select_draws
from onebody.data.flow import is_flow, pictured, shown_before
from onebody.data.reading import Clip, RowError, Wish, channels_of, read_clip
from onebody.data.series import Series, read_series
from onebody.data.several import SameTime, whole_pictures
from onebody.data.spec import InputSpec, TargetSpec
from onebody.data.table import Numbers, SampleTable
from onebody.types import Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the media of a batch of B rows have in common.

    Attributes:
        draws: what training varies; None: nothing.
        same: what several media have in common in time, besides.
        clip: which test clip of how many.
        as_test: whether frames are chosen as in a test.
        flipped: whether a test looks at mirrored clips; class labels stay.
    """

    table: SampleTable
    rows: Ints
    draws: Draws | None
    same: SameTime | None
    augment: AugmentConfig | None
    clip: tuple[int, int]
    as_test: bool
    flipped: bool = False

    def depth_ref_mm(self) -> Numbers:
        """Return ``[B]`` distance at which depth is 0.5, moved with the body that looks farther."""
        found = self.table.depth_ref_mm[self.rows]
        return found if self.draws is None else np.asarray(found - self.draws.depth_shift_mm)

    def select(self, kept: Sequence[int]) -> Parts:
        """Return what belongs to the rows that could be read."""
        return replace(
            self,
            rows=self.rows[list(kept)],
            draws=None if self.draws is None else select_draws(self.draws, kept),
            same=None if self.same is None else self.same.select(kept),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One medium of B rows.

    Attributes:
        spec: how it is prepared.
        table: the rows; boxes are of the first medium's pictures (and flow), unknown to others.
        targets: whose joints are read with it: those of the first medium.
        generators: each row's own, for what is drawn of this medium alone.
        clips: pictures that were read; None: a row has no such medium. Empty where numbers are.
        series: numbers, likewise.
        shown: number of the medium before it whose very pictures it is made of; None: of its own.
    """

    spec: InputSpec
    table: SampleTable
    targets: Sequence[TargetSpec]
    generators: list[np.random.Generator]
    clips: list[Clip | None]
    series: list[Series | None]
    shown: int | None = None

    @property
    def pictures(self) -> bool:
        """Whether it holds pictures, not numbers."""
        return channels_of(self.spec.modality) is not None

    @property
    def depth(self) -> bool:
        """Whether it holds depth, or its flow."""
        return pictured(self.spec.modality).split("/")[0] == "depth"

    def select(self, kept: Sequence[int]) -> Look:
        """Return what belongs to the rows that could be read."""
        return replace(self, generators=[self.generators[b] for b in kept])


def looks_of(
    table: SampleTable,
    spec: InputSpec,
    targets: Sequence[TargetSpec],
    generators: Sequence[list[np.random.Generator]],
) -> list[Look]:
    """Prepare to read each medium."""
    further = whole_pictures(table) if spec.also else table
    return [
        Look(
            spec=medium,
            table=table if pictured(medium.modality) == pictured(spec.modality) else further,
            targets=() if number else targets,
            generators=generators[number],
            clips=[],
            series=[],
            shown=shown_before(spec, number),
        )
        for number, medium in enumerate(spec.media)
    ]


def read_rows(parts: Parts, looks: Sequence[Look], *, skip: bool) -> tuple[list[int], list[str]]:
    """Read every medium of every row into ``looks``; return rows kept and why others were not."""
    kept: list[int] = []
    failures: list[str] = []
    for b, row in enumerate(parts.rows.tolist()):
        found: list[tuple[Clip | None, Series | None]] = []
        try:
            for look in looks:
                before = _found_before(parts, looks, look, found, b)
                found.append(_read(parts, look, b, row) if before is None else before)
        except RowError as error:
            if not skip:
                raise
            failures.append(str(error))
            continue
        for look, (clip, series) in zip(looks, found, strict=True):
            if look.pictures:
                look.clips.append(clip)
            else:
                look.series.append(series)
        kept.append(b)
    return kept, failures


def _found_before(
    parts: Parts,
    looks: Sequence[Look],
    look: Look,
    found: Sequence[tuple[Clip | None, Series | None]],
    b: int,
) -> tuple[Clip | None, Series | None] | None:
    """Return what was read of the medium that a flow is of, where the row has both.

    Depth that is moved to and fro is read apart: flow is that of pictures as they are.
    """
    moved = parts.draws is not None and parts.draws.depth_shift_mm[b] != 0
    if look.shown is None or (moved and look.depth):
        return None
    other, row = looks[look.shown], parts.rows[b]
    here, there = (one.table.media[one.spec.modality][row] for one in (look, other))
    return found[look.shown] if here == there else None


def _read(parts: Parts, look: Look, b: int, row: int) -> tuple[Clip | None, Series | None]:
    """Read one medium of row b of the batch: its pictures or its numbers, if it has any."""
    spec = look.spec
    if look.table.media[spec.modality][row] == "":
        return None, None
    if not look.pictures:
        return None, read_series(look.table, row, spec.modality)
    wish = Wish(clip=parts.clip[0], clips=parts.clip[1])
    if parts.draws is not None:
        wish = _wish(parts.draws, b, wish, depth=look.depth and not is_flow(spec.modality))
        if not parts.as_test:
            start = None if parts.same is None else float(parts.same.start[b])
            wish = replace(wish, generator=look.generators[b], start=start)
    return read_clip(look.table, row, spec, look.targets, wish), None


def _wish(draws: Draws, b: int, wish: Wish, *, depth: bool) -> Wish:
    """Take what concerns reading out of a row's draw."""
    return replace(
        wish,
        speed=float(draws.speed[b]),
        duration=float(draws.duration[b]),
        begin=float(draws.begin[b]),
        side=float(draws.side[b]),
        shift=(float(draws.shift[b, 0]), float(draws.shift[b, 1])),
        depth_shift_mm=float(draws.depth_shift_mm[b]) if depth else 0.0,
    )
