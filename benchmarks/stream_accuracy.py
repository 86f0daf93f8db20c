"""Is accuracy the price of speed? Streaming networks beside networks of whole clips.

Run: ``python benchmarks/stream_accuracy.py OUT --stream RUN .. --clip RUN .. [--threads 2]``, each
run trained with other people left out. A streaming network is exported and run by ONNX Runtime in
float32, frame by frame over every tested clip from its first to its last frame; the clip's class is
that of the mean of its frames' probabilities, and what that mean says after a quarter, a half and
three quarters of the clip is measured too. Networks of clips are judged as their own test judged
them (``summary.json``). Then one network of each recipe takes its turn at speed: frames of a
stream, or the frames of a clip over its time, in PyTorch float32. Writes OUT/stream-accuracy.json
and .png; compare rates within one run alone.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from statistics import fmean, median
from typing import Any

import matplotlib
import numpy as np
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

Figures = dict[str, dict[str, float]]


def left_out(run: Path) -> str:
    """Return who was left out of a run's training, as its recipe says."""
    return ", ".join(load_recipe(str(run)).split.test["subject"])


def clip_figures(run: Path) -> Figures:
    """Return what a run's own test measured, by task."""
    summary = json.loads((run / "summary.json").read_text())
    return {task: dict(values) for task, values in summary["test"].items()}


def stream_figures(run: Path, folder: Path, threads: int) -> tuple[Figures, StepRunner, list[Any]]:
    """Run a streaming network over every tested clip.

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


def draw(points: Iterable[tuple[str, float, float]], file: Path) -> None:
    """Draw accuracy against frames per second."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 4.2), layout="constrained")
    for name, rate, accuracy in points:
        axes.scatter(rate, 100 * accuracy, s=36)
        axes.annotate(name, (rate, 100 * accuracy), (5, 5), textcoords="offset points", fontsize=9)
    axes.set_xscale("log")
    axes.set_xlabel("frames per second (two threads, float32)")
    axes.set_ylabel("accuracy, all classes (%)")
    axes.grid(visible=True, alpha=0.3)
    axes.margins(0.3, 0.15)
    figure.savefig(file, dpi=150)


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--stream", type=Path, nargs="+", required=True)
    parser.add_argument("--clip", type=Path, nargs="*", default=[])
    parser.add_argument("--task", default="movement", help="of the picture")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(given.threads)
    figures: dict[str, dict[str, Figures]] = {}
    turns: dict[str, tuple[Callable[[], object], int]] = {}
    for run in given.stream:
        name = label_of(run)
        found, runner, frames = stream_figures(run, given.out / "steps", given.threads)
        figures.setdefault(name, {})[left_out(run)] = found
        turns.setdefault(name, (Walk(runner, frames), 1))
    for run in given.clip:
        name = label_of(run)
        figures.setdefault(name, {})[left_out(run)] = clip_figures(run)
        if name not in turns:
            turns[name] = clip_rate(load(run).saved)
    seconds = take_turns([run for run, _ in turns.values()], given.rounds)
    rates = {
        name: count / median(taken)
        for (name, (_, count)), taken in zip(turns.items(), seconds, strict=True)
    }
    for name, own in figures.items():
        print(f"{name}: {rates[name]:.0f} frames/s\n{subject_rows(own)}")
        for part in PARTS[:-1]:
            key = f"top1@{part:.0%}"
            early = [f[given.task][key] for f in own.values() if key in f.get(given.task, {})]
            if len(early) == len(own):
                print(f"  {given.task} after {part:.0%} of the clip: {fmean(early):.4g}")
    result = {"rates": rates, "figures": figures}
    (given.out / "stream-accuracy.json").write_text(json.dumps(result, indent=1))
    points = [
        (name, rates[name], float(np.mean([f[given.task]["top1"] for f in own.values()])))
        for name, own in figures.items()
        if all(given.task in f for f in own.values())
    ]
    draw(points, given.out / "stream-accuracy.png")


def label_of(run: Path) -> str:
    """Name a run's network: its kind and size, and side of its input."""
    recipe = load_recipe(str(run))
    network = recipe.plain()["network"]
    encoder = network.get("encoder", network)
    size = f"-{encoder['size']}" if encoder["kind"] == "stream" else ""
    return f"{encoder['kind']}{size} {recipe.input.size}"


if __name__ == "__main__":
    main()
