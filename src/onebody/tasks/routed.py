"""`RoutedTask`: first which task a clip is of, then which class of it, as one probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import torch
from torch import Tensor

from onebody.config import nearest
from onebody.data import SampleTable, TargetSpec
from onebody.labels import LabelSpace
from onebody.tasks.joint import (
    NONE_OF_THESE,
    JointConfig,
    JointTask,
    answers_per_frame,
    check_logits,
    joined_classes,
    part_classes,
)
from onebody.tasks.resolve import TaskConfig
from onebody.tasks.which import WhichConfig


class RoutedConfig(JointConfig):
    """Class tasks behind a router; further attributes as of `JointConfig`.

    Attributes:
        router: name of the task (``which``) that tells them apart.
        joint: train the product as well. By default router and tasks learn each from its own
            labels, and this one has no loss.
        none: whether the router knows clips of none of the tasks; filled in by `resolve_tasks`.
    """

    kind: Literal["routed"] = "routed"
    router: str
    joint: bool = False
    none: bool | None = None

    @property
    def reads(self) -> tuple[str, ...]:
        """The router and the tasks behind it."""
        return (self.router, *self.of)

    def resolve(
        self,
        name: str,
        tables: Sequence[SampleTable],  # noqa: ARG002
        known: Mapping[str, TaskConfig],
    ) -> Self:
        """Take over the classes of the tasks, and whether the router knows another one."""
        parts = part_classes(self, name, known)
        router = known.get(self.router)
        if not isinstance(router, WhichConfig):
            routers = [n for n, c in known.items() if isinstance(c, WhichConfig)]
            raise ValueError(
                f"Routed {name!r}: {self.router!r} is no router (a task of kind 'which'). "
                f"{nearest(self.router, routers)}"
            )
        if router.of != self.of:
            raise ValueError(
                f"Routed {name!r} joins {', '.join(self.of)}, but {self.router!r} tells "
                f"{', '.join(router.of)} apart. Name the same tasks in the same order."
            )
        framed = answers_per_frame(self, name, known)
        none = bool(router.none)
        update = {"name": name, "parts": parts, "none": none, "per_frame": framed}
        return self.model_copy(update=update)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedTask(JointTask):
    """The product of a router's answer and the tasks' own: p(task) p(class given the task).

    Its output is a log-probability per class; its softmax is that product itself.

    Attributes:
        router: name of the router.
        joint: whether it has a loss.
        none: whether its last class is "none of these".
    """

    kind: ClassVar[str] = "routed"
    router: str
    joint: bool = False
    none: bool = False

    @property
    def reads(self) -> tuple[str, ...]:
        """The router and the tasks behind it."""
        return (self.router, *self.of)

    @property
    def has_loss(self) -> bool:
        """Only if the product is trained too; else router and tasks learn each for itself."""
        return self.joint

    def target_spec(self, table: SampleTable) -> TargetSpec:
        """Take over the tasks' targets, and the router's for clips of none of them."""
        spec = super(RoutedTask, self).target_spec(table)
        if not self.none:
            return spec
        none = len(self.space) - 1
        return replace(spec, none=(self.router, len(self.of), none), nothing=none)

    def compose(self, parts: Mapping[str, Tensor]) -> Tensor:
        """Multiply the answers: logits ``[.., K]`` and ``[.., C_i]`` to log-probabilities.

        Returns:
            ``[N, C]``, or ``[N, T, C]`` where every frame has an answer.

        Raises:
            ValueError: if a task is missing or has another number of classes.
        """
        who = (f"Routed {self.name!r}", "its router")
        check_logits(who, self, parts, self.router, len(self.of) + self.none)
        kind = torch.log_softmax(parts[self.router].float(), dim=-1)
        joined = [
            kind[..., i : i + 1] + torch.log_softmax(logits.float(), dim=-1)
            for i, logits in enumerate(self.checked_parts(parts))
        ]
        return torch.cat([*joined, kind[..., len(self.of) :]], dim=-1)


def build_routed(config: RoutedConfig) -> RoutedTask:
    """Build the task of a resolved configuration."""
    parts = config.resolved_parts()
    classes = joined_classes(parts) + ((NONE_OF_THESE,) if config.none else ())
    return RoutedTask(
        name=config.name,
        column=config.column,
        space=LabelSpace(config.name, classes),
        label_smoothing=config.label_smoothing,
        per_frame=config.per_frame,
        of=config.of,
        sizes=tuple(len(own) for own in parts.values()),
        router=config.router,
        joint=config.joint,
        none=bool(config.none),
    )
