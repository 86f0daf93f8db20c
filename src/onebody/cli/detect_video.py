"""``onebody detect RUN VIDEO``: the segments of a video, as JSON and CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from onebody.inference.segments import ScoreTrack
    from onebody.metrics.events import Segment
    from onebody.models import SavedNetwork


def detect_video(
    run: Path,
    video: str,
    decoders: Sequence[str] | None,
    *,
    fps: float | None,
    out: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Find the segments of a video by one decoder, and write them.

    Args:
        run: a run's folder, or a saved network.
        video: a video, a folder of pictures, an array of pictures or of skeletons.
        decoders: one at most; None: ``gradient``.
        fps: frames per second of what has no clock.
        out: folder of ``NAME.segments.json`` and ``.csv``.
        device: where the network runs.
        as_json: print the JSON, too.

    Raises:
        ValueError: if more than one decoder is named, or the video cannot be read.
    """
    from onebody.inference import load
    from onebody.inference.chosen import read_chosen
    from onebody.inference.detectors import DETECTORS
    from onebody.inference.track import video_tracks

    if len(decoders or ()) > 1:
        raise ValueError("A video is looked at with one --decoder, found several.")
    name = (decoders or ["gradient"])[0]
    way = DETECTORS[name]
    saved = load(run, device=device).saved
    tracks = video_tracks(saved, video, spaces=_spaces(saved), fps=fps, windows=way.windows)
    chosen = read_chosen(run, saved.network.tasks)
    found: dict[str, Any] = {}
    for space, track in tracks.items():
        config = chosen.get(space, {}).get(name)
        if config is None:
            typer.echo(
                f"{space}: nothing was chosen on validation rows ('onebody detect {run}'); the "
                f"defaults of {name!r} are taken.",
                err=True,
            )
        found[space] = [_plain(s) for s in way.find(track, config or way.config())]
    folder = out or Path()
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / (Path(video.split("#")[0].rstrip("/")).stem or "video")
    content = {
        "source": video,
        "decoder": name,
        "length_s": max(track.end_s for track in tracks.values()),
        "segments": found,
    }
    _write(stem, content)
    if as_json:
        typer.echo(json.dumps(content, indent=2, allow_nan=False))
    else:
        for line in _lines(found, tracks):
            typer.echo(line)
    typer.echo(f"written: {stem}.segments.json and .csv", err=True)


def _spaces(saved: SavedNetwork) -> list[str]:
    from onebody.evaluation.detection import label_spaces

    return label_spaces(saved.network.tasks)


def _plain(segment: Segment) -> dict[str, Any]:
    return {key: value for key, value in asdict(segment).items() if value == value}


def _write(stem: Path, content: Mapping[str, Any]) -> None:
    """Write both files."""
    text = json.dumps(content, indent=1, allow_nan=False) + "\n"
    Path(f"{stem}.segments.json").write_text(text, encoding="utf-8")
    with Path(f"{stem}.segments.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["task", "label", "start_s", "end_s", "told_s", "score"])
        for space, segments in content["segments"].items():
            for s in segments:
                table.writerow(
                    [
                        space,
                        s["label"],
                        *(f"{s[k]:.3f}" for k in ("start_s", "end_s", "told_s", "score")),
                    ]
                )


def _lines(
    found: Mapping[str, Sequence[Mapping[str, Any]]], tracks: Mapping[str, ScoreTrack]
) -> list[str]:
    """Return a line per segment."""
    from onebody.cli.tables import text_table

    rows = [
        (space, s["label"], f"{s['start_s']:.2f}", f"{s['end_s']:.2f}", f"{s['score']:.2f}")
        for space, segments in found.items()
        for s in segments
    ]
    if not rows:
        length = max(track.end_s for track in tracks.values())
        return [f"nothing was found in {length:.1f} s"]
    return text_table(("task", "label", "start s", "end s", "score"), rows)
