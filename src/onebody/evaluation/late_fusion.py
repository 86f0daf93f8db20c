"""Late fusion: several networks answer for the same rows, and their probabilities are summed.

Source: Simonyan, Zisserman, "Two-Stream Convolutional Networks for Action Recognition in Videos",
NIPS 2014 (streams that are trained apart); the weighted sum is that of skeleton streams (2s-AGCN).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from onebody.data import SampleTable
from onebody.metrics import Results
from onebody.tasks import Task
from onebody.tasks.classes import ClassTask
from onebody.types import Array

PARTS = ("train", "validation", "test")
_STEPS, _SETTLED, _FLOOR = 1000, 1e-9, 1e-12


def fuse_results(parts: Sequence[Results], weights: Sequence[float]) -> Results:
    """Sum the class probabilities of several networks.

    Args:
        parts: one per network, one entry per row, of the same rows and labels.
        weights: of each, 0 or more; only their proportions count.

    Returns:
        Probabilities ``[M, C]``, float64, rows ascending.

    Raises:
        ValueError: if rows, labels or classes differ, or the weights are none.
    """
    shares = _shares(weights, len(parts))
    ordered = aligned(parts)
    total = sum(
        share * part.prediction.astype(np.float64)
        for share, part in zip(shares, ordered, strict=True)
    )
    return replace(ordered[0], prediction=np.asarray(total))


def likeliest_weights(parts: Sequence[Results]) -> tuple[float, ...]:
    """Choose weights under which the labels of some rows are likeliest (not those of a test).

    The likelihood of a mixture has one maximum; expectation maximization climbs it from equal
    weights, so networks that answer alike are weighed alike.

    Args:
        parts: as of `fuse_results`, on validation rows.

    Returns:
        Weights that sum to 1.
    """
    ordered = aligned(parts)
    truth = ordered[0].target
    given = np.stack([p.prediction[np.arange(len(truth)), truth] for p in ordered], axis=1)
    given = np.maximum(given.astype(np.float64), _FLOOR)  # [M, networks]
    weights = np.full(len(parts), 1 / len(parts))
    for _ in range(_STEPS):
        part = given * weights
        new = (part / part.sum(axis=1, keepdims=True)).mean(axis=0)
        settled = float(np.abs(new - weights).max()) < _SETTLED
        weights = new
        if settled:
            break
    return tuple(weights.tolist())


def aligned(parts: Sequence[Results]) -> list[Results]:
    """Order every network's answers by row.

    Raises:
        ValueError: if they are not of the same rows, labels and number of classes.
    """
    ordered = [part.select(np.argsort(part.row, kind="stable")) for part in parts]
    for number, part in enumerate(ordered[1:], 2):
        for what in ("row", "target"):
            if not np.array_equal(getattr(part, what), getattr(ordered[0], what)):
                raise ValueError(
                    f"Networks 1 and {number} answer for other {what}s ({len(ordered[0])} and "
                    f"{len(part)} entries). Fuse networks that are asked of the same rows."
                )
        if part.prediction.shape != ordered[0].prediction.shape:
            raise ValueError(
                f"Networks 1 and {number} give probabilities {list(ordered[0].prediction.shape)} "
                f"and {list(part.prediction.shape)}. Fuse networks of the same classes."
            )
    return ordered


def fusible_tasks(networks: Mapping[str, Mapping[str, Task]]) -> tuple[list[str], list[str]]:
    """Return which tasks can be fused, and which cannot (not of classes, or not of every network).

    Args:
        networks: by name, the tasks of each.

    Raises:
        ValueError: if a task has other classes in one of them, or none can be fused.
    """
    first, *others = networks
    names = list(dict.fromkeys(name for tasks in networks.values() for name in tasks))
    fused = [n for n in names if all(isinstance(t.get(n), ClassTask) for t in networks.values())]
    if not fused:
        tasks = "; ".join(f"{run}: {', '.join(found)}" for run, found in networks.items())
        raise ValueError(f"The runs have no task of classes in common to fuse ({tasks}).")
    for name in fused:
        for other in others:
            own, theirs = (_classes(networks[run][name]) for run in (first, other))
            if own != theirs:
                odd = sorted(set(own) ^ set(theirs)) or ["their order"]
                raise ValueError(
                    f"{other}: task {name!r} should have the {len(own)} classes that it has in "
                    f"{first}, found {len(theirs)} (differs: {odd[0]}). Fuse networks of the same "
                    "classes."
                )
    return fused, [name for name in names if name not in fused]


def check_same_split(splits: Mapping[str, Mapping[str, Sequence[SampleTable]]]) -> None:
    """Refuse networks that were trained, chosen or tested on other rows than the first.

    Whoever has learned from a row that another is tested on would tell it the answer.

    Args:
        splits: by run and part of its split, the tables' rows.

    Raises:
        ValueError: names the part, how many rows there are, and one that only one of them has.
    """
    first, *others = splits
    for other in others:
        for part in PARTS:
            own, theirs = (_rows(splits[run].get(part, ())) for run in (first, other))
            if own == theirs:
                continue
            odd = sorted(set(own) ^ set(theirs)) or [own[0]]
            raise ValueError(
                f"{other}: expected the {len(own)} {part} rows of {first}, found {len(theirs)} "
                f"(differs: row {odd[0][1]!r} of {odd[0][0]!r}). Fuse runs of one split: equal "
                "'data', 'split' and 'evaluation.split_seed'."
            )


def _rows(tables: Sequence[SampleTable]) -> list[tuple[str, str]]:
    """Return what tells the rows of tables apart, in their order."""
    return [(table.name, name) for table in tables for name in table.row_names.tolist()]


def _classes(task: Task) -> tuple[str, ...]:
    """Return a class task's classes."""
    return task.classes if isinstance(task, ClassTask) else ()


def _shares(weights: Sequence[float], count: int) -> Array:
    """Return weights that sum to 1."""
    given = np.asarray(weights, np.float64)
    if len(given) != count or not np.isfinite(given).all() or (given < 0).any() or not given.any():
        raise ValueError(
            f"Expected {count} weights, one per network, 0 or more and not all 0, found "
            f"{', '.join(f'{w:g}' for w in weights) or 'none'}."
        )
    return np.asarray(given / given.sum())
