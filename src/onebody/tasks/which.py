"""`WhichTask`: which of several tasks a clip belongs to. A router with a head of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from onebody.config import nearest
from onebody.data import ClassColumn, SampleTable, TargetSpec
from onebody.labels import LabelSpace, label_table, symmetric
from onebody.tasks.classes import ClassTask
from onebody.tasks.classification import ClassificationConfig, check_places, places_in
from onebody.tasks.resolve import TaskConfig, checked_column, columns_of


class WhichConfig(TaskConfig):
    """A router over class tasks; its classes are their names.

    What a clip is of, a column says. Without a column it is read from positive evidence alone: a
    row that is labeled for exactly one of the tasks is of that one. A row that is labeled for none
    has no target (its label may just be missing), nor has a row that is labeled for several.

    Attributes:
        of: names of the tasks.
        column: class column that says which task a row belongs to; empty: the tasks' own labels.
        none: name of one class more, for clips that belong to none of the tasks; only a column
            can say so. Empty: there is no such class.
        places: class of the column to the name of a task, to ``none``, or to null: not known.
            None: by equal names.
        label_smoothing: share of each label that is spread over all classes.
        per_frame: give every frame an answer of its own, as of `ClassificationConfig`.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"per_frame"})

    kind: Literal["which"] = "which"
    of: tuple[str, ...] = Field(min_length=2)
    none: str = ""
    places: dict[str, str | None] | None = None
    label_smoothing: float = Field(0.0, ge=0.0, lt=1.0)
    per_frame: bool = False

    @model_validator(mode="after")
    def _told_by_a_column(self) -> Self:
        for key in ("none", "places"):
            if getattr(self, key) and not self.column:
                raise ValueError(
                    f"{key!r} needs a 'column': labels of the tasks cannot say that a clip "
                    "belongs to none of them, since a label may just be missing"
                )
        return self

    @property
    def needs(self) -> tuple[str, ...]:
        """The tasks that it tells apart."""
        return self.of

    @property
    def space(self) -> LabelSpace:
        """The tasks' names, then ``none``; a mirror changes nothing about what a clip is of."""
        return symmetric(self.name, (*self.of, *([self.none] if self.none else [])))

    def resolve(
        self, name: str, tables: Sequence[SampleTable], known: Mapping[str, TaskConfig]
    ) -> Self:
        """Check that the tasks are of classes, and that each class of the column has a place."""
        classed = [n for n, c in known.items() if isinstance(c, ClassificationConfig)]
        for part in self.of:
            if part not in classed:
                raise ValueError(
                    f"Router {name!r} tells classification tasks apart; {part!r} is none. "
                    f"{nearest(part, classed)}"
                )
        resolved = self.model_copy(update={"name": name})
        space = resolved.space
        if self.column:
            found = columns_of(tables, name, self.column, ClassColumn)
            check_places(name, [column.space for column in found.values()], self.places)
            for column in found.values():
                label_table(column.space, space, places_in(column.space, self.places))
        return resolved


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichTask(ClassTask):
    """Classification of clips by the task that they belong to.

    Attributes:
        of: names of the tasks, which are its first classes.
        places: as of `WhichConfig`.
    """

    kind: ClassVar[str] = "which"
    of: tuple[str, ...]
    places: Mapping[str, str | None] | None = None

    def target_spec(self, table: SampleTable) -> TargetSpec:
        """Map the column's classes to the tasks; without a column: see the tasks' own labels."""
        if not self.column:
            parts = tuple((name, index) for index, name in enumerate(self.of))
            return TargetSpec(
                task=self.name, column="", form="which", parts=parts, per_frame=self.per_frame
            )
        lookup = None
        if self.column in table.columns:
            source = checked_column(table, self.name, self.column, ClassColumn).space
            lookup = label_table(source, self.space, places_in(source, self.places))
        return TargetSpec(
            task=self.name,
            column=self.column,
            form="class",
            table=lookup,
            mirror=self.space.mirror_table(),
            per_frame=self.per_frame,
            nothing=len(self.of) if len(self.classes) > len(self.of) else -1,
        )


def build_which(config: WhichConfig) -> WhichTask:
    """Build the task of a configuration."""
    return WhichTask(
        name=config.name,
        column=config.column,
        space=config.space,
        label_smoothing=config.label_smoothing,
        per_frame=config.per_frame,
        of=config.of,
        places=config.places,
    )
