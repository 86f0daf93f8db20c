"""`Movement`: one class of movement, its program and what a mirror makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from onebody.labels import LabelSpace
from onebody.simulate.clock import Clock
from onebody.simulate.pose import Pose


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One class of movement.

    Attributes:
        program: changes an idle pose into the movement, written for a leading side at +x.
        backward: the program's frames in opposite order (standing up is sitting down backward).
        mirror: the class that a mirror makes of it; ``""`` itself, None a movement without name.
    """

    program: Callable[[Clock, Pose], None]
    backward: bool = False
    mirror: str | None = ""


def label_space(name: str, movements: Mapping[str, Movement]) -> LabelSpace:
    """Make the label space of a set of movements, with its mirror."""
    mirror = {kind: kind if m.mirror == "" else m.mirror for kind, m in movements.items()}
    return LabelSpace(name, tuple(movements), mirror)
