"""Turn packed JHMDB poses into a prepared folder for the recipe ``jhmdb-pose``.

    python benchmarks/jhmdb_poses.py PACKED_FOLDER OUT_FOLDER
    onebody train jhmdb-pose data.0.dataset.folder=OUT_FOLDER

The packed form is ``jhmdb_gt_pose.npz``: of every clip nf frames, action (an index into
action_names) and split ``[3, N]`` (1: training part of the official split, 2: test), and, one clip
after the other, pose ``[sum nf, 15, 2]`` (layout ``jhmdb-15``, x to the right and y down, in units
of the body). All joints of the puppet are there, also those that nobody sees.

Clips have no names there, so nobody can tell which come from one film. The table's ``split``
column divides each class evenly into ``fold1`` .. ``fold5``, drawn with a fixed seed: clips of one
film may lie on both sides, which makes figures better than on unseen films. An official split puts
a film's clips of one class on one side; ``--official 2`` (or 3) writes it as ``train`` and ``test``
instead.

Source: Jhuang, Gall, Zuffi, Schmid, Black, "Towards Understanding Action Recognition", ICCV 2013.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from onebody.data import ClassColumn, SampleTable, make_table
from onebody.data.store import load_table, save_table
from onebody.data.table import Text
from onebody.datasets.prepared import store_arrays
from onebody.labels import symmetric
from onebody.types import Ints

FPS = 30.0
FOLDS = 5
SKELETON = "jhmdb-15"
_OFFICIAL = {1: "train", 2: "test"}


def stratified(labels: Ints, folds: int = FOLDS) -> Text:
    """Divide the rows of every class evenly; ``fold1`` and so on."""
    order = np.random.default_rng(0).permutation(len(labels))
    place = np.empty(len(labels), np.int64)
    given = 0  # goes on from class to class, so that folds are of equal size
    for label in np.unique(labels):
        rows = order[labels[order] == label]
        place[rows] = (given + np.arange(len(rows))) % folds
        given += len(rows)
    return np.array([f"fold{i + 1}" for i in place], np.str_)


def prepare(packed: Path, folder: Path, official: int | None = None) -> SampleTable:
    """Write the poses and their table.

    Args:
        packed: folder of the packed form.
        folder: the prepared folder.
        official: number of the official split that the ``split`` column holds; None: five folds.

    Raises:
        ValueError: if frames and clips do not add up, a coordinate is missing, or the official
            split has values other than 1 and 2.
    """
    with np.load(packed / "jhmdb_gt_pose.npz", allow_pickle=False) as arrays:
        held = {name: arrays[name] for name in arrays.files}
    pose, ends = held["pose"], np.cumsum(held["nf"])
    if ends[-1] != len(pose) or not np.isfinite(pose).all():
        raise ValueError(
            f"{packed}: expected {ends[-1]} frames of finite places, found {len(pose)}, "
            f"{int((~np.isfinite(pose)).any(axis=(1, 2)).sum())} of them with gaps."
        )
    if official is None:
        split = stratified(held["action"])
    else:
        marks = held["split"][official - 1].tolist()
        if odd := set(marks) - set(_OFFICIAL):
            raise ValueError(f"{packed}: split {official}: expected 1 or 2, found {min(odd)}.")
        split = np.array([_OFFICIAL[mark] for mark in marks], np.str_)
    folder.mkdir(parents=True, exist_ok=True)
    classes = tuple(str(name) for name in held["action_names"])
    clips = np.split(pose, ends[:-1])
    table = make_table(
        "jhmdb-pose",
        {"skeleton": store_arrays(folder / "skeleton.npy", clips)},
        columns={
            "action": ClassColumn(
                values=held["action"].astype(np.int64), space=symmetric("jhmdb", classes)
            )
        },
        layouts={"skeleton": SKELETON},
        fps=np.full(len(clips), FPS),
        split=split,
        row_names=[f"{classes[a]}_{i:03d}" for i, a in enumerate(held["action"].tolist())],
    )
    save_table(table, folder)
    return load_table(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("packed", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--official", type=int, choices=(1, 2, 3))
    given = parser.parse_args()
    made = prepare(given.packed, given.out, given.official)
    print(f"{len(made)} clips of {len(made.columns['action'].space.classes)} actions")
