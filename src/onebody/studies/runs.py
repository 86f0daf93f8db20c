"""The runs of a comparison: planned, then trained in turn or side by side, and measured."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from onebody.config import Config, build
from onebody.datasets import DATASETS
from onebody.studies.measure import Measured, measure
from onebody.studies.pool import Failure, Pool, Say
from onebody.training import Recipe, RunSummary, load_summary, train


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run that is to be made.

    Attributes:
        arm: name of the arm.
        fold: the held-out value; empty without folds.
        seed: of weights, order and augmentation.
        folder: where it lies.
        recipe: of this very run.
    """

    arm: str
    fold: str
    seed: int
    folder: Path
    recipe: Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One finished run of a comparison.

    Attributes:
        arm, fold, seed: as planned.
        summary: what it took.
        measured: its test figures.
    """

    arm: str
    fold: str
    seed: int
    summary: RunSummary
    measured: Measured


def run_in_turn(plans: Sequence[Plan], *, progress: bool, say: Say) -> list[Run]:
    """Make one run after the other, each with all processors."""
    runs: list[Run] = []
    for count, plan in enumerate(plans, 1):
        say(f"[{count}/{len(plans)}] {plan.folder.name}: {', '.join(plan.recipe.tasks)}")
        runs.append(_run(plan, progress=progress))
    return runs


def run_side_by_side(plans: Sequence[Plan], *, jobs: int, say: Say) -> list[Run]:
    """Make several runs at the same time, each in a process with its share of the processors.

    Small networks cannot keep many processors busy: two runs side by side with one processor each
    end earlier than two in turn with two each.

    Raises:
        ValueError: at the end, if runs failed; names each and says why.
    """
    prepare(plans)
    say(f"{len(plans)} runs, {jobs} at a time: {', '.join(plan.folder.name for plan in plans)}")
    with Pool(jobs) as pool:
        runs, failures = pool.run(partial(_run, progress=False), plans, named=folder_of, say=say)
    refuse(failures)
    return [runs[i] for i in range(len(plans))]


def prepare(plans: Sequence[Plan]) -> None:
    """Let every dataset prepare itself once, before several processes read it."""
    seen: list[Config] = []
    for plan in plans:
        for part in plan.recipe.data:
            if part.dataset not in seen:
                seen.append(part.dataset)
                build(DATASETS, part.dataset, "dataset")


def train_plan(plan: Plan) -> RunSummary:
    """Train without opening the test rows; what only an unfinished run needs is taken away."""
    summary = train(plan.recipe, plan.folder, progress=False, test=False)
    for part in ("resume", "final"):
        shutil.rmtree(plan.folder / part, ignore_errors=True)
    return summary


def measure_plan(plan: Plan) -> Run:
    """Measure a trained run on its test rows.

    Raises:
        ValueError: if it is not trained.
    """
    summary = load_summary(plan.folder)
    if summary is None:
        raise ValueError(f"{plan.folder}: this run is not finished, so there is nothing to test.")
    measured = measure(plan.folder, clips=plan.recipe.evaluation.clips)
    return Run(arm=plan.arm, fold=plan.fold, seed=plan.seed, summary=summary, measured=measured)


def refuse(failures: Sequence[Failure]) -> None:
    """Refuse to go on after failed runs.

    Raises:
        ValueError: if there are any; names each and says why.
    """
    if failures:
        lines = [f"{failure.name}: {failure.error}" for failure in failures]
        raise ValueError("\n".join([f"{len(failures)} run(s) failed:", *lines]))


def folder_of(plan: Plan) -> str:
    """Say which run is meant."""
    return str(plan.folder)


def _run(plan: Plan, *, progress: bool) -> Run:
    """Train and measure; what is already there is not made again."""
    summary = train(plan.recipe, plan.folder, progress=progress)
    measured = measure(plan.folder, clips=plan.recipe.evaluation.clips)
    return Run(arm=plan.arm, fold=plan.fold, seed=plan.seed, summary=summary, measured=measured)
