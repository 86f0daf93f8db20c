"""Frames per second of streams: sizes, runtimes and precisions, and SPNet beside them, in turns."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from onebody.config import nearest
from onebody.inference.bench_networks import (
    REFERENCE,
    Way,
    spnet_ways,
    stream_ways,
)
from onebody.inference.peak_memory import peak_memory
from onebody.inference.runtimes import RUNTIMES, Precision
from onebody.inference.stage_times import stage_times
from onebody.inference.step_frames import simulated_frames
from onebody.inference.throughput import take_turns
from onebody.models import SavedNetwork

FRAMES = 32
"""Simulated frames that all networks see."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRow:
    """What one way to run one network did.

    Attributes:
        model, runtime, precision: what ran, what ran it, what it computed in.
        input: shape of a frame.
        batch: frames at once.
        tasks: what it answers.
        frames_per_s: median over the rounds.
        max_abs_error: largest difference from its own eager float32, of probabilities and crop
            fractions.
        stages_ms: milliseconds by part, where it can be divided.
        peak_memory_mb: of a process of its own, Python and libraries included; None: not measured.
    """

    model: str
    runtime: str
    precision: Precision
    input: tuple[int, ...]
    batch: int
    tasks: tuple[str, ...]
    frames_per_s: float
    max_abs_error: float
    stages_ms: Mapping[str, float] = field(default_factory=dict)
    peak_memory_mb: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """How much faster one network is than SPNet, each in its fastest way, in the same rounds.

    Attributes:
        model: the network.
        precision: ``fp32``: of both; ``any``: whatever was fastest.
        ratio: median over the rounds.
        ours, theirs: the rows that are compared.
    """

    model: str
    precision: str
    ratio: float
    ours: LiveRow
    theirs: LiveRow


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveBench:
    """All that was measured.

    Attributes:
        rows: in order.
        ratios: of the networks to SPNet.
        threads: that each runtime had.
    """

    rows: Sequence[LiveRow]
    ratios: Sequence[Ratio]
    threads: int

    def plain(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "threads": self.threads,
            "rows": [asdict(row) for row in self.rows],
            "ratios": [asdict(ratio) for ratio in self.ratios],
        }


def bench_live(
    networks: Mapping[str, SavedNetwork],
    *,
    runtimes: Sequence[str] = (),
    rounds: int = 7,
    reference: bool = True,
    memory: bool = True,
    say: Say,
) -> LiveBench:
    """Measure networks on simulated frames, in interleaved rounds.

    Args:
        networks: causal ones, by name, all of one input.
        runtimes: of `RUNTIMES`; empty: all.
        rounds: turns of each way.
        reference: put SPNet beside them.
        memory: measure peak memory, too (a process per row).
        say: told what is done.

    Raises:
        ValueError: if there are no networks or no such runtimes, or inputs differ.
    """
    names = tuple(runtimes) or RUNTIMES
    for name in names:
        if name not in RUNTIMES:
            raise ValueError(f"Unknown runtime {name!r}. {nearest(name, RUNTIMES)}")
    specs = [saved.input for saved in networks.values()]
    if not specs or any((s.modality, s.size) != (specs[0].modality, specs[0].size) for s in specs):
        found = ", ".join(f"{s.modality} of {s.size} pixels" for s in specs) or "none"
        raise ValueError(f"Expected networks that read the same pictures, found {found}.")
    if reference and specs[0].modality != "rgb":
        raise ValueError(f"SPNet reads RGB, these networks read {specs[0].modality!r}.")
    say("simulating people ..")
    frames = simulated_frames(specs[0], FRAMES)
    with tempfile.TemporaryDirectory(prefix="onebody-", ignore_cleanup_errors=True) as work:
        ways: list[Way] = []
        for model, saved in networks.items():
            ways += stream_ways(model, saved, frames, Path(work) / model, names, say)
        if reference:
            ways += spnet_ways(frames, Path(work) / REFERENCE, names, say)
        say(f"measuring {len(ways)} ways in {rounds} rounds ..")
        seconds = take_turns([way.run for way in ways], rounds)
        stages = {model: stage_times(saved, frames) for model, saved in networks.items()}
        rows = [
            _row(way, taken, stages, memory, say) for way, taken in zip(ways, seconds, strict=True)
        ]
    ratios = [r for model in networks for r in _ratios(model, rows, seconds)] if reference else []
    return LiveBench(rows=rows, ratios=ratios, threads=torch.get_num_threads())


def _row(
    way: Way,
    taken: Sequence[float],
    stages: Mapping[str, Mapping[str, float]],
    memory: bool,
    say: Say,
) -> LiveRow:
    """Gather what is known of one way."""
    plain = way.runtime == "eager" and way.precision == "fp32" and way.model in stages
    peak = None
    if memory:
        say(f"memory of {way.model}, {way.runtime} {way.precision} ..")
        peak = peak_memory(way.folder, way.runtime, way.precision, torch.get_num_threads())
    return LiveRow(
        model=way.model,
        runtime=way.runtime,
        precision=way.precision,
        input=way.input,
        batch=way.input[0],
        tasks=way.tasks,
        frames_per_s=way.input[0] / median(taken),
        max_abs_error=way.error,
        stages_ms=stages[way.model] if plain else {"network": 1e3 * median(taken)},
        peak_memory_mb=None if peak is None else peak / 2**20,
    )


def _ratios(model: str, rows: Sequence[LiveRow], seconds: Sequence[Sequence[float]]) -> list[Ratio]:
    """Compare a network with SPNet, each in its fastest way: at float32, and at any precision."""
    found = []
    for wanted in ("fp32", "any"):
        best = []
        for name in (model, REFERENCE):
            some = [
                place
                for place, row in enumerate(rows)
                if row.model == name and wanted in ("any", row.precision)
            ]
            best.append(max(some, key=lambda place: rows[place].frames_per_s, default=None))
        ours, theirs = best
        if ours is None or theirs is None:
            continue
        each = np.array(seconds[theirs]) / np.array(seconds[ours])
        found.append(
            Ratio(
                model=model,
                precision=wanted,
                ratio=float(np.median(each)),
                ours=rows[ours],
                theirs=rows[theirs],
            )
        )
    return found
