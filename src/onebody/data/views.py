"""`View`: one of several looks that a test takes at the same frames of a row."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from onebody.data.augment import Draws


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Where a look differs from the plain one; labels stay those of the row.

    Attributes:
        flip: whether it is mirrored. Sides of joint targets follow, class labels do not: what a
            mirrored class is called, those know who read the answer.
        shift: x, y shift of the window as a fraction of its side (pictures).
        scale: factor on the side of the window (pictures).
    """

    flip: bool = False
    shift: tuple[float, float] = (0.0, 0.0)
    scale: float = 1.0

    @property
    def plain(self) -> bool:
        """Whether it is the look that a test takes anyway."""
        return self == View()

    def applied(self, draws: Draws) -> Draws:
        """Return draws whose windows are moved and scaled (``flip`` stays: see `assemble`)."""
        return replace(
            draws, side=draws.side * self.scale, shift=draws.shift + np.array(self.shift)
        )
