"""Label spaces, maps between them, and what a mirror does to a label.

A column of a table keeps its dataset's own label space. A recipe maps columns to tasks; equal
spelling in two datasets is not taken for equal meaning unless the recipe says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from onebody.config import nearest
from onebody.types import Ints

UNLABELED = -1
"""How an absent label is stored in integer columns. It never reaches a loss."""


@dataclass(frozen=True, slots=True)
class LabelSpace:
    """An ordered list of classes.

    Attributes:
        name: whose labels these are (a dataset or a task), for messages.
        classes: class names; the position is the index.
        mirror: what each class becomes when the picture is mirrored: itself, another class, or
            None where the mirrored movement has no name ("swipe left" seen in a mirror, in a set
            without "swipe right"). An empty mapping: nobody has said, so mirroring is refused.
    """

    name: str
    classes: tuple[str, ...]
    mirror: Mapping[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(set(self.classes)) != len(self.classes):
            twice = sorted({c for c in self.classes if self.classes.count(c) > 1})
            raise ValueError(f"Label space {self.name!r} names classes twice: {', '.join(twice)}.")
        for source, target in self.mirror.items():
            for name in (source, target):
                if name is not None and name not in self.classes:
                    raise ValueError(
                        f"Label space {self.name!r}: the mirror names {name!r}. "
                        f"{nearest(name, self.classes)}"
                    )
        missing = [c for c in self.classes if c not in self.mirror] if self.mirror else []
        if missing:
            raise ValueError(
                f"Label space {self.name!r}: the mirror leaves out {', '.join(missing)}. Give each "
                "class its mirror image, itself, or null."
            )

    def __len__(self) -> int:
        return len(self.classes)

    def index(self, name: str) -> int:
        """Return the position of a class.

        Raises:
            ValueError: if there is no such class; names the nearest.
        """
        if name not in self.classes:
            raise ValueError(f"{self.name!r} has no class {name!r}. {nearest(name, self.classes)}")
        return self.classes.index(name)

    def mirror_table(self) -> Ints:
        """Return for each class index the mirrored index, or `UNLABELED` where there is none.

        Raises:
            ValueError: if no mirror was stated.
        """
        if not self.mirror:
            raise ValueError(
                f"Label space {self.name!r} does not say what a mirror makes of its classes. State "
                "'mirror' (class: mirrored class, itself, or null), or turn flipping off."
            )
        images = [self.mirror[c] for c in self.classes]
        return np.array([UNLABELED if m is None else self.index(m) for m in images], np.int64)


def symmetric(name: str, classes: Sequence[str]) -> LabelSpace:
    """Make a label space whose classes all look alike in a mirror."""
    return LabelSpace(name, tuple(classes), {c: c for c in classes})


def label_table(
    source: LabelSpace, target: LabelSpace, places: Mapping[str, str | None] | None = None
) -> Ints:
    """Map class indices of one space to another.

    Args:
        source: the column's label space.
        target: the task's label space.
        places: class of the column to class of the task, or to None: not labeled for this task.
            None at all: both spaces must have the same classes.

    Returns:
        ``[len(source)]`` indices into ``target``, `UNLABELED` for None.

    Raises:
        ValueError: if a class of the column has no stated place, or a place does not exist.
    """
    if places is None:
        places = {c: c for c in source.classes if c in target.classes}
    unknown = [c for c in places if c not in source.classes]
    if unknown:
        raise ValueError(
            f"{source.name!r} has no class {unknown[0]!r}. {nearest(unknown[0], source.classes)}"
        )
    lost = [c for c in source.classes if c not in places]
    if lost:
        raise ValueError(
            f"Classes of {source.name!r} without a place in {target.name!r}: {', '.join(lost)}. "
            "Map each to a class, or to null to leave it unlabeled."
        )
    images = [places[c] for c in source.classes]
    return np.array([UNLABELED if p is None else target.index(p) for p in images], np.int64)
