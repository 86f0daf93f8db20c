"""What several media of one row have in common in time.

Speed, duration and beginning are drawn once for a row (`onebody.data.augment.Draws`). Where a clip
that does not fill its span begins, and how unevenly it runs, each medium alone would draw for
itself; several media of one performance must do alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from onebody.data.augment import AugmentConfig, row_generators
from onebody.data.augment_joints import TEMPO_PARTS, JointDraws
from onebody.data.table import Numbers, SampleTable
from onebody.types import Ints

_NO_MEDIUM = 2**16
"""In place of a medium's number, for draws that are those of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SameTime:
    """What the media of B rows do alike.

    Attributes:
        start: ``[B]`` where a clip that does not fill the part begins, as a part of the rest.
        tempo: ``[B, K]`` relative tempo of the clip's parts (skeletons and sensors).
    """

    start: Numbers
    tempo: Numbers

    def applied(self, draws: JointDraws) -> JointDraws:
        """Return a medium's own draws with these in their place."""
        return replace(draws, start=self.start, tempo=self.tempo)

    def select(self, entries: Sequence[int]) -> SameTime:
        """Return those of some rows."""
        return SameTime(start=self.start[list(entries)], tempo=self.tempo[list(entries)])


def draw_same_time(config: AugmentConfig, seed: int, passes: Ints, rows: Ints) -> SameTime:
    """Draw for B rows; depends on (seed, pass, row) alone, not on which media are read."""
    generators = row_generators(seed, passes, rows, _NO_MEDIUM)
    u = np.stack([generator.random(1 + TEMPO_PARTS) for generator in generators])
    return SameTime(start=u[:, 0], tempo=1 + config.warp * (2 * u[:, 1:] - 1))


def whole_pictures(table: SampleTable) -> SampleTable:
    """Return a table without boxes: they are stated in pixels of the first medium alone."""
    return replace(table, box=np.full_like(table.box, np.nan))
