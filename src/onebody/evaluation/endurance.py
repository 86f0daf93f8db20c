"""What a network bears: its figures at every strength of every stress."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from onebody.data import Source
from onebody.evaluation.answers import evaluate
from onebody.evaluation.stress import STRESSES, get_stress, stress_names
from onebody.evaluation.views import PLAIN, ViewsConfig
from onebody.metrics import Results
from onebody.models import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class StressCurve:
    """A network under one stress.

    Attributes:
        stress: its name (see `STRESSES`).
        unit, levels: of its strengths; the first is the clean one.
        metrics: name of the measured metric, by task: the task's primary one.
        values: the figure at each level, by task; None where nothing could be measured.
        samples: measured rows, by task.
    """

    stress: str
    unit: str
    levels: tuple[float, ...]
    metrics: Mapping[str, str]
    values: Mapping[str, tuple[float | None, ...]]
    samples: Mapping[str, int]


def measure_under_stress(
    network: Network,
    sources: Sequence[Source],
    *,
    stresses: Sequence[str] = (),
    clips: int = 1,
    views: ViewsConfig = PLAIN,
    workers: int = 0,
    device: torch.device | str = "cpu",
    bf16: bool = False,
    say: Callable[[str], None] | None = None,
) -> list[StressCurve]:
    """Measure a network at every strength.

    Args:
        network: it is left in evaluation mode.
        sources: of the test; a stress is made to those whose medium it suits, and only those are
            measured under it.
        stresses: names; empty: all that suit some source.
        clips: test clips of each row.
        views: looks at each clip, and how answers are joined.
        workers: processes that read ahead.
        device: where to compute.
        bf16: compute in bfloat16 where that is safe.
        say: told of each stress when it begins.

    Raises:
        ValueError: if a stress does not exist, or suits none of the sources, or none does.
    """
    ask = partial(
        evaluate, network, clips=clips, views=views, workers=workers, device=device, bf16=bf16
    )
    curves: list[StressCurve] = []
    clean: dict[tuple[int, ...], dict[str, Results]] = {}
    names = stresses or _fitting(sources)
    if not names:
        read = " or ".join(dict.fromkeys(_read(source) for source in sources))
        raise ValueError(
            f"No stress can be made to {read}: several media, and optical flow, are not put under "
            "stress yet."
        )
    for name in names:
        stress = get_stress(name)
        places = tuple(i for i, source in enumerate(sources) if stress.fits(source.spec))
        if not places:
            read = ", ".join(dict.fromkeys(map(_read, sources)))
            raise ValueError(
                f"Stress {name!r} cannot be made to {read}"
                f"{' clips of one frame' if stress.in_time else ''}. It suits "
                f"{', '.join(stress.modalities)}."
            )
        if say is not None:
            say(name)
        own = [sources[i] for i in places]
        if places not in clean:  # the first strength of every stress changes nothing
            clean[places] = ask(own)
        found = [clean[places]] + [
            ask(
                [stress.apply(source, level) for source in own],
                change=partial(stress.changed, level=level),
            )
            for level in stress.levels[1:]
        ]
        curves.append(_curve(network, name, found))
    return curves


def _fitting(sources: Sequence[Source]) -> list[str]:
    """Return the stresses that suit some source, in the registry's order."""
    suited = {name for source in sources for name in stress_names(source.spec)}
    return [name for name in STRESSES if name in suited]


def _curve(network: Network, name: str, found: Sequence[Mapping[str, Results]]) -> StressCurve:
    """Take the primary metrics out of results by level."""
    stress, tasks = STRESSES[name], network.tasks
    metrics = {task: tasks[task].primary for task in found[0]}

    def value(results: Mapping[str, Results], task: str) -> float | None:
        figure = tasks[task].metrics[metrics[task]].function(results[task])
        return float(figure) if math.isfinite(figure) else None

    return StressCurve(
        stress=name,
        unit=stress.unit,
        levels=stress.levels,
        metrics=metrics,
        values={task: tuple(value(results, task) for results in found) for task in metrics},
        samples={task: len(set(found[0][task].row.tolist())) for task in metrics},
    )


def _read(source: Source) -> str:
    """Name what is read of a source."""
    return "+".join(medium.modality for medium in source.spec.media)
