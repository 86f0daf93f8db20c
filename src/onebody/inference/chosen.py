"""Settings of detectors that were chosen on a run's validation rows, kept beside its network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onebody.config import Config, lookup, read_config
from onebody.inference.activity import ActivityConfig
from onebody.inference.detectors import DETECTORS
from onebody.inference.events import EventConfig
from onebody.tasks import Task, speakers
from onebody.tasks.classes import ClassTask

FILE = "detect.json"
"""In a run's folder: settings by label space and detector."""


def keep_chosen(run: Path, chosen: Mapping[str, Mapping[str, Config]]) -> Path:
    """Write settings, beside those that were chosen before of other spaces and detectors.

    Args:
        run: a run's folder.
        chosen: by label space and detector; with nothing in it nothing is written.

    Returns:
        The file.
    """
    kept = _read(run)
    for space, ways in chosen.items():
        for name, config in ways.items():
            kept.setdefault(space, {})[name] = config.model_dump(mode="json")
    if kept:
        (run / FILE).write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return run / FILE


def read_chosen(run: Path, tasks: Mapping[str, Task], detector: str) -> dict[str, Config]:
    """Return the settings of a detector by label space; where nobody has chosen any, none.

    Args:
        run: a run's folder.
        tasks: of its network.
        detector: key of `DETECTORS`.

    Raises:
        ValueError: if the file is damaged, or anything in it is impossible: a task or detector that
            there is not, a value, a class that means nothing and is none of the task's.
    """
    found: dict[str, Config] = {}
    for space, ways in _read(run).items():
        where = f"{run / FILE}"
        task = lookup(tasks, space, f"{where}: task")
        for name, settings in ways.items():
            way = lookup(DETECTORS, name, f"{where}, {space}: detector")
            config = read_config(way.config, settings, f"{where}, {space}.{name}")
            if isinstance(config, ActivityConfig):
                _check_nothing(task, config, f"{where}, {space}.{name}")
            if name == detector:
                found[space] = config
    return found


def _check_nothing(task: Task, config: ActivityConfig, where: str) -> None:
    """Refuse classes that would mean nothing where one does by itself, and none of them is there.

    Where no class means nothing, `activity` finds nothing, whatever is chosen: then all is well.
    """
    classes = task.classes if isinstance(task, ClassTask) else ()
    usual = set(classes) & set(EventConfig().nothing)
    if usual and not set(classes) & set(config.nothing):
        raise ValueError(
            f"{where}.nothing: expected one of the classes of {task.name!r}, as "
            f"{', '.join(sorted(usual))}, found {', '.join(config.nothing) or 'none'}."
        )


def read_events(run: Path, tasks: Mapping[str, Task]) -> dict[str, EventConfig]:
    """Return what a live stream of a run's network runs with, by task; others have the defaults.

    A task that knows "nothing" is read by `activity`, any other by `events`, as `Stream` does
    without settings.

    Raises:
        ValueError: as `read_chosen`.
    """
    nothing = EventConfig().nothing
    chosen = {way: read_chosen(run, tasks, way) for way in ("activity", "events")}
    made = {}
    for name, task in speakers(tasks).items():
        knows = any(label in nothing for label in task.classes)
        config = chosen["activity" if knows else "events"].get(name)
        if isinstance(config, EventConfig):
            made[name] = config
    return made


def _read(run: Path) -> dict[str, dict[str, Any]]:
    """Return what is written, by space and detector."""
    path = run / FILE
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise ValueError(
            f"{path}: expected JSON, found: {error}. Delete it, and let 'onebody detect {run}' "
            "choose again."
        ) from None
    if not isinstance(content, dict) or not all(isinstance(v, dict) for v in content.values()):
        raise ValueError(
            f"{path}: expected settings by label space and detector, found {str(content)[:60]}. "
            f"Delete it, and let 'onebody detect {run}' choose again."
        )
    return content
