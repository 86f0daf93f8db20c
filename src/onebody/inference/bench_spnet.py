"""SPNet's speed: how much each further prediction costs, by every runtime."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from onebody.config import nearest
from onebody.inference.agreement import Agreement, RealClips
from onebody.inference.onnx_runtimes import make_runtimes
from onebody.inference.runtimes import RUNTIMES, Outputs, Runtime, eager
from onebody.inference.throughput import Throughput, count_flops, measure_throughput
from onebody.models.spnet import SPNet, SPNetOutput, fuse
from onebody.types import Floats

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BenchRow:
    """One runtime of one truncation.

    Attributes:
        kept: the number of predictions.
        speed: what was measured.
        agreement: on real rows, of precisions below float32; None: there were none.
    """

    kept: int
    speed: Throughput
    agreement: Agreement | None


def bench_spnet(
    model: str,
    network: SPNet,
    shape: Sequence[int],
    *,
    truncations: Sequence[int] = (),
    runtimes: Sequence[str] = (),
    rounds: int = 7,
    clips: RealClips | None = None,
    say: Say | None = None,
) -> list[BenchRow]:
    """Measure a network, whole and truncated.

    Without real clips the pictures are made up (noise), and int8 takes its ranges from them: the
    speed counts, the error is that of noise.

    Args:
        model: its name.
        network: in evaluation mode.
        shape: of the input.
        truncations: numbers of predictions; empty: all that there are.
        runtimes: of `RUNTIMES`; empty: all.
        rounds: turns of each.
        clips: real ones of this shape: int8 takes its ranges from some, and what is not float32 is
            held against float32 on the others.
        say: told what is done, and what is not at hand.

    Returns:
        A row for each truncation and runtime.

    Raises:
        ValueError: if there are no such predictions or runtimes.
    """
    for name in runtimes:
        if name not in RUNTIMES:
            raise ValueError(f"Unknown runtime {name!r}. {nearest(name, RUNTIMES)}")
    say = say or _silent
    if clips is None:
        say(
            "the pictures are made up: int8 takes its ranges from noise, its error is that of noise"
        )
        examples = [np.random.default_rng(0).uniform(-1, 1, tuple(shape)).astype(np.float32)]
    else:
        examples = clips.calibration
    x = examples[0]
    rows: list[BenchRow] = []
    for kept in truncations or [len(network.steps)]:
        short = network.truncated(kept)
        module = Outputs(short, _all_outputs).eval()
        expected = eager(module).run(x)  # what does not fit is refused here, in plain words
        with tempfile.TemporaryDirectory() as folder:
            made = spnet_runtimes(short, examples, Path(folder), runtimes or RUNTIMES, say)
            measured = measure_throughput(
                model,
                made,
                x,
                flops=count_flops(module, x),
                rounds=rounds,
                expected=expected,
            )
            for runtime, speed in zip(made, measured, strict=True):
                agreement = None
                if clips is not None and runtime.precision != "fp32":
                    say(f"comparing {runtime.name} {runtime.precision} ..")
                    agreement = clips.compare(runtime.run, eager(module).run)
                rows.append(BenchRow(kept, speed, agreement))
    return rows


def spnet_runtimes(
    network: SPNet,
    examples: Sequence[Floats],
    folder: Path,
    names: Sequence[str] = RUNTIMES,
    say: Say | None = None,
) -> list[Runtime]:
    """Make the runtimes that are at hand.

    ``eager`` is the network as it is trained; all others run its form for inference (`fuse`).

    Args:
        network: in evaluation mode.
        examples: clips ``[B, C, T, H, W]`` in [-1, 1]; ranges of int8 are theirs.
        folder: where files may go.
        names: of `RUNTIMES`.
        say: told what is done, and what is not at hand.
    """
    module = Outputs(network, _all_outputs).eval()
    fused = Outputs(fuse(network), _all_outputs).eval()
    arguments = [(x,) for x in examples]
    return list(make_runtimes(module, fused, arguments, folder, names, say or _silent))


def _all_outputs(found: object) -> list[Tensor]:
    """Return poses, then scores."""
    assert isinstance(found, SPNetOutput)
    return [*found.poses, *(scores for block in found.actions for scores in block)]


def _silent(_line: str) -> None:
    """Say nothing."""
