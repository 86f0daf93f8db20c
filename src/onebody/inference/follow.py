"""Where to look next: the box follows the last pose, and the whole picture is searched when lost.

A network learned its temporal layers on clips with one box each, so a box that trembled with every
pose would look to it like movement. A box therefore stays where it is until the person leaves its
middle, then glides after them, and stays again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

import numpy as np
from pydantic import Field

from onebody.config import Config
from onebody.inference.own_boxes import CONFIDENT, Box
from onebody.types import Doubles, Floats, Frames


class PersonFinder(Protocol):
    """The place of a detector with a tracker: tells a `Stream` where people are.

    It is asked for every frame that is run and for which the caller gives no boxes.
    """

    def find(self, frame: Frames, time_s: float) -> Mapping[int, Box]:
        """Return x0, y0, x1, y1 in pixels by person; the same number is the same person."""
        ...


class FollowConfig(Config):
    """How a box follows a person.

    Attributes:
        seen: share of the joints that must be confident for the person to be seen.
        lost_s: how long they may be unseen before the whole picture is searched.
        room: how far, in parts of the box's longer side, the person may stick out before it moves;
            under half of what ``input.box_scale`` adds, nothing of them is ever cut off.
        shrunk: part of the box's longer side to which a person may shrink before it moves.
        glide_s: time constant of its movement.
        forget_s: a person of whom the caller gives no box for so long is forgotten.
    """

    seen: float = Field(0.25, gt=0.0, le=1.0)
    lost_s: float = Field(0.4, ge=0.0)
    room: float = Field(0.1, ge=0.0)
    shrunk: float = Field(0.7, gt=0.0, lt=1.0)
    glide_s: float = Field(0.2, gt=0.0)
    forget_s: float = Field(1.0, gt=0.0)


class SteadyBox:
    """A box that rests until it must move.

    Args:
        config: when it moves, and how fast.
        box: ``[4]`` x0, y0, x1, y1 where it begins.
    """

    def __init__(self, config: FollowConfig, box: Doubles) -> None:
        self.config = config
        self.box = np.asarray(box, np.float64)
        self._gliding = False

    def toward(self, wanted: Doubles, passed_s: float) -> bool:
        """Move towards a person's box ``[4]`` as far as needed in the time that passed.

        Returns:
            Whether it had to jump, because the person is somewhere else altogether.
        """
        if _shared(wanted, self.box) == 0.0:
            self.box, self._gliding = np.asarray(wanted, np.float64), False
            return True
        self._gliding = self._gliding or self._too_far(wanted)
        if self._gliding:
            gain = -math.expm1(-passed_s / self.config.glide_s)
            self.box = self.box + gain * (wanted - self.box)
            side = float((wanted[2:] - wanted[:2]).max())
            self._gliding = bool(np.abs(wanted - self.box).max() > self.config.room / 3 * side)
        return False

    def _too_far(self, wanted: Doubles) -> bool:
        """Whether a person sticks out of the box, or has become small in it."""
        side = float((self.box[2:] - self.box[:2]).max())
        room = self.config.room * side
        low, high = self.box[:2] - room, self.box[2:] + room
        outside = bool((wanted[:2] < low).any() or (wanted[2:] > high).any())
        return outside or float((wanted[2:] - wanted[:2]).max()) < self.config.shrunk * side


class Follower:
    """Follows one person by the joints that the network finds.

    Args:
        config: when a person is lost, and how the box moves.
    """

    def __init__(self, config: FollowConfig) -> None:
        self.config = config
        self._steady: SteadyBox | None = None
        self._seen_s = -math.inf
        self._now = math.nan

    @property
    def box(self) -> Doubles | None:
        """``[4]`` where to look next; None: at the whole picture."""
        return None if self._steady is None else self._steady.box

    def lose(self) -> None:
        """Search the whole picture next."""
        self._steady = None

    def see(self, joints: Floats, size: tuple[int, int], time_s: float) -> tuple[bool, bool]:
        """Take in the joints of a frame.

        Args:
            joints: ``[K, 3]`` x, y in source pixels and confidence.
            size: height and width of the picture.
            time_s: when it was taken, later than that before.

        Returns:
            Whether somebody was seen, and whether the next frame shows another window, so that what
            the network remembers no longer fits.
        """
        passed = 0.0 if math.isnan(self._now) else time_s - self._now
        self._now = time_s
        found = person_box(joints, size, self.config.seen)
        if found is None:
            lost = self._steady is not None and time_s - self._seen_s > self.config.lost_s
            if lost:
                self.lose()
            return False, lost
        self._seen_s = time_s
        if self._steady is None:
            self._steady = SteadyBox(self.config, found)
            return True, True
        return True, self._steady.toward(found, passed)


def person_box(joints: Floats, size: tuple[int, int], seen: float) -> Doubles | None:
    """Return the box ``[4]`` of the confident joints within the picture.

    Args:
        joints: ``[K, 3]`` x, y in source pixels and confidence.
        size: height and width of the picture.
        seen: share of the joints that must be confident.

    Returns:
        None where too few are, or where they enclose less than a pixel of the picture.
    """
    x, y, confidence = joints.T
    sure = (confidence >= CONFIDENT) & np.isfinite(x + y)
    count = np.count_nonzero(sure)
    if not count or count < seen * len(joints):
        return None
    found = []
    for values, edge in ((x[sure], size[1]), (y[sure], size[0])):
        low, high = float(values.min()), float(values.max())
        within = min(max(low, 0.0), edge), min(max(high, 0.0), edge)
        if high - low < 1.0 or within[1] - within[0] < 1.0:
            return None
        found.append(within)
    return np.array([ends[side] for side in (0, 1) for ends in found], np.float64)


def _shared(a: Doubles, b: Doubles) -> float:
    """Return intersection over union of two boxes ``[4]``."""
    both = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    if (both <= 0).any():
        return 0.0
    area = float(both.prod())
    return area / float((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - area)
