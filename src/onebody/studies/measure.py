"""A finished run measured on its test rows, subject by subject, and kept beside it."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from onebody.data import Source
from onebody.evaluation import evaluate, without_task
from onebody.metrics import confusion_matrix
from onebody.models import SavedNetwork, load_network
from onebody.training import build_sources, load_recipe

FILE = "subjects.json"

EVERYONE = "everyone"
"""The subject of rows whose subject is not known."""

Figures = dict[str, dict[str, dict[str, float | None]]]
"""By task, subject and metric; None where a metric cannot be measured on that subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Test figures of one run.

    Attributes:
        figures: by task, test subject and metric.
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

    Raises:
        ValueError: if the run's recipe has no test rows.
    """
    file = run / FILE
    if file.exists():
        return Measured(**json.loads(file.read_text(encoding="utf-8")))
    recipe = load_recipe(str(run / "recipe.yaml"))
    tests = build_sources(recipe).splits["test"]
    if not tests:
        raise ValueError(f"{run}: the recipe's split leaves no test rows. State split.test.")
    saved = load_network(run / "model")
    network = saved.network
    figures: Figures = {}
    confusion: dict[str, list[list[int]]] = {}
    samples: dict[str, int] = {}
    for source in tests:
        results = evaluate(network, source, clips=clips, bf16=recipe.train.bf16)
        nobody = EVERYONE if len(tests) == 1 else source.table.name
        subjects = np.where(source.table.subject == "", nobody, source.table.subject)
        for name, found in results.items():
            task = network.tasks[name]
            for subject in np.unique(subjects[found.row]):
                own = found.select(subjects[found.row] == subject)
                values = {m: _number(task.metrics[m].function(own)) for m in task.metrics}
                figures.setdefault(name, {})[str(subject)] = values
            samples[name] = samples.get(name, 0) + len(np.unique(found.row))
            if task.form == "vector":
                counts = np.array(confusion.get(name, 0)) + confusion_matrix(found)
                confusion[name] = counts.tolist()
    classes = {name: list(getattr(network.tasks[name], "classes")) for name in confusion}  # noqa: B009
    measured = Measured(
        figures=figures,
        confusion=confusion,
        classes=classes,
        samples=samples,
        neither=_neither(saved, tests, clips=clips, bf16=recipe.train.bf16),
    )
    file.write_text(json.dumps(asdict(measured)) + "\n", encoding="utf-8")
    return measured


def _neither(
    saved: SavedNetwork, tests: list[Source], *, clips: int, bf16: bool
) -> dict[str, dict[str, float | None]]:
    """Measure how known clips are told from those of none of the tasks."""
    found = without_task(saved.network, tests, saved.calibration, clips=clips, bf16=bf16)
    names = ("auroc", "fpr95", "rejected_known", "rejected_neither")
    return {
        task: {name: _number(getattr(figures, name)) for name in names}
        for task, figures in found.items()
        if figures.neither
    }


def _number(value: float) -> float | None:
    """Return None for what cannot be measured: JSON has no NaN."""
    return None if math.isnan(value) else float(value)
