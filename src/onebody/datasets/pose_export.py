"""Skeletons of a table in the form of pyskl and mmaction2 (see `onebody.datasets.pose_pyskl`)."""

from __future__ import annotations

import os
import pickle
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from onebody.config import lookup
from onebody.data import ClassColumn, SampleTable
from onebody.data.sources import frame_span, read_array
from onebody.labels import UNLABELED
from onebody.types import Bools

_TO_METRES = np.array([0.001, -0.001, 0.001], np.float32)  # y up, as depth sensors state joints


def to_pyskl(
    table: SampleTable, *, column: str = "", size: tuple[int, int] | None = None
) -> dict[str, Any]:
    """Turn a table's skeletons into annotations, one person each.

    2D joints are pixels, with a ``keypoint_score`` (1 where a table states no confidence); 3D
    joints are metres, y up. A missing joint in 2D is zero, its score too; in 3D a missing body is
    zero, and a body that lacks some joints cannot be said.

    Args:
        table: with the medium ``skeleton``.
        column: column of classes that gives the labels; empty: ``class``, if there is one.
        size: width and height of the pictures, which the form wants of 2D joints.

    Raises:
        ValueError: if the column does not exist or holds no classes, a row has no skeleton, two
            rows one name, 2D joints no size, or a 3D body some of its joints.
    """
    classed = {name: c for name, c in table.columns.items() if isinstance(c, ClassColumn)}
    labels = (
        lookup(classed, column, f"class column of table {table.name!r}:")
        if column
        else classed.get("class")
    )
    annotations: list[dict[str, Any]] = []
    splits: dict[str, list[str]] = defaultdict(list)
    if len(set(table.row_names)) != len(table):
        raise ValueError(f"Table {table.name!r}: expected a name of its own for every row.")
    for row, name in enumerate(table.row_names.tolist()):
        annotation = {"frame_dir": name, **_joints(table, row, size)}
        if labels is not None and labels.values[row] != UNLABELED:
            annotation["label"] = int(labels.values[row])
        annotations.append(annotation)
        if table.split[row]:
            splits[str(table.split[row])].append(name)
    return {"split": dict(splits), "annotations": annotations}


def write_pyskl(path: Path, content: dict[str, Any]) -> None:
    """Write annotations as a pickle (protocol 4), whole or not at all."""
    if path.is_dir():
        raise ValueError(f"{path}: expected a file to write, found a folder. Name one: {path}.pkl")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file:
            pickle.dump(content, file, protocol=4)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _joints(table: SampleTable, row: int, size: tuple[int, int] | None) -> dict[str, Any]:
    """Return what an annotation says of its joints."""
    source = str(table.media["skeleton"][row]) if "skeleton" in table.media else ""
    place = f"{table.name}: {table.row_names[row]}"
    if not source:
        raise ValueError(f"{place}: expected a skeleton, found none. Leave the row out.")
    fps = float(table.rate("skeleton")[row])
    span = slice(*frame_span(source, float(table.start_s[row]), float(table.end_s[row]), fps=fps))
    joints = np.asarray(read_array(source)[span], np.float32)  # [T, J, D]
    known: Bools = np.asarray(np.isfinite(joints).all(-1))
    if joints.shape[2] == 3:
        if (known.any(1) != known.all(1)).any():
            raise ValueError(
                f"{place}: expected all joints of a body or none, found some, which the form "
                "cannot say in 3D (it would put them in the origin). Leave the row out."
            )
        placed = np.where(known[..., None], joints * _TO_METRES, np.float32(0))
        return {"total_frames": len(joints), "keypoint": placed[None]}
    if size is None:
        raise ValueError(
            f"{place}: expected the size of the pictures, which the form wants of 2D joints, found "
            "none. Say it: --size 1920x1080."
        )
    stated = str(table.media["confidence"][row]) if "confidence" in table.media else ""
    scores = np.asarray(read_array(stated)[span], np.float32) if stated else np.ones_like(known)
    return {
        "total_frames": len(joints),
        "img_shape": (size[1], size[0]),
        "original_shape": (size[1], size[0]),
        "keypoint": np.where(known[..., None], joints, np.float32(0))[None],
        "keypoint_score": np.where(known, scores, 0).astype(np.float32)[None],
    }
