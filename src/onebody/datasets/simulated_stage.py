"""What simulated clips are labeled with besides movements: things, scenes, kinds, boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from onebody.data import ClassColumn, JointsColumn, SampleTable
from onebody.data.person_box import joint_bounds
from onebody.data.sources import read_array
from onebody.labels import LabelSpace, symmetric
from onebody.simulate.draws import uniform


def chosen(seeds: Sequence[int], purpose: str, names: Sequence[str]) -> list[str] | None:
    """Choose one of some names for each seed; None where there are none to choose from."""
    if not names:
        return None
    places = (uniform(seeds, f"which {purpose}", 1)[:, 0] * len(names)).long().tolist()
    return [names[place] for place in places]


def stage_columns(seeds: Sequence[int], **names: Sequence[str]) -> dict[str, ClassColumn]:
    """Return the class columns of what was `chosen`, by purpose; none for no names."""
    columns = {}
    for purpose, own in names.items():
        found = chosen(seeds, purpose, own)
        if found is not None:
            space = symmetric(f"simulated {purpose}s", tuple(own))
            values = np.array([space.index(name) for name in found], np.int64)
            columns[purpose] = ClassColumn(values=values, space=space)
    return columns


def kind_column(kinds: Sequence[str], spaces: Mapping[str, LabelSpace]) -> ClassColumn:
    """Say of each clip whether its movement is an action, a gesture or idle."""
    space = symmetric("simulated kinds", ("action", "gesture", "idle"))
    places = {kind: space.index(name) for name, own in spaces.items() for kind in own.classes}
    idle = space.index("idle")
    return ClassColumn(
        values=np.array([places.get(kind, idle) for kind in kinds], np.int64), space=space
    )


def with_joint_boxes(table: SampleTable, column: str) -> SampleTable:
    """Return a table whose boxes are the smallest ones around all joints of a row.

    Args:
        table: with joints in pixels.
        column: of these joints; rows without any have no box.
    """
    joints = table.columns[column]
    assert isinstance(joints, JointsColumn)
    boxes = np.full((len(table), 4), np.nan)
    for row, source in enumerate(joints.sources.tolist()):
        if source:
            values = np.asarray(read_array(source), np.float64).reshape(-1, 3)
            found, there = joint_bounds(values[:, :2], np.asarray(np.isfinite(values).all(axis=1)))
            boxes[row] = found if there else np.nan
    return replace(table, box=boxes)
