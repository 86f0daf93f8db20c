"""Pictures of a comparison's report, as PNG data that a page can hold in itself."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from onebody.data import Source
from onebody.data.reading import channels_of
from onebody.data.sources import read_frames
from onebody.evaluation import evaluate
from onebody.inference import load
from onebody.inference.sheet import draw_sheet
from onebody.inference.sheet_series import series_samples
from onebody.models import Network
from onebody.studies.arms import JOINT
from onebody.studies.compare import Comparison
from onebody.studies.runs import Run
from onebody.tasks import ClassTask
from onebody.training import build_sources, load_recipe
from onebody.training.log import read_log

COLORS = ("#2563eb", "#d97706", "#059669", "#be185d", "#7c3aed", "#0e7490", "#65a30d")
"""One per arm, in the table's order."""

Points = Sequence[tuple[int, float]]


def curves(comparison: Comparison) -> str:
    """Draw over steps, by arm: each task's training loss and, where there is one, validation."""
    logs = [(run, read_log(Path(run.summary.folder) / "log.jsonl")) for run in comparison.runs]
    arms = [cost.arm for cost in comparison.costs]
    panels: dict[str, list[tuple[Run, Points]]] = {}
    for run, lines in logs:
        for task in dict.fromkeys(task for x in lines for task in x.get("loss", {})):
            points = [(x["step"], x["loss"][task]) for x in lines if task in x.get("loss", {})]
            panels.setdefault(f"{task}: training loss", []).append((run, points))
        monitored = [(x["step"], x["monitor"]) for x in lines if "monitor" in x]
        if monitored:
            panels.setdefault("validation (each arm's own monitor)", []).append((run, monitored))
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(4.2 * columns, 2.9 * rows), layout="constrained")
    for number, (title, shown) in enumerate(panels.items(), 1):
        axis = figure.add_subplot(rows, columns, number)
        for run, curve in shown:
            _plot(axis, curve, COLORS[arms.index(run.arm) % len(COLORS)])
        axis.set(title=title, xlabel="step", yscale="log" if "loss" in title else "linear")
    handles = [Line2D([], [], color=COLORS[i % len(COLORS)]) for i in range(len(arms))]
    figure.axes[0].legend(handles=handles, labels=arms, fontsize=8)
    return _data(figure)


def confusion(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """Draw a confusion matrix, each row divided by its number of samples."""
    values = np.array(counts, float)
    shares = values / np.maximum(values.sum(1, keepdims=True), 1)
    side = max(3.4, 0.26 * len(classes) + 1.6)
    figure = Figure(figsize=(side, side), layout="constrained")
    axis = figure.subplots()
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(values > 0):
        ink = "white" if shares[row, column] > 0.55 else "black"
        axis.text(
            column,
            row,
            str(int(values[row, column])),
            ha="center",
            va="center",
            fontsize=6,
            color=ink,
        )
    axis.set_xticks(range(len(classes)), classes, rotation=90, fontsize=7)
    axis.set_yticks(range(len(classes)), classes, fontsize=7)
    axis.set(xlabel="predicted", ylabel="true")
    return _data(figure)


def samples(comparison: Comparison, count: int = 6) -> list[tuple[str, str]]:
    """Draw the joint network's answer on the middle frame of some test clips.

    Clips of skeletons or sensor readings are drawn themselves, with the answers below.

    Returns:
        (caption, PNG data) per clip; clips are spread over the first run's test rows.
    """
    run = next(run for run in comparison.runs if run.arm == JOINT)
    folder = Path(run.summary.folder)
    predictor = load(folder)
    drawn: list[tuple[str, str]] = []
    for source in build_sources(load_recipe(str(folder / "recipe.yaml"))).splits["test"]:
        table, modality = source.table, source.spec.modality
        if channels_of(modality) is None:
            rows = np.unique(np.linspace(0, len(table) - 1, count).astype(int))
            drawn += [_series(source, int(row), predictor.saved.network) for row in rows]
            continue
        for row in np.unique(np.linspace(0, len(table) - 1, count).astype(int)):
            medium = str(table.media[modality][row])
            if not medium:  # other media of this row are answered from
                continue
            beside = (m.modality for m in source.spec.media if table.media[m.modality][row] != "")
            fx, fy, cx, cy = table.camera_matrix[row].tolist()
            prediction = predictor.predict(
                {name: str(table.media[name][row]) for name in beside},
                fps=_known(table.fps[row]),
                camera=(fx, fy, cx, cy) if np.isfinite(fx) else None,
                depth_ref_mm=_known(table.depth_ref_mm[row]),
            )
            middle = len(prediction) // 2
            frame = read_frames(medium, np.array([middle]))
            picture = prediction[middle : middle + 1].draw(frame, least_side_px=300)[0]
            drawn.append((str(table.row_names[row]), _picture(picture)))
    return drawn[: 2 * count]


def _series(source: Source, row: int, network: Network) -> tuple[str, str]:
    """Draw a row of skeletons or sensor readings, with its labels and the network's answers."""
    (sample,) = series_samples(source.table, [row], source.spec)
    one = replace(source, table=source.table.select(np.array([row])), augment=None)
    said = []
    for name, found in evaluate(network, one).items():
        task = network.tasks[name]
        if isinstance(task, ClassTask) and not task.reads:
            best = int(found.prediction[0].argmax())
            said.append(f"{name}: {task.classes[best]} {found.prediction[0, best]:.0%}")
    labels = [f"labeled {caption}" for caption in sample.captions]
    sheet = draw_sheet([replace(sample, captions=(*said, *labels))])
    return sample.name, _picture(sheet)


def _known(value: float) -> float | None:
    """Return None for NaN."""
    return float(value) if np.isfinite(value) else None


def _plot(axis: Any, points: Points, color: str) -> None:
    """Draw one run's curve; a few points are marked, for a line through one shows nothing."""
    steps, values = zip(*points, strict=True)
    marker = "." if len(points) < 4 else ""
    axis.plot(steps, values, color=color, linewidth=1, alpha=0.8, marker=marker)
    axis.grid(alpha=0.25)
    axis.tick_params(labelsize=7)


def _data(figure: Figure) -> str:
    """Return a figure as a data URL."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return _url(stream.getvalue())


def _picture(frame: np.ndarray[Any, Any]) -> str:
    """Return a frame as a data URL."""
    stream = io.BytesIO()
    Image.fromarray(frame).save(stream, format="PNG", optimize=True)
    return _url(stream.getvalue())


def _url(png: bytes) -> str:
    """Return PNG bytes as a data URL."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


Confusions = Mapping[str, tuple[Sequence[str], Sequence[Sequence[int]]]]


def total_confusions(comparison: Comparison) -> Confusions:
    """Add up the joint network's confusion matrices over folds and seeds, by task."""
    found: dict[str, tuple[Sequence[str], Any]] = {}
    for run in comparison.runs:
        if run.arm != JOINT:
            continue
        for task, counts in run.measured.confusion.items():
            before = found[task][1] if task in found else 0
            found[task] = (run.measured.classes[task], before + np.array(counts))
    return found
