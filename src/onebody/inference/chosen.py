"""Settings of detectors that were chosen on a run's validation rows, kept beside its network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onebody.config import Config, read_config
from onebody.inference.detectors import DETECTORS
from onebody.inference.events import EventConfig
from onebody.tasks import Task, speakers

FILE = "detect.json"
"""In a run's folder: settings by label space and detector."""


def keep_chosen(run: Path, chosen: Mapping[str, Mapping[str, Config]]) -> None:
    """Write settings, beside those that were chosen before of other spaces and detectors.

    Args:
        run: a run's folder.
        chosen: by label space and detector; with nothing in it nothing is written.
    """
    kept = _read(run)
    for space, ways in chosen.items():
        for name, config in ways.items():
            kept.setdefault(space, {})[name] = config.model_dump(mode="json")
    if kept:
        (run / FILE).write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def read_chosen(run: Path, space: str, detector: str) -> Config | None:
    """Return the settings of a detector in a label space; None: nobody has chosen any.

    Raises:
        ValueError: if the file is damaged, or holds impossible settings; names it.
    """
    settings = _read(run).get(space, {}).get(detector)
    if settings is None:
        return None
    return read_config(DETECTORS[detector].config, settings, f"{run / FILE}, {space}.{detector}")


def read_events(run: Path, tasks: Mapping[str, Task]) -> dict[str, EventConfig]:
    """Return what a live stream of a run's network runs with, by task; others have the defaults.

    A task that knows "nothing" is read by `activity`, any other by `events`, as `Stream` does
    without settings.

    Raises:
        ValueError: as `read_chosen`.
    """
    nothing = EventConfig().nothing
    made = {}
    for name, task in speakers(tasks).items():
        knows = any(label in nothing for label in task.classes)
        config = read_chosen(run, name, "activity" if knows else "events")
        if isinstance(config, EventConfig):
            made[name] = config
    return made


def _read(run: Path) -> dict[str, dict[str, Any]]:
    """Return what is written, by space and detector."""
    path = run / FILE
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path}: expected JSON, found {error}. Delete it, and let 'onebody detect {run}' "
            "choose again."
        ) from None
    if not isinstance(content, dict) or not all(isinstance(v, dict) for v in content.values()):
        raise ValueError(
            f"{path}: expected settings by label space and detector, found {str(content)[:60]}. "
            f"Delete it, and let 'onebody detect {run}' choose again."
        )
    return content
