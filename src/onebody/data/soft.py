"""Soft labels beside hard ones: probabilities where a row has no label of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from onebody.data.batch import Target
from onebody.data.spec import TargetSpec
from onebody.data.table import SampleTable
from onebody.labels import UNLABELED
from onebody.types import Bools, Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftLabels:
    """Soft labels of B rows for one task.

    Attributes:
        value: ``[B, C]`` probabilities.
        weight: ``[B]``; 0 where a row has no soft label, or a hard one.
    """

    value: Floats
    weight: Floats

    @property
    def present(self) -> Bools:
        """``[B]``: which rows have one."""
        return np.asarray(self.weight > 0)


def soft_labels(
    table: SampleTable, rows: Ints, targets: Sequence[TargetSpec], labels: Mapping[str, Ints]
) -> dict[str, SoftLabels]:
    """Return the soft labels of rows, by task; a hard label goes before a soft one.

    Args:
        table: the table.
        rows: ``[B]``.
        targets: all targets.
        labels: hard labels by class task, ``[B]``.
    """
    found: dict[str, SoftLabels] = {}
    for target in targets:
        if target.soft:
            column = table.soft[target.soft]
            free = labels[target.task] == UNLABELED
            found[target.task] = SoftLabels(
                value=column.values[rows], weight=column.weight[rows] * free
            )
    return found


def mirrored_soft(
    soft: Mapping[str, SoftLabels], targets: Sequence[TargetSpec], wish: Bools
) -> tuple[Bools, dict[str, SoftLabels]]:
    """Mirror the soft labels of rows that are to be flipped.

    Args:
        soft: by task.
        targets: all targets.
        wish: ``[B]`` which rows were drawn to be flipped.

    Returns:
        Which rows may be flipped (none with a soft label where some class has no mirror image, for
        its probability would have no place), and the labels after flipping those.
    """
    images = {t.task: t.mirror for t in targets if t.task in soft and t.mirror is not None}
    flip = wish.copy()
    for task, image in images.items():
        if (image == UNLABELED).any():
            flip &= ~soft[task].present
    return flip, {task: _flipped(found, images.get(task), flip) for task, found in soft.items()}


def mixed_target(labels: Ints, soft: SoftLabels) -> Target:
    """Make one target of hard and soft labels.

    Args:
        labels: ``[B]`` hard labels, `UNLABELED` where there is none.
        soft: of the same rows.

    Returns:
        Probabilities ``[B, C]``, one-hot for hard labels, whose weight is 1.
    """
    hard = labels != UNLABELED
    value = np.where(hard[:, None], np.float32(0), soft.value)
    value[hard, labels[hard]] = 1
    return Target(
        value=torch.from_numpy(value),
        present=torch.from_numpy(hard | soft.present),
        weight=torch.from_numpy(np.where(hard, np.float32(1), soft.weight)),
    )


def _flipped(soft: SoftLabels, image: Ints | None, flip: Bools) -> SoftLabels:
    """Give each class's probability to its mirror image in the flipped rows."""
    if image is None:
        return soft
    places = np.where(image == UNLABELED, np.arange(len(image)), image)  # of rows not flipped
    moves = np.zeros((len(image), len(image)), np.float32)
    moves[np.arange(len(image)), places] = 1
    return SoftLabels(
        value=np.where(flip[:, None], soft.value @ moves, soft.value), weight=soft.weight
    )
