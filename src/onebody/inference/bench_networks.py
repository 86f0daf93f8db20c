"""The networks that ``onebody bench`` compares, each with the ways to run it one frame at a time.

All read the same pictures. The `stream` networks answer 2D and 3D pose, action and gesture, and
carry their state from frame to frame. SPNet is the exact port with two pyramids (`spnet-penn-2`),
which answers less: 2D pose and action, of single frames.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import torch

from onebody.config import Config, lookup, read_config
from onebody.data import InputSpec
from onebody.inference.bench_spnet import spnet_runtimes
from onebody.inference.choose_runner import Walk, make_runners
from onebody.inference.peak_memory import SPNET
from onebody.inference.runtimes import Precision
from onebody.inference.step import StepRunner
from onebody.inference.step_check import differences, walk
from onebody.models import (
    NETWORKS,
    SavedNetwork,
    build_network,
    input_shapes,
    save_network,
)
from onebody.models.spnet import PRESETS, SPNet
from onebody.models.stream import SIZES
from onebody.simulate.actions import ACTIONS
from onebody.simulate.gestures import GESTURES
from onebody.tasks import TASKS, build_tasks
from onebody.types import Floats

SIZE = 256
"""Side of the pictures in pixels."""

SKELETON = "kinect-20"
REFERENCE = "spnet-penn-2"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to run one network.

    Attributes:
        model: the network's name.
        runtime, precision: what runs it, and what it computes in.
        input: shape of a frame.
        tasks: what it answers.
        run: runs the next frame, with the state that the frames before left.
        error: largest difference from eager float32, of probabilities and crop fractions.
        folder: what `peak_memory` opens.
    """

    model: str
    runtime: str
    precision: Precision
    input: tuple[int, ...]
    tasks: tuple[str, ...]
    run: Callable[[], object]
    error: float
    folder: Path


def stream_network(size: str, pixels: int = SIZE) -> SavedNetwork:
    """Return an untrained network of a size of the encoder `stream`, with all four tasks.

    Its speed is that of a trained one.
    """
    classes = {"action": tuple(ACTIONS), "gesture": tuple(GESTURES)}
    values: dict[str, dict[str, object]] = {
        "pose2d": {"kind": "pose2d", "name": "pose2d", "skeleton": SKELETON},
        "pose3d": {"kind": "pose3d", "name": "pose3d", "skeleton": SKELETON},
    }
    for name, names in classes.items():
        given = {"kind": "classification", "name": name, "classes": names, "per_frame": True}
        values[name] = given
    tasks: dict[str, Config] = {
        name: read_config(lookup(TASKS, str(given["kind"]), "task").config, given, "bench")
        for name, given in values.items()
    }
    heads = {name: {"kind": "points"} for name in ("pose2d", "pose3d")}
    given = {"encoder": {"kind": "stream", "size": size}, "heads": heads}
    config = read_config(NETWORKS["multitask"].config, given, "bench")
    spec = InputSpec(size=pixels, sampling="dense")
    torch.manual_seed(0)
    network = build_network(config, build_tasks(tasks), input_shapes(spec)).eval()
    return SavedNetwork(network=network, tasks=tasks, input=spec, config=config, notes={})


def stream_networks(
    sizes: Sequence[str] = tuple(SIZES), pixels: int = SIZE
) -> dict[str, SavedNetwork]:
    """Return a network of each size, by name."""
    return {f"stream-{size}": stream_network(size, pixels) for size in sizes}


def stream_ways(
    model: str,
    saved: SavedNetwork,
    frames: Sequence[Floats],
    folder: Path,
    names: Collection[str],
    say: Say,
) -> list[Way]:
    """Make the ways to run a causal network.

    Args:
        model: its name.
        saved: the network.
        frames: ``[1, C, H, W]``, consecutive ones.
        folder: for its files.
        names: of `RUNTIMES`.
        say: told what is done.
    """
    save_network(
        folder / "model", saved.network, config=saved.config, tasks=saved.tasks, input=saved.input
    )
    runners = make_runners(saved, frames, folder, names, lambda line: say(f"{model}: {line}"))
    expected = walk(runners[0], frames)
    if "eager" not in names:
        runners = [runner for runner in runners if runner.name != "eager"]
    ways = []
    for runner in runners:
        found = differences(walk(runner, frames), expected, saved.network.tasks)
        ways.append(
            Way(
                model=model,
                runtime=runner.name,
                precision=runner.precision,
                input=frames[0].shape,
                tasks=tuple(runner.tasks),
                run=Walk(runner, frames),
                error=max(gap.shown for gap in found.values()),
                folder=folder,
            )
        )
    return ways


def runner_of(
    saved: SavedNetwork, runtime: str, precision: str, frames: Sequence[Floats], folder: Path
) -> StepRunner:
    """Make one way to run a causal network, as named in a row.

    Args:
        saved: the network.
        runtime: what runs it.
        precision: what it computes in.
        frames: ``[1, C, H, W]``, for the ranges of int8.
        folder: for its files.
    """
    way = "channels-last" if runtime.endswith("channels-last") else runtime
    made = make_runners(saved, frames, folder, [way])
    return next(r for r in made if (r.name, r.precision) == (runtime, precision))


def spnet_ways(
    frames: Sequence[Floats], folder: Path, names: Collection[str], say: Say
) -> list[Way]:
    """Make the ways to run the exact port of SPNet, a frame at a time.

    Args:
        frames: ``[1, 3, H, W]`` in [0, 1].
        folder: for its files.
        names: of `RUNTIMES`.
        say: told what is done.
    """
    config = PRESETS[REFERENCE]
    torch.manual_seed(0)
    network = SPNet(config).eval()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SPNET).write_text(config.model_dump_json(), encoding="utf-8")
    (folder / "size").write_text(str(frames[0].shape[-1]), encoding="utf-8")
    clips = [2 * frame[:, :, None] - 1 for frame in frames]
    wanted = ["eager", *(name for name in names if name != "eager")]
    made = spnet_runtimes(
        network, clips[::4], folder, wanted, lambda line: say(f"{REFERENCE}: {line}")
    )
    expected = [made[0].run(clip) for clip in clips]
    ways = []
    for runtime in made:
        if runtime.name == "eager" and "eager" not in names:
            continue
        error = 0.0
        for clip, truth in zip(clips, expected, strict=True):
            for ours, theirs in zip(runtime.run(clip), truth, strict=True):
                error = max(error, float(abs(ours - theirs).max()))
        ways.append(
            Way(
                model=REFERENCE,
                runtime=runtime.name,
                precision=runtime.precision,
                input=frames[0].shape,
                tasks=("pose2d", "action"),
                run=_in_turns(runtime.run, clips),
                error=error,
                folder=folder,
            )
        )
    return ways


def _in_turns(run: Callable[[Floats], object], clips: Sequence[Floats]) -> Callable[[], object]:
    """Return what runs the next clip."""
    following = cycle(clips)
    return lambda: run(next(following))
