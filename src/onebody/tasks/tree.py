"""`TreeTask`: classes over sub-classes, one head over the leaves under one softmax.

    p(class) = sum of p(leaf) over its leaves;  loss of a class alone = -log p(class)

A class never is less likely than one of its leaves, so that what is said of both cannot contradict
itself, and a sample may carry the class alone.

Source: the sum over leaves as in Deng et al., "Large-Scale Object Classification Using Label
Relation Graphs", ECCV 2014, whose graph is a tree here: leaves exclude each other, classes hold
theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from onebody.data import ClassColumn, SampleTable, TargetSpec
from onebody.labels import LabelSpace, label_table
from onebody.metrics import Level, Metric, Results, tree_metrics
from onebody.tasks.classes import ClassTask
from onebody.tasks.classification import Places, carried_mirror, check_places, places_in
from onebody.tasks.label_tree import LabelTree, check_leaves, make_tree
from onebody.tasks.resolve import TaskConfig, checked_column, columns_of


class TreeConfig(TaskConfig):
    """A tree of classes; ``column`` holds leaves (or classes, for rows that carry no leaf).

    Attributes:
        tree: class to the list of its leaves, or to a mapping of the same kind (any depth); a class
            with an empty list is a leaf that stands alone. Every name stands once.
        class_column: a second column, of classes of any level (or of further leaves); empty: there
            is none. A row that has both carries the finer label, and must not contradict itself.
        mirror: what a mirror makes of each leaf (see `LabelSpace`); None: what the columns say.
        places: class of either column to leaf or class of the tree, or to null: not labeled for
            this task. None: by equal names.
        label_smoothing: share of each label that is spread over all leaves.
        per_frame: give every frame an answer of its own, as of `ClassificationConfig`.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"per_frame"})

    kind: Literal["tree"] = "tree"
    tree: dict[str, Any]
    class_column: str = ""
    mirror: dict[str, str | None] | None = None
    places: dict[str, str | None] | None = None
    label_smoothing: float = Field(0.0, ge=0.0, lt=1.0)
    per_frame: bool = False

    def resolve(
        self,
        name: str,
        tables: Sequence[SampleTable],
        known: Mapping[str, TaskConfig],  # noqa: ARG002
    ) -> Self:
        """Check the tree against the columns' classes, and take the mirror over from them."""
        tree = make_tree(name, self.tree)
        column = self.column or name
        spaces = [c.space for c in columns_of(tables, name, column, ClassColumn).values()]
        classed = list(spaces)
        if self.class_column:
            found = columns_of(tables, name, self.class_column, ClassColumn)
            classed += [c.space for c in found.values()]
        check_places(name, classed, self.places)
        _check_spaces(name, spaces, self.places)
        names = dict.fromkeys(own for space in classed for own in space.classes)
        said = names if self.places is None else [self.places.get(own) for own in names]
        fine = [own for own in dict.fromkeys(said) if own is not None and own not in tree.inner]
        check_leaves(name, tree, fine, "its columns" if self.places is None else "'places'")
        nodes = LabelSpace(name, tree.nodes)
        for source in classed:
            label_table(source, nodes, places_in(source, self.places))
        mirror = self.mirror
        if mirror is None:
            mirror = carried_mirror(tree.leaves, classed, self.places)
        LabelSpace(name, tree.leaves, mirror or {})
        return self.model_copy(update={"name": name, "column": column, "mirror": mirror})


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeTask(ClassTask):
    """A tree of classes; its outputs, and its `space`, are the leaves.

    Targets are numbers of nodes: leaves first, then classes, as `LabelTree.nodes` has them.

    Attributes:
        tree: leaves and the classes above them.
        class_column: a second column, of classes.
        places: as of `TreeConfig`.
    """

    kind: ClassVar[str] = "tree"
    tree: LabelTree
    class_column: str = ""
    places: Places | None = None

    @property
    def levels(self) -> tuple[Level, ...]:
        """How nodes lie on each level, the topmost classes first."""
        count = len(self.tree.leaves)
        found = (self.tree.on_level(number) for number in range(self.tree.depth))
        return tuple(Level(places=tuple(places.tolist()), leaves=count) for places in found)

    @property
    def paths(self) -> tuple[tuple[str, ...], ...]:
        """For each leaf the classes above it, the topmost first."""
        return self.tree.above[: len(self.tree.leaves)]

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The class metrics over leaves, and some of them over the classes of each level."""
        return tree_metrics(self.levels)

    def target_spec(self, table: SampleTable) -> TargetSpec:
        """Map both columns' classes to nodes; a table without them maps none."""
        lookups = [self._lookup(table, column) for column in (self.column, self.class_column)]
        return TargetSpec(
            task=self.name,
            column=self.column,
            form="class",
            table=lookups[0],
            also=self.class_column,
            also_table=lookups[1],
            joined=self.tree.joined() if self.class_column else None,
            mirror=self.tree.mirror(self.space.mirror),
            per_frame=self.per_frame,
        )

    def cross_entropy(self, logits: Tensor, value: Tensor) -> Tensor:
        """Compute -log of the summed probability of each label's leaves.

        Args:
            logits: ``[M, leaves]``, float32.
            value: nodes ``[M]``, or probabilities of leaves ``[M, leaves]``.

        Returns:
            ``[M]``, nats.
        """
        if value.is_floating_point():
            return super(TreeTask, self).cross_entropy(logits, value)
        logs = torch.log_softmax(logits, dim=1)
        members = torch.as_tensor(self.tree.members(), device=logits.device)
        inside = members.index_select(0, value)  # refuses -1: absent labels have no loss
        own = -torch.logsumexp(logs.masked_fill(~inside, -torch.inf), dim=1)
        if not self.label_smoothing:
            return own
        return (1 - self.label_smoothing) * own - self.label_smoothing * logs.mean(1)

    def of_outputs(self, results: Results) -> Results:
        """Return the entries whose label is a leaf."""
        return results.select(np.asarray(results.target, np.int64) < len(self.tree.leaves))

    def _lookup(self, table: SampleTable, column: str) -> Any:
        """Return ``[classes of the column]`` nodes; None where there is no such column."""
        if column not in table.columns:
            return None
        source = checked_column(table, self.name, column, ClassColumn).space
        nodes = LabelSpace(self.name, self.tree.nodes)
        return label_table(source, nodes, places_in(source, self.places))


def build_tree(config: TreeConfig) -> TreeTask:
    """Build the task of a resolved configuration."""
    tree = make_tree(config.name, config.tree)
    return TreeTask(
        name=config.name,
        column=config.column or config.name,
        space=LabelSpace(config.name, tree.leaves, config.mirror or {}),
        label_smoothing=config.label_smoothing,
        per_frame=config.per_frame,
        tree=tree,
        class_column=config.class_column,
        places=config.places,
    )


def _check_spaces(task: str, spaces: Sequence[LabelSpace], places: Places | None) -> None:
    """Refuse columns of several sets whose classes nobody has said to be the same."""
    distinct = {(space.name, space.classes) for space in spaces}
    if places is None and len(distinct) > 1:
        sets = ", ".join(sorted({name for name, _ in distinct}))
        raise ValueError(
            f"Tree {task!r} reads columns of different label spaces ({sets}). State 'places': "
            "equal spelling is not taken for equal meaning."
        )
