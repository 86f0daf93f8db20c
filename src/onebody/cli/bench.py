"""``onebody bench``: frames per second, by runtime and by how much of a network is run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onebody.cli.bench_all import bench_all
from onebody.cli.errors import command_group

if TYPE_CHECKING:
    from onebody.inference.agreement import RealClips
    from onebody.inference.bench_spnet import BenchRow
    from onebody.models.spnet import SPNet

CONFIG, FRAMES, SIZE, CLIPS = "spnet-penn-2", 8, 256, 64
"""What is measured where nothing is said: a network, its clips, rows of a run."""

bench = command_group("Measure how fast networks are here.", no_args_is_help=False)
bench.callback(invoke_without_command=True)(bench_all)


@bench.command("spnet")
def spnet(
    config: Annotated[
        str | None,
        typer.Option(help=f"spnet-penn, spnet-ntu, .., or a file of values [{CONFIG}]."),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="A trained run instead: its accuracy stands beside.")
    ] = None,
    truncate: Annotated[
        list[int] | None, typer.Option(help="Stop after so many predictions (repeat) [all].")
    ] = None,
    runtime: Annotated[
        list[str] | None, typer.Option(help="Only these, such as eager or openvino (repeat).")
    ] = None,
    frames: Annotated[int | None, typer.Option(min=1, help=f"Frames of a clip [{FRAMES}].")] = None,
    size: Annotated[
        int | None, typer.Option(min=16, help=f"Side of the pictures [{SIZE}].")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Clips at once.")] = 1,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each runtime.")] = 7,
    clips: Annotated[
        int | None,
        typer.Option(min=2, help=f"Validation rows of RUN for int8's ranges, errors [{CLIPS}]."),
    ] = None,
    threads: Annotated[int, typer.Option(min=0, help="Threads of each runtime [all].")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """Measure SPNet: every truncation by every runtime, in turns.

    With a run, int8 takes its ranges from some of its validation rows, and what is not float32 is
    held against float32 on the others; without one the pictures are made up.
    """
    import torch

    from onebody.inference.bench_spnet import bench_spnet

    if threads:
        torch.set_num_threads(threads)
    _check_meaning(run, {"config": config, "frames": frames, "size": size}, clips)
    truncate = list(dict.fromkeys(truncate or []))
    scores: dict[str, list[float]] = {}
    real: RealClips | None = None
    if run is not None:
        network, shape, scores, real = _trained(run, batch, clips or CLIPS)
    else:
        from onebody.cli.convert import read_spnet_config
        from onebody.models.spnet import SPNet

        torch.manual_seed(0)
        network = SPNet(read_spnet_config(config or CONFIG)).eval()
        side = size or SIZE
        shape = (batch, network.config.in_channels, frames or FRAMES, side, side)
    _check_truncations(truncate, len(network.steps))
    rows = bench_spnet(
        str(run or config or CONFIG),
        network,
        shape,
        truncations=truncate,
        runtimes=runtime or [],
        rounds=rounds,
        clips=real,
        say=lambda line: typer.echo(line, err=True),
    )
    if as_json:
        plain = [_plain(row, scores) for row in rows]
        typer.echo(json.dumps(plain, indent=2, allow_nan=False))
        return
    for line in [*_lines(rows, scores), *_agreements(rows)]:
        typer.echo(line)


def _check_meaning(run: Path | None, own: Mapping[str, object], clips: int | None) -> None:
    """Refuse options that would be without effect."""
    stated = [f"--{name}" for name, value in own.items() if value is not None]
    if run is not None and stated:
        raise ValueError(
            f"{', '.join(stated)}: expected nothing of this beside --run, which measures the "
            f"network of {run} on clips as it learned from. Leave one of them out."
        )
    if run is None and clips is not None:
        raise ValueError("--clips says how many rows of a run are read: name one by --run.")


def _check_truncations(truncate: Sequence[int], predictions: int) -> None:
    """Refuse what cannot be kept, before anything is measured."""
    for kept in truncate:
        if not 1 <= kept <= predictions:
            raise ValueError(f"--truncate: expected 1 to {predictions} predictions, found {kept}.")


def _trained(
    run: Path, batch: int, clips: int
) -> tuple[SPNet, tuple[int, ...], dict[str, list[float]], RealClips]:
    """Return a run's network, its input's shape, test figures by prediction, validation rows.

    Raises:
        ValueError: if there is no such run, or its network is another.
    """
    from onebody.evaluation import evaluate_outputs
    from onebody.inference import load
    from onebody.inference.agreement import RealClips
    from onebody.models import SPNetNetwork
    from onebody.training import build_sources, load_recipe

    saved = load(run).saved
    network = saved.network
    if not isinstance(network, SPNetNetwork):
        raise ValueError(f"{run}: expected a run of the network 'spnet', found another network.")
    net, input = network.net, saved.input
    shape = (batch, net.config.in_channels, input.frames, input.size, input.size)
    recipe = load_recipe(str(run))
    splits = build_sources(recipe).splits
    rows, real = splits["test"], RealClips(network, splits["validation"], shape, clips)
    found = evaluate_outputs(network, rows, tasks=list(network.choices)) if rows else {}
    scores: dict[str, list[float]] = {}
    for name, outputs in found.items():
        metric = network.tasks[name].metrics[network.tasks[name].primary].function
        values = iter([metric(results) for results in outputs])
        if name in network.sets:  # only some predictions recognize actions
            scores[name] = [next(values) if step.action else float("nan") for step in net.steps]
        else:
            scores[name] = list(values)
    return net, shape, scores, real


def _plain(row: BenchRow, scores: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Return one row as plain values."""
    from onebody.training.log import finite

    own = {task: values[row.kept - 1] for task, values in scores.items()}
    plain: dict[str, Any] = {**asdict(row.speed), "truncate": row.kept, **own}
    if row.agreement is not None:
        figures = {
            task: {"fp32": before, row.speed.precision: after}
            for task, (before, after) in row.agreement.figures.items()
        }
        plain["on_validation"] = {**asdict(row.agreement), "figures": figures}
    result: dict[str, Any] = finite(plain)
    return result


