"""Exports a step, holds it against torch on real frames, and finds the fastest runtime for it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onebody.inference.choose_runner import EVERY, Trial, fastest, file_runners, try_runners
from onebody.inference.export_step import DESCRIPTION, export_step
from onebody.inference.step import eager_step
from onebody.inference.step_check import StepCheck, arguments_of, check_step
from onebody.models import SavedNetwork
from onebody.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What came of an export.

    Attributes:
        folder: where the files are.
        kind: what frames it was tried on.
        check: ONNX Runtime's float32 beside torch.
        trials: every runtime; eager float32 first.
        best: the fastest within the error.
    """

    folder: Path
    kind: str
    check: StepCheck
    trials: Sequence[Trial]
    best: Trial

    def plain(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "folder": str(self.folder),
            **checked(self.check, self.kind),
            "runtimes": [
                {
                    "runtime": trial.runner.name,
                    "precision": trial.runner.precision,
                    "frames_per_s": trial.frames_per_s,
                    "max_abs_error": trial.error,
                    "errors": {name: gap.shown for name, gap in trial.differences.items()},
                    "fastest_within_error": trial is self.best,
                }
                for trial in self.trials
            ],
        }


def export_checked(
    saved: SavedNetwork,
    frames: Sequence[Floats],
    folder: Path,
    *,
    kind: str,
    bound: float,
    error: float,
    say: Callable[[str], None],
) -> ExportReport:
    """Write a step and try it; only one that passes replaces what the folder holds.

    Args:
        saved: a causal network of pictures.
        frames: ``[1, C, H, W]``, consecutive ones.
        folder: for the files; the description says what the check found.
        kind: what frames these are.
        bound: greatest difference of raw outputs from torch.
        error: greatest difference of probabilities and crop fractions of the fastest runtime.
        say: told what is done.

    Raises:
        ValueError: if the network cannot run on a stream, or there are fewer than two frames.
        ModuleNotFoundError: without the extra ``export``.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as place:
        work = Path(place)
        say("exporting ..")
        exported = export_step(saved, work)
        eager = eager_step(saved)
        given = list(arguments_of(eager, exported.begin, frames))[::EVERY]
        say("quantizing ..")
        files = list(file_runners(exported, given, ("onnxruntime", "openvino")))
        say("checking ..")
        check = check_step(files[0], eager, frames, saved.network.tasks, bound)
        content = {**exported.description, "check": checked(check, kind)}
        text = json.dumps(content, indent=1, allow_nan=False)
        (work / DESCRIPTION).write_text(text + "\n", encoding="utf-8")
        trials = try_runners([eager, eager_step(saved, "bf16"), *files], frames, saved)
        if not check.faults:
            folder.mkdir(exist_ok=True)
            for file in work.iterdir():
                file.replace(folder / file.name)
    return ExportReport(
        folder=folder, kind=kind, check=check, trials=trials, best=fastest(trials, error)
    )


def checked(check: StepCheck, kind: str) -> dict[str, Any]:
    """Return what a check found as plain values."""
    finite = {
        name: gap.raw if gap.raw < float("inf") else None for name, gap in check.differences.items()
    }
    return {
        "tried_on": kind,
        "frames": check.frames,
        "bound": check.bound,
        "differences": finite,
        "changes": dict(check.changes),
        "passed": not check.faults,
        "faults": check.faults,
    }
