"""What a training leaves behind while it runs: ``log.jsonl`` and a progress bar."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from onebody.training.report import StepReport


class RunLog:
    """One JSON object per line.

    Lines of training: ``step``, ``epoch``, ``lr``, ``loss`` and ``weight`` by task (means over the
    steps since the last such line in which the task had a label), ``samples_per_second``,
    ``gradient_norm``, and ``cosine`` by pair of tasks (``a-b``) where the balancer works from
    gradients: below 0 they are in conflict. Lines of validation: ``step``, ``epoch``, ``monitor``,
    ``validation``.

    Args:
        path: the file.
        step: keep lines up to this step; later ones were written by a start that was killed after
            its last checkpoint, and will be written again.
        writes: whether this process writes the file.
    """

    def __init__(self, path: Path, step: int, *, writes: bool = True) -> None:
        self.path, self.writes = path, writes
        self.reports: list[StepReport] = []
        self.clock = time.perf_counter()
        if writes:
            lines = read_log(path) if path.exists() else []
            kept = [json.dumps(line) + "\n" for line in lines if line["step"] <= step]
            path.write_text("".join(kept), encoding="utf-8")

    def write(self, **values: Any) -> None:
        """Append a line; the time until now does not count as training."""
        self.clock = time.perf_counter()
        if self.writes:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(finite(values)) + "\n")

    def step(self, report: StepReport) -> None:
        """Take note of a step."""
        self.reports.append(report)

    def write_steps(self, **values: Any) -> dict[str, Any]:
        """Append a line on the steps since the last one.

        Returns:
            ``loss``, ``weight``, ``samples_per_second``, ``gradient_norm`` and, if there are
            any, ``cosine``.
        """
        reports, seconds = self.reports, time.perf_counter() - self.clock
        norms = [r.gradient_norm for r in reports if r.gradient_norm is not None]
        figures = {
            "loss": _means([report.losses for report in reports]),
            "weight": _means([report.weights for report in reports]),
            "samples_per_second": sum(r.samples for r in reports) / max(seconds, 1e-9),
            "gradient_norm": fmean(norms) if norms else None,
        }
        cosines = _means([report.cosines for report in reports])
        figures |= {"cosine": cosines} if cosines else {}
        self.reports = []
        self.write(**values, **figures)
        return figures


def _means(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Average by key, each over the parts that have it."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: fmean(part[name] for part in parts if name in part) for name in names}


def read_log(path: Path) -> list[dict[str, Any]]:
    """Read a log; a last line that was cut off by a kill is left out.

    Raises:
        ValueError: if another line is none of a log.
    """
    lines = path.read_text(encoding="utf-8").split("\n")
    return [_read_line(path, number, line) for number, line in enumerate(lines[:-1], start=1)]


def _read_line(path: Path, number: int, line: str) -> dict[str, Any]:
    """Read one line of a log."""
    try:
        values = json.loads(line)
    except ValueError:
        values = None
    if not isinstance(values, dict) or not isinstance(values.get("step"), int):
        raise ValueError(
            f"{path}:{number}: expected a JSON object with 'step', found {line[:80]!r}. Drop the "
            "line, or move the file away."
        )
    return values


def finite(value: Any) -> Any:
    """Return plain values with null for every number that JSON has no sign for."""
    if isinstance(value, Mapping):
        return {key: finite(below) for key, below in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(below) for below in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


class Display:
    """A progress bar with each task's loss, the throughput and the time left.

    Args:
        total: steps of the whole training.
        done: steps done before.
        shown: False shows nothing.
    """

    def __init__(self, total: int, done: int, *, shown: bool) -> None:
        self.bar = Progress(
            TextColumn("{task.description}", table_column=Column(no_wrap=True, min_width=9)),
            BarColumn(bar_width=12),
            MofNCompleteColumn(table_column=Column(no_wrap=True, min_width=9)),
            TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=7)),
            # On a narrow terminal this is what is cut off.
            TextColumn(
                "{task.fields[figures]}",
                table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1),
            ),
            console=Console(stderr=True),
            expand=True,
            disable=not shown,
        )
        self.line = self.bar.add_task("training", total=total, completed=done, figures="")

    def __enter__(self) -> Display:
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def step(self, step: int, epoch: int, losses: Mapping[str, float], rate: float) -> None:
        """Show a step: mean losses since the last one shown, and samples per second."""
        text = "  ".join(f"{name} {loss:.3g}" for name, loss in losses.items())
        self.bar.update(
            self.line,
            completed=step,
            description=f"epoch {epoch + 1}",
            figures=f"left, {rate:.0f} samples/s, loss: {text}",
        )

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        if not self.bar.disable:
            self.bar.console.print(text, markup=False, highlight=False)
