"""SPNet's speed: how much each further prediction costs, by every runtime."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from onebody.config import nearest
from onebody.inference.agreement import Agreement, RealClips
from onebody.inference.runtimes import (
    Outputs,
    Runtime,
    compiled,
    eager,
    onnx_runtime,
    openvino,
    to_int8,
    to_onnx,
)
from onebody.inference.throughput import Throughput, count_flops, measure_throughput
from onebody.models.spnet import SPNet, SPNetOutput, fuse
from onebody.types import Floats

RUNTIMES = ("eager", "channels-last", "compiled", "onnxruntime", "openvino")
"""What `bench_spnet` knows; each at the precisions that it has.

``eager`` is the network as it is trained; all others run its form for inference (`fuse`).
"""

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
            fused = Outputs(fuse(short), _all_outputs).eval()
            names = runtimes or RUNTIMES
            made = list(_make(module, fused, examples, Path(folder), names, say))
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


def _make(
    module: nn.Module,
    fused: nn.Module,
    examples: Sequence[Floats],
    folder: Path,
    names: Sequence[str],
    say: Say,
) -> Iterator[Runtime]:
    """Make the runtimes that are at hand."""
    x = examples[0]
    plain, small = folder / "plain.onnx", folder / "int8.onnx"
    wanted = set(names)
    if wanted & {"onnxruntime", "openvino"}:
        say("exporting ..")
        to_onnx(fused, x, plain)
        to_int8(plain, examples, small)
    if "eager" in wanted:
        yield eager(module)
        yield eager(module, "bf16")
    if "channels-last" in wanted:
        yield eager(fused, channels_last=True)
        yield eager(fused, "bf16", channels_last=True)
    if "compiled" in wanted:
        say("compiling ..")
        try:
            yield compiled(fused, x)
            yield compiled(fused, x, "bf16")
        except RuntimeError as error:
            say(f"compiled: not at hand ({str(error).splitlines()[0]})")
    if "onnxruntime" in wanted:
        yield onnx_runtime(plain)
        yield onnx_runtime(small, "int8")
    if "openvino" in wanted:
        yield openvino(plain)
        yield openvino(plain, "bf16")
        yield openvino(small, "int8")


def _all_outputs(found: object) -> list[Tensor]:
    """Return poses, then scores."""
    assert isinstance(found, SPNetOutput)
    return [*found.poses, *(scores for block in found.actions for scores in block)]


def _silent(_line: str) -> None:
    """Say nothing."""
