"""``onebody demo``: the main job on simulated people."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from onebody.data import SampleTable
    from onebody.inference import Prediction, Predictor
    from onebody.training import Recipe
    from onebody.types import Frames


def demo(
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Changes to the recipe."),
    ] = None,
    recipe: Annotated[str, typer.Option(help="The recipe that is run.")] = "simulated",
    out: Annotated[Path, typer.Option(help="Folder for all results.")] = Path("runs/demo"),
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Learn pose, action and gesture of simulated people together; compare, report, show."""
    from onebody.cli.compare import run_comparison
    from onebody.inference import load
    from onebody.studies import JOINT
    from onebody.training import load_recipe

    read = load_recipe(recipe, changes or [])
    jobs = min(4, os.cpu_count() or 1)
    comparison = run_comparison(read, out, title="onebody demo", jobs=jobs, progress=not quiet)
    joint = next(run for run in comparison.runs if run.arm == JOINT)
    video = write_test_video(load(joint.summary.folder), read, out / "demo.mp4")
    typer.echo(f"video: {video}")


def write_test_video(
    predictor: Predictor, recipe: Recipe, path: Path, *, clips: int = 8, slower: float = 2.0
) -> Path:
    """Write what a network says of some test clips, one after another.

    Args:
        predictor: trained by the recipe; drawn on color pictures where the data have them.
        recipe: says which data, and which of them are for testing.
        path: the mp4 file.
        clips: how many clips.
        slower: simulated clips last a second or two; this much slower they can be followed.
    """
    from onebody.inference import write_video
    from onebody.training import build_sources

    sources = build_sources(recipe).splits["test"]
    if not sources:
        raise ValueError("The recipe leaves no test rows to show.")
    table, modality = sources[0].table, sources[0].spec.modality
    rows = sorted({round(i * (len(table) - 1) / max(1, clips - 1)) for i in range(clips)})
    said = [predict_row(predictor, table, modality, row) for row in rows]

    shown = table.media["rgb" if "rgb" in table.media else modality][rows].tolist()

    def drawn() -> Iterator[Frames]:
        from onebody.inference import draw_frames
        from onebody.inference.reader import read_pictures

        for one, medium in zip(said, shown, strict=True):
            frames = read_pictures(medium, len(one), first=one.first_frame)
            yield from draw_frames(one, frames)

    write_video(path, drawn(), said[0].fps / slower)
    return path


def predict_row(predictor: Predictor, table: SampleTable, modality: str, row: int) -> Prediction:
    """Return what a network says of one row of a table."""
    fx, fy, cx, cy = (float(value) for value in table.camera_matrix[row])
    fps, depth = float(table.fps[row]), float(table.depth_ref_mm[row])
    return predictor.predict(
        str(table.media[modality][row]),
        fps=fps if fps > 0 else None,
        span_s=(float(table.start_s[row]), float(table.end_s[row])),
        camera=(fx, fy, cx, cy),
        depth_ref_mm=depth,
    )
