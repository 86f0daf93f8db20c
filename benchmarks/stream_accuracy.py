"""Is accuracy the price of speed? Streaming networks beside networks of whole clips.

Run: ``python benchmarks/stream_accuracy.py OUT --stream RUN .. --clip RUN .. [--threads 2]``, each
run trained with other people left out. A streaming network is exported and run by ONNX Runtime in
float32, frame by frame over every tested clip from its first to its last frame; the clip's class is
that of the mean of its frames' probabilities, and what that mean says after a quarter, a half and
three quarters of the clip is measured too. Networks of clips are judged as their own test judged
them (``summary.json``); one that has no answer for all classes together counts by the answers of
its tasks, as if somebody told it which task a clip is of, and is drawn hollow. Then one network of
each recipe takes its turn at speed: frames of a stream, or the frames of a clip over its time, in
PyTorch float32. Networks that are given skeletons or sensors are drawn as squares and triangles: to
make their input is not counted. Writes OUT/stream-accuracy.json and .png; compare rates within one
run alone.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from statistics import fmean, median
from typing import Any

import matplotlib
import torch

from onebody.data import Source, make_batch
from onebody.inference import load
from onebody.inference.choose_runner import Walk
from onebody.inference.export_step import export_step, onnx_step
from onebody.inference.step import StepRunner
from onebody.inference.step_frames import split_frames
from onebody.inference.throughput import take_turns
from onebody.metrics import Results
from onebody.metrics.base import concatenate
from onebody.models import SavedNetwork, blank_batch
from onebody.tasks.classes import ClassTask
from onebody.training import build_sources, load_recipe

matplotlib.use("Agg")

PARTS = (0.25, 0.5, 0.75, 1.0)
"""Parts of a clip after which it is judged."""

SHOWN = ("top1", "error", "mpjpe")

KNOWN = "task known"
"""Name of the figures of a network that has to be told which task a clip is of."""

MARKS = {"pictures": "o", "skeleton": "s", "imu": "^", "several": "D"}
"""Of a point in the picture, by what the network reads."""

Figures = dict[str, dict[str, float]]


def left_out(run: Path) -> str:
    """Return who was left out of a run's training, as its recipe says."""
    return ", ".join(load_recipe(str(run)).split.test["subject"])


def clip_figures(run: Path) -> Figures:
    """Return what a run's own test measured, by task."""
    summary = json.loads((run / "summary.json").read_text())
    figures = {task: dict(values) for task, values in summary["test"].items()}
    rows = {task: own["rows"] for task, own in summary["protocols"]["test"].items()}
    told = [task for task in ("action", "gesture") if task in rows]
    if told:
        right = sum(figures[task]["top1"] * rows[task] for task in told)
        figures[KNOWN] = {"top1": right / sum(rows[task] for task in told)}
    return figures


def stream_figures(
    run: Path, folder: Path, threads: int, known: Figures | None
) -> tuple[Figures, StepRunner, list[Any]]:
    """Run a streaming network over every tested clip.

    Args:
        run: its folder.
        folder: of the exported step.
        threads: of the runtime.
        known: its figures, measured before: then only frames are taken.

    Returns:
        Figures by task, what ran, and the frames of some clips.
    """
    saved = load(run).saved
    torch.set_num_threads(threads)
    runner = onnx_step(export_step(saved, folder / run.name))
    sources = build_sources(load_recipe(str(run))).splits["test"]
    tasks = saved.network.tasks
    found: dict[str, list[Results]] = {}
    shown: list[Any] = []
    for source in sources:
        for row in range(len(source.table)):
            answer, frames = one_clip(runner, saved, source, row)
            if len(shown) < 200:
                shown += frames
            elif known is not None:
                return known, runner, shown
            for name, part in answer.items():
                found.setdefault(name, []).append(part)
    figures: Figures = {}
    for name, parts in found.items():
        task, _, cut = name.partition("@")
        metrics = tasks[task].metrics
        whole = concatenate(parts)
        kept = {tasks[task].primary} | ({"error", "mpjpe"} & set(metrics))
        for metric in kept:
            key = f"{metric}@{cut}" if cut else metric
            figures.setdefault(task, {})[key] = float(metrics[metric].function(whole))
    return figures, runner, shown


