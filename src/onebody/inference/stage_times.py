"""What each part of a network takes for one frame of a stream."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from torch import nn

from onebody.inference.runtimes import eager
from onebody.inference.step import RuntimeStep, StepModule
from onebody.models import Encoder, SavedNetwork
from onebody.types import Floats


def stage_times(
    saved: SavedNetwork, frames: Sequence[Floats], repeats: int = 40
) -> dict[str, float]:
    """Measure stem, stages and heads, run eagerly in float32.

    Args:
        saved: a causal network of pictures.
        frames: ``[1, C, H, W]``, taken in turns.
        repeats: how many are run; the first tenth is not counted.

    Returns:
        By part its median milliseconds. ``rest`` is what is left of the whole: the heads of a
        network that is no `MultiTask`, calls.
    """
    module = StepModule(saved.network, saved.input).eval()
    runner = RuntimeStep(runtime=eager(module), tasks=module.tasks, begin=module.begin)
    taken: dict[str, list[float]] = {name: [] for name in (*_parts(saved.network), "whole")}
    started: dict[str, float] = {}
    handles = []
    for name, part in _parts(saved.network).items():

        def begin(_module: nn.Module, _given: object, name: str = name) -> None:
            started[name] = time.perf_counter()

        def end(_module: nn.Module, _given: object, _made: object, name: str = name) -> None:
            taken[name].append(time.perf_counter() - started[name])

        handles += [part.register_forward_pre_hook(begin), part.register_forward_hook(end)]
    try:
        state = None
        for number in range(repeats):
            start = time.perf_counter()
            _, state = runner.step(frames[number % len(frames)], state)
            taken["whole"].append(time.perf_counter() - start)
    finally:
        for handle in handles:
            handle.remove()
    counted = {name: np.array(each[repeats // 10 :]) for name, each in taken.items() if each}
    whole = counted.pop("whole")
    counted["rest"] = np.maximum(0.0, whole - sum(counted.values()))
    return {name: 1e3 * float(np.median(each)) for name, each in counted.items()}


def _parts(network: nn.Module) -> dict[str, nn.Module]:
    """Return the parts that are timed: those of every copy of the encoder, and the heads."""
    parts: dict[str, nn.Module] = {}
    bodies = [module for module in network.modules() if isinstance(module, Encoder)]
    for number, body in enumerate(bodies):
        copy = f"copy {number} " if len(bodies) > 1 else ""
        parts[f"{copy}stem"] = body.stem
        for place, stage in enumerate(body.stages):
            parts[f"{copy}{place} {type(stage).__name__}"] = stage
    heads = getattr(network, "heads", None)
    if isinstance(heads, nn.ModuleDict):
        parts |= {f"head {name}": head for name, head in heads.items()}
    return parts
