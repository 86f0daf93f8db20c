"""Label columns of sets whose classes are partly actions and partly gestures."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from onebody.data import ClassColumn, Column
from onebody.labels import UNLABELED, LabelSpace, symmetric


def class_columns(
    name: str,
    classes: Sequence[str],
    gestures: Collection[int],
    mirrored: Mapping[str, str | None],
    ids: Sequence[int],
    among: Collection[int] = (),
) -> dict[str, Column]:
    """Make the columns ``action``, ``gesture``, ``class`` and ``kind``.

    A row has an action or a gesture, never both, and always a class, which is either. Its kind says
    which of the two, even where its class is none that a network knows.

    Args:
        name: of the dataset.
        classes: class names in official order, id 1 first.
        gestures: official ids of the classes that are gestures; the others are actions.
        mirrored: classes that a mirror turns into another one, or into none that has a name; the
            rest stay themselves with the other hand.
        ids: ``[N]`` official class id of every row.
        among: official ids that make up the columns; none: all.
    """
    every = [i for i in range(1, len(classes) + 1) if not among or i in among]
    members = {
        "action": [i for i in every if i not in gestures],
        "gesture": [i for i in every if i in gestures],
        "class": every,
    }
    columns: dict[str, ClassColumn] = {}
    for column, own in members.items():
        names = tuple(classes[i - 1] for i in own)
        space = LabelSpace(f"{name} {column}", names, {c: mirrored.get(c, c) for c in names})
        place = {i: index for index, i in enumerate(own)}
        values = np.array([place.get(i, UNLABELED) for i in ids], np.int64)
        columns[column] = ClassColumn(values=values, space=space)
    kinds = np.where(columns["gesture"].values != UNLABELED, 1, 0)
    kinds[columns["class"].values == UNLABELED] = UNLABELED
    space = symmetric(f"{name} kind", ("action", "gesture"))
    return {**columns, "kind": ClassColumn(values=kinds.astype(np.int64), space=space)}
