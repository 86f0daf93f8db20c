"""How well does a network trained on simulated people place joints in real pictures?

Run: ``python benchmarks/real_images.py FOLDER [--run RUN]``. FOLDER holds ``coco``, ``mpii`` and
``h36m``, each with its pictures and one annotation file, as pose toolkits ship them as samples.
Every annotated person is looked at in their annotated box; prints PCK@0.2 (joints nearer than a
fifth of the longer side of the joints' box) over the joints that both layouts have, and beside it
what the same network says of a grey picture: a pose in the middle of the box is often not far off.
A handful of pictures: an order of magnitude, no benchmark.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from onebody.config import build, read_config
from onebody.data import Batch, JointsColumn, SampleTable, Source
from onebody.datasets import DATASETS
from onebody.evaluation import evaluate
from onebody.inference import load
from onebody.metrics import Results, concatenate
from onebody.models import SavedNetwork
from onebody.tasks.pose import PoseTask

SETS = {
    "COCO": {"kind": "coco-keypoints", "folder": "coco", "annotations": ["test_coco.json"]},
    "MPII": {"kind": "mpii", "folder": "mpii", "annotations": ["test_mpii.json"]},
    "Human3.6M": {
        "kind": "coco-keypoints",
        "folder": "h36m",
        "annotations": ["h36m_coco.json"],
        "skeleton": "h36m-17",  # the sample names joints in an order that they are not in
    },
}


def read(folder: Path, keys: dict[str, object], prepared: Path) -> SampleTable:
    """Read one set."""
    own = folder / str(keys["folder"])
    images = (
        prepared / f"{own.name}-pictures"
    )  # annotations name files, not the folders they lie in
    images.mkdir()
    for picture in own.rglob("*.jpg"):
        (images / picture.name).symlink_to(picture.resolve())
    values = {**keys, "folder": own, "images": images, "prepared": prepared / own.name}
    values["annotations"] = [own / str(name) for name in keys["annotations"]]  # type: ignore[attr-defined]
    kind = DATASETS[str(keys["kind"])]
    return build(DATASETS, read_config(kind.config, values, str(own)), "dataset")


def greyed(batch: Batch) -> Batch:
    """Return a batch of grey pictures."""
    inputs = {name: torch.full_like(x, 0.5) for name, x in batch.inputs.items()}
    return replace(batch, inputs=inputs)


def answers(saved: SavedNetwork, task: PoseTask, table: SampleTable) -> tuple[Results, Results]:
    """Return joints beside annotated ones: of the pictures, and of grey in their place."""
    (column,) = [name for name, c in table.columns.items() if isinstance(c, JointsColumn)]
    renamed = replace(table, columns={task.column: table.columns[column]})
    still = saved.input.model_copy(update={"frames": 1})
    source = Source(table=renamed, spec=still, targets=(task.target_spec(renamed),))
    seen, blind = (
        evaluate(saved.network, source, tasks=[task.name], change=change)[task.name]
        for change in (None, greyed)
    )
    return seen, blind


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
    found: list[tuple[Results, Results]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, keys in SETS.items():
            table = read(given.folder, dict(keys), Path(scratch))
            found.append(answers(saved, task, table))
            seen, blind = found[-1]
            joints = int(np.sum(seen.mask)) if seen.mask is not None else 0
            share, chance = metric.function(seen), metric.function(blind)
            print(
                f"{name}: {len(np.unique(seen.row))} people, {joints} joints, PCK@0.2 {share:.1%} "
                f"(of a grey picture {chance:.1%})"
            )
    whole, grey = (metric.function(concatenate(parts)) for parts in zip(*found, strict=True))
    print(f"all: PCK@0.2 {whole:.1%} of joints (of a grey picture {grey:.1%})")


if __name__ == "__main__":
    main()
