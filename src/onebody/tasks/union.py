"""`UnionTask`: one label space over several class tasks, so that nobody need name the task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar, Literal, Self

import torch
from pydantic import Field
from torch import Tensor

from onebody.config import nearest
from onebody.data import SampleTable, TargetSpec
from onebody.labels import LabelSpace
from onebody.metrics import Metric, union_metrics
from onebody.tasks.classes import ClassTask, informative_class_metrics
from onebody.tasks.classification import ClassificationConfig
from onebody.tasks.resolve import TaskConfig


class UnionConfig(TaskConfig):
    """A union of class tasks.

    Attributes:
        of: names of the tasks, in the order of the joined outputs.
        parts: classes of each task; filled in by `resolve_tasks`.
        label_smoothing: share of each label that is spread over all classes.
    """

    kind: Literal["union"] = "union"
    of: tuple[str, ...] = Field(min_length=2)
    parts: dict[str, tuple[str, ...]] | None = None
    label_smoothing: float = Field(0.0, ge=0.0, lt=1.0)

    @property
    def reads(self) -> tuple[str, ...]:
        """The joined tasks."""
        return self.of

    def resolve(
        self,
        name: str,
        tables: Sequence[SampleTable],  # noqa: ARG002
        known: Mapping[str, TaskConfig],
    ) -> Self:
        """Take over the classes of the joined tasks."""
        parts: dict[str, tuple[str, ...]] = {}
        for part in self.of:
            config = known.get(part)
            if not isinstance(config, ClassificationConfig) or config.classes is None:
                classed = [n for n, c in known.items() if isinstance(c, ClassificationConfig)]
                raise ValueError(
                    f"Union {name!r} joins classification tasks; {part!r} is none. "
                    f"{nearest(part, classed)}"
                )
            if part in parts:
                raise ValueError(f"Union {name!r} names {part!r} twice.")
            parts[part] = config.classes
        return self.model_copy(update={"name": name, "parts": parts})


@dataclass(frozen=True, slots=True, kw_only=True)
class UnionTask(ClassTask):
    """The classes of several tasks in one softmax over their joined logits.

    It has no head: its output is made from theirs, and its loss makes their logits comparable.

    Attributes:
        of: names of the joined tasks.
        sizes: number of classes of each.
    """

    kind: ClassVar[str] = "union"
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
    def metrics(self) -> Mapping[str, Metric]:
        """The class metrics, and how often the chosen class belongs to the right task."""
        return informative_class_metrics(len(self.space)) | union_metrics(self.offsets)

    def target_spec(self, table: SampleTable) -> TargetSpec:  # noqa: ARG002
        """Take over the targets of the joined tasks."""
        parts = tuple(zip(self.of, self.offsets, strict=True))
        return TargetSpec(task=self.name, column=self.column, form="union", parts=parts)

    def compose(self, parts: Mapping[str, Tensor]) -> Tensor:
        """Join the logits ``[N, C_i]`` of the tasks to ``[N, C]``.

        Raises:
            ValueError: if a task is missing or has another number of classes.
        """
        for name, size in zip(self.of, self.sizes, strict=True):
            found = tuple(parts[name].shape) if name in parts else "nothing"
            if name not in parts or parts[name].shape[1:] != (size,):
                raise ValueError(
                    f"Union {self.name!r} expects logits [N, {size}] of task {name!r}, "
                    f"found {found}."
                )
        return torch.cat([parts[name] for name in self.of], dim=1)


def build_union(config: UnionConfig) -> UnionTask:
    """Build the task of a resolved configuration."""
    if config.parts is None:
        raise ValueError(f"Union {config.name!r} has no classes yet: resolve it with its tasks.")
    parts = {name: config.parts[name] for name in config.of}
    return UnionTask(
        name=config.name,
        column=config.column,
        space=LabelSpace(config.name, joined_classes(parts)),
        label_smoothing=config.label_smoothing,
        of=config.of,
        sizes=tuple(len(classes) for classes in parts.values()),
    )


def joined_classes(parts: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Join the class names of several tasks; names in more than one become ``task/class``."""
    everything = [name for classes in parts.values() for name in classes]
    return tuple(
        f"{task}/{name}" if everything.count(name) > 1 else name
        for task, classes in parts.items()
        for name in classes
    )
