"""`ConsistencyTask`: do the heads of classes and of their sub-classes contradict each other?

It has no head and no loss: it multiplies the answers of two classification tasks, p(leaf) times
p(class), as two separate heads give them, and a tree says which pairs make sense. A network with
one head over a tree (`onebody.tasks.tree`) needs none of this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from torch import Tensor

from onebody.config import nearest
from onebody.data import ClassColumn, SampleTable, TargetSpec
from onebody.labels import UNLABELED, LabelSpace, label_table
from onebody.metrics import Metric, consistency_metrics
from onebody.tasks.classes import ClassTask
from onebody.tasks.classification import ClassificationConfig, Places, places_in
from onebody.tasks.joint import answers_per_frame, check_logits
from onebody.tasks.label_tree import LabelTree, check_leaves, make_tree
from onebody.tasks.resolve import TaskConfig, checked_column
from onebody.types import Ints


class ConsistencyConfig(TaskConfig):
    """Two classification tasks that a tree relates.

    Attributes:
        coarse: name of the task of classes.
        fine: name of the task of sub-classes.
        tree: class to the list of its leaves, as of a ``tree`` task: leaves are the classes of
            ``fine``, and those of ``coarse`` stand above them (on any level).
        owner: for each class of ``fine`` the number of its class in ``coarse``; like what follows,
            filled in by `resolve_tasks`.
        classes: of ``coarse``.
        leaves: of ``fine``.
        mirror: of the pairs, by name.
        places: of ``fine``.
        per_frame: of both.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"per_frame"})

    kind: Literal["consistency"] = "consistency"
    coarse: str
    fine: str
    tree: dict[str, Any]
    owner: tuple[int, ...] | None = None
    classes: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()
    mirror: dict[str, str | None] | None = None
    places: dict[str, str | None] | None = None
    per_frame: bool = False

    @property
    def reads(self) -> tuple[str, ...]:
        """The two tasks."""
        return (self.coarse, self.fine)

    def resolve(
        self,
        name: str,
        tables: Sequence[SampleTable],  # noqa: ARG002
        known: Mapping[str, TaskConfig],
    ) -> Self:
        """Take over the classes of both tasks, and check the tree against them."""
        coarse, fine = (_classification(name, part, known) for part in self.reads)
        classes, leaves = coarse.classes or (), fine.classes or ()
        tree = make_tree(name, self.tree)
        check_leaves(name, tree, leaves, f"task {self.fine!r}")
        update = {
            "name": name,
            "column": fine.column,
            "owner": _owners(name, tree, leaves, classes, self.coarse),
            "classes": classes,
            "leaves": leaves,
            "mirror": _pair_mirror(coarse.mirror, fine.mirror),
            "places": fine.places,
            "per_frame": answers_per_frame(self, name, known),
        }
        return self.model_copy(update=update)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyTask(ClassTask):
    """Pairs of a leaf and a class, leaf by leaf, as two heads say them.

    Attributes:
        coarse, fine: names of the two tasks.
        leaves: L classes of the fine task.
        owner: for each leaf its class.
        num_classes: number of classes K; the pair (leaf l, class k) has the number l * K + k.
        places: as of the fine task.
    """

    kind: ClassVar[str] = "consistency"
    coarse: str
    fine: str
    leaves: tuple[str, ...]
    owner: tuple[int, ...]
    num_classes: int
    places: Places | None = None

    @property
    def reads(self) -> tuple[str, ...]:
        """The two tasks."""
        return (self.coarse, self.fine)

    @property
    def has_loss(self) -> bool:
        """Never: both heads learn each from its own labels."""
        return False

    @property
    def possible(self) -> Ints:
        """``[L]`` the pair of each leaf that is no contradiction."""
        return np.arange(len(self.owner)) * self.num_classes + np.array(self.owner)

    @property
    def primary(self) -> str:
        """The share of rows without a contradiction."""
        return "consistency"

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """How often the heads contradict each other, and how often both are right."""
        return consistency_metrics(self.owner, self.num_classes)

    def target_spec(self, table: SampleTable) -> TargetSpec:
        """Map the classes of the fine task's column to their pairs."""
        lookup = None
        if self.column in table.columns:
            source = checked_column(table, self.name, self.column, ClassColumn).space
            leaves = LabelSpace(self.fine, self.leaves)
            own = label_table(source, leaves, places_in(source, self.places))
            lookup = np.append(self.possible, UNLABELED)[own]
        mirror = self.space.mirror_table() if self.space.mirror else None
        return TargetSpec(
            task=self.name, column=self.column, form="class", table=lookup, mirror=mirror
        )

    def compose(self, parts: Mapping[str, Tensor]) -> Tensor:
        """Multiply the answers: logits ``[.., K]`` and ``[.., L]`` to log-probabilities.

        Returns:
            ``[N, L K]``, or ``[N, T, L K]`` where every frame has an answer.

        Raises:
            ValueError: if a task is missing or has another number of classes.
        """
        for part, size in ((self.coarse, self.num_classes), (self.fine, len(self.owner))):
            check_logits((f"Consistency {self.name!r}", "task"), self, parts, part, size)
        classes = torch.log_softmax(parts[self.coarse].float(), dim=-1)
        leaves = torch.log_softmax(parts[self.fine].float(), dim=-1)
        return (leaves[..., :, None] + classes[..., None, :]).flatten(-2)


