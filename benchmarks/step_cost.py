"""What balancing costs: one training step with six tasks, by balancer and gradient source.

Run: ``python benchmarks/step_cost.py`` (``--tasks --encoder --width --size --frames --batch
--repeats --only --json``). Set ``OMP_NUM_THREADS`` to choose the threads. All methods are timed in
turn, round after round, so that what else the machine does meets all of them. On a CPU the ratios
are of processor time, which hardly moves when others use the machine; on a GPU, of elapsed time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from onebody.balancing import BALANCERS
from onebody.config import read_config
from onebody.training import Recipe, Setup, build_run
from onebody.training.step import train_step

PLAIN = "average"
SOURCES = ("representation", "all")
EVERY = 10


def methods() -> dict[str, dict[str, Any]]:
    """Return what of a recipe each method sets; each Gramian source is timed with one balancer."""
    found: dict[str, dict[str, Any]] = {}
    gradients = [k for k, f in BALANCERS.items() if f.summary.endswith("from gradients")]
    for kind in BALANCERS:
        if kind in gradients:
            found[f"{kind}, shared"] = {"balancer": kind}
        else:
            found[kind] = {"balancer": {"kind": kind, "weights": {}} if kind == "fixed" else kind}
    for source in SOURCES:
        found[f"upgrad, {source}"] = {"balancer": "upgrad", "gradient": {"source": source}}
    every = {"source": "all", "every": EVERY}
    found[f"upgrad, all, every {EVERY}th"] = {"balancer": "upgrad", "gradient": every}
    return found


def make_recipe(given: argparse.Namespace, cache: Path, **changes: Any) -> Recipe:
    """Describe an encoder with several small heads on simulated people, all rows labeled."""
    people = {"kind": "simulated", "people": 3, "clips": 1, "gestures": [], "cache": str(cache)}
    names = [f"action{number}" for number in range(given.tasks)]
    encoder = {"kind": given.encoder, "width": given.width}
    values = {
        "data": [
            {
                "dataset": {**people, "size": given.size, "frames": given.frames},
                "batch_size": given.batch,
            }
        ],
        "split": {"own_split": True},
        "input": {"size": given.size, "frames": given.frames},
        "tasks": {name: {"kind": "classification", "column": "action"} for name in names},
        "network": {"kind": "multitask", "encoder": encoder},
        "optimizer": {"kind": "sgd", "lr": 1e-4},
        "schedule": {"steps": 1},
        **changes,
    }
    return read_config(Recipe, values, "benchmark")


def stepper(setup: Setup) -> Callable[[], None]:
    """Return a function that makes one step, always on the same rows."""
    batches = next(iter(setup.loader.epoch(0)))
    numbers = iter(range(10**9))
    setup.network.train()
    return lambda: train_step(setup, batches, next(numbers)) and None


def measure(given: argparse.Namespace) -> dict[str, list[tuple[float, float]]]:
    """Return elapsed and processor seconds of each timed step of each method."""
    chosen = {k: v for k, v in methods().items() if k == PLAIN or given.only in k}
    with tempfile.TemporaryDirectory() as cache:
        steps = {
            name: stepper(build_run(make_recipe(given, Path(cache), **changes)))
            for name, changes in chosen.items()
        }
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
        for _ in range(given.repeats + 2):
            for name, step in steps.items():
                begin, busy = time.perf_counter(), time.process_time()
                step()
                if torch.cuda.is_available():
                    torch.cuda.synchronize()
                times[name].append((time.perf_counter() - begin, time.process_time() - busy))
    # The first ones warm up; the rest is whole periods of the method that has one.
    return {name: pairs[2:] for name, pairs in times.items()}


def table(times: dict[str, list[tuple[float, float]]]) -> list[dict[str, Any]]:
    """Return a line per method: milliseconds, and its ratio to the plain step of the same round.

    All are medians, but for the method with a period: of its steps, which differ, means.
    """
    clock = 0 if torch.cuda.is_available() else 1
    lines = []
    for name, pairs in times.items():
        ratios = [
            pair[clock] / plain[clock] for pair, plain in zip(pairs, times[PLAIN], strict=True)
        ]
        middle = statistics.fmean if "every" in name else statistics.median
        seconds, busy = (middle(pair[k] for pair in pairs) for k in (0, 1))
        lines.append(
            {
                "method": name,
                "milliseconds": round(1000 * seconds, 1),
                "processor_milliseconds": round(1000 * busy, 1),
                "ratio": round(middle(ratios), 3),
            }
        )
    return lines


def main() -> None:
    """Print a line per method, and write all of it where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=6)
    parser.add_argument("--encoder", default="light")
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=10, help=f"a multiple of {EVERY}")
    parser.add_argument("--only", default="", help="methods whose name contains this")
    parser.add_argument("--json", type=Path, help="where to write the table")
    given = parser.parse_args()
    lines = table(measure(given))
    clips = f"{given.batch} clips of {given.frames} x {given.size} x {given.size}"
    print(f"{given.tasks} tasks on {given.encoder!r} (width {given.width}), {clips}")
    print(f"{'method':26s} {'ms':>8s} {'cpu ms':>8s} {'ratio':>7s}")
    for line in lines:
        print(
            f"{line['method']:26s} {line['milliseconds']:8.1f} "
            f"{line['processor_milliseconds']:8.1f} {line['ratio']:7.3f}"
        )
    if given.json:
        notes = {key: str(value) for key, value in vars(given).items()}
        notes |= {"torch": torch.__version__, "threads": str(torch.get_num_threads())}
        given.json.write_text(json.dumps({"notes": notes, "table": lines}, indent=1) + "\n")


if __name__ == "__main__":
    main()
