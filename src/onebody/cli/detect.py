"""``onebody detect``: when something happens, in streams of held-out clips or in a video."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from onebody.evaluation.detection import SpaceFigures


MINUTES = 10.0
"""Usual length of streams."""


def detect(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    video: Annotated[
        str,
        typer.Argument(
            help="A video, folder of pictures or recording of joints, in place of held-out clips."
        ),
    ] = "",
    minutes: Annotated[
        float,
        typer.Option(help="Length of the streams; 0: every clip once.", min=0.0, max=1440.0),
    ] = MINUTES,
    decoder: Annotated[
        list[str] | None,
        typer.Option(
            help="events, activity, gradient, gradient-any, window (repeat) [all; VIDEO: gradient]."
        ),
    ] = None,
    split: Annotated[
        str, typer.Option(help="Whose clips are measured: test, validation.")
    ] = "test",
    seed: Annotated[int, typer.Option(min=0, help="Of the clips' order and the gaps.")] = 0,
    fps: Annotated[
        float | None, typer.Option(help="With VIDEO: frames per second of what has no clock.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="With VIDEO: folder for JSON and CSV [.].")
    ] = None,
    max_delay: Annotated[
        float | None,
        typer.Option(
            min=0.0, help="Choose among settings that tell within so many s (median) [any]."
        ),
    ] = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Measure the decoders' defaults; choose nothing.")
    ] = False,
    settings: Annotated[
        Path | None,
        typer.Option(help="Take, and keep with RUN, what was chosen for another run."),
    ] = None,
    device: Annotated[str, typer.Option(help="Where the network runs: cpu, cuda.")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell when something happens, and compare the ways to tell it.

    Held-out clips are put in a row with idle between. Thresholds are chosen on streams of the run's
    validation clips, and kept in RUN/detect.json, which is what VIDEO is looked at with, and what
    'onebody live --run RUN' runs with.
    """
    from onebody.config import lookup
    from onebody.inference.detectors import DETECTORS

    for name in decoder or ():
        lookup(DETECTORS, name, "decoder")
    if video:
        of_clips = {
            "--max-delay": max_delay is not None,
            "--defaults": defaults,
            "--settings": settings is not None,
            "--minutes": minutes != MINUTES,
            "--split": split != "test",
            "--seed": seed != 0,
        }
        for option in (name for name, given in of_clips.items() if given):
            raise ValueError(f"{option} means something only without VIDEO.")
        from onebody.cli.detect_video import detect_video

        detect_video(run, video, decoder, fps=fps, out=out, device=device, as_json=as_json)
        return
    fixed = [name for name, given in (("--defaults", defaults), ("--settings", settings)) if given]
    if fixed and max_delay is not None:
        raise ValueError(
            f"--max-delay chooses settings, and {fixed[0]} chooses none: leave one out."
        )
    if len(fixed) > 1:
        raise ValueError("--defaults and --settings both say what is measured: leave one out.")
    if out is not None or fps is not None:
        raise ValueError("--out and --fps mean something only with a VIDEO.")
    found = _measured(
        run, minutes, decoder, split, seed, device, max_delay, settings, choose=not fixed
    )
    if as_json:
        typer.echo(json.dumps(plain(found), indent=2, allow_nan=False))
        return
    for line in detection_lines(found, max_delay, settings):
        typer.echo(line)


