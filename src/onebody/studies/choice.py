"""What is chosen on validation rows, and written down before any test row is looked at.

One configuration is *named*: its difference from the twins is a planned comparison, all others are
exploratory. And each twin has one of its budgets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from onebody.studies.grid import Grid
from onebody.studies.runs import Plan
from onebody.studies.section import StudyContext
from onebody.tasks import Task
from onebody.training import RunSummary
from onebody.training.kept import check_fields, read_values, write_values

FILE = "chosen.json"

Summaries = Mapping[str, Sequence[RunSummary]]
"""Finished runs by arm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What validation decided.

    Attributes:
        named: the configuration with the best mean score.
        scores: by configuration and twin variant: mean over folds and seeds of the mean primary
            metric of the tasks that have twins.
        budgets: by ``TWIN.DEPTH.SIZE``, the better budget.
        grid: fingerprint of the runs that it was chosen among.
    """

    named: str
    scores: dict[str, float]
    budgets: dict[str, str]
    grid: str


def choose(context: StudyContext, grid: Grid, summaries: Summaries, fingerprint: str) -> Choice:
    """Choose on validation. Among equals, the first in the order of the recipe is taken.

    Raises:
        ValueError: if a run has no validation figure of one of its tasks.
    """
    compared = {task for tasks in context.twins.values() for task in tasks}
    scores = {
        arm: float(np.mean([validation_score(run, context.tasks, compared) for run in runs]))
        for arm, runs in summaries.items()
    }
    budgets: dict[str, str] = {}
    for twin in grid.twins:
        if twin.name not in scores:
            continue
        key = f"{twin.twin}.{twin.depth}.{twin.size}"
        rival = budgets.get(key)
        if rival is None or scores[twin.name] > scores[f"twin.{key}.{rival}"]:
            budgets[key] = twin.budget
    named = max((cell.name for cell in grid.cells), key=lambda name: scores[name])
    return Choice(named=named, scores=scores, budgets=budgets, grid=fingerprint)


def validation_score(run: RunSummary, tasks: Mapping[str, Task], compared: set[str]) -> float:
    """Return the mean primary metric of a run's compared tasks on validation rows.

    Raises:
        ValueError: if one was not measured.
    """
    found: list[float] = []
    for task in sorted(compared & set(run.validation)):
        value = run.validation[task].get(tasks[task].primary)
        if value is not None:
            found.append(value)
            continue
        raise ValueError(f"{run.folder}: no validation figure of {task!r} to choose by.")
    if not found:
        raise ValueError(f"{run.folder}: nothing was measured on validation rows to choose by.")
    return float(np.mean(found))


def grid_fingerprint(plans: Sequence[Plan]) -> str:
    """Return 16 hexadecimal digits of what is chosen among."""
    lines = sorted(f"{plan.folder.name} {plan.recipe.fingerprint()}" for plan in plans)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def save_choice(choice: Choice, folder: Path) -> None:
    """Write the choice down, whole or not at all."""
    write_values(folder / FILE, asdict(choice), indent=2)


def load_choice(folder: Path, fingerprint: str) -> Choice | None:
    """Read the choice of a study that goes on; None if nothing is chosen yet.

    Raises:
        ValueError: if the file is damaged, or the choice was made among other runs: the test rows
            have been looked at since.
    """
    path = folder / FILE
    if not path.exists():
        return None
    remedy = (
        "Put the file back as it was: a choice made anew would be made with the test rows known."
    )
    values = read_values(path, remedy)
    check_fields(path, values, Choice, remedy)
    choice = Choice(**values)
    if choice.grid != fingerprint:
        raise ValueError(
            f"{path}: chosen among other runs ({choice.grid}, now {fingerprint}), and the test "
            "rows have been looked at since. Give the changed study another folder (--out)."
        )
    return choice
