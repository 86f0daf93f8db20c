"""The block ``without a task id`` of ``onebody evaluate``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from onebody.cli.tables import show, text_table

if TYPE_CHECKING:
    from onebody.cli.opened import Opened
    from onebody.evaluation import WithoutTask

_COLUMNS = ("", "clips", "task given", "not given", "gap", "right task", "after rejection")


def measure_without_task(opened: Opened) -> dict[str, WithoutTask]:
    """Return by joint task what a run's network is worth without a task id."""
    from onebody.evaluation import without_task

    return without_task(
        opened.saved.network,
        opened.sources,
        opened.saved.calibration,
        clips=opened.how.clips,
        views=opened.how.views,
        device=opened.device,
    )


def block_lines(found: Mapping[str, WithoutTask]) -> Iterator[str]:
    """Yield the lines of the block; none where the network has no joint answer."""
    for task, figures in found.items():
        yield ""
        yield f"without a task id: {task}"
        rows = [
            (name, str(part.rows), *(show(value, "%") for value in values))
            for name, part in figures.parts.items()
            for values in [(part.given, part.without, part.gap, part.router, part.answered)]
        ]
        yield from text_table(_COLUMNS, rows)
        yield (
            f"calibration error {show(figures.ece_before, '%')}, with the temperature "
            f"{show(figures.ece_after, '%')}"
        )
        if figures.threshold is not None:
            yield (
                f"score under {figures.threshold:.3f}: {show(figures.rejected_known, '%')} of "
                "known clips are taken for none of these"
                + _others(", and {} of others", figures.rejected_neither)
            )
        if figures.neither:
            yield (
                f"{figures.neither} clips of none of the tasks: AUROC {show(figures.auroc, '%')}, "
                f"{show(figures.fpr95, '%')} pass where 95 % of known ones do"
            )


def plain(found: Mapping[str, WithoutTask]) -> dict[str, Any]:
    """Return the figures as plain values; None: nothing to measure."""
    values: dict[str, Any] = _finite({task: asdict(figures) for task, figures in found.items()})
    for task, figures in found.items():
        for name, part in figures.parts.items():
            values[task]["parts"][name]["gap"] = part.gap
    return values


def _others(text: str, share: float) -> str:
    """Return a phrase about clips of none of the tasks, if there are any."""
    return "" if math.isnan(share) else text.format(show(share, "%"))


def _finite(value: Any) -> Any:
    """Return plain values with None for NaN."""
    if isinstance(value, Mapping):
        return {key: _finite(below) for key, below in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
