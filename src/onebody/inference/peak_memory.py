"""How much memory a way to run a network takes: the peak of a process that does nothing else.

``python -m onebody.inference.peak_memory FOLDER NAME PRECISION THREADS`` prints it in bytes. The
folder holds ``model`` (a saved network) beside its exported step, or ``spnet.json`` (a
configuration) beside ``plain.onnx`` and ``int8.onnx``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from onebody.inference.runtimes import Precision

STEPS = 30
"""Frames that are run."""

SPNET = "spnet.json"


def peak_memory(folder: Path, name: str, precision: Precision, threads: int) -> int | None:
    """Return the peak of a fresh process in bytes, Python and libraries included.

    Args:
        folder: see above.
        name: of a `Runtime`.
        precision: of it.
        threads: that it may use.

    Returns:
        None where the system does not tell (Windows), or the process failed.
    """
    words = [str(folder), name, precision, str(threads)]
    # Settings that keep freed memory would count as use.
    plain = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-m", "onebody.inference.peak_memory", *words],
        capture_output=True,
        text=True,
        check=False,
        env=plain,
    )
    lines = done.stdout.split()
    return int(lines[-1]) if done.returncode == 0 and lines and lines[-1].isdigit() else None


def run_steps(folder: Path, name: str, precision: Precision) -> None:
    """Run a few frames one way."""
    if (folder / SPNET).is_file():
        _run_spnet(folder, name, precision)
        return
    from onebody.inference.bench_networks import runner_of
    from onebody.inference.export_step import onnx_step, openvino_step, read_step
    from onebody.inference.step import StepModule, StepRunner
    from onebody.models import load_network

    runner: StepRunner
    if name in ("onnxruntime", "openvino"):
        exported = read_step(folder)
        runner = (onnx_step if name == "onnxruntime" else openvino_step)(exported, precision)
        shape = exported.description["input"]["shape"]
    else:
        saved = load_network(folder / "model")
        shape = StepModule(saved.network, saved.input).frame_shape
        with tempfile.TemporaryDirectory() as work:
            blank = [np.zeros(shape, np.float32)]
            runner = runner_of(saved, name, precision, blank, Path(work))
    state = None
    for _ in range(STEPS):
        _, state = runner.step(np.zeros(shape, np.float32), state)


def _run_spnet(folder: Path, name: str, precision: Precision) -> None:
    """Run SPNet on a few frames."""
    import torch

    from onebody.inference.bench_spnet import spnet_runtimes
    from onebody.inference.onnx_runtimes import onnx_runtime, openvino
    from onebody.models.spnet import SPNet, SPNetConfig

    text = (folder / SPNET).read_text(encoding="utf-8")
    config, size = SPNetConfig.model_validate_json(text), int((folder / "size").read_text())
    x = np.zeros((1, config.in_channels, 1, size, size), np.float32)
    if name in ("onnxruntime", "openvino"):
        file = folder / ("int8.onnx" if precision == "int8" else "plain.onnx")
        runtime = (onnx_runtime if name == "onnxruntime" else openvino)(file, precision)
    else:
        way = "channels-last" if name.endswith("channels-last") else name
        torch.manual_seed(0)
        made = spnet_runtimes(SPNet(config).eval(), [x], folder, [way])
        runtime = next(r for r in made if (r.name, r.precision) == (name, precision))
    for _ in range(STEPS):
        runtime.run(x)


def _own_peak() -> int:
    """Return the most memory that this process has had, in bytes.

    Not what ``getrusage`` says on Linux: there it begins with the peak of whoever started it.
    """
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _main(words: list[str]) -> None:
    """Run, and print the peak."""
    import torch

    folder, name, precision, threads = words
    torch.set_num_threads(int(threads))
    run_steps(Path(folder), name, precision)  # type: ignore[arg-type]
    print(_own_peak())


if __name__ == "__main__":
    _main(sys.argv[1:])
