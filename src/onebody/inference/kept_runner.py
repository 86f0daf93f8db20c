"""The fastest way to run a network on this machine, looked for once and kept for the next start.

The search takes half a minute of a processor: every way is made, checked and timed. What it finds
holds for the same weights, libraries, processor and threads, so it is kept under their
digest, with the files that the chosen way runs. Whatever is found there is tried on frames before
it is used; what is damaged, or answers otherwise than PyTorch, is looked for anew.

::

    choice.json                           name and precision of the way
    step.onnx, step.json, step-int8.onnx  what it runs (not of PyTorch)
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Collection, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import torch

import onebody
from onebody.data.folders import replace_folder
from onebody.home import cache_root
from onebody.inference.choose_runner import QUICK, Say, search, silent
from onebody.inference.export_step import (
    DESCRIPTION,
    INT8,
    MODEL,
    onnx_step,
    openvino_step,
    read_step,
)
from onebody.inference.runtimes import Precision
from onebody.inference.step import StepRunner, eager_step
from onebody.inference.step_check import differences, walk
from onebody.models import SavedNetwork
from onebody.types import Floats

CHOICE = "choice.json"

KEPT = 8
"""Choices that are kept; the one that was used longest ago goes first."""

_DIGEST = re.compile("[0-9a-f]{20}")


def kept_runner(
    saved: SavedNetwork,
    frames: Sequence[Floats],
    bound: float,
    *,
    root: Path | None = None,
    anew: bool = False,
    names: Collection[str] = QUICK,
    say: Say | None = None,
) -> StepRunner:
    """Do as `choose_runner`, but look only where nothing is kept.

    Args:
        saved: a causal network of pictures.
        frames: ``[1, C, H, W]``, consecutive ones of the kind that will come.
        bound: greatest difference from eager float32, of probabilities and crop fractions.
        root: folder of what is kept; None: ``runtimes`` in `cache_root`.
        anew: look, whatever is kept.
        names: of `RUNTIMES`.
        say: told what is done, and what is not at hand.

    Raises:
        ValueError: as of `choose_runner`.
    """
    root = cache_root() / "runtimes" if root is None else root
    folder = root / _digest(saved, bound, names)
    if not anew and frames:
        found = _recalled(folder, saved, frames, bound)
        if found is not None:
            return found
    say = say or silent
    say("looking for the fastest way to run the network ..")
    with tempfile.TemporaryDirectory(prefix="onebody-", ignore_cleanup_errors=True) as work:
        trial = search(saved, frames, bound, Path(work), names=names, say=say)
        try:
            _keep(trial.runner, Path(work), folder)
        except OSError as error:
            say(f"{root}: cannot be written ({error.strerror}): what is found is not kept")
    return trial.runner


def _digest(saved: SavedNetwork, bound: float, names: Collection[str]) -> str:
    """Name everything that a choice hangs on."""
    known: dict[str, object] = {"bound": bound, "names": sorted(names)}
    for package in ("torch", "onnx", "onnxscript", "onnxruntime", "openvino"):
        with suppress(metadata.PackageNotFoundError):
            known[package] = metadata.version(package)
    known |= {
        "onebody": onebody.__version__,
        "machine": [platform.machine(), platform.processor(), os.cpu_count()],
        "threads": torch.get_num_threads(),
        "vectors": torch.backends.cpu.get_cpu_capability(),
        "input": saved.input.model_dump(mode="json"),
        "network": saved.config.model_dump(mode="json"),
        "tasks": {name: task.model_dump(mode="json") for name, task in saved.tasks.items()},
    }
    digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode())
    for name, value in saved.network.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()[:20]


def _recalled(
    folder: Path, saved: SavedNetwork, frames: Sequence[Floats], bound: float
) -> StepRunner | None:
    """Return what is kept, if it still answers as PyTorch does."""
    try:
        choice = json.loads((folder / CHOICE).read_text(encoding="utf-8"))
        runner = _made(folder, saved, str(choice["runtime"]), choice["precision"])
        plain = walk(eager_step(saved), frames)
        apart = differences(walk(runner, frames), plain, saved.network.tasks)
        if not all(found.shown <= bound for found in apart.values()):
            return None
    except Exception:  # damaged in any way, and libraries have errors of their own
        return None
    with suppress(OSError):  # of a cache that can only be read
        os.utime(folder)
    return runner


def _made(folder: Path, saved: SavedNetwork, name: str, precision: Precision) -> StepRunner:
    """Make a way from what is kept of it."""
    if name == "eager":
        return eager_step(saved, precision)
    ways = {"onnxruntime": onnx_step, "openvino": openvino_step}
    return ways[name](read_step(folder), precision)


def _keep(runner: StepRunner, work: Path, folder: Path) -> None:
    """Keep a choice with the files that it runs, and let old ones go.

    Ways that are made anew each time (compiled, channels last) are not kept.
    """
    if runner.name not in ("eager", "onnxruntime", "openvino"):
        return
    model = INT8 if runner.precision == "int8" else MODEL
    runs = () if runner.name == "eager" else (DESCRIPTION, model)

    def write(fresh: Path) -> None:
        text = json.dumps({"runtime": runner.name, "precision": runner.precision}, indent=1)
        (fresh / CHOICE).write_text(text + "\n", encoding="utf-8")
        for name in runs:
            shutil.copyfile(work / name, fresh / name)

    replace_folder(folder, write)
    kept = [path for path in folder.parent.iterdir() if _is_choice(path)]
    for path in sorted(kept, key=lambda path: path.stat().st_mtime)[:-KEPT]:
        shutil.rmtree(path, ignore_errors=True)


def _is_choice(path: Path) -> bool:
    """Whether a folder was made here; others are nobody's to delete."""
    return bool(_DIGEST.fullmatch(path.name)) and (path / CHOICE).is_file()
