"""`compare`: the joint network beside its single-task twins, run by run, to one table.

Every arm has the same encoder, the same rows of its own tasks, and the same budget: the recipe's
epochs. A finished run is not repeated, so a comparison that was interrupted goes on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from onebody.data import SampleTable
from onebody.metrics import Difference, Metric, paired_difference
from onebody.models import load_network
from onebody.studies.arms import JOINT, Arm, make_arms, with_fold, with_seed
from onebody.studies.delta import delta_mtl, headlines
from onebody.studies.figures import by_subject, figures_of, mean_of, spread_of
from onebody.studies.pool import Say
from onebody.studies.runs import Plan, Run, run_in_turn, run_side_by_side
from onebody.tasks import Task
from onebody.training import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the table: a task's metric, joint against twin.

    Attributes:
        task, metric: what is measured; ``unit`` and ``higher_is_better`` as of the metric.
        twin: the twin that has the task; empty where only the joint network has it.
        joint, single: mean over test subjects, then over seeds; ``single`` None without twin.
        joint_spread, single_spread: standard deviation over seeds; None with one seed.
        subjects: the joint network's figure by subject, mean over seeds.
        difference: joint minus single, paired by (subject, seed); None without twin.
    """

    task: str
    metric: str
    unit: str
    higher_is_better: bool
    twin: str
    joint: float
    joint_spread: float | None
    single: float | None
    single_spread: float | None
    subjects: Mapping[str, float]
    difference: Difference | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What an arm costs: of one network, and of one run (mean)."""

    arm: str
    parameters: int
    macs: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A finished comparison.

    Attributes:
        lines: one per task and headline metric.
        costs: one per arm.
        delta: Delta_MTL over the tasks that have a twin; None where none has, or where a twin's
            figure is 0, over which no gain can be relative.
        seeds, folds: what was run.
        runs: every run.
    """

    lines: tuple[Line, ...]
    costs: tuple[Cost, ...]
    delta: float | None
    seeds: tuple[int, ...]
    folds: tuple[str, ...]
    runs: tuple[Run, ...]


def compare(
    recipe: Recipe,
    folder: Path,
    *,
    seeds: int = 1,
    fold_by: str = "",
    folds: Sequence[str] = (),
    widths: Mapping[str, float] | None = None,
    jobs: int = 1,
    progress: bool = True,
    say: Say = print,
) -> Comparison:
    """Train the joint network and its twins and compare them on the test rows.

    Args:
        recipe: of the joint network.
        folder: one folder per run is made in it.
        seeds: runs per arm and fold: the recipe's seed and those that follow it.
        fold_by: column (``subject``) whose values ``folds`` are held out in turn; empty: the
            recipe's own split.
        folds: values to hold out.
        jobs: runs that are trained at the same time, each by its own process.
        widths: factors on the twins' encoder width; None: the joint network's encoder.
        progress: show each run's progress bar (with one job).
        say: told about each run.

    Raises:
        ValueError: if the recipe leaves no test rows, or a run's folder holds another recipe's.
    """
    arms = make_arms(recipe, widths)
    numbers = tuple(range(recipe.train.seed, recipe.train.seed + seeds))
    plan = [
        _plan(arm, folder, seed, fold_by, fold)
        for seed in numbers
        for fold in (folds or ("",))
        for arm in arms
    ]
    if jobs == 1:
        runs = run_in_turn(plan, progress=progress, say=say)
    else:
        runs = run_side_by_side(plan, jobs=jobs, say=say)
    comparison = summarize(arms, runs, _tasks(runs[0]))
    (folder / "comparison.json").write_text(to_json(comparison), encoding="utf-8")
    return comparison


def _plan(arm: Arm, folder: Path, seed: int, fold_by: str, fold: str) -> Plan:
    """Say how one run is made."""
    own = with_seed(arm.recipe, seed)
    if fold:
        own = with_fold(own, fold_by, fold)
    name = "-".join([arm.name, *([fold] if fold else []), f"seed{seed}"])
    return Plan(arm=arm.name, fold=fold, seed=seed, folder=folder / name, recipe=own)


def summarize(arms: Sequence[Arm], runs: Sequence[Run], tasks: Mapping[str, Task]) -> Comparison:
    """Make the table from finished runs."""
    twin_of = {task: arm.name for arm in arms if arm.name != JOINT for task in arm.tasks}
    lines = [
        _line(runs, name, metric, twin_of.get(name, ""))
        for name, task in tasks.items()
        for metric in headlines(task)
    ]
    first = {line.task: line for line in reversed(lines) if line.single is not None}
    delta = None
    if first and all(line.single for line in first.values()):
        delta = delta_mtl(
            {name: line.joint for name, line in first.items()},
            {name: line.single for name, line in first.items() if line.single is not None},
            tasks,
        )
    return Comparison(
        lines=tuple(lines),
        costs=tuple(_cost(arm.name, [run for run in runs if run.arm == arm.name]) for arm in arms),
        delta=delta,
        seeds=tuple(sorted({run.seed for run in runs})),
        folds=tuple(dict.fromkeys(run.fold for run in runs if run.fold)),
        runs=tuple(runs),
    )


def to_json(comparison: Comparison) -> str:
    """Return the table and costs as JSON text; the runs keep their own files."""
    values = asdict(comparison)
    del values["runs"]
    return json.dumps(values, indent=2) + "\n"


def fold_values(table: SampleTable, column: str) -> tuple[str, ...]:
    """Return the values of a column that may be held out in turn.

    Raises:
        ValueError: if there are fewer than two.
    """
    values = getattr(table, column, None)
    if values is None or values.dtype.kind != "U":
        raise ValueError(f"Cannot fold by {column!r}: use subject, camera, source, group or split.")
    found = tuple(sorted({str(v) for v in values if v}))
    if len(found) < 2:
        raise ValueError(
            f"Cannot fold by {column!r}: it holds {len(found)} value(s); 2 are needed."
        )
    return found


def _tasks(run: Run) -> Mapping[str, Task]:
    """Return the joint network's tasks."""
    return load_network(Path(run.summary.folder) / "model").network.tasks


def _line(runs: Sequence[Run], task: str, metric: Metric, twin: str) -> Line:
    """Compare one metric of one task."""
    joint = figures_of(runs, JOINT, task, metric.name)
    single = figures_of(runs, twin, task, metric.name) if twin else {}
    return Line(
        task=task,
        metric=metric.name,
        unit=metric.unit,
        higher_is_better=metric.higher_is_better,
        twin=twin,
        joint=mean_of(joint),
        joint_spread=spread_of(joint),
        single=mean_of(single) if single else None,
        single_spread=spread_of(single) if single else None,
        subjects=by_subject(joint),
        difference=paired_difference(joint, single) if single else None,
    )


def _cost(arm: str, runs: Sequence[Run]) -> Cost:
    """Average an arm's costs."""
    return Cost(
        arm=arm,
        parameters=runs[0].summary.parameters,
        macs=runs[0].summary.macs,
        seconds=float(np.mean([run.summary.seconds for run in runs])),
    )
