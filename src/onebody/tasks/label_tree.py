"""`LabelTree`: classes over sub-classes, of any depth, stated as a mapping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onebody.config import nearest
from onebody.labels import UNLABELED
from onebody.types import Bools, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelTree:
    """Classes (inner nodes) over leaves. Every node has a name of its own.

    Attributes:
        leaves: in the order stated; they are the first nodes.
        inner: the classes above them, each before those below it; they are the nodes after that.
        above: for each node the names above it, the topmost first; empty for the topmost classes,
            and for a leaf that stands alone.
    """

    leaves: tuple[str, ...]
    inner: tuple[str, ...]
    above: tuple[tuple[str, ...], ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        """All names, leaves first; the position is the index."""
        return self.leaves + self.inner

    @property
    def depth(self) -> int:
        """Number of levels; 1: leaves alone."""
        return 1 + max(len(path) for path in self.above)

    def members(self) -> Bools:
        """Return ``[nodes, leaves]``: which leaves a node is, or stands above."""
        paths = [{name, *self.above[place]} for place, name in enumerate(self.leaves)]
        return np.array([[node in path for path in paths] for node in self.nodes])

    def level(self, number: int) -> tuple[str, ...]:
        """Return the classes of a level; a leaf that lies above it stands for itself.

        Args:
            number: 0: the topmost classes; ``depth - 1``: the leaves.
        """
        return tuple(dict.fromkeys(self._at(place, number) for place in range(len(self.leaves))))

    def on_level(self, number: int) -> Ints:
        """Return ``[nodes]`` the class of a level that a node is in; -1 where it lies above."""
        names = self.level(number)
        found = [self._at(place, number) for place in range(len(self.nodes))]
        return np.array([names.index(n) if n in names else UNLABELED for n in found], np.int64)

    def joined(self) -> Ints:
        """Return ``[nodes, nodes]``: the finer of two labels of one row; -1: no sense."""
        inside = self.members()
        both = (inside[:, None] & inside[None]).sum(-1)
        sizes = inside.sum(-1)
        first, second = both == sizes[:, None], both == sizes[None]  # which lies in the other
        own = np.broadcast_to(np.arange(len(sizes))[:, None], first.shape)
        deeper = np.array([len(path) for path in self.above])
        first &= ~second | (deeper[:, None] >= deeper[None])  # a class of one leaf: take the leaf
        return np.where(first, own, np.where(second, own.T, UNLABELED)).astype(np.int64)

    def mirror(self, leaves: Mapping[str, str | None]) -> Ints | None:
        """Return ``[nodes]`` what each node becomes in a mirror; -1 where that has no name.

        Args:
            leaves: mirror image of each leaf; empty: nobody has said, which gives None.
        """
        if not leaves:
            return None
        inside = self.members()
        images = [leaves[name] for name in self.leaves]
        found = np.full(len(self.nodes), UNLABELED, np.int64)
        for node, own in enumerate(inside):
            names = {images[leaf] for leaf in np.flatnonzero(own)}
            wanted = np.array([leaf in names for leaf in self.leaves])
            same = np.flatnonzero((inside == wanted).all(1))
            if None not in names and len(same):
                depths = [abs(len(self.above[place]) - len(self.above[node])) for place in same]
                found[node] = same[int(np.argmin(depths))]
        return found

    def _at(self, place: int, number: int) -> str:
        """Return a node's name at a level: one above it, or its own; empty where it lies above."""
        path = (*self.above[place], self.nodes[place])
        if number < len(path):
            return path[number]
        return path[-1] if place < len(self.leaves) else ""


def make_tree(task: str, branches: Mapping[str, Any]) -> LabelTree:
    """Read a tree.

    Args:
        task: for messages.
        branches: class to the list of its leaves, to a mapping of the same kind, or to an empty
            list: then it is a leaf that stands alone.

    Raises:
        ValueError: if a name stands in two places, a branch is something else, or there are fewer
            than two leaves, or one class above them all.
    """
    entries = list(_walk(task, branches, ()))
    places: dict[str, tuple[str, ...]] = {}
    for name, above, _ in entries:
        if name in places:
            two = [" / ".join((*path, name)) for path in (places[name], above)]
            raise ValueError(
                f"Tree {task!r} places {name!r} twice: {two[0]} and {two[1]}. Every class and "
                "every leaf has one place and a name of its own."
            )
        places[name] = above
    leaves = tuple(name for name, _, leaf in entries if leaf)
    inner = tuple(name for name, _, leaf in entries if not leaf)
    if len(leaves) < 2:
        raise ValueError(f"Tree {task!r}: expected two leaves or more, found {len(leaves)}.")
    tops = [name for name, above, _ in entries if not above]
    if len(tops) == 1:
        raise ValueError(
            f"Tree {task!r} has everything under {tops[0]!r}, a class that says nothing. Leave it "
            "out and state what stands below it."
        )
    return LabelTree(
        leaves=leaves, inner=inner, above=tuple(places[name] for name in leaves + inner)
    )


def check_leaves(task: str, tree: LabelTree, classes: Sequence[str], where: str) -> None:
    """Refuse a tree that does not hold just the given classes as its leaves.

    Raises:
        ValueError: names the leaf that is no class, with the nearest, or the classes without a
            place.
    """
    unknown = [leaf for leaf in tree.leaves if leaf not in classes]
    if unknown:
        raise ValueError(
            f"Tree {task!r} has the leaf {unknown[0]!r}, which is no class of {where}. "
            f"{nearest(unknown[0], classes)}"
        )
    missing = [name for name in classes if name not in tree.leaves]
    if missing:
        raise ValueError(
            f"Tree {task!r} has no place for {', '.join(missing)} of {where}. Put each "
            "under a class."
        )


def _walk(
    task: str, branches: Any, above: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    """Yield each node's name, the names above it, and whether it is a leaf."""
    if isinstance(branches, Mapping):
        for name, below in branches.items():
            yield _text(task, name), above, not below
            yield from _walk(task, below or (), (*above, name))
    elif isinstance(branches, (list, tuple)):
        for name in branches:
            yield _text(task, name), above, True
    else:
        where = " / ".join(above) or "the top"
        raise ValueError(
            f"Tree {task!r}: expected under {where} a list of leaves or a mapping of classes, "
            f"found {branches!r}."
        )


def _text(task: str, name: object) -> str:
    """Return a node's name."""
    if not isinstance(name, str) or not name:
        raise ValueError(f"Tree {task!r}: expected a name, found {name!r}. Put it in quotes.")
    return name
