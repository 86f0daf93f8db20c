"""Class columns made of finer ones: a row's class follows from its sub-class."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from onebody.config import Config, lookup
from onebody.data import ClassColumn, SampleTable
from onebody.labels import UNLABELED, LabelSpace
from onebody.tasks.label_tree import LabelTree, check_leaves, make_tree


class DeriveConfig(Config):
    """What a new class column is made of.

    Attributes:
        column: a class column of the table (after ``rename``).
        tree: class to the list of classes of that column, as of a ``tree`` task; with several
            levels the new column holds the topmost classes.
    """

    column: str
    tree: dict[str, Any]


def with_classes(table: SampleTable, name: str, config: DeriveConfig) -> SampleTable:
    """Return a table with one class column more.

    A mirror turns a class into the one that holds the mirror images of all its sub-classes; where
    there is no such class, its mirror image has no name.

    Args:
        table: of a dataset.
        name: of the new column.
        config: what it is made of.

    Raises:
        ValueError: if the table has such a column already, lacks the finer one, or that one's
            classes are not just the leaves of the tree.
    """
    where = f"table {table.name!r}, 'data.derive'"
    if name in table.columns:
        raise ValueError(f"{where}: there is a column {name!r} already. Choose another name.")
    classed = {n: c for n, c in table.columns.items() if isinstance(c, ClassColumn)}
    fine = lookup(classed, config.column, f"class column of {where}:")
    tree = make_tree(name, config.tree)
    check_leaves(name, tree, fine.space.classes, f"column {config.column!r} of {where}")
    tops = tree.level(0)
    places = tree.on_level(0)[[tree.leaves.index(leaf) for leaf in fine.space.classes]]
    column = ClassColumn(
        values=np.append(places, UNLABELED)[fine.values].astype(np.int64),
        space=LabelSpace(f"{fine.space.name} by {name}", tops, _mirror(tree, fine.space)),
    )
    return replace(table, columns={**table.columns, name: column})


def _mirror(tree: LabelTree, fine: LabelSpace) -> dict[str, str | None]:
    """Return what a mirror makes of the topmost classes."""
    images = tree.mirror(fine.mirror)
    if images is None:
        return {}
    found = {name: int(images[tree.nodes.index(name)]) for name in tree.level(0)}
    return {
        name: tree.nodes[image] if image != UNLABELED and tree.nodes[image] in found else None
        for name, image in found.items()
    }