def _lines(rows: Sequence[BenchRow], scores: Mapping[str, Sequence[float]]) -> list[str]:
    """Return the table of speeds."""
    from onebody.cli.tables import show, text_table

    head = ["runtime", "precision", "predictions", "frames/s", "GFLOP/s", "of peak", "error"]
    cells = [
        [
            row.speed.runtime,
            row.speed.precision,
            str(row.kept),
            f"{row.speed.frames_per_s:.1f}",
            f"{row.speed.gflop_per_s:.1f}",
            f"{row.speed.of_peak:.2f}",
            f"{row.speed.error:.1e}",
            *(show(values[row.kept - 1], "%") for values in scores.values()),
        ]
        for row in rows
    ]
    return text_table([*head, *scores], cells)


def _agreements(rows: Sequence[BenchRow]) -> list[str]:
    """Return the table of differences from float32 on validation rows, if there is one."""
    from onebody.cli.tables import text_table

    found = [(row, row.agreement) for row in rows if row.agreement is not None]
    if not found:
        return []
    tasks = list(dict.fromkeys(name for _, agreement in found for name in agreement.figures))
    head = ["runtime", "precision", "predictions", "rows", "px max", "px mean", "p max", "p mean"]
    cells = [
        [
            row.speed.runtime,
            row.speed.precision,
            str(row.kept),
            str(agreement.rows),
            f"{agreement.pose_px_max:.2f}",
            f"{agreement.pose_px_mean:.3f}",
            f"{agreement.probability_max:.3f}",
            f"{agreement.probability_mean:.4f}",
            *(
                _change(agreement.figures[task]) if task in agreement.figures else ""
                for task in tasks
            ),
        ]
        for row, agreement in found
    ]
    return ["", "On validation rows, beside float32:", *text_table([*head, *tasks], cells)]


def _change(figures: tuple[float, float]) -> str:
    """Return a figure in float32 and as measured."""
    from onebody.cli.tables import show

    return " > ".join(show(value, "%") for value in figures)
