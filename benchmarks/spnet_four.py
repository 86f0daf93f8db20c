"""Do decoupled heat maps help SPNet? A table of four: decoupled or not, joint or separate.

Run: ``python benchmarks/spnet_four.py OUT [key=value ..]`` (``--recipe --seeds --subject``).
*Joint* trains all tasks in every step. *Separate* trains the poses for the first half of the steps
and then, with everything that poses are made from left as it is, the actions: their blocks, and
the decoupled maps where there are some. All runs make as many steps on the same rows. A run that
is finished is not repeated.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

POSE_PARTS = [
    "net.entry",
    "net.units",
    *(f"net.blocks.*.{part}" for part in ("r1", "bn1", "conv1", "bn2")),
    *(
        f"net.blocks.*.{maps}.{part}"
        for maps, parts in {
            "heatmaps": ("conv1", "fw_maps", "conv2"),
            "depthmaps": ("conv1", "conv2"),
        }.items()
        for part in parts
    ),
]
"""What poses are made from: everything but action blocks and decoupled maps."""

SEPARATE = [
    {"share": 0.5, "tasks": ["pose2d", "pose3d"]},
    {"share": 0.5, "tasks": ["action", "gesture"], "freeze": POSE_PARTS},
]
FIGURES = {
    "action": "top1",
    "gesture": "top1",
    "pose2d": "error",
    "pose3d": "mpjpe",
}


def arms() -> Iterator[tuple[str, list[str]]]:
    """Yield each of the four by name, with what of the recipe it changes."""
    for decoupled in (True, False):
        for joint in (True, False):
            name = f"{'decoupled' if decoupled else 'plain'}.{'joint' if joint else 'separate'}"
            stages = json.dumps([] if joint else SEPARATE)
            replica = str(decoupled).lower()
            yield name, [f"network.pose_replica={replica}", f"schedule.stages={stages}"]


def summary(folder: Path, given: argparse.Namespace, changes: list[str], seed: int) -> Any:
    """Return what a run reached; it is trained first if need be."""
    found = folder / "summary.json"
    if not found.exists():
        own = [f"split.test.subject=[{given.subject}]", f"train.seed={seed}", *changes]
        command = [sys.executable, "-m", "onebody.cli", "train", given.recipe, "--out", str(folder)]
        subprocess.run([*command, *own, *given.changes], check=True, stdout=subprocess.DEVNULL)
    return json.loads(found.read_text())


def cell(figures: list[float], *, share: bool) -> str:
    """Write several seeds' figures: their mean and the half of their range."""
    factor = 100 if share else 1
    spread = (max(figures) - min(figures)) / 2
    return f"{statistics.mean(figures) * factor:.1f} +- {spread * factor:.1f}"


def main() -> None:
    """Train what is missing and print the table, of test rows and of validation rows."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("changes", nargs="*", help="key=value changes of the recipe")
    parser.add_argument("--recipe", default="spnet-utd")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--subject", default="1", help="who is left out")
    given = parser.parse_intermixed_args()
    for name, changes in arms():
        runs = [
            summary(given.out / f"{name}.{given.subject}.{seed}", given, changes, seed)
            for seed in range(given.seeds)
        ]
        for rows in ("test", "validation"):
            cells = [
                cell([run[rows][task][key] for run in runs], share=key == "top1")
                for task, key in FIGURES.items()
            ]
            seconds = statistics.mean(run["seconds"] for run in runs)
            print(f"{name:20} {rows:10} {' | '.join(cells)} | {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
