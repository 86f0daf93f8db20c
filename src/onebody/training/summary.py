"""`RunSummary`: what a finished training reached, as its ``summary.json`` keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from onebody.data import Source
from onebody.evaluation import TaskProtocol, task_protocols
from onebody.tasks import Task
from onebody.training.kept import check_fields, read_values, write_values
from onebody.training.log import finite

FILE = "summary.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """What a training reached and what it took.

    Attributes:
        folder: where the run lies (``model/`` in it is what to predict with).
        monitor: what made a checkpoint the best.
        best: its best value on the validation split; None where there is no such split.
        best_step: the step whose weights ``model/`` holds.
        validation: figures at that step, by task and metric; None where nothing was measured.
        test: figures of the same weights on the test split; empty where there is none, or where the
            training left it unopened.
        rows: rows with a label of the recipe's tasks, by split; ``unlabeled`` are those without.
        steps: optimizer steps.
        epochs: passes over the data that were finished.
        empty_steps: steps that held no label.
        seconds: time spent on training and validation, over all starts.
        samples_per_second: rows trained on over that time.
        parameters: of the network.
        macs: multiply-accumulates per clip, all tasks asked.
        seed: as in the recipe.
        failures: samples that could not be read, with the reason.
        loaded: what became of the arrays of ``train.init``, in words.
        version: of the package.
        recipe: fingerprint of the recipe.
        protocols: by split and class task, what its figures are to be held against (see
            `onebody.evaluation.TaskProtocol`).
    """

    folder: str
    monitor: str
    best: float | None
    best_step: int
    validation: Mapping[str, Mapping[str, float | None]]
    test: Mapping[str, Mapping[str, float | None]]
    rows: Mapping[str, int]
    steps: int
    epochs: int
    empty_steps: int
    seconds: float
    samples_per_second: float
    parameters: int
    macs: int
    seed: int
    failures: tuple[str, ...]
    loaded: tuple[str, ...]
    version: str
    recipe: str
    protocols: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)

    def notes(self, split: str) -> dict[str, str]:
        """Return what to say beside the figures of each class task."""
        own = self.protocols.get(split, {})
        return {
            task: str(
                TaskProtocol(
                    majority=values["majority"],
                    rows=int(values["rows"]),
                    people=int(values["people"]),
                    seen=int(values["seen"]),
                )
            )
            for task, values in own.items()
        }

    def to_json(self) -> dict[str, Any]:
        """Return plain values; the folder is left out, for it may be moved."""
        values: dict[str, Any] = finite(asdict(self))
        return {key: value for key, value in values.items() if key != "folder"}


def protocols_of(
    tasks: Mapping[str, Task], sources: Mapping[str, Sequence[Source]]
) -> dict[str, dict[str, dict[str, float]]]:
    """Return `RunSummary.protocols` of the splits that a training is measured on."""
    return {
        split: {
            name: asdict(found)
            for name, found in task_protocols(tasks, sources[split], sources["train"]).items()
        }
        for split in ("validation", "test")
    }


def save_summary(summary: RunSummary, folder: Path) -> None:
    """Write ``summary.json``, whole or not at all."""
    write_values(folder / FILE, summary.to_json(), indent=2)


def load_summary(folder: Path) -> RunSummary | None:
    """Read ``summary.json`` of a run's folder; None if the run is not finished.

    Raises:
        ValueError: if the file does not hold a summary.
    """
    path = folder / FILE
    if not path.exists():
        return None
    remedy = "Delete it, and train again: the run goes on from its last checkpoint."
    values = {**read_values(path, remedy), "folder": str(folder)}
    check_fields(path, values, RunSummary, remedy)
    for key in ("failures", "loaded"):
        values[key] = tuple(values[key])
    return RunSummary(**values)
