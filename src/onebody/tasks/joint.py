"""What tasks share that answer over several class tasks at once: joined classes, joined labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

from pydantic import Field
from torch import Tensor

from onebody.config import nearest
from onebody.data import SampleTable, TargetSpec
from onebody.metrics import Metric, union_metrics
from onebody.tasks.base import Task
from onebody.tasks.classes import ClassTask, informative_class_metrics
from onebody.tasks.classification import ClassificationConfig
from onebody.tasks.resolve import TaskConfig

NONE_OF_THESE = "none of these"
"""What a joint answer calls clips that belong to none of its tasks."""


class JointConfig(TaskConfig):
    """An answer over several class tasks.

    Attributes:
        of: names of the tasks, in the order of the joined outputs.
        parts: classes of each task; filled in by `resolve_tasks`.
        label_smoothing: share of each label that is spread over all classes.
        per_frame: whether every frame has an answer; filled in by `resolve_tasks`: as its tasks.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"per_frame"})

    of: tuple[str, ...] = Field(min_length=2)
    parts: dict[str, tuple[str, ...]] | None = None
    label_smoothing: float = Field(0.0, ge=0.0, lt=1.0)
    per_frame: bool = False

    @property
    def reads(self) -> tuple[str, ...]:
        """The joined tasks."""
        return self.of

    def resolved_parts(self) -> dict[str, tuple[str, ...]]:
        """Return the classes of each task, in the order of the joined outputs.

        Raises:
            ValueError: if nobody has filled them in.
        """
        if self.parts is None:
            raise ValueError(
                f"{self.kind.capitalize()} {self.name!r} has no classes yet: resolve it with its "
                "tasks."
            )
        return {name: self.parts[name] for name in self.of}


@dataclass(frozen=True, slots=True, kw_only=True)
class JointTask(ClassTask):
    """One label space over several class tasks, so that nobody need say which task a clip is of.

    It has no head: its output is made from those of other tasks.

    Attributes:
        of: names of the joined tasks.
        sizes: number of classes of each.
    """

    of: tuple[str, ...]
    sizes: tuple[int, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """The joined tasks."""
        return self.of

    @property
    def offsets(self) -> tuple[int, ...]:
        """Index of each task's first class."""
        return tuple(accumulate(self.sizes[:-1], initial=0))

    @property
    def owners(self) -> tuple[str, ...]:
        """For each class the task that it belongs to; empty for the class "none of these"."""
        owned = [name for name, size in zip(self.of, self.sizes, strict=True) for _ in range(size)]
        return tuple(owned + [""] * (len(self.space) - len(owned)))

    @property
    def knows_none(self) -> bool:
        """Whether its last class is "none of these"."""
        return len(self.space) > sum(self.sizes)

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The class metrics, and what not being told the task costs."""
        return informative_class_metrics(len(self.space)) | union_metrics(self.sizes)

    def target_spec(self, table: SampleTable) -> TargetSpec:  # noqa: ARG002
        """Take over the targets of the joined tasks."""
        parts = tuple(zip(self.of, self.offsets, strict=True))
        return TargetSpec(
            task=self.name,
            column=self.column,
            form="union",
            parts=parts,
            per_frame=self.per_frame,
        )

    def checked_parts(self, parts: Mapping[str, Tensor]) -> list[Tensor]:
        """Return the joined tasks' logits ``[N, C_i]`` or ``[N, T, C_i]`` in order.

        Raises:
            ValueError: if a task is missing or has another number of classes.
        """
        for name, size in zip(self.of, self.sizes, strict=True):
            check_logits(
                (f"{self.kind.capitalize()} {self.name!r}", "task"), self, parts, name, size
            )
        return [parts[name] for name in self.of]


def part_classes(
    config: JointConfig, name: str, known: Mapping[str, TaskConfig]
) -> dict[str, tuple[str, ...]]:
    """Return the classes of the tasks that a configuration joins.

    Raises:
        ValueError: if one of them is no classification, or named twice.
    """
    kind = config.kind.capitalize()
    parts: dict[str, tuple[str, ...]] = {}
    for part in config.of:
        found = known.get(part)
        if not isinstance(found, ClassificationConfig) or found.classes is None:
            classed = [n for n, c in known.items() if isinstance(c, ClassificationConfig)]
            raise ValueError(
                f"{kind} {name!r} joins classification tasks; {part!r} is none. "
                f"{nearest(part, classed)}"
            )
        if part in parts:
            raise ValueError(f"{kind} {name!r} names {part!r} twice.")
        parts[part] = found.classes
    return parts


def answers_per_frame(config: TaskConfig, name: str, known: Mapping[str, TaskConfig]) -> bool:
    """Return whether the tasks that a composite reads answer for every frame.

    Args:
        config: of the composite.
        name: of the composite.
        known: the other tasks' configurations by name.

    Raises:
        ValueError: if some do and some do not, or the composite is told to while they do not.
    """
    kind = config.kind
    framed = {part: bool(getattr(known[part], "per_frame", False)) for part in config.reads}
    if len(set(framed.values())) > 1:
        one = ", ".join(part for part, own in framed.items() if own)
        other = ", ".join(part for part, own in framed.items() if not own)
        raise ValueError(
            f"{kind.capitalize()} {name!r} reads tasks of one form: {one} answer per frame, "
            f"{other} per clip. Set 'per_frame' of all of them alike."
        )
    found = all(framed.values())
    if getattr(config, "per_frame", False) and not found:
        raise ValueError(
            f"{kind.capitalize()} {name!r} shall answer per frame, but what it reads answers per "
            f"clip. Set 'per_frame' of {', '.join(framed)} instead."
        )
    return found


def check_logits(
    who: tuple[str, str], task: ClassTask, parts: Mapping[str, Tensor], name: str, size: int
) -> None:
    """Refuse a missing part, and logits of another number of classes or of another form.

    Args:
        who: how messages name the composite, and what it expects the logits of.
        task: the composite.
        parts: logits of the tasks that it reads.
        name: of one of these.
        size: its number of classes.

    Raises:
        ValueError: says what was expected, and what was found.
    """
    found = tuple(parts[name].shape) if name in parts else "nothing"
    if name not in parts or parts[name].dim() != 2 + task.per_frame or found[-1] != size:
        shape = f"[N, T, {size}]" if task.per_frame else f"[N, {size}]"
        raise ValueError(f"{who[0]} expects logits {shape} of {who[1]} {name!r}, found {found}.")


def speakers(tasks: Mapping[str, Task]) -> dict[str, ClassTask]:
    """Return the class tasks that say what is seen: one joint one, else all of them.

    Where there is an answer over several tasks, these alone know only which of their own classes is
    the likeliest: the gesture task names a gesture in every action. Of several joint ones the first
    that may say "none of these" is taken, else the first.
    """
    found = {name: task for name, task in tasks.items() if isinstance(task, ClassTask)}
    joint = {name: task for name, task in found.items() if isinstance(task, JointTask)}
    wary = [name for name, task in joint.items() if task.knows_none]
    chosen = [*wary, *joint][:1]
    return {name: found[name] for name in chosen} or found


def joined_classes(parts: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Join the class names of several tasks; names in more than one become ``task/class``."""
    everything = [name for classes in parts.values() for name in classes]
    return tuple(
        f"{task}/{name}" if everything.count(name) > 1 else name
        for task, classes in parts.items()
        for name in classes
    )
