"""Crops that are made before they are asked for, by the thread that reads a file ahead.

Where somebody is in the next frame nobody knows before the network has seen this one. But a box
mostly rests (`onebody.inference.follow`): while enough frames wait, and as long as the box rests,
the reading thread crops those that wait as if it rested on. Where it has moved after all, the crop
is made anew. So the answers are the same, and reading and looking share the work of two processors.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from onebody.data import InputSpec
from onebody.inference.capture import CapturedFrame
from onebody.inference.prepare import Prepared, checked_frame, prepare_frame
from onebody.types import Doubles


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CropAhead:
    """A crop, and where it lies.

    Attributes:
        box: what was looked at; None: the whole picture.
        ready: the crop.
        took_ms: what making it took.
    """

    box: Doubles | None
    ready: Prepared
    took_ms: float


class CropsAhead:
    """Crops of frames that wait, by their numbers. `make` is for the reading thread.

    Args:
        spec: what the network reads.
    """

    def __init__(self, spec: InputSpec) -> None:
        self._spec = spec
        self._rests: tuple[Doubles | None] | None = None  # (box,); None: it moves, or is unknown
        self._last: tuple[Doubles | None] | None = None
        self._made: dict[int, CropAhead] = {}

    def expect(self, box: Doubles | None) -> None:
        """Take in where the next frame is looked at; None: at the whole picture."""
        before, self._last = self._last, (box,)
        self._rests = self._last if before and _same(before[0], box) else None

    def make(self, frame: CapturedFrame) -> None:
        """Crop a frame that waits, if the box rests."""
        rests = self._rests
        if rests is None:
            return
        began = time.perf_counter()
        with suppress(ValueError):  # no picture to look at: whoever takes it says so
            ready = prepare_frame(checked_frame(frame.picture, self._spec), self._spec, rests[0])
            took_ms = (time.perf_counter() - began) * 1e3
            self._made[frame.number] = CropAhead(box=rests[0], ready=ready, took_ms=took_ms)

    def take(self, number: int, box: Doubles | None) -> CropAhead | None:
        """Return the crop of a frame, if there is one of this very box.

        It is forgotten, as is that of every frame before: frames are asked for in order, and not
        all of them.
        """
        found = self._made.pop(number, None)
        for passed in [known for known in tuple(self._made) if known < number]:
            self._made.pop(passed, None)
        return found if found is not None and _same(found.box, box) else None

    def clear(self) -> None:
        """Forget everything."""
        self._rests = self._last = None
        self._made.clear()


def _same(one: Doubles | None, other: Doubles | None) -> bool:
    if one is None or other is None:
        return one is other
    return one is other or bool(np.array_equal(one, other))
