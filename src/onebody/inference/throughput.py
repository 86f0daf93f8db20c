"""How fast runtimes are, beside each other and beside what the processor can do at most.

A machine's speed changes from minute to minute, so runtimes take turns, and a plain matrix product
takes its turn with them: ratios within one measurement can be trusted, seconds alone cannot.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from onebody.inference.runtimes import Precision, Runtime
from onebody.types import Floats

MATRIX = 2048
"""Side of the square matrices whose product is the yardstick."""

_LEAST_S = 0.05
"""A turn lasts at least so long: shorter ones measure the clock."""

REST_S = 0.1
"""Before a turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """What one runtime did.

    Attributes:
        model: what ran.
        runtime: what ran it.
        precision: what it computed in.
        input: shape of the input.
        batch: clips in it.
        frames_per_s: median over the rounds.
        gflop_per_s: of convolutions and matrix products, a multiplication and its addition
            counted as two.
        of_peak: share of what a float32 matrix product reached in the same rounds.
        error: largest difference from eager float32 over all outputs; NaN: none was compared.
    """

    model: str
    runtime: str
    precision: Precision
    input: tuple[int, ...]
    batch: int
    frames_per_s: float
    gflop_per_s: float
    of_peak: float
    error: float


def count_flops(module: nn.Module, x: Floats) -> int:
    """Count two for every multiplication with its addition, in convolutions and products."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        module(torch.from_numpy(x))
    return int(counter.get_total_flops())


def measure_throughput(
    model: str,
    runtimes: Sequence[Runtime],
    x: Floats,
    *,
    flops: int,
    rounds: int = 7,
    expected: Sequence[Floats] | None = None,
) -> list[Throughput]:
    """Let runtimes take turns.

    Args:
        model: its name.
        runtimes: made for this input.
        x: ``[B, C, T, H, W]``.
        flops: of one run; see `count_flops`.
        rounds: turns of each runtime.
        expected: outputs of eager float32.
    """
    errors = [_error(runtime.run(x), expected) for runtime in runtimes]
    runs = [partial(runtime.run, x) for runtime in runtimes]
    product, *seconds = take_turns([_matrix_product(), *runs], rounds)
    peaks = [2 * MATRIX**3 / taken for taken in product]
    frames = x.shape[0] * x.shape[2]
    rows = []
    for runtime, taken, error in zip(runtimes, seconds, errors, strict=True):
        rate = flops / median(taken)
        rows.append(
            Throughput(
                model=model,
                runtime=runtime.name,
                precision=runtime.precision,
                input=x.shape,
                batch=x.shape[0],
                frames_per_s=frames / median(taken),
                gflop_per_s=rate / 1e9,
                of_peak=median(flops / t / p for t, p in zip(taken, peaks, strict=True)),
                error=error,
            )
        )
    return rows


def take_turns(runs: Sequence[Callable[[], object]], rounds: int) -> list[list[float]]:
    """Let things take turns, so that what else the machine does strikes them all alike.

    Before each turn there is a rest: threads of a runtime wait for their next work awake, and for a
    while take a processor from whoever comes next. Without it the same network ran at half its
    speed after another one.

    Args:
        runs: each is called once before each turn, unmeasured.
        rounds: turns of each.

    Returns:
        Per thing and round the seconds of one call.
    """
    seconds: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for taken, run in zip(seconds, runs, strict=True):
            time.sleep(REST_S)
            run()
            taken.append(_seconds(run))
    return seconds


def _matrix_product() -> Callable[[], object]:
    """Return a float32 product of square matrices."""
    a, b = torch.rand(MATRIX, MATRIX), torch.rand(MATRIX, MATRIX)
    out = torch.empty(MATRIX, MATRIX)
    return lambda: torch.mm(a, b, out=out)


def _seconds(run: Callable[[], object]) -> float:
    """Return the seconds of one run, over as many as take long enough."""
    start, count = time.perf_counter(), 0
    while (taken := time.perf_counter() - start) < _LEAST_S or not count:
        run()
        count += 1
    return taken / count


def _error(found: Sequence[Floats], expected: Sequence[Floats] | None) -> float:
    """Return the largest difference."""
    if expected is None:
        return float("nan")
    return max(float(np.abs(a - b).max()) for a, b in zip(found, expected, strict=True))
