"""How well does a network trained on simulated people place joints in real pictures?

Run: ``python benchmarks/real_images.py FOLDER [--run RUN]``. FOLDER holds ``coco``, ``mpii`` and
``h36m``, each with its pictures and one annotation file, as pose toolkits ship them as samples.
Every annotated person is looked at in their annotated box; prints PCK@0.2 (joints nearer than a
fifth of the longer side of the joints' box) over the joints that both layouts have. A handful of
pictures: an order of magnitude, no benchmark.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from onebody.config import build, read_config
from onebody.data import JointsColumn, SampleTable, Source
from onebody.datasets import DATASETS
from onebody.evaluation import evaluate
from onebody.inference import load
from onebody.metrics import Results, concatenate
from onebody.models import SavedNetwork
from onebody.tasks.pose import PoseTask

SETS = {
    "COCO": {"kind": "coco-keypoints", "folder": "coco", "annotations": ["test_coco.json"]},
    "MPII": {"kind": "mpii", "folder": "mpii", "annotations": ["test_mpii.json"]},
    "Human3.6M": {"kind": "coco-keypoints", "folder": "h36m", "annotations": ["h36m_coco.json"]},
}


def read(folder: Path, keys: dict[str, object], prepared: Path) -> SampleTable:
    """Read one set."""
    own = folder / str(keys["folder"])
    values = {**keys, "folder": own, "images": own, "prepared": prepared / own.name}
    values["annotations"] = [own / str(name) for name in keys["annotations"]]  # type: ignore[attr-defined]
    kind = DATASETS[str(keys["kind"])]
    return build(DATASETS, read_config(kind.config, values, str(own)), "dataset")


def answers(saved: SavedNetwork, task: PoseTask, table: SampleTable) -> Results:
    """Return joints beside annotated ones."""
    (column,) = [name for name, c in table.columns.items() if isinstance(c, JointsColumn)]
    renamed = replace(table, columns={task.column: table.columns[column]})
    still = saved.input.model_copy(update={"frames": 1})
    source = Source(table=renamed, spec=still, targets=(task.target_spec(renamed),))
    return evaluate(saved.network, source, tasks=[task.name])[task.name]


def main() -> None:
    """Print a line per set, and one of all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--run", type=Path, default=None, help="default: the package's network")
    parser.add_argument("--task", default="pose2d")
    given = parser.parse_args()
    saved = load(given.run).saved
    task = saved.network.tasks[given.task]
    assert isinstance(task, PoseTask)
    metric = task.metrics["pck_box"]
    found: list[Results] = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, keys in SETS.items():
            table = read(given.folder, dict(keys), Path(scratch))
            found.append(answers(saved, task, table))
            joints = int(np.sum(found[-1].mask)) if found[-1].mask is not None else 0
            people = len(np.unique(found[-1].row))
            share = metric.function(found[-1])
            print(f"{name}: {people} people, {joints} joints, PCK@0.2 {share:.1%}")
    print(f"all: PCK@0.2 {metric.function(concatenate(found)):.1%} of joints")


if __name__ == "__main__":
    main()
