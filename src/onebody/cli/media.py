"""``onebody evaluate --media``: figures of a network that is shown some of its media."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from onebody.cli.opened import Opened

ALL = "all-subsets"
"""In place of media: every subset of them in turn."""


def shown(opened: Opened, media: str) -> Opened:
    """Return a run beside rows of which all media but some are hidden.

    Args:
        opened: the run.
        media: their names, with commas between.

    Raises:
        ValueError: if the network does not read one of them, or no row has any.
    """
    from onebody.evaluation import with_media

    names = [name.strip() for name in media.split(",") if name.strip()]
    if len(set(names)) < len(names):
        raise ValueError(f"--media {media}: a medium is named twice.")
    return replace(opened, sources=with_media(opened.sources, names))


def print_subsets(opened: Opened, *, as_json: bool) -> None:
    """Print the figures of every subset of the media that a network reads.

    Raises:
        ValueError: if it reads one medium alone.
    """
    found = measure_subsets(opened)
    if as_json:
        typer.echo(json.dumps(found, indent=2, allow_nan=False))
        return
    for line in _lines(opened, found):
        typer.echo(line)


def measure_subsets(opened: Opened) -> dict[str, dict[str, Any]]:
    """Measure a network on every subset of its media.

    Returns:
        By subset (``depth,imu``): ``rows``, how many have one of these media, and ``figures`` by
        task and metric; None where there was nothing to measure.

    Raises:
        ValueError: if it reads one medium alone.
    """
    from onebody.cli.tables import all_finite
    from onebody.evaluation import all_subsets, figures, media_of

    media = media_of(opened.sources)
    if len(media) < 2:
        raise ValueError(
            f"--media {ALL} compares several media, but this network reads {', '.join(media)} "
            "alone. Leave it out."
        )
    found = {}
    for some in all_subsets(media):
        part = shown(opened, ",".join(some))
        measured = figures(part.saved.network.tasks, part.answers())
        found[",".join(some)] = {
            "rows": sum(int(source.readable().sum()) for source in part.sources),
            "figures": {task: all_finite(values) for task, values in measured.items()},
        }
    return found


def _lines(opened: Opened, found: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    """Return a table: a line for each subset, each task's primary metric beside it."""
    from onebody.cli.tables import metric_units, show, text_table

    tasks, units = opened.saved.network.tasks, metric_units()
    primary = {
        name: task.primary
        for name, task in tasks.items()
        if any(name in part["figures"] for part in found.values())
    }
    rows = [
        (
            " + ".join(some.split(",")),
            str(part["rows"]),
            *(
                show(part["figures"].get(name, {}).get(metric), units.get(metric, ""))
                for name, metric in primary.items()
            ),
        )
        for some, part in found.items()
    ]
    heads = [f"{name} {metric}" for name, metric in primary.items()]
    return text_table(("media", "rows", *heads), rows)
