"""The runs of a comparison: planned, then trained in turn or side by side, and measured."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import torch

from onebody.config import build
from onebody.datasets import DATASETS
from onebody.studies.measure import Measured, measure
from onebody.training import Recipe, RunSummary, train

Say = Callable[[str], None]


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
    """
    for part in plans[0].recipe.data:  # what a dataset prepares, it prepares once, before
        build(DATASETS, part.dataset, "dataset")
    threads = max(1, (os.cpu_count() or 1) // jobs)
    say(f"{len(plans)} runs, {jobs} at a time: {', '.join(plan.folder.name for plan in plans)}")
    finished: dict[int, Run] = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        jobs, context, initializer=torch.set_num_threads, initargs=(threads,)
    ) as pool:
        waiting = {pool.submit(_run, plan, progress=False): i for i, plan in enumerate(plans)}
        try:
            for future in as_completed(waiting):
                run = finished[waiting[future]] = future.result()
                name = plans[waiting[future]].folder.name
                say(f"[{len(finished)}/{len(plans)}] {name}: {run.summary.seconds:.0f} s")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [finished[i] for i in range(len(plans))]


def _run(plan: Plan, *, progress: bool) -> Run:
    """Train and measure; what is already there is not made again."""
    summary = train(plan.recipe, plan.folder, progress=progress)
    measured = measure(plan.folder, clips=plan.recipe.evaluation.clips)
    return Run(arm=plan.arm, fold=plan.fold, seed=plan.seed, summary=summary, measured=measured)