def one_clip(
    runner: StepRunner, saved: SavedNetwork, source: Source, row: int
) -> tuple[dict[str, Results], list[Any]]:
    """Return what a stream over one clip says, by task (``task@part``), and its frames."""
    count = max(1, -(-frames_of(source, row) // source.spec.stride))
    spec = source.spec.model_copy(update={"frames": count, "sampling": "dense"})
    batch = make_batch(source.table, [row], spec, source.targets, augment=None)
    frames = split_frames(batch.inputs[spec.modality].numpy())
    state = None
    said: dict[str, list[Any]] = {}
    for frame in frames:
        outputs, state = runner.step(frame, state)
        for name, value in outputs.items():
            said.setdefault(name, []).append(torch.from_numpy(value))
    found: dict[str, Results] = {}
    for name, values in said.items():
        task, target = saved.network.tasks[name], batch.targets.get(name)
        if target is None or not bool(target.present.any()):
            continue
        whole = torch.cat(values, 1)
        for part in PARTS if isinstance(task, ClassTask) else (1.0,):
            seen = whole[:, : max(1, round(part * count))]
            label = name if part == 1.0 else f"{name}@{part:.0%}"
            found[label] = task.collect(seen, target, batch.context)
    return found, frames


def frames_of(source: Source, row: int) -> int:
    """Return how many frames a row has."""
    from onebody.data.sources import probe

    return probe(str(source.table.media[source.spec.modality][row])).num_frames


def clip_rate(saved: SavedNetwork) -> tuple[Callable[[], object], int]:
    """Return what runs a clip network once, and its frames."""
    batch = blank_batch(saved.input)

    def run() -> object:
        with torch.inference_mode():
            return saved.network([batch])

    return run, saved.input.frames


def subject_rows(figures: Mapping[str, Figures]) -> str:
    """Write the figures of one recipe, person by person, as a table."""
    tasks = {t: [m for m in v if m in SHOWN] for t, v in next(iter(figures.values())).items()}
    lines = []
    for task, metrics in tasks.items():
        for metric in metrics:
            values = [own[task][metric] for own in figures.values()]
            each = ", ".join(f"{who} {v:.4g}" for who, v in zip(figures, values, strict=True))
            lines.append(f"  {task:10} {metric:10} mean {fmean(values):.4g} ({each})")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A network in the picture.

    Attributes:
        name: its label.
        reads: key of `MARKS`.
        stream: whether it answers frame by frame, by ONNX Runtime.
        rate: frames (of sensors: readings) per second.
        accuracy: mean over the people left out, in [0, 1].
        told: whether somebody told it which task a clip is of.
    """

    name: str
    reads: str
    stream: bool
    rate: float
    accuracy: float
    told: bool


def draw(points: Sequence[Point], file: Path) -> None:
    """Draw accuracy against frames per second."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8.0, 5.2), layout="constrained")
    colors = {"pictures": "#1f6f8b", "skeleton": "#b3541e", "imu": "#6a4c93", "several": "#3c7a3c"}
    for point in points:
        color = "#c1121f" if point.stream else colors[point.reads]
        at = (point.rate, 100 * point.accuracy)
        face = "none" if point.told else color
        axes.scatter(*at, s=40, marker=MARKS[point.reads], edgecolors=color, facecolors=face)
    for name, mark in MARKS.items():
        shown = name if name != "imu" else "sensors (readings per second)"
        axes.scatter([], [], marker=mark, color=colors[name], label=f"reads {shown}")
    axes.scatter([], [], marker="o", color="#c1121f", label="a stream, frame by frame")
    axes.scatter([], [], marker="o", edgecolors="#333333", facecolors="none", label=KNOWN)
    figure.legend(fontsize=8, loc="outside lower center", ncols=3)
    axes.set_xscale("log")
    axes.set_xlabel("frames per second (two threads, float32)")
    axes.set_ylabel("accuracy, all 27 classes (%)")
    axes.grid(visible=True, alpha=0.3)
    axes.margins(0.16, 0.08)
    _name(axes, points)
    figure.savefig(file, dpi=150)


def _name(axes: Any, points: Sequence[Point]) -> None:
    """Write names beside points, where no other name or point stands."""
    axes.figure.canvas.draw()
    taken = [
        (x - 6, y - 6, x + 6, y + 6)
        for x, y in (axes.transData.transform((p.rate, 100 * p.accuracy)) for p in points)
    ]
    scale = axes.figure.dpi / 72
    for point in points:
        x, y = axes.transData.transform((point.rate, 100 * point.accuracy))
        wide, tall = 4.6 * len(point.name) * scale, 9 * scale
        for side, rise in product((1, -1), (3, -9, 14, -20, 25)):
            left = x + 7 * scale if side > 0 else x - 7 * scale - wide
            box = (left, y + rise * scale, left + wide, y + rise * scale + tall)
            if not any(_meet(box, other) for other in taken):
                break
        taken.append(box)
        offset = ((box[0] - x) / scale, (box[1] - y) / scale + 2)
        at = (point.rate, 100 * point.accuracy)
        axes.annotate(point.name, at, offset, textcoords="offset points", fontsize=8)


def _meet(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    """Whether two boxes overlap."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@dataclass(slots=True, kw_only=True)
class Entry:
    """A kind of network.

    Attributes:
        reads, stream: as of a `Point`.
        run: runs it once.
        count: frames of a run.
        figures: by who was left out.
        rate: frames per second.
    """

    reads: str
    stream: bool
    run: Callable[[], object]
    count: int
    figures: dict[str, Figures] = field(default_factory=dict)
    rate: float = math.nan


def gather(
    given: argparse.Namespace, known: Mapping[str, Mapping[str, Figures]]
) -> dict[str, Entry]:
    """Return an `Entry` by name: figures of every run, and what runs the first one of each kind.

    Args:
        given: the command's arguments.
        known: figures of streams that were measured before, by name and who was left out.
    """
    entries: dict[str, Entry] = {}
    for path in given.stream:
        (name, reads), who = label_of(path), left_out(path)
        figures = known.get(name, {}).get(who)
        if figures is None or name not in entries:
            figures, runner, frames = stream_figures(
                path, given.out / "steps", given.threads, figures
            )
            walk = Walk(runner, frames)
            entries.setdefault(name, Entry(reads=reads, stream=True, run=walk, count=1))
        entries[name].figures[who] = figures
    for path in given.clip:
        name, reads = label_of(path)
        if name not in entries:
            run, count = clip_rate(load(path).saved)
            entries[name] = Entry(reads=reads, stream=False, run=run, count=count)
        entries[name].figures[left_out(path)] = clip_figures(path)
    return entries


def print_entry(name: str, entry: Entry, task: str) -> None:
    """Print what a kind of network does, and how early a stream knows it."""
    print(f"{name}: {entry.rate:.0f} frames/s\n{subject_rows(entry.figures)}")
    for part in PARTS[:-1]:
        key = f"top1@{part:.0%}"
        early = [f[task][key] for f in entry.figures.values() if key in f.get(task, {})]
        if len(early) == len(entry.figures):
            print(f"  {task} after {part:.0%} of the clip: {fmean(early):.4g}")


def point_of(name: str, entry: Entry, task: str) -> Point | None:
    """Return where a kind of network lies in the picture; None: it has no such answer."""
    own = entry.figures.values()
    told = not all(task in figures for figures in own)
    shown = KNOWN if told else task
    if not all(shown in figures for figures in own):
        return None
    return Point(
        name=name,
        reads=entry.reads,
        stream=entry.stream,
        rate=entry.rate,
        accuracy=fmean(figures[shown]["top1"] for figures in own),
        told=told,
    )


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--stream", type=Path, nargs="+", required=True)
    parser.add_argument("--clip", type=Path, nargs="*", default=[])
    parser.add_argument("--task", default="movement", help="of the picture")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--again", action="store_true", help="measure the rates alone again")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(given.threads)
    file = given.out / "stream-accuracy.json"
    entries = gather(given, json.loads(file.read_text())["figures"] if given.again else {})
    print("measuring rates: the machine should be idle", file=sys.stderr, flush=True)
    seconds = take_turns([entry.run for entry in entries.values()], given.rounds)
    for (name, entry), taken in zip(entries.items(), seconds, strict=True):
        entry.rate = entry.count / median(taken)
        print_entry(name, entry, given.task)
    result = {
        "rates": {name: entry.rate for name, entry in entries.items()},
        "figures": {name: entry.figures for name, entry in entries.items()},
    }
    file.write_text(json.dumps(result, indent=1))
    points = [point_of(name, entry, given.task) for name, entry in entries.items()]
    draw([point for point in points if point is not None], given.out / "stream-accuracy.png")


def label_of(run: Path) -> tuple[str, str]:
    """Name a run's network (its kind and size, and side of its input), and what it reads."""
    recipe = load_recipe(str(run))
    network = recipe.plain()["network"]
    encoder = network.get("encoder", network)
    size = f"-{encoder['size']}" if encoder["kind"] == "stream" else ""
    name = f"{encoder['kind']}{size}"
    if encoder["kind"] == "recurrent":
        over = " over convolutions" if encoder["trunk"].get("dilations") else ""
        name = encoder["cell"] + over
    if encoder["kind"] == "light":
        marks = [key for key in ("motion", "causal") if encoder.get(key)]
        name = " ".join((name, *marks))
    if recipe.input.also:
        return name, "several"
    if recipe.input.modality in MARKS:
        return name, recipe.input.modality
    return f"{name} {recipe.input.size}", "pictures"


if __name__ == "__main__":
    main()
