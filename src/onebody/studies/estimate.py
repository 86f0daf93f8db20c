"""What a study will cost, before it begins: a few real steps of each of its arms are timed."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch

from onebody.evaluation import evaluate
from onebody.studies.known import Known, seedless
from onebody.studies.pool import duration, threads_of
from onebody.studies.runs import Plan
from onebody.training import Recipe, Setup, build_run
from onebody.training.step import train_step
from onebody.training.summary import FILE as FINISHED

WARM, TIMED = 2, 3
OVERHEAD_S = 0.5
"""Of a run besides its steps and measurements: rows, building, saving."""
WEIGHT_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a study costs.

    Attributes:
        arms: different networks and budgets.
        runs, left: all runs, and those that are not finished.
        seconds_left: of the runs that are left, one after the other.
        bytes: that finished runs take.
        jobs: runs side by side, for which steps were timed.
    """

    arms: int
    runs: int
    left: int
    seconds_left: float
    bytes: int
    jobs: int

    def lines(self) -> list[str]:
        """Return it as text."""
        cores = os.cpu_count() or 1
        counts = sorted({self.jobs, *(2**n for n in range(cores.bit_length()) if 2**n <= cores)})
        times = ", ".join(f"{duration(self.seconds_left / n)} with --jobs {n}" for n in counts)
        return [
            f"{self.runs} runs ({self.arms} arms), {self.runs - self.left} of them finished.",
            f"About {duration(self.seconds_left)} of work is left: {times} "
            f"({threads_of(self.jobs)} of {cores} processors a run, as timed).",
            f"About {self.bytes / 1e6:.0f} MB on disk.",
        ]


def estimate(plans: Sequence[Plan], known: Known, *, jobs: int) -> Estimate:
    """Time the first run of every arm that is left for a few steps, and add the runs up.

    Args:
        plans: all runs of the study.
        known: keeps what was timed.
        jobs: runs side by side.
    """
    # Teachers may not be trained yet; without their labels a step takes as long.
    plans = [replace(p, recipe=p.recipe.model_copy(update={"pseudo": ()})) for p in plans]
    left = [plan for plan in plans if not (plan.folder / FINISHED).exists()]
    seconds: dict[str, float] = {}
    before = torch.get_num_threads()
    torch.set_num_threads(threads_of(jobs))
    try:
        for plan in left:
            if plan.arm not in seconds:
                seconds[plan.arm] = _run_seconds(plan.recipe, known, threads_of(jobs))
    finally:
        torch.set_num_threads(before)
    first = {plan.arm: plan.recipe for plan in reversed(plans)}
    sizes = {arm: known.preview(recipe).parameters for arm, recipe in first.items()}
    return Estimate(
        arms=len(first),
        runs=len(plans),
        left=len(left),
        seconds_left=sum(seconds[plan.arm] for plan in left),
        bytes=WEIGHT_BYTES * sum(sizes[plan.arm] for plan in plans),
        jobs=jobs,
    )


def _run_seconds(recipe: Recipe, known: Known, threads: int) -> float:
    """Return how long one run takes."""
    found: dict[str, float] = known.ask(f"time {threads} {seedless(recipe)}", lambda: _time(recipe))
    preview = known.preview(recipe)
    measured = preview.validations * found["validation_s"] + found["test_s"]
    return preview.steps * found["step_s"] + measured + OVERHEAD_S


def _time(recipe: Recipe) -> dict[str, float]:
    """Make a few steps, and measure a few rows."""
    setup = build_run(recipe)
    batches = (b for epoch in range(WARM + TIMED) for b in setup.loader.epoch(epoch, 0))
    for number, step in enumerate(islice(batches, WARM + TIMED)):
        if number == WARM:
            begun = time.perf_counter()
        train_step(setup, step, number)
    step_s = (time.perf_counter() - begun) / TIMED
    row_s = _row_seconds(setup)
    rows = {part: sum(len(s.table) for s in sources) for part, sources in setup.sources.items()}
    return {
        "step_s": step_s,
        "validation_s": rows["validation"] * row_s,
        "test_s": rows["test"] * recipe.evaluation.clips * len(recipe.evaluation.views()) * row_s,
    }


def _row_seconds(setup: Setup) -> float:
    """Time the measuring of one batch of validation rows, per row."""
    source = setup.sources["validation"][0]
    count = min(len(source.table), source.batch_size)
    few = replace(source, table=source.table.select(np.arange(count)))
    for _ in range(2):  # the first is for warming up
        begun = time.perf_counter()
        evaluate(setup.network, few, device=str(setup.device), bf16=setup.recipe.train.bf16)
        seconds = time.perf_counter() - begun
    return seconds / count
