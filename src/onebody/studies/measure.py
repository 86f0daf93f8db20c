"""A finished run measured on its test rows, subject by subject, and kept beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from onebody.data import Source
from onebody.evaluation import ViewsConfig, evaluate, without_task
from onebody.metrics import Results, confusion_matrix
from onebody.models import SavedNetwork, load_network
from onebody.tasks import ClassTask, Task
from onebody.training import build_sources, load_recipe
from onebody.training.kept import check_fields, read_values, write_values
from onebody.types import Array

FILE = "subjects.json"

EVERYONE = "everyone"
"""The subject of rows whose subject is not known, whatever their table."""

_REMEDY = "Delete it: the run is measured again."

Figures = dict[str, dict[str, dict[str, float | None]]]
"""By task, subject and metric; None where a metric cannot be measured on that subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Test figures of one run.

    Attributes:
        figures: by task, test subject and metric. Subjects of one name are one subject, also in
            different tables: people who are not the same need different names.
        confusion: by class task, counts ``[true][predicted]`` over all test rows.
        classes: by class task, its class names.
        samples: test rows by task.
        neither: by joint task (union, routed): ``auroc``, ``fpr95``, ``rejected_known`` and
            ``rejected_neither`` of test clips of none of its tasks, where there are any.
    """

    figures: Figures
    confusion: dict[str, list[list[int]]]
    classes: dict[str, list[str]]
    samples: dict[str, int]
    neither: dict[str, dict[str, float | None]] = field(default_factory=dict)


def measure(run: Path, *, clips: int = 1) -> Measured:
    """Measure a run on the test rows of its recipe, once; later calls read what was kept.

    Views and fusion are those of the run's own recipe.

    Raises:
        ValueError: if the run's recipe has no test rows, or what was kept is damaged.
    """
    file = run / FILE
    if file.exists():
        kept = read_values(file, _REMEDY)
        check_fields(file, kept, Measured, _REMEDY)
        return Measured(**kept)
    recipe = load_recipe(str(run / "recipe.yaml"))
    tests = build_sources(recipe).splits["test"]
    if not tests:
        raise ValueError(f"{run}: the recipe's split leaves no test rows. State split.test.")
    saved = load_network(run / "model")
    tasks = saved.network.tasks
    views, bf16 = recipe.evaluation, recipe.train.bf16
    results = evaluate(saved.network, tests, clips=clips, views=views, bf16=bf16)
    subjects = np.concatenate([source.table.subject for source in tests])
    subjects = np.where(subjects == "", EVERYONE, subjects)
    classed = {n: t for n in results if isinstance(t := tasks[n], ClassTask)}
    measured = Measured(
        figures={name: _by_subject(tasks[name], own, subjects) for name, own in results.items()},
        confusion={
            name: confusion_matrix(t.of_outputs(results[name])).tolist()
            for name, t in classed.items()
        },
        classes={name: list(task.classes) for name, task in classed.items()},
        samples={name: len(np.unique(own.row)) for name, own in results.items()},
        neither=_neither(saved, tests, clips=clips, views=views, bf16=bf16),
    )
    write_values(file, asdict(measured))
    return measured


def _by_subject(
    task: Task, results: Results, subjects: Array
) -> dict[str, dict[str, float | None]]:
    """Measure one task on each test subject, whose rows may lie in several tables.

    Args:
        task: whose metrics are taken.
        results: its answers, rows numbered through all tables.
        subjects: of these rows.
    """
    whose = subjects[results.row]
    found: dict[str, dict[str, float | None]] = {}
    for subject in np.unique(whose):
        own = results.select(whose == subject)
        found[str(subject)] = {n: _number(m.function(own)) for n, m in task.metrics.items()}
    return found


def _neither(
    saved: SavedNetwork, tests: Sequence[Source], *, clips: int, views: ViewsConfig, bf16: bool
) -> dict[str, dict[str, float | None]]:
    """Measure how known clips are told from those of none of the tasks."""
    found = without_task(
        saved.network, tests, saved.calibration, clips=clips, views=views, bf16=bf16
    )
    names = ("auroc", "fpr95", "rejected_known", "rejected_neither")
    return {
        task: {name: _number(getattr(figures, name)) for name in names}
        for task, figures in found.items()
        if figures.neither
    }


def _number(value: float) -> float | None:
    """Return None for what cannot be measured: JSON has no NaN."""
    return None if math.isnan(value) else float(value)
