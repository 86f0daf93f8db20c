"""``onebody unusual``: what is unlike anything that a network was trained on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onebody.data import Source
    from onebody.evaluation.unusual import UnusualFigures
    from onebody.models import SavedNetwork


def unusual(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    changes: Annotated[
        list[str] | None, typer.Argument(help="With --on: key=value changes of that recipe.")
    ] = None,
    on: Annotated[
        str, typer.Option(help="A recipe whose 'unknown' rows are unusual [RUN's own].")
    ] = "",
    clips: Annotated[
        int | None, typer.Option(min=1, help="Clips joined per sample [default: as its recipe].")
    ] = None,
    device: Annotated[str, typer.Option(help="Where the network runs: cpu, cuda.")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell clips of held-out classes from others, by four scores and by plain motion.

    The statistics are those of training rows, limits those of validation rows; without --on they
    are kept beside the network. With --on both are of the other recipe's rows, and the network
    is RUN's: it must not know the rows that are tested.
    """
    from onebody.cli.opened import protocol_of
    from onebody.evaluation.unusual import fitted, look, measure_unusual, with_limits
    from onebody.inference import load
    from onebody.models.familiar import save_familiar
    from onebody.training import load_recipe

    if not (run / "recipe.yaml").is_file():
        raise ValueError(f"{run}: expected a run's folder (with recipe.yaml), found none.")
    saved = load(run, device=device).saved
    own = load_recipe(str(run))
    if changes and not on:
        raise ValueError("key=value changes are of another recipe. Name it (--on), or leave them.")
    splits = _splits(run, on, changes or (), saved)
    seen = partial(
        look,
        saved.network,
        clips=protocol_of(run, {"clips": clips}).clips,
        device=device,
        bf16=own.train.bf16,
    )
    familiar = fitted(saved.network, seen(splits["train"]))
    if splits["validation"]:
        familiar = with_limits(familiar, seen(splits["validation"]))
    found = measure_unusual(familiar, seen(splits["test"]), splits["test"])
    if not on:
        path = save_familiar(run / "model", familiar)
        typer.echo(f"written: {path}", err=True)
    if as_json:
        typer.echo(json.dumps(plain(found), indent=2, allow_nan=False))
        return
    for line in unusual_lines(found):
        typer.echo(line)


def _splits(
    run: Path, on: str, changes: Sequence[str], saved: SavedNetwork
) -> Mapping[str, Sequence[Source]]:
    """Return the rows by split, prepared as the network wants them, without augmentation.

    Raises:
        LeakageError: if the network knows rows of another recipe that would be tested.
        ValueError: if nothing is held out, or a split has no rows.
    """
    from dataclasses import replace

    from onebody.evaluation import check_apart
    from onebody.training import build_sources, load_recipe
    from onebody.training.known import known_rows

    recipe = load_recipe(on, list(changes)) if on else load_recipe(str(run))
    if not recipe.unknown:
        raise ValueError(
            f"{on or run}: the recipe holds no class out, so nothing is known to be unusual. State "
            "'unknown: {COLUMN: [CLASS, ..]}' when training (or with --on, in the other recipe)."
        )
    splits = build_sources(recipe).splits
    made = {
        part: [replace(source, augment=None, balance=(), weight=1.0) for source in found]
        for part, found in splits.items()
    }
    if on:
        # without the labels of another recipe, whose classes are not the network's
        made = {
            part: [replace(source, spec=saved.input, targets=()) for source in found]
            for part, found in made.items()
        }
        check_apart(known_rows(run), [source.table for source in made["test"]])
    if not made["test"]:
        raise ValueError(f"{on or run}: the test split has no rows.")
    return made


def unusual_lines(found: UnusualFigures) -> Iterator[str]:
    """Yield a table of the scores."""
    from onebody.cli.tables import show, text_table

    yield (
        f"{found.unusual} unusual test clips beside {found.usual} others; statistics of "
        f"{found.fitted} training clips"
    )
    rows = [
        (
            name,
            show(score.auroc, "%"),
            _bounds(score.interval.bounds),
            show(score.fpr95, "%"),
            "-" if score.limit is None else f"{score.limit:.3f}",
            show(score.alarms, "%"),
            show(score.caught, "%"),
        )
        for name, score in found.scores.items()
    ]
    over = f"interval over {found.groups}" if found.groups else "interval"
    yield from text_table(
        ("score", "AUROC", over, "FPR at 95 % TPR", "limit", "false alarms", "caught"), rows
    )
    reasons = {s.interval.reason for s in found.scores.values() if s.interval.bounds is None}
    for reason in sorted(reasons):
        yield f"no interval: {reason}"


def plain(found: UnusualFigures) -> dict[str, Any]:
    """Return the figures as plain values; None: nothing to measure."""
    from onebody.cli.tables import finite

    return {
        "fitted": found.fitted,
        "usual": found.usual,
        "unusual": found.unusual,
        "scores": {
            name: {
                "auroc": finite(score.auroc),
                "interval": list(score.interval.bounds) if score.interval.bounds else None,
                "fpr95": finite(score.fpr95),
                "limit": score.limit,
                "alarms": finite(score.alarms),
                "caught": finite(score.caught),
            }
            for name, score in found.scores.items()
        },
    }


def _bounds(bounds: tuple[float, float] | None) -> str:
    return "-" if bounds is None else f"{100 * bounds[0]:.1f} to {100 * bounds[1]:.1f} %"
