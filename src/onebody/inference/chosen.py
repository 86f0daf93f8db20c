"""Settings of detectors that were chosen on a run's validation rows, kept beside its network."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from onebody.config import Config, lookup, read_config
from onebody.inference.activity import ActivityConfig
from onebody.inference.detectors import DETECTORS
from onebody.inference.events import NOTHING, EventConfig, knows_nothing
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


def read_chosen(run: Path, tasks: Mapping[str, Task]) -> dict[str, dict[str, Config]]:
    """Return the settings that were chosen, by label space and detector.

    Args:
        run: a run's folder.
        tasks: of its network.

    Raises:
        ValueError: if the file is damaged, or anything in it is impossible: a task or detector that
            there is not, a value, a class that means nothing and is none of the task's.
    """
    path = run / FILE
    found: dict[str, dict[str, Config]] = {}
    for space, ways in _read(run).items():
        task = lookup(tasks, space, f"task in {path}:")
        for name, settings in ways.items():
            way = lookup(DETECTORS, name, f"detector of {space!r} in {path}:")
            config = read_config(way.config, settings, f"{path}, {space}.{name}")
            if isinstance(config, ActivityConfig):
                _check_nothing(task, config, f"{path}, {space}.{name}")
            found.setdefault(space, {})[name] = config
    return found


def chosen_elsewhere(
    run: Path, tasks: Mapping[str, Task], spaces: Collection[str], detectors: Collection[str]
) -> dict[str, dict[str, Config]]:
    """Return the settings that were chosen for another run, by label space and detector.

    Args:
        run: the other run's folder.
        tasks: of the network that they are for.
        spaces: label spaces that must have settings.
        detectors: that must have them in every space.

    Raises:
        ValueError: as `read_chosen`, or if there is no such folder, the settings are of other
            tasks, or some are missing.
    """
    if not run.is_dir():
        raise ValueError(f"{run}: expected the folder of a run, found none.")
    own = set(_read(run))
    if own and not own & set(tasks):
        raise ValueError(
            f"{run / FILE}: expected settings for {', '.join(spaces)}, found some for "
            f"{', '.join(sorted(own))}. Name a run with the same tasks."
        )
    found = read_chosen(run, tasks)
    missing = [
        f"{space}.{name}"
        for space in spaces
        for name in detectors
        if name not in found.get(space, {})
    ]
    if missing:
        raise ValueError(
            f"{run / FILE}: expected settings that were chosen for every decoder, found none for "
            f"{', '.join(missing)}. Choose some by 'onebody detect {run}'."
        )
    return found


def read_events(run: Path, tasks: Mapping[str, Task]) -> dict[str, EventConfig]:
    """Return what a live stream of a run's network runs with, by task; others have the defaults.

    A task that knows "nothing" is read by `activity`, any other by `events`, as `Stream` does
    without settings.

    Raises:
        ValueError: as `read_chosen`.
    """
    chosen = read_chosen(run, tasks)
    made = {}
    for name, task in speakers(tasks).items():
        way = "activity" if knows_nothing(task.classes) else "events"
        config = chosen.get(name, {}).get(way)
        if isinstance(config, EventConfig):
            made[name] = config
    return made


def _check_nothing(task: Task, config: ActivityConfig, where: str) -> None:
    """Refuse classes that would mean nothing where one does by itself, and none of them is there.

    Where no class means nothing, `activity` finds nothing, whatever is chosen: then all is well.
    """
    classes = task.classes if isinstance(task, ClassTask) else ()
    if knows_nothing(classes) and not set(classes) & set(config.nothing):
        usual = ", ".join(name for name in classes if name in NOTHING)
        raise ValueError(
            f"{where}.nothing: expected one of the classes of {task.name!r}, as {usual}, found "
            f"{', '.join(config.nothing) or 'none'}."
        )


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
