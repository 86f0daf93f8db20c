"""``onebody bench``: frames per second, by runtime and by how much of a network is run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onebody.cli.errors import command_group

if TYPE_CHECKING:
    from onebody.inference.throughput import Throughput
    from onebody.models.spnet import SPNet

bench = command_group("Measure how fast networks are here.")


@bench.callback()
def _group() -> None:
    """Keep ``spnet`` a command of its own, though it is the only one."""


@bench.command("spnet")
def spnet(
    config: Annotated[
        str, typer.Option(help="spnet-penn, spnet-penn-2, spnet-ntu, or a file of values.")
    ] = "spnet-penn-2",
    run: Annotated[
        Path | None, typer.Option(help="A trained run instead: its accuracy stands beside.")
    ] = None,
    truncate: Annotated[
        list[int] | None, typer.Option(help="Stop after so many predictions (repeat) [all].")
    ] = None,
    runtime: Annotated[
        list[str] | None, typer.Option(help="Only these, such as eager or openvino (repeat).")
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="Frames of a clip.")] = 8,
    size: Annotated[int, typer.Option(min=16, help="Side of the pictures.")] = 256,
    batch: Annotated[int, typer.Option(min=1, help="Clips at once.")] = 1,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each runtime.")] = 7,
    threads: Annotated[int, typer.Option(help="Threads of each runtime [all].")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """Measure SPNet: every truncation by every runtime, in turns."""
    import torch

    from onebody.inference.bench_spnet import bench_spnet

    if threads:
        torch.set_num_threads(threads)
    scores: dict[str, list[float]] = {}
    if run is not None:
        network, shape, scores = _trained(run, batch)
    else:
        from onebody.cli.convert import read_spnet_config
        from onebody.models.spnet import SPNet

        torch.manual_seed(0)
        network = SPNet(read_spnet_config(config)).eval()
        shape = (batch, network.config.in_channels, frames, size, size)
    rows = bench_spnet(
        str(run or config),
        network,
        shape,
        truncations=truncate or [],
        runtimes=runtime or [],
        rounds=rounds,
        say=lambda line: typer.echo(line, err=True),
    )
    if as_json:
        plain = [_plain(kept, row, scores) for kept, row in rows]
        typer.echo(json.dumps(plain, indent=2, allow_nan=False))
        return
    for line in _lines(rows, scores):
        typer.echo(line)


def _trained(run: Path, batch: int) -> tuple[SPNet, tuple[int, ...], dict[str, list[float]]]:
    """Return a run's network, the shape of its input, and its test figures by prediction.

    Raises:
        ValueError: if there is no such run, or its network is another.
    """
    from onebody.evaluation import evaluate_outputs
    from onebody.inference import load
    from onebody.models import SPNetNetwork
    from onebody.training import build_sources, load_recipe

    saved = load(run).saved
    network = saved.network
    if not isinstance(network, SPNetNetwork):
        raise ValueError(f"{run}: expected a run of the network 'spnet', found another network.")
    net, input = network.net, saved.input
    shape = (batch, net.config.in_channels, input.frames, input.size, input.size)
    recipe = load_recipe(str(run))
    rows = build_sources(recipe).splits["test"]
    found = evaluate_outputs(network, rows, tasks=list(network.choices)) if rows else {}
    scores: dict[str, list[float]] = {}
    for name, outputs in found.items():
        metric = network.tasks[name].metrics[network.tasks[name].primary].function
        values = iter([metric(results) for results in outputs])
        if name in network.sets:  # only some predictions recognize actions
            scores[name] = [next(values) if step.action else float("nan") for step in net.steps]
        else:
            scores[name] = list(values)
    return net, shape, scores


def _plain(kept: int, row: Throughput, scores: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Return one row as plain values."""
    from onebody.training.log import finite

    own = {task: values[kept - 1] for task, values in scores.items()}
    plain: dict[str, Any] = finite({**asdict(row), "truncate": kept, **own})
    return plain


def _lines(
    rows: Sequence[tuple[int, Throughput]], scores: Mapping[str, Sequence[float]]
) -> list[str]:
    """Return the table."""
    from onebody.cli.tables import show, text_table

    head = ["runtime", "precision", "predictions", "frames/s", "GFLOP/s", "of peak", "error"]
    cells = [
        [
            row.runtime,
            row.precision,
            str(kept),
            f"{row.frames_per_s:.1f}",
            f"{row.gflop_per_s:.1f}",
            f"{row.of_peak:.2f}",
            f"{row.error:.1e}",
            *(show(values[kept - 1], "%") for values in scores.values()),
        ]
        for kept, row in rows
    ]
    return text_table([*head, *scores], cells)
