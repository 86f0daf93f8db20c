"""``onebody evaluate``: measure a trained network anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from onebody.cli.opened import Opened, Protocol


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
        int | None, typer.Option(min=1, help="Clips joined per sample [default: as its recipe].")
    ] = None,
    fusion: Annotated[
        str | None, typer.Option(help="Joins class scores: average, product [as its recipe].")
    ] = None,
    flip: Annotated[
        bool | None,
        typer.Option("--flip/--no-flip", help="Look at mirrored clips, too [as its recipe]."),
    ] = None,
    crops: Annotated[
        int | None, typer.Option(min=1, help="Moved crops of each clip [as its recipe].")
    ] = None,
    boxes: Annotated[
        str,
        typer.Option(
            help="Where people are: table, none (whole), own (found), or a run that finds."
        ),
    ] = "table",
    by: Annotated[
        str, typer.Option(help="Figures for each class of this column, subject or camera.")
    ] = "",
    outputs: Annotated[
        bool, typer.Option("--outputs", help="Figures of every output, from coarse to final.")
    ] = False,
    media: Annotated[
        str,
        typer.Option(help="Show some media, the others hidden: depth,imu; or: all-subsets."),
    ] = "",
    fuse: Annotated[
        list[Path] | None, typer.Option(help="A run of the same split to sum scores with (repeat).")
    ] = None,
    fuse_weights: Annotated[
        str, typer.Option(help="With --fuse: equal, validation, or numbers in the runs' order.")
    ] = "equal",
    device: Annotated[str, typer.Option(help="Where the network runs: cpu, cuda.")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure a trained network on a split of the data that its recipe names."""
    from onebody.cli.opened import open_run, protocol_of

    _check_options(stress, on, kinds=bool(kind), against=bool(against), out=out is not None)
    beyond = stress or bool(on)
    _check_plain(beyond, by=bool(by), outputs=outputs, boxes=boxes != "table", media=bool(media))
    _check_media(media, by=bool(by), outputs=outputs, fuse=bool(fuse))
    _check_fuse(bool(fuse), fuse_weights, outputs=outputs, boxes=boxes, beyond=beyond)
    changes = {"clips": clips, "fusion": fusion, "flip": flip, "crops": crops}
    if fuse:
        _fused([run, *fuse], split, changes, fuse_weights, by, device, as_json=as_json)
        return
    how = protocol_of(run, changes, boxes)
    if stress or on:
        _beyond(run, split, how, on, kind or [], against or [], out, device, as_json=as_json)
        return
    opened = open_run(run, split, how, device=device)
    _plain(opened, by, media, outputs=outputs, as_json=as_json)


def _plain(opened: Opened, by: str, media: str, *, outputs: bool, as_json: bool) -> None:
    """Measure on the data that the recipe names."""
    from onebody.cli.media import ALL, print_subsets, shown

    if media and media != ALL:
        opened = shown(opened, media)
    if media == ALL:
        print_subsets(opened, as_json=as_json)
    elif outputs:
        from onebody.cli.outputs import print_outputs

        print_outputs(opened, as_json=as_json)
    elif by:
        from onebody.cli.by_group import print_by

        tasks = opened.saved.network.tasks
        print_by(tasks, opened.answers(), opened.sources, by, as_json=as_json)
    else:
        _print_figures(opened, as_json=as_json)


def _fused(
    runs: list[Path],
    split: str,
    changes: dict[str, Any],
    weights: str,
    by: str,
    device: str,
    *,
    as_json: bool,
) -> None:
    """Measure what several runs answer together."""
    from onebody.cli.fuse import fuse_runs, print_fused

    print_fused(fuse_runs(runs, split, changes, weights, device=device), by, as_json=as_json)


def _beyond(
    run: Path,
    split: str,
    how: Protocol,
    on: str,
    kinds: list[str],
    against: list[Path],
    out: Path | None,
    device: str,
    *,
    as_json: bool,
) -> None:
    """Measure on other data, or under stress."""
    from onebody.cli.beyond import print_cross, print_stress

    clips, views = how.clips, how.views
    if on:
        print_cross(
            run, on, split, clips=clips, views=views, device=device, out=out, as_json=as_json
        )
        return
    print_stress(
        run,
        against,
        split,
        stresses=kinds,
        clips=clips,
        views=views,
        device=device,
        out=out,
        as_json=as_json,
    )


def _print_figures(opened: Opened, *, as_json: bool) -> None:
    """Print the figures of every task, and what is reached without a task id."""
    from dataclasses import asdict

    from onebody.cli.tables import all_finite, figure_lines, metric_units
    from onebody.cli.without_task import block_lines, measure_without_task, plain
    from onebody.evaluation import figures

    measured = figures(opened.saved.network.tasks, opened.answers())
    found = {task: all_finite(values) for task, values in measured.items()}
    without = measure_without_task(opened)
    judged = opened.protocols()
    if as_json:
        values: dict[str, object] = {**found}
        if judged:
            values["judged"] = {task: asdict(protocol) for task, protocol in judged.items()}
        if without:
            values["without_task"] = plain(without)
        typer.echo(json.dumps(values, indent=2, allow_nan=False))
        return
    notes = {task: str(protocol) for task, protocol in judged.items()}
    for line in (*figure_lines(found, metric_units(), notes), *block_lines(without)):
        typer.echo(line)


def _check_plain(beyond: bool, **asked: bool) -> None:
    """Refuse options that belong to plain figures, beside --stress and --on."""
    for name, given in asked.items():
        if given and beyond:
            raise ValueError(f"--{name} is about plain figures. Leave out --stress and --on.")
    if asked["by"] and asked["outputs"]:
        raise ValueError("--by and --outputs are two tables. Ask for one at a time.")


def _check_media(media: str, **asked: bool) -> None:
    """Refuse what the table of all subsets has no place for, and media beside a fusion of runs."""
    for name, given in asked.items():
        if given and (media == "all-subsets" or (media and name == "fuse")):
            raise ValueError(f"--media {media} and --{name} are two tables. Ask for one at a time.")


def _check_fuse(fuse: bool, weights: str, *, outputs: bool, boxes: str, beyond: bool) -> None:
    """Refuse options that a fusion of runs does not know, and its weights without it."""
    for name, given in (
        ("--outputs", outputs),
        ("--boxes", boxes != "table"),
        ("--stress or --on", beyond),
    ):
        if fuse and given:
            raise ValueError(f"--fuse joins the plain answers of runs. Leave out {name}.")
    if weights != "equal" and not fuse:
        raise ValueError("--fuse-weights means something only with --fuse.")


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
