"""Classification of samples: which action, which gesture, who."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from onebody.config import nearest
from onebody.data import ClassColumn, SampleTable, TargetSpec
from onebody.labels import LabelSpace, label_table
from onebody.tasks.classes import ClassTask
from onebody.tasks.resolve import TaskConfig, checked_column, columns_of

Places = Mapping[str, str | None]


class ClassificationConfig(TaskConfig):
    """A classification task.

    Attributes:
        classes: the task's classes in order; None: those of the column, where all tables share one
            label space, or those that ``places`` names.
        mirror: what a mirror makes of each class (see `LabelSpace`); None: what the columns say.
        places: class of a column to class of the task, or to null: not labeled for this task. None:
            by equal names.
        label_smoothing: share of each label that is spread over all classes.
        per_frame: give every frame an answer of its own (for streams); that for a clip is the mean.
        nothing: name of the class of frames in which nothing happens, one more where no column has
            it. The pauses of spliced clips teach it (see `onebody.data.splice`).
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"per_frame", "nothing"})

    kind: Literal["classification"] = "classification"
    classes: tuple[str, ...] | None = None
    mirror: dict[str, str | None] | None = None
    places: dict[str, str | None] | None = None
    label_smoothing: float = Field(0.0, ge=0.0, lt=1.0)
    per_frame: bool = False
    nothing: Literal["", "nothing", "none", "idle", "background"] = ""

    @model_validator(mode="after")
    def _of_frames(self) -> Self:
        if self.nothing and not self.per_frame:
            raise ValueError("'nothing' is a class of frames; it needs per_frame: true")
        return self

    def resolve(
        self,
        name: str,
        tables: Sequence[SampleTable],
        known: Mapping[str, TaskConfig],  # noqa: ARG002
    ) -> Self:
        """Fill in classes and mirror, and check that every class of every column has a place."""
        column = self.column or name
        spaces = [c.space for c in columns_of(tables, name, column, ClassColumn).values()]
        classes = self.classes or _classes(name, spaces, self.places)
        mirror = (
            carried_mirror(classes, spaces, self.places) if self.mirror is None else self.mirror
        )
        if self.nothing and self.nothing not in classes:
            classes = (*classes, self.nothing)
            mirror = {**mirror, self.nothing: self.nothing} if mirror else mirror
        space = LabelSpace(name, classes, mirror or {})
        check_places(name, spaces, self.places)
        for source in spaces:
            label_table(source, space, places_in(source, self.places))
        update = {"name": name, "column": column, "classes": classes, "mirror": mirror}
        return self.model_copy(update=update)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationTask(ClassTask):
    """Classification with a head of its own.

    Attributes:
        places: class of a column to class of the task, or None; None at all: by equal names.
        nothing: the class of frames in which nothing happens; empty: there is none.
    """

    kind: ClassVar[str] = "classification"
    places: Places | None = None
    nothing: str = ""

    def target_spec(self, table: SampleTable) -> TargetSpec:
        """Map the column's classes to the task's; a table without the column maps none."""
        mirror = self.space.mirror_table() if self.space.mirror else None
        lookup = None
        if self.column in table.columns:
            source = checked_column(table, self.name, self.column, ClassColumn).space
            lookup = label_table(source, self.space, places_in(source, self.places))
        return TargetSpec(
            task=self.name,
            column=self.column,
            form="class",
            table=lookup,
            mirror=mirror,
            per_frame=self.per_frame,
            nothing=self.classes.index(self.nothing) if self.nothing else -1,
        )


def build_classification(config: ClassificationConfig) -> ClassificationTask:
    """Build the task of a resolved configuration."""
    if config.classes is None:
        raise ValueError(f"Task {config.name!r} has no classes yet: resolve it with its tables.")
    return ClassificationTask(
        name=config.name,
        column=config.column or config.name,
        space=LabelSpace(config.name, config.classes, config.mirror or {}),
        label_smoothing=config.label_smoothing,
        per_frame=config.per_frame,
        places=config.places,
        nothing=config.nothing,
    )


def _classes(task: str, spaces: Sequence[LabelSpace], places: Places | None) -> tuple[str, ...]:
    """Return the task's classes where the recipe does not list them."""
    if places is not None:
        return tuple(dict.fromkeys(place for place in places.values() if place is not None))
    distinct = {(space.name, space.classes) for space in spaces}
    if len(distinct) > 1:
        # Equal spelling is not taken for equal meaning unless the recipe says so.
        names = ", ".join(sorted({space.name for space in spaces}))
        raise ValueError(
            f"Task {task!r} reads columns of different label spaces ({names}). State its "
            "'classes', and 'places' for classes that are called differently."
        )
    return spaces[0].classes


def carried_mirror(
    classes: Iterable[str], spaces: Sequence[LabelSpace], places: Places | None
) -> dict[str, str | None] | None:
    """Carry the columns' mirrors over to the task; None where they are silent or disagree."""
    images: dict[str, set[str | None]] = {name: set() for name in classes}
    for space in spaces:
        if not space.mirror:
            return None
        for name in space.classes:
            place, image = _place(name, places), space.mirror[name]
            if place in images:
                images[place].add(None if image is None else _place(image, places))
    if any(len(found) != 1 for found in images.values()):
        return None
    carried = {name: found.pop() for name, found in images.items()}
    return carried if all(m is None or m in images for m in carried.values()) else None


def _place(name: str, places: Places | None) -> str | None:
    """Return the task's class for a column's class."""
    return name if places is None else places.get(name)


def places_in(space: LabelSpace, places: Places | None) -> Places | None:
    """Return the places of one column's classes."""
    return None if places is None else {c: p for c, p in places.items() if c in space.classes}


def check_places(task: str, spaces: Sequence[LabelSpace], places: Places | None) -> None:
    """Refuse a place for a class that no column has."""
    known = {name for space in spaces for name in space.classes}
    for name in places or {}:
        if name not in known:
            raise ValueError(
                f"Task {task!r}: 'places' names {name!r}, which no column has. "
                f"{nearest(name, known)}"
            )
