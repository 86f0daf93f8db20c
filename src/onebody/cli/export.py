"""``onebody export``: a network's stream step as an ONNX file, checked on real frames."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onebody.data import InputSpec, Source
    from onebody.inference.export_check import ExportReport
    from onebody.models import SavedNetwork
    from onebody.types import Floats


def export(
    run: Annotated[Path, typer.Argument(help="A run's folder, or the model folder in it.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the files [RUN/export].")
    ] = None,
    video: Annotated[
        str, typer.Option(help="Try it on this [validation rows of RUN, else simulated people].")
    ] = "",
    frames: Annotated[int, typer.Option(min=2, help="How many frames to try it on.")] = 64,
    bound: Annotated[
        float, typer.Option(min=0.0, help="Greatest difference of raw outputs from torch.")
    ] = 1e-3,
    error: Annotated[
        float, typer.Option(min=0.0, help="Output error that the fastest runtime may have.")
    ] = 0.01,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write a network's stream step as ONNX, check it, and name the fastest runtime here.

    The step takes a frame and states, and returns answers and states. On real frames it must answer
    as torch does within BOUND, and the answers must vary; else this fails. ERROR is of
    probabilities and of crop fractions.
    """
    from onebody.inference import load
    from onebody.inference.export_check import export_checked
    from onebody.inference.step import StepModule

    saved = load(run).saved
    StepModule(saved.network, saved.input)  # before frames are looked for: can it run on a stream?
    given, kind = _frames(run, saved, video, frames)
    report = export_checked(
        saved,
        given,
        out or run / "export",
        kind=kind,
        bound=bound,
        error=error,
        say=lambda line: typer.echo(line, err=True),
    )
    if as_json:
        typer.echo(json.dumps(report.plain(), indent=2, allow_nan=False))
    else:
        for line in _lines(report, error):
            typer.echo(line)
    if report.check.faults:
        raise ValueError(
            f"{'; '.join(report.check.faults)}. Nothing was written into {report.folder}."
        )


def _frames(run: Path, saved: SavedNetwork, video: str, most: int) -> tuple[list[Floats], str]:
    """Return frames to try the step on, and what they are."""
    from onebody.inference.step_frames import simulated_frames, source_frames, video_frames

    if video:
        return video_frames(video, saved.input, most), video
    why = f"{run} holds no recipe"
    if (run / "recipe.yaml").is_file():
        from onebody.training import build_sources, load_recipe

        try:
            rows = build_sources(load_recipe(str(run))).splits["validation"]
            found = source_frames(_alike(rows, saved.input), most)
            if found:
                return found, "validation rows"
            why = "no validation row can be read"
        except (ValueError, OSError) as error:
            why = f"validation rows cannot be read ({str(error).splitlines()[0]})"
    return simulated_frames(saved.input, most), f"simulated people, for {why}"


def _alike(sources: Sequence[Source], spec: InputSpec) -> list[Source]:
    """Return the sources whose pictures are those of the network."""
    wanted = (spec.modality, spec.size)
    return [source for source in sources if (source.spec.modality, source.spec.size) == wanted]


def _lines(report: ExportReport, error: float) -> list[str]:
    """Return what is shown."""
    from onebody.cli.tables import text_table

    check = report.check
    lines = [f"{report.folder}: tried on {check.frames} frames: {report.kind}", ""]
    cells = [
        [name, f"{gap.raw:.1e}", f"{check.changes[name]:.1e}"]
        for name, gap in check.differences.items()
    ]
    lines += text_table(["task", "largest difference", "pictures change"], cells)
    cells = [
        [
            trial.runner.name,
            trial.runner.precision,
            f"{trial.frames_per_s:.0f}",
            *(f"{gap.shown:.1e}" for gap in trial.differences.values()),
        ]
        for trial in report.trials
    ]
    lines += ["", *text_table(["runtime", "precision", "frames/s", *check.differences], cells)]
    best = report.best
    return [
        *lines,
        "",
        f"fastest within {error:g}: {best.runner.name} {best.runner.precision}, "
        f"{best.frames_per_s:.0f} frames/s, error {best.error:.1e}",
    ]
