"""``onebody evaluate``: measure a trained network anew."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from onebody.data import Source
    from onebody.metrics import Results
    from onebody.tasks import Task


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    split: Annotated[
        str, typer.Option(help="Which rows: train, validation or test (with --on also all).")
    ] = "test",
    stress: Annotated[
        bool, typer.Option("--stress", help="Change the rows at growing strength.")
    ] = False,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="With --stress: only this kind, see 'onebody list stresses' (repeat)."),
    ] = None,
    against: Annotated[
        list[Path] | None, typer.Option(help="With --stress: a twin's run beside it (repeat).")
    ] = None,
    on: Annotated[
        str, typer.Option(help="A recipe on another dataset, whose places name the classes here.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="With --stress or --on: folder for JSON and a picture.")
    ] = None,
    clips: Annotated[
        int | None, typer.Option(min=1, help="Clips averaged per sample [default: as its recipe].")
    ] = None,
    by: Annotated[
        str, typer.Option(help="Figures for each class of this column, subject or camera.")
    ] = "",
    device: Annotated[str, typer.Option(help="Where the network runs: cpu, cuda.")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure a trained network on a split of the data that its recipe names."""
    _check_options(stress, on, kinds=bool(kind), against=bool(against), out=out is not None)
    if by and (stress or on):
        raise ValueError("--by groups plain figures. Leave out --stress and --on.")
    clips = clips or _own_clips(run)
    if stress or on:
        from onebody.cli.beyond import print_cross, print_stress

        if on:
            print_cross(run, on, split, clips=clips, device=device, out=out, as_json=as_json)
            return
        print_stress(
            run,
            against or [],
            split,
            stresses=kind or [],
            clips=clips,
            device=device,
            out=out,
            as_json=as_json,
        )
        return
    if by:
        from onebody.cli.by_group import print_by

        print_by(*_answers(run, split, clips=clips, device=device), by, as_json=as_json)
        return
    from onebody.cli.tables import figure_lines, metric_units
    from onebody.cli.without_task import block_lines, measure_without_task, plain

    found = measure_run(run, split, clips=clips, device=device)
    without = measure_without_task(run, split, clips=clips, device=device)
    if as_json:
        values = {**found, "without_task": plain(without)} if without else found
        typer.echo(json.dumps(values, indent=2, allow_nan=False))
        return
    for line in (*figure_lines(found, metric_units()), *block_lines(without)):
        typer.echo(line)


def measure_run(
    run: Path, split: str, *, clips: int = 1, device: str = "cpu"
) -> dict[str, dict[str, float | None]]:
    """Return the figures of a run's network by task and metric; None: nothing to measure.

    Raises:
        ValueError: if there is no such run or split, or the split has no labeled rows.
    """
    import math

    from onebody.evaluation import figures

    tasks, results, _ = _answers(run, split, clips=clips, device=device)
    measured = figures(tasks, results)
    return {
        task: {name: value if math.isfinite(value) else None for name, value in values.items()}
        for task, values in measured.items()
    }


def _answers(
    run: Path, split: str, *, clips: int, device: str
) -> tuple[Mapping[str, Task], Mapping[str, Results], Sequence[Source]]:
    """Return a run's tasks, its network's answers on a split, and what was read."""
    from onebody.config import lookup
    from onebody.evaluation import evaluate
    from onebody.inference import load
    from onebody.training import build_sources, load_recipe

    if not (run / "recipe.yaml").is_file():
        raise ValueError(f"{run}: expected a run's folder (with recipe.yaml), found none.")
    network = load(run, device=device).saved.network
    recipe = load_recipe(str(run))
    sources = lookup(build_sources(recipe).splits, split, "split")
    if not sources:
        raise ValueError(f"{run}: the {split} split has no labeled rows.")
    bf16 = recipe.train.bf16  # as the training itself measured
    results = evaluate(network, sources, clips=clips, device=device, bf16=bf16)
    return network.tasks, results, sources


def _own_clips(run: Path) -> int:
    """Return how many clips a run's own test averaged; what is no run is refused later."""
    from onebody.training import load_recipe

    if not (run / "recipe.yaml").is_file():
        return 1
    return load_recipe(str(run)).evaluation.clips


def _check_options(stress: bool, on: str, *, kinds: bool, against: bool, out: bool) -> None:
    """Refuse options that nothing would read."""
    if stress and on:
        raise ValueError("--stress and --on are two evaluations. Ask for one at a time.")
    for name, given, meant in (
        ("--kind", kinds, stress),
        ("--against", against, stress),
        ("--out", out, stress or bool(on)),
    ):
        if given and not meant:
            raise ValueError(
                f"{name} means something only with --stress{' or --on' * (name == '--out')}."
            )