_AND = " / "
"""Between class and leaf in the name of a pair."""


def build_consistency(config: ConsistencyConfig) -> ConsistencyTask:
    """Build the task of a resolved configuration."""
    if config.owner is None:
        raise ValueError(f"Consistency {config.name!r} is not resolved: resolve it with its tasks.")
    pairs = tuple(f"{own}{_AND}{leaf}" for leaf in config.leaves for own in config.classes)
    return ConsistencyTask(
        name=config.name,
        column=config.column,
        space=LabelSpace(config.name, pairs, config.mirror or {}),
        coarse=config.coarse,
        fine=config.fine,
        leaves=config.leaves,
        owner=config.owner,
        num_classes=len(config.classes),
        places=config.places,
        per_frame=config.per_frame,
    )


def _classification(name: str, part: str, known: Mapping[str, TaskConfig]) -> ClassificationConfig:
    """Return the configuration of one of the two tasks."""
    found = known.get(part)
    if not isinstance(found, ClassificationConfig) or not found.classes:
        classed = [n for n, c in known.items() if isinstance(c, ClassificationConfig)]
        raise ValueError(
            f"Consistency {name!r} compares classification tasks; {part!r} is none. "
            f"{nearest(part, classed)}"
        )
    return found


def _owners(
    name: str, tree: LabelTree, leaves: Sequence[str], classes: Sequence[str], coarse: str
) -> tuple[int, ...]:
    """Return for each leaf the only class of the coarse task that it lies in.

    Raises:
        ValueError: if a class is no node, or a leaf lies in none or in several of the classes.
    """
    for own in classes:
        if own not in tree.nodes:
            raise ValueError(
                f"Consistency {name!r}: task {coarse!r} has the class {own!r}, which the tree does "
                f"not have. {nearest(own, tree.nodes)}"
            )
    owners = []
    for leaf in leaves:
        place = tree.leaves.index(leaf)
        above = [own for own in classes if own in (*tree.above[place], leaf)]
        if len(above) != 1:
            raise ValueError(
                f"Consistency {name!r}: {leaf!r} lies in {len(above)} classes of task {coarse!r}, "
                "expected one. Correct the tree, or the classes of that task."
            )
        owners.append(list(classes).index(above[0]))
    return tuple(owners)


def _pair_mirror(
    coarse: Mapping[str, str | None] | None, fine: Mapping[str, str | None] | None
) -> dict[str, str | None] | None:
    """Return the mirror of pairs; None where one of the tasks has none."""
    if not coarse or not fine:
        return None
    return {
        f"{own}{_AND}{leaf}": f"{a}{_AND}{b}" if a is not None and b is not None else None
        for leaf, b in fine.items()
        for own, a in coarse.items()
    }
