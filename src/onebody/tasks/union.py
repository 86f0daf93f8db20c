"""`UnionTask`: one label space over several class tasks, so that nobody need name the task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import torch
from torch import Tensor

from onebody.data import SampleTable
from onebody.labels import LabelSpace
from onebody.tasks.joint import (
    JointConfig,
    JointTask,
    answers_per_frame,
    joined_classes,
    part_classes,
)
from onebody.tasks.resolve import TaskConfig


class UnionConfig(JointConfig):
    """A union of class tasks; attributes as of `JointConfig`."""

    kind: Literal["union"] = "union"

    def resolve(
        self,
        name: str,
        tables: Sequence[SampleTable],  # noqa: ARG002
        known: Mapping[str, TaskConfig],
    ) -> Self:
        """Take over the classes of the joined tasks."""
        parts = part_classes(self, name, known)
        framed = answers_per_frame(self, name, known)
        return self.model_copy(update={"name": name, "parts": parts, "per_frame": framed})


@dataclass(frozen=True, slots=True, kw_only=True)
class UnionTask(JointTask):
    """The classes of several tasks in one softmax over their joined logits.

    Its loss makes logits of heads that never met comparable.
    """

    kind: ClassVar[str] = "union"

    def compose(self, parts: Mapping[str, Tensor]) -> Tensor:
        """Join the logits ``[.., C_i]`` of the tasks to ``[.., C]``.

        Raises:
            ValueError: if a task is missing or has another number of classes.
        """
        return torch.cat(self.checked_parts(parts), dim=-1)


def build_union(config: UnionConfig) -> UnionTask:
    """Build the task of a resolved configuration."""
    parts = config.resolved_parts()
    return UnionTask(
        name=config.name,
        column=config.column,
        space=LabelSpace(config.name, joined_classes(parts)),
        label_smoothing=config.label_smoothing,
        per_frame=config.per_frame,
        of=config.of,
        sizes=tuple(len(classes) for classes in parts.values()),
    )