def _measured(
    run: Path,
    minutes: float,
    decoder: list[str] | None,
    split: str,
    seed: int,
    device: str,
    max_delay: float | None,
    settings: Path | None,
    *,
    choose: bool,
) -> dict[str, SpaceFigures]:
    """Measure a run, and keep what was chosen for it or taken from another."""
    from onebody.cli.opened import open_run, protocol_of
    from onebody.evaluation.detection import label_spaces, measure_detection
    from onebody.evaluation.stream_scores import Running
    from onebody.evaluation.untrimmed import UntrimmedConfig
    from onebody.inference.chosen import chosen_elsewhere, keep_chosen
    from onebody.inference.detectors import DETECTORS

    if split not in ("test", "validation"):
        raise ValueError(f"--split: expected test or validation, found {split!r}.")
    opened = open_run(run, split, protocol_of(run, {}), device=device)
    if choose and split == "validation":
        typer.echo("settings are chosen on the very rows that are measured", err=True)
    ways = tuple(decoder or DETECTORS)
    tasks = opened.saved.network.tasks
    taken = (
        None if settings is None else chosen_elsewhere(settings, tasks, label_spaces(tasks), ways)
    )
    found = measure_detection(
        opened.saved,
        opened.splits["validation"] if choose else [],
        opened.sources,
        UntrimmedConfig(minutes=minutes or None, seed=seed),
        detectors=ways,
        max_delay_s=max_delay,
        settings=taken,
        running=Running(device=device, bf16=opened.bf16),
        say=lambda line: typer.echo(line, err=True),
    )
    kept = {
        space: {
            name: way.config
            for name, way in figures.ways.items()
            if way.chosen is not None or taken is not None
        }
        for space, figures in found.items()
    }
    if any(kept.values()):
        typer.echo(f"written: {keep_chosen(run, kept)}", err=True)
    return found


def detection_lines(
    found: Mapping[str, SpaceFigures],
    max_delay: float | None = None,
    settings: Path | None = None,
) -> Iterator[str]:
    """Yield a table per label space, then what the settings were.

    Args:
        found: by label space.
        max_delay: what was asked for, in s; None: nothing.
        settings: the run for which they were chosen; None: this one.
    """
    from onebody.cli.tables import show, text_table

    unchosen = "nothing was chosen on validation rows"
    if settings is not None:
        unchosen = f"as chosen for {settings}"
    for place, (space, figures) in enumerate(found.items()):
        if place:
            yield ""
        yield (
            f"{space}: {figures.minutes:.1f} minutes in {figures.streams} streams of "
            f"{figures.clips} clips, {figures.idle_minutes:.1f} of them idle"
        )
        first = next(iter(figures.ways.values()))
        columns = (
            "decoder",
            "found",
            "true",
            *(f"F1@{100 * least:.0f}" for least in first.f1),
            "mAP@50",
            "mAP",
            "edit",
            "false/idle min",
            "delay s",
            "from movement s",
        )
        rows = [
            (
                name,
                str(way.found),
                str(way.true),
                *(show(value, "%") for value in way.f1.values()),
                show(way.precision[0.5], "%"),
                show(way.mean_precision, "%"),
                show(way.edit, "%"),
                *(
                    "-" if math.isnan(value) else f"{value:.2f}"
                    for value in (way.false_per_minute, way.delay_s, way.moved_delay_s)
                ),
            )
            for name, way in figures.ways.items()
        ]
        yield from text_table(columns, rows)
        for name, way in figures.ways.items():
            values = way.config.model_dump(exclude_defaults=True)
            text = ", ".join(f"{k} {v}" for k, v in values.items()) or "the defaults"
            how = (
                unchosen
                if way.chosen is None
                else f"mean F1 of validation streams {100 * way.chosen:.1f} %"
            )
            if max_delay is not None and way.chosen_delay_s > max_delay:
                how += f", no setting tells within {max_delay:g} s there: the quickest one, "
                how += f"{way.chosen_delay_s:.2f} s"
            yield f"{name}: {text} ({how})"


def plain(found: Mapping[str, SpaceFigures]) -> dict[str, Any]:
    """Return the figures as plain values; None: nothing to measure."""
    from onebody.cli.tables import all_finite, finite

    return {
        space: {
            "streams": figures.streams,
            "minutes": figures.minutes,
            "idle_minutes": figures.idle_minutes,
            "clips": figures.clips,
            "decoders": {
                name: {
                    "config": way.config.model_dump(mode="json"),
                    "validation_f1": way.chosen,
                    "f1": {f"{least:g}": value for least, value in way.f1.items()},
                    "average_precision": all_finite(
                        {f"{least:g}": value for least, value in way.precision.items()}
                    ),
                    "mean_average_precision": finite(way.mean_precision),
                    "edit": finite(way.edit),
                    "false_per_idle_minute": finite(way.false_per_minute),
                    "median_delay_s": finite(way.delay_s),
                    "median_delay_from_movement_s": finite(way.moved_delay_s),
                    "found": way.found,
                    "true": way.true,
                }
                for name, way in figures.ways.items()
            },
        }
        for space, figures in found.items()
    }
