"""A joint network and its twins under the same stresses, on the same pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from onebody.config import lookup
from onebody.data import Source
from onebody.evaluation import (
    PLAIN,
    LeakageError,
    StressCurve,
    ViewsConfig,
    check_apart,
    measure_under_stress,
)
from onebody.inference import load
from onebody.models import SavedNetwork
from onebody.training import build_sources, load_recipe
from onebody.training.known import known_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class StressReport:
    """Networks under stress.

    Attributes:
        part: which rows they were measured on.
        curves: by network (the names of their folders, the joint one first), a curve per stress.
    """

    part: str
    curves: Mapping[str, Sequence[StressCurve]]


def stress_runs(
    run: Path,
    against: Sequence[Path] = (),
    *,
    part: str = "test",
    stresses: Sequence[str] = (),
    clips: int = 1,
    views: ViewsConfig = PLAIN,
    device: str = "cpu",
    say: Callable[[str], None] | None = None,
) -> StressReport:
    """Measure a run's network, and others beside it, on the rows of that run.

    Args:
        run: a run's folder.
        against: folders of other runs (its twins); of each the tasks count that ``run`` has too.
        part: ``train``, ``validation`` or ``test``.
        stresses: names; empty: all that suit the input.
        clips: clips joined per sample.
        views: looks at each clip, and how answers are joined.
        device: where the networks run.
        say: told what is done.

    Raises:
        LeakageError: if another network knows the tested rows.
        ValueError: if there is no such run or split, a run is given twice, or networks have no task
            in common.
    """
    every = (run, *against)
    twice = [folder for folder in every if [f.resolve() for f in every].count(folder.resolve()) > 1]
    if twice:
        raise ValueError(f"{twice[0]}: given twice. Name each run once, the twins after --against.")
    recipe = load_recipe(str(run / "recipe.yaml"))
    sources = lookup(build_sources(recipe).splits, part, "split")
    if not sources:
        raise ValueError(f"{run}: the {part} split has no labeled rows.")
    own = load(run, device=device).saved
    curves: dict[str, list[StressCurve]] = {}
    for folder in every:
        saved = own if folder == run else load(folder, device=device).saved
        given = sources if folder == run else _sources_of(folder, saved, own, sources, part)
        curves[_name(folder, every)] = measure_under_stress(
            saved.network,
            given,
            stresses=stresses,
            clips=clips,
            views=views,
            workers=recipe.train.workers,
            device=device,
            bf16=recipe.train.bf16,
            say=partial(_tell, say, folder),
        )
    return StressReport(part=part, curves=curves)


def write_stress(report: StressReport, folder: Path) -> tuple[Path, Path]:
    """Write ``stress.json`` and ``stress.png``; return where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    data, picture = folder / "stress.json", folder / "stress.png"
    data.write_text(json.dumps(to_plain(report), indent=2) + "\n", encoding="utf-8")
    draw_stress(report).savefig(picture, dpi=110)
    return data, picture


def to_plain(report: StressReport) -> dict[str, object]:
    """Return the report as plain values."""
    return asdict(report)


def draw_stress(report: StressReport) -> Figure:
    """Draw a panel per stress: figures over strength, a color per task, a stroke per network."""
    first = next(iter(report.curves.values()))
    columns = min(3, len(first))
    rows = -(-len(first) // columns)
    figure = Figure(figsize=(3.8 * columns, 2.9 * rows), layout="constrained")
    for number, curve in enumerate(first):
        axis = figure.add_subplot(rows, columns, number + 1)
        for stroke, (network, curves) in zip(_strokes(report), report.curves.items(), strict=True):
            shown = next((c for c in curves if c.stress == curve.stress), None)
            for color, task in enumerate(curve.values):
                values = shown.values.get(task) if shown is not None else None
                if values is not None:
                    axis.plot(
                        range(len(values)),
                        [float("nan") if value is None else value for value in values],
                        stroke,
                        color=f"C{color}",
                        label=f"{task} ({network})",
                    )
        axis.set_xticks(range(len(curve.levels)), [f"{level:g}" for level in curve.levels])
        measured = ", ".join(dict.fromkeys(curve.metrics.values()))
        axis.set(title=curve.stress, xlabel=curve.unit, ylabel=measured, ylim=(0, 1.02))
    figure.axes[0].legend(fontsize=7)
    return figure


def _tell(say: Callable[[str], None] | None, folder: Path, name: str) -> None:
    """Say which network is under which stress."""
    if say is not None:
        say(f"{folder}: {name}")


def _sources_of(
    folder: Path, saved: SavedNetwork, own: SavedNetwork, sources: Sequence[Source], part: str
) -> list[Source]:
    """Return the same rows as another network reads them."""
    common = [name for name in saved.network.tasks if name in own.network.tasks]
    if not common:
        raise ValueError(
            f"{folder}: its tasks ({', '.join(saved.network.tasks)}) are none of the first "
            f"network's ({', '.join(own.network.tasks)})."
        )
    if part == "test":
        try:
            check_apart(known_rows(folder), [source.table for source in sources])
        except LeakageError as error:
            raise LeakageError(f"{folder} knows rows that are tested here. {error}") from None
    tasks = saved.network.tasks.values()
    return [
        replace(
            source,
            spec=source.spec if saved.input == own.input else saved.input,
            targets=tuple(task.target_spec(source.table) for task in tasks),
        )
        for source in sources
    ]


def _name(folder: Path, folders: Sequence[Path]) -> str:
    """Name a network after its folder, in full where two folders are called alike."""
    alike = [other for other in folders if other.name == folder.name]
    return folder.name if len(alike) == 1 else str(folder)


def _strokes(report: StressReport) -> list[str]:
    """Return a line style for each network."""
    styles = ("-", "--", ":", "-.")
    return [styles[i % len(styles)] for i in range(len(report.curves))]
