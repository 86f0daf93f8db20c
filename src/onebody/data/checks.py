"""Requests that a table cannot serve are refused before anything is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from onebody.config import lookup
from onebody.data.augment import AugmentConfig, Medium
from onebody.data.reading import PICTURES, channels_of
from onebody.data.spec import FLOW, InputSpec, TargetSpec
from onebody.data.table import ClassColumn, JointsColumn, SampleTable
from onebody.data.targets import is_served
from onebody.skeletons import get_skeleton


def check_request(
    table: SampleTable,
    spec: InputSpec,
    targets: Sequence[TargetSpec],
    augment: AugmentConfig | None,
) -> None:
    """Refuse a combination of table, input, targets and augmentation that makes no sense.

    Raises:
        ValueError: says what does not fit and what to do.
    """
    for medium in spec.media:
        if medium.modality not in table.media:
            flows = [FLOW + name for name in table.media if name.split("/")[0] in PICTURES]
            known = dict.fromkeys((*table.media, *flows))
            lookup(known, medium.modality, f"modality of table {table.name!r}:")
        if medium.reads_skeletons:
            table.layout(medium.modality)
    tasks = [target.task for target in targets]
    if len(set(tasks)) != len(tasks):
        raise ValueError(f"Two targets for one task: {', '.join(tasks)}.")
    for target in targets:
        if target.form == "class":
            _check_class(table, target)
        elif target.form == "joints":
            _check_joints(table, spec, target)
        elif target.form == "box":
            _check_box(table, spec, target)
        else:
            _check_made(target, targets)
    if augment is not None:
        _check_augment(table, spec, targets, augment)


def _check_class(table: SampleTable, target: TargetSpec) -> None:
    """Refuse a class target whose column holds something else or has other classes."""
    if target.soft:
        lookup(table.soft, target.soft, f"soft labels of table {table.name!r}:")
    for name, places in zip(target.columns, (target.table, target.also_table), strict=False):
        column = table.columns.get(name)
        if column is None:
            continue
        if not isinstance(column, ClassColumn):
            raise ValueError(
                f"Task {target.task!r} expects classes in column {name!r} of table "
                f"{table.name!r}, found joints."
            )
        found = None if places is None else len(places)
        if found != len(column.space):
            raise ValueError(
                f"Task {target.task!r}: expected a place for each of the {len(column.space)} "
                f"classes of column {name!r} of table {table.name!r}, found {found}."
            )


def _check_joints(table: SampleTable, spec: InputSpec, target: TargetSpec) -> None:
    """Refuse a joints target that its column cannot give."""
    column = table.columns.get(target.column)
    if column is None:
        return
    get_skeleton(target.skeleton)
    if not isinstance(column, JointsColumn):
        raise ValueError(
            f"Task {target.task!r} expects joints in column {target.column!r} of table "
            f"{table.name!r}, found classes."
        )
    if channels_of(spec.modality) is None:
        raise ValueError(
            f"Task {target.task!r} places joints in a picture, but {spec.modality!r} has none. "
            "Read a picture modality (the first of several), or leave the task out."
        )
    if column.unit not in ("px", "mm"):
        raise ValueError(
            f"Column {target.column!r} of table {table.name!r}: expected the unit 'px' or 'mm', "
            f"found {column.unit!r}."
        )
    if target.dims == 3 and column.unit == "px":
        raise ValueError(
            f"Task {target.task!r} is 3D, but column {target.column!r} of table {table.name!r} "
            "holds pixels, which have no depth. Name a column in mm, or make the task 2D."
        )


def _check_box(table: SampleTable, spec: InputSpec, target: TargetSpec) -> None:
    """Refuse a target of boxes where they cannot be seen."""
    if channels_of(spec.modality) is None:
        raise ValueError(
            f"Task {target.task!r} finds a box in a picture, but {spec.modality!r} has none. "
            "Read a picture modality, or leave the task out."
        )
    if target.skeleton:
        _check_joints(table, spec, replace(target, form="joints", dims=2))
    elif spec.look == "box" and bool(np.isfinite(table.box).all(axis=1).any()):
        raise ValueError(
            f"Task {target.task!r} learns the boxes of table {table.name!r}, but rows are looked "
            "at within these boxes: there would be nothing to find. Set input.look to 'picture'."
        )


def _check_made(target: TargetSpec, targets: Sequence[TargetSpec]) -> None:
    """Refuse a target made of tasks that are not taught as classes."""
    classes = {other.task for other in targets if other.form == "class"}
    missing = [task for task in target.made_of if task not in classes]
    if missing:
        raise ValueError(
            f"Task {target.task!r} is made of the labels of {missing[0]!r}: give that class target "
            f"too (class targets: {', '.join(sorted(classes)) or 'none'})."
        )


def _check_augment(
    table: SampleTable, spec: InputSpec, targets: Sequence[TargetSpec], augment: AugmentConfig
) -> None:
    """Refuse flips that would make labels wrong, and options that the modality has no use for."""
    for target in targets:
        there = target.form == "class" and is_served(table, target)
        if augment.flip > 0 and there and target.mirror is None:
            raise ValueError(
                f"Task {target.task!r} does not say what a mirror makes of its classes. State its "
                "mirror map (class: mirrored class, itself, or null), or turn flips off."
            )
    kinds = {medium.modality: _kind(medium) for medium in spec.media}
    useless = augment.without_use(kinds[spec.modality])
    for kind in kinds.values():  # an option must serve one of the media, not all of them
        useless = [name for name in useless if name in augment.without_use(kind)]
    if useless:
        raise ValueError(
            f"{_named(spec)} is no medium for all of these changes: turn off {', '.join(useless)}."
        )
    fixed = [name for name, kind in kinds.items() if kind not in ("pictures", "skeletons")]
    if augment.flip > 0 and fixed:
        raise ValueError(
            f"All media of a row are mirrored together, but {fixed[0]!r} cannot be. Turn 'flip' "
            "off."
        )
    turned = any(angle for limits in (augment.turn_deg, augment.tilt_deg) for angle in limits)
    if turned and any(medium.reads_skeletons and medium.dims == 2 for medium in spec.media):
        raise ValueError("turn_deg and tilt_deg turn skeletons in space; turn them off in 2D.")
    deep = any(medium.modality.split("/")[0] == "depth" for medium in spec.media)
    if not deep and augment.depth_shift_mm != (0.0, 0.0):
        raise ValueError(
            f"depth_shift_mm moves the body of depth pictures; {_named(spec)} has no depth. "
            "Turn it off (augment.depth_shift_mm=null)."
        )


def _kind(spec: InputSpec) -> Medium:
    """Say what kind of medium is read."""
    if spec.reads_skeletons or spec.reads_sensors:
        return "skeletons" if spec.reads_skeletons else "sensors"
    return "numbers" if channels_of(spec.modality) is None else "pictures"


def _named(spec: InputSpec) -> str:
    """Name the media in a message."""
    return " + ".join(repr(medium.modality) for medium in spec.media)
